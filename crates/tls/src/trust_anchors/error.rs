//! What can be wrong with trust anchors.

use crate::PemError;

/// What is wrong with the trust anchors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustAnchorsError {
    /// The PEM text cannot be read.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// There are none, so nobody could ever be trusted.
    #[error(
        "there are no trust anchors: add the certificate of an authority, or leave client authentication out"
    )]
    None,
    /// A label that could not be told from another one, or would spoil a log.
    #[error(
        "`{label}` is no label for trust anchors: use a word without control characters, such as `staff`"
    )]
    Label {
        /// The label.
        label: String,
    },
    /// Something else among the certificates.
    #[error(
        "{origin}: a `{label}` block begins in line {line} among the trust anchors: leave `CERTIFICATE` blocks only; for a `TRUSTED CERTIFICATE` use `openssl x509 -in F -out G`"
    )]
    ForeignBlock {
        /// Where it was found.
        origin: String,
        /// The line in which it begins, counted from 1.
        line: usize,
        /// What it says it is.
        label: String,
    },
    /// A certificate cannot be read.
    #[error("{anchor} cannot be used as a trust anchor: {reason}")]
    Malformed {
        /// Which certificate.
        anchor: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate does not belong to an authority.
    #[error(
        "{anchor} is not the certificate of an authority: a trust anchor needs version 3 and basicConstraints CA:TRUE"
    )]
    NotAuthority {
        /// Which certificate.
        anchor: String,
    },
    /// The authority may not issue certificates.
    #[error("{anchor} may not issue certificates: its keyUsage lacks keyCertSign")]
    CannotIssue {
        /// Which certificate.
        anchor: String,
    },
    /// The authority breaks a rule of RFC 5280.
    #[error(
        "the trust anchor `{subject}` under `{label}` breaks a rule of RFC 5280: {violation}; have it issued anew"
    )]
    Nonconforming {
        /// The label of the anchor.
        label: String,
        /// The subject of its certificate.
        subject: String,
        /// Which rule, with its section.
        violation: String,
    },
    /// The certificate has expired.
    #[error("{anchor} expired: replace it, or take it out")]
    Expired {
        /// Which certificate.
        anchor: String,
        /// The last second of its validity, since the Unix epoch.
        not_after: i64,
    },
    /// The certificate is not valid yet.
    #[error("{anchor} is not valid yet: check the clock of this machine, or add it later")]
    NotYetValid {
        /// Which certificate.
        anchor: String,
        /// The first second of its validity, since the Unix epoch.
        not_before: i64,
    },
    /// Its key can be broken.
    #[error(
        "{anchor} has a key that is too weak ({key}): use one with ECDSA P-256, or RSA of at least 2048 bits"
    )]
    WeakKey {
        /// Which certificate.
        anchor: String,
        /// The key in words.
        key: String,
    },
    /// Its key is of a kind that signatures cannot be checked with.
    #[error(
        "{anchor} has a key of a kind that the crypto provider does not know ({key}): use one with ECDSA P-256, or RSA of at least 2048 bits"
    )]
    UnknownKey {
        /// Which certificate.
        anchor: String,
        /// The key in words.
        key: String,
    },
    /// The same key under two labels: it could not be said who vouched.
    #[error("{anchor} is also a trust anchor under the label `{other}`: leave it under one label")]
    TwoLabels {
        /// Which certificate.
        anchor: String,
        /// The label under which it was first added.
        other: String,
    },
}
