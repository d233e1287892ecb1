//! The adapter from the outside: in process, and over real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod endings;
mod extractors;
mod guard;
#[cfg(all(feature = "http2", any(feature = "aws-lc-rs", feature = "ring")))]
mod http2;
mod paths;
#[cfg(feature = "ocsp")]
mod responder;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tls;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod wire;
