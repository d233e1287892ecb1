//! Why bytes are no certificate.

use super::{der::Malformed, oid::Oid};

/// The bytes are no certificate that can be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// More bytes than are looked at.
    #[error("the certificate has {bytes} bytes: at most {limit} are accepted")]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many are accepted.
        limit: usize,
    },
    /// Not the DER that stands here in a certificate.
    #[error("the {part} is malformed: have the certificate issued again with a conforming tool")]
    Malformed {
        /// Which part of the certificate.
        part: &'static str,
    },
    /// More of something than is looked at.
    #[error("the certificate has too many {part}: at most {limit} are accepted")]
    TooMany {
        /// What there is too much of.
        part: &'static str,
        /// How many are accepted.
        limit: usize,
    },
    /// An extension is there twice, so that two readers could follow different ones.
    #[error("the certificate has the extension `{oid}` more than once")]
    DuplicateExtension {
        /// Which extension.
        oid: Oid,
    },
    /// Not version 1, 2 or 3.
    #[error("the certificate has an unknown version: only 1, 2 and 3 exist")]
    Version,
    /// Extensions exist since version 3 only.
    #[error("the certificate has extensions, but version {version}: only version 3 can have them")]
    ExtensionsBeforeVersion3 {
        /// The version that it claims.
        version: u8,
    },
    /// The signed part and the outer part name different signature algorithms.
    #[error("the certificate names two different signature algorithms")]
    SignatureAlgorithmMismatch,
}

/// Says which part was malformed.
pub(super) fn malformed(part: &'static str) -> impl Fn(Malformed) -> CertificateError {
    move |Malformed| CertificateError::Malformed { part }
}
