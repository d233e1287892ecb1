#![doc = include_str!("../README.md")]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod ask_again;
mod bind;
mod caller;
mod connection;
pub mod guard;
mod peer;
mod rejection;

pub use ask_again::AskAgain;
pub use bind::{BindError, BindPortcullis, ConnectionOptions};
pub use caller::Caller;
pub use connection::Connection;
pub use guard::{Admission, Guard};
pub use peer::Peer;
pub use rejection::{Rejection, RejectionKind};

pub use portcullis_core as core;
pub use portcullis_core::{
    Authorizer, Certificate, Denial, DenialKind, Distrust, Identity, Policy, Principal, RoleMap,
    RoleProvider, rule,
};
pub use portcullis_tls as tls;
pub use portcullis_tls::{ClientAuth, KeyPair, ServerTls, TrustAnchors};
