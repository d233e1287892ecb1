//! Encrypted keys, and how their passphrase is given.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

const EXAMPLE: &str = env!("CARGO_BIN_EXE_example-axum");

#[path = "../../shared/checks/keys.rs"]
mod keys;
