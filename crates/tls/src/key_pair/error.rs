//! What can be wrong with the server's certificate and key.

use crate::{PassphraseError, PemError};

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
    /// The key is encrypted, and it is not said where its passphrase comes from.
    #[error(
        "the private key in {origin} is encrypted: say where its passphrase comes from, or write a plain key with `openssl pkey -in F -out G`"
    )]
    Encrypted {
        /// Where it was found.
        origin: String,
    },
    /// The passphrase of the key cannot be had.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The passphrase is not the one of the key.
    #[error(
        "the passphrase {given} does not open the private key in {origin}{}: give the right one, or copy the file again if it may be damaged", count(*tries)
    )]
    WrongPassphrase {
        /// Where the key was found.
        origin: String,
        /// Where the passphrase came from.
        given: String,
        /// How often it was given.
        tries: usize,
    },
    /// The passphrase that was given at the start is not the one of the renewed key.
    #[error(
        "the passphrase that was given at the start does not open the renewed private key in {origin}: encrypt it with the same one, or start the server anew"
    )]
    RenewedPassphrase {
        /// Where the key was found.
        origin: String,
    },
    /// The key is encrypted in a way that is not read.
    #[error(
        "the private key in {origin} is encrypted with `{scheme}`, which is not read: convert it with `openssl pkcs8 -topk8 -v2 aes256 -in F -out G`"
    )]
    UnsupportedEncryption {
        /// Where it was found.
        origin: String,
        /// What it is encrypted with.
        scheme: String,
    },
    /// What says how the key is encrypted cannot be read.
    #[error("the encrypted private key in {origin} is damaged: copy the file again")]
    DamagedEncryption {
        /// Where it was found.
        origin: String,
    },
    /// Trying a passphrase would take too long, or too much memory.
    #[error(
        "the private key in {origin} asks for more work or memory to try a passphrase than any honest one: encrypt it anew with `openssl pkcs8 -topk8 -v2 aes256 -in F -out G`"
    )]
    Costly {
        /// Where it was found.
        origin: String,
    },
    /// There is a bundle where a key should be.
    #[error(
        "{origin} is a PKCS#12 bundle, and no private key: load it as one, without a separate certificate"
    )]
    Bundle {
        /// Where it was found.
        origin: String,
    },
    /// A PKCS#12 bundle cannot be read.
    #[error("{origin} is no PKCS#12 bundle, or a damaged one: copy the file again")]
    DamagedBundle {
        /// Where it was found.
        origin: String,
    },
    /// A PKCS#12 bundle is encrypted or sealed in a way that is not read.
    #[error(
        "the PKCS#12 bundle in {origin} is encrypted or sealed in a way that is not read: make it again with `openssl pkcs12 -export`"
    )]
    UnsupportedBundle {
        /// Where it was found.
        origin: String,
    },
    /// The passphrase cannot be the one of a PKCS#12 bundle.
    #[error(
        "the passphrase {given} cannot be the one of the PKCS#12 bundle in {origin}: it has to be UTF-8 text without emoji and other characters above U+FFFF"
    )]
    BundlePassphrase {
        /// Where the bundle was found.
        origin: String,
        /// Where the passphrase came from.
        given: String,
    },
    /// A PKCS#12 bundle has no key.
    #[error(
        "the PKCS#12 bundle in {origin} has no private key: export the server's certificate with its key"
    )]
    BundleWithoutKey {
        /// Where it was found.
        origin: String,
    },
    /// A PKCS#12 bundle has no certificate.
    #[error(
        "the PKCS#12 bundle in {origin} has no certificate: export the server's key with its certificate"
    )]
    BundleWithoutCertificate {
        /// Where it was found.
        origin: String,
    },
    /// A PKCS#12 bundle has several keys, and it is not said which one is meant.
    #[error(
        "the PKCS#12 bundle in {origin} has several private keys, {names}: export the one that belongs to the server's certificate"
    )]
    BundleWithSeveralKeys {
        /// Where it was found.
        origin: String,
        /// What they are called.
        names: String,
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

/// How often something was tried, if it was more than once.
fn count(tries: usize) -> String {
    if tries > 1 { format!(" after {tries} tries") } else { String::new() }
}
