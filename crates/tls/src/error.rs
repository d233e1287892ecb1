//! Why a TLS configuration could not be built.

use crate::{KeyPairError, RevocationError, TrustAnchorsError};

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
    /// What says which certificates are revoked.
    #[error(transparent)]
    Revocation(#[from] RevocationError),
    /// It is said which certificates are revoked, and nobody is judged by it.
    #[error(
        "`revocation` is set, but no client is judged by it: set `client_auth`, too, or leave `revocation` out"
    )]
    IdleRevocation,
    /// Keys that can be broken would be trusted.
    #[error("RSA keys of {bits} bits can be broken: ask for {smallest} at least")]
    SmallKeys {
        /// How many bits were asked for.
        bits: u32,
        /// How many are safe.
        smallest: u32,
    },
    /// No key could be one of those that are pinned.
    #[error("nothing is pinned for the trust anchors `{label}`: name a fingerprint, or do not pin")]
    NoPins {
        /// The label.
        label: String,
    },
    /// Keys are pinned for anchors that are not there.
    #[error("no trust anchor has the label `{label}`, for which keys are pinned")]
    PinnedLabel {
        /// The label.
        label: String,
    },
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
    /// A site that nobody could ever ask for.
    #[error("site {number} has no names: give it those that clients ask for, such as `admin.example.com`")]
    NamelessSite {
        /// Which one, counted from 1.
        number: usize,
    },
    /// A name that no server can have.
    #[error(
        "`{name}` is no name of a site: use one such as `admin.example.com`, or `*.example.com` for all with one more label"
    )]
    ServerName {
        /// The name.
        name: String,
    },
    /// A name that clients write in another way.
    #[error("the site `{name}` is named in letters that clients do not send: write its `xn--` form")]
    InternationalName {
        /// The name.
        name: String,
    },
    /// A name that two sites have.
    #[error("`{name}` is the name of a site already: leave it at one of them")]
    NameTwice {
        /// The name.
        name: String,
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
