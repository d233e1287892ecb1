#![doc = include_str!("../README.md")]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod caller;
mod connection;
mod guard;
mod peer;
mod rejection;
pub mod serve;

pub use caller::Caller;
pub use connection::Connection;
pub use guard::{DeniedPage, Guarded, GuardedFuture, guard};
pub use peer::Peer;
pub use rejection::Rejection;
pub use serve::{Serve, ServeError, serve, serve_plain};

pub use portcullis_core as core;
pub use portcullis_tls as tls;

pub use portcullis_core::{
    Authorizer, Certificate, Denial, DenialKind, Distrust, Identity, Policy, Principal, RoleMap,
    RoleProvider, rule,
};
pub use portcullis_tls::{ClientAuth, KeyPair, ServerTls, TrustAnchors};
pub use portcullis_tower::{AskAgain, DefaultPage, RenderDenial};
