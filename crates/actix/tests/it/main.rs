//! The adapter from the outside: in process, and over real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;
mod extractors;
mod guard;
#[cfg(feature = "http2")]
mod http2;
mod paths;
mod tls;
mod wire;
