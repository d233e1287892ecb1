//! Every case and every scenario against the axum adapter.

use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    portcullis_tests::harness::conformance::<portcullis_tests::adapter::axum::Axum>()
}
