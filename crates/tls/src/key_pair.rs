//! The server's own certificate and its private key.

mod error;

use std::fmt;
use std::path::PathBuf;

use portcullis_core::Certificate;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};
use rustls::sign::CertifiedKey;

pub use self::error::KeyPairError;
use crate::pem::{self, Block, Input};

/// A certificate chain, the server's own certificate first, and the private key that belongs to it.
///
/// Nothing is read before the configuration is built, so every fault is reported there. Keys are
/// PKCS#8, PKCS#1 (`RSA PRIVATE KEY`) or SEC1 (`EC PRIVATE KEY`).
///
/// # Security
///
/// If the key leaks, then whoever has it can pose as this server.
///
/// # Examples
///
/// ```
/// use portcullis_tls::{KeyPair, KeyPairError, ServerTls, TlsError};
///
/// # let server = portcullis_pki::Authority::new("Example CA")?.server().issue()?;
/// let good = KeyPair::from_pem(server.chain_pem()?, server.key_pem()?);
/// assert!(ServerTls::builder(good).build().is_ok());
///
/// let swapped = KeyPair::from_pem(server.key_pem()?, server.chain_pem()?);
/// let refused = ServerTls::builder(swapped).build();
/// assert!(matches!(refused, Err(TlsError::KeyPair(KeyPairError::NoCertificate { .. }))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeyPair {
    chain: Chain,
    key: Key,
}

enum Chain {
    Pem(Input),
    Der(Vec<CertificateDer<'static>>),
}

enum Key {
    Pem(Input),
    Der(Vec<u8>),
}

impl KeyPair {
    /// The certificates of one PEM file and the key of another one, or of the same one.
    pub fn from_pem_files(certificates: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self { chain: Chain::Pem(Input::File(certificates.into())), key: Key::Pem(Input::File(key.into())) }
    }

    /// Certificates and key in PEM.
    pub fn from_pem(certificates: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self {
            chain: Chain::Pem(Input::Memory(certificates.into())),
            key: Key::Pem(Input::Memory(key.into())),
        }
    }

    /// Certificates and key in DER.
    pub fn from_der(
        certificates: impl IntoIterator<Item = impl Into<Vec<u8>>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        let certificates = certificates.into_iter().map(|der| CertificateDer::from(der.into()));
        Self { chain: Chain::Der(certificates.collect()), key: Key::Der(key.into()) }
    }

    /// Reads both, and checks that they belong together.
    pub(crate) fn load(&self, provider: &CryptoProvider, now: i64) -> Result<CertifiedKey, KeyPairError> {
        let (chain, chain_origin) = self.read_chain()?;
        let certificates = parse_chain(&chain, &chain_origin)?;
        if certificates.first().is_some_and(|own| !own.is_valid_at(now)) {
            // A matter for the clients, and for whoever runs the tests of tomorrow.
            tracing::warn!(target: "portcullis::tls", "the server's certificate in {chain_origin} is out of date");
        }
        let (key, key_origin) = self.read_key()?;
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|_| KeyPairError::UnusableKey { origin: key_origin.clone() })?;
        let Some(public_key) = key.public_key() else { return Ok(CertifiedKey::new(chain, key)) };
        match certificates.iter().position(|certificate| certificate.spki_der() == public_key.as_ref()) {
            Some(0) => Ok(CertifiedKey::new(chain, key)),
            Some(index) => Err(KeyPairError::Order { origin: chain_origin, position: index + 1 }),
            None => Err(KeyPairError::Mismatch { certificates: chain_origin, key: key_origin }),
        }
    }

    fn read_chain(&self) -> Result<(Vec<CertificateDer<'static>>, String), KeyPairError> {
        let input = match &self.chain {
            Chain::Der(chain) => return Ok((chain.clone(), "the server's certificate chain".into())),
            Chain::Pem(input) => input,
        };
        let (bytes, origin) = input.read("the PEM text of the server's certificates")?;
        let blocks = pem::blocks(&bytes, &origin)?;
        let mut chain = Vec::new();
        for block in &blocks {
            match block.label.as_str() {
                "CERTIFICATE" => chain.push(CertificateDer::from(block.der(&origin)?)),
                "TRUSTED CERTIFICATE" => return Err(KeyPairError::TrustedCertificate { origin }),
                // A key may stand in the same file.
                _ => {}
            }
        }
        if chain.is_empty() {
            return Err(KeyPairError::NoCertificate { origin, found: labels(&blocks) });
        }
        Ok((chain, origin))
    }

    fn read_key(&self) -> Result<(PrivateKeyDer<'static>, String), KeyPairError> {
        let input = match &self.key {
            Key::Pem(input) => input,
            Key::Der(der) => {
                let origin = "the server's private key".to_owned();
                return match PrivateKeyDer::try_from(der.clone()) {
                    Ok(key) => Ok((key, origin)),
                    Err(_) => Err(KeyPairError::UnusableKey { origin }),
                };
            }
        };
        let (bytes, origin) = input.read("the PEM text of the server's private key")?;
        let blocks = pem::blocks(&bytes, &origin)?;
        let mut keys = blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY"));
        let Some(block) = keys.next() else {
            return Err(KeyPairError::NoKey { origin, found: labels(&blocks) });
        };
        if keys.next().is_some() {
            return Err(KeyPairError::SeveralKeys { origin });
        }
        let key = read_key_block(block, &origin)?;
        Ok((key, origin))
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificates = match &self.chain {
            Chain::Pem(input) => input.origin("PEM"),
            Chain::Der(_) => "DER".into(),
        };
        let key = match &self.key {
            Key::Pem(input) => input.origin("PEM"),
            Key::Der(_) => "DER".into(),
        };
        f.debug_struct("KeyPair").field("certificates", &certificates).field("key", &key).finish()
    }
}

fn read_key_block(block: &Block, origin: &str) -> Result<PrivateKeyDer<'static>, KeyPairError> {
    let origin = origin.to_owned();
    if block.label == "ENCRYPTED PRIVATE KEY" || block.has_encryption_header {
        return Err(KeyPairError::Encrypted { origin });
    }
    match block.label.as_str() {
        "PRIVATE KEY" => Ok(PrivatePkcs8KeyDer::from(block.der(&origin)?).into()),
        "RSA PRIVATE KEY" => Ok(PrivatePkcs1KeyDer::from(block.der(&origin)?).into()),
        "EC PRIVATE KEY" => Ok(PrivateSec1KeyDer::from(block.der(&origin)?).into()),
        label => Err(KeyPairError::KeyFormat { origin, label: label.to_owned() }),
    }
}

fn parse_chain(chain: &[CertificateDer<'_>], origin: &str) -> Result<Vec<Certificate>, KeyPairError> {
    if chain.is_empty() {
        return Err(KeyPairError::NoCertificate { origin: origin.to_owned(), found: "nothing".into() });
    }
    let parse = |(index, der): (usize, &CertificateDer<'_>)| {
        Certificate::from_der(der).map_err(|error| KeyPairError::Certificate {
            origin: origin.to_owned(),
            position: index + 1,
            reason: error.to_string(),
        })
    };
    chain.iter().enumerate().map(parse).collect()
}

/// The kinds of blocks there are, for a message.
fn labels(blocks: &[Block]) -> String {
    let mut labels: Vec<_> = blocks.iter().map(|block| format!("`{}`", block.label)).collect();
    labels.dedup();
    labels.truncate(3);
    labels.join(", ")
}
