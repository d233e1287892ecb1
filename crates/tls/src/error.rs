//! Why a TLS configuration could not be built.

use crate::{KeyPairError, TrustAnchorsError};

/// Why a TLS configuration could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// There is no cryptography.
    #[error(
        "no crypto provider: enable the feature `aws-lc-rs` or `ring` of portcullis-tls, or pass one to `provider`"
    )]
    NoProvider,
    /// The server's own certificate or key.
    #[error(transparent)]
    KeyPair(#[from] KeyPairError),
    /// The authorities that client certificates are judged by.
    #[error(transparent)]
    TrustAnchors(#[from] TrustAnchorsError),
    /// The names of authorities do not fit into a handshake.
    #[error(
        "the names of the authorities take {bytes} bytes in every handshake, and at most {limit} fit: advertise fewer with `advertised_names`, or none with `advertise_no_names`"
    )]
    TooManyNames {
        /// How many bytes they take.
        bytes: usize,
        /// How many fit.
        limit: usize,
    },
    /// A name to be advertised is no name.
    #[error(
        "advertised name {position} is not the DER of a distinguished name: pass the subject of a certificate"
    )]
    AdvertisedName {
        /// Which one, counted from 1.
        position: usize,
    },
    /// A limit of zero, under which nothing could ever work.
    #[error("`{setting}` must be more than zero: leave it out for the default")]
    Zero {
        /// Which setting.
        setting: &'static str,
    },
    /// The protocol versions do not go together with the crypto provider.
    #[error("these protocol versions cannot be used with this crypto provider: {reason}")]
    Versions {
        /// What rustls says about it.
        reason: String,
    },
}
