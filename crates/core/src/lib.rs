#![doc = include_str!("../README.md")]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod audit;
pub mod authorizer;
pub mod certificate;
pub mod coverage;
pub mod decision;
pub mod denial;
pub mod explain;
pub mod identity;
mod metric;
pub mod peer;
pub mod policy;
pub mod principal;
pub mod provider;
pub mod request;
pub mod role;
pub mod rule;
pub mod testing;

pub use authorizer::{Authorizer, Verdict};
pub use certificate::Certificate;
pub use decision::Decision;
pub use denial::{Denial, DenialKind};
pub use explain::Explanation;
pub use identity::{Anchor, Identity, Provenance};
pub use peer::live::{Connection, ConnectionInfo, Live};
pub use peer::{Distrust, Peer};
pub use policy::Policy;
pub use principal::Principal;
pub use provider::{RoleMap, RoleProvider};
pub use request::{Ambiguity, Firewall, Request};
pub use role::{Role, Roles};
pub use rule::Rule;
