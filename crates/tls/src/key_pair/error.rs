//! What can be wrong with the server's certificate and key.

use crate::PemError;

/// What is wrong with the server's certificate or key.
///
/// No variant ever holds a part of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyPairError {
    /// The PEM text cannot be read.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// There is no certificate where one should be.
    #[error(
        "{origin} has no `CERTIFICATE` block, only {found}: pass the server's certificate, and check that certificate and key are not swapped"
    )]
    NoCertificate {
        /// Where it was looked for.
        origin: String,
        /// What was found.
        found: String,
    },
    /// There is no private key where one should be.
    #[error(
        "{origin} has no `PRIVATE KEY` block, only {found}: pass the server's private key, and check that certificate and key are not swapped"
    )]
    NoKey {
        /// Where it was looked for.
        origin: String,
        /// What was found.
        found: String,
    },
    /// There are several keys, and it is not said which one is meant.
    #[error("{origin} has more than one private key: leave the one that belongs to the server's certificate")]
    SeveralKeys {
        /// Where they were found.
        origin: String,
    },
    /// The key is encrypted.
    #[error("the private key in {origin} is encrypted: write a plain one with `openssl pkey -in F -out G`")]
    Encrypted {
        /// Where it was found.
        origin: String,
    },
    /// The key is in a format that is not read.
    #[error(
        "the private key in {origin} is of the format `{label}`, which is not read: convert it to PKCS#8 with `openssl pkey -in F -out G`, or with `ssh-keygen -p -m PKCS8 -f F` if it was made by OpenSSH"
    )]
    KeyFormat {
        /// Where it was found.
        origin: String,
        /// What it says it is.
        label: String,
    },
    /// The certificate carries OpenSSL's own trust settings.
    #[error(
        "{origin} has a `TRUSTED CERTIFICATE` block, which is OpenSSL's own format: convert it with `openssl x509 -in F -out G`"
    )]
    TrustedCertificate {
        /// Where it was found.
        origin: String,
    },
    /// A certificate cannot be read.
    #[error("certificate {position} in {origin} cannot be used: {reason}")]
    Certificate {
        /// Where it was found.
        origin: String,
        /// Which one, counted from 1.
        position: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The key cannot be used.
    #[error(
        "the private key in {origin} cannot be used: it is damaged, or of a kind that the crypto provider does not know; RSA from 2048 bits, ECDSA P-256 and P-384, and Ed25519 work everywhere"
    )]
    UnusableKey {
        /// Where it was found.
        origin: String,
    },
    /// The key belongs to another certificate.
    #[error(
        "the private key in {key} does not belong to any certificate in {certificates}: pass the two that were made together"
    )]
    Mismatch {
        /// Where the certificates were found.
        certificates: String,
        /// Where the key was found.
        key: String,
    },
    /// The key belongs to a certificate that does not come first.
    #[error(
        "the private key belongs to certificate {position} in {origin}, and not to the first one: put the server's own certificate first, then the intermediates"
    )]
    Order {
        /// Where the certificates were found.
        origin: String,
        /// Which one the key belongs to, counted from 1.
        position: usize,
    },
}
