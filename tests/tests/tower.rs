//! Every case and every scenario against the tower adapter.

use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    portcullis_tests::harness::conformance::<portcullis_tests::adapter::tower::Tower>()
}
