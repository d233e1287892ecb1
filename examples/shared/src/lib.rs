//! What the examples have in common, so that each of them shows nothing but its framework.
//!
//! Flags ([`Args`]) and what they make of the server ([`Setup`]), the development PKI ([`Greeting`]), the
//! policy ([`authorizer`]), the signal to read files again ([`follow`]), the pages ([`pages`]) and what `/whoami` answers ([`Whoami`]).

mod args;
mod development;
mod follow;
pub mod pages;
mod policy;
mod report;
mod setup;
mod whoami;

pub use args::{Args, ClientAuthMode};
pub use development::Greeting;
pub use follow::follow;
pub use policy::authorizer;
pub use report::{init_log, report};
pub use setup::{Limits, Setup};
pub use whoami::Whoami;

/// The folder that both examples serve below `/static/`.
pub const STATIC_FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/static");
