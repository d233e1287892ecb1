//! How the program starts, and how it refuses to.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

const EXAMPLE: &str = env!("CARGO_BIN_EXE_example-actix");

#[path = "../../shared/checks/start.rs"]
mod start;
