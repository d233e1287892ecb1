#![doc = include_str!("../README.md")]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod authority;
mod development;
mod disk;
mod error;
mod extension;
mod general_name;
pub mod hostile;
mod issued;
mod key;
mod leaf;
mod name;
mod ocsp;
mod oid;
mod pem;
mod raw;
mod request;
mod revocation_list;
mod store;

pub use authority::{Authority, AuthorityBuilder};
pub use development::{Development, DevelopmentClient, development};
pub use error::PkiError;
pub use extension::{Extension, KeyUsage};
pub use general_name::GeneralName;
pub use issued::Issued;
pub use key::KeyAlgorithm;
pub use leaf::LeafBuilder;
pub use name::{Attribute, DistinguishedName, StringType};
pub use ocsp::OcspAnswer;
pub use oid::Oid;
pub use raw::RawCertificate;
pub use request::SigningRequest;
pub use revocation_list::{
    DistributionPoint, IssuingDistributionPoint, RevocationList, RevocationListBuilder, RevocationReason,
    Revoked,
};
pub use store::{Entry, Kind, Revocation, Slot, Status, Store, StoreError};
