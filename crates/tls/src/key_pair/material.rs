//! What a key pair is made of, read and taken apart.

use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};
use zeroize::Zeroizing;

use super::locked::Locked;
use super::{Chain, Key};
use crate::pem::{self, Block};
use crate::{KeyPairError, PemError};

/// A private key as it was found.
pub(super) enum KeyMaterial {
    Plain(PrivateKeyDer<'static>),
    Locked(Locked),
}

/// The formats of private keys.
#[derive(Clone, Copy)]
pub(super) enum KeyFormat {
    Pkcs8,
    Pkcs1,
    Sec1,
}

impl KeyFormat {
    pub(super) fn key(self, der: Vec<u8>) -> PrivateKeyDer<'static> {
        match self {
            Self::Pkcs8 => PrivatePkcs8KeyDer::from(der).into(),
            Self::Pkcs1 => PrivatePkcs1KeyDer::from(der).into(),
            Self::Sec1 => PrivateSec1KeyDer::from(der).into(),
        }
    }
}

impl Chain {
    /// The certificates, and where they were found.
    pub(super) fn read(&self) -> Result<(Vec<CertificateDer<'static>>, String), KeyPairError> {
        let input = match self {
            Self::Der(chain) => return Ok((chain.clone(), "the server's certificate chain".into())),
            Self::Pem(input) => input,
        };
        let (bytes, origin) = input.read("the PEM text of the server's certificates")?;
        // A key may stand in the same file.
        let bytes = Zeroizing::new(bytes);
        let blocks = pem::blocks(&bytes, &origin)?;
        let mut chain = Vec::new();
        for block in &blocks {
            match block.label.as_str() {
                "CERTIFICATE" => chain.push(CertificateDer::from(block.der(&origin)?)),
                "TRUSTED CERTIFICATE" => return Err(KeyPairError::TrustedCertificate { origin }),
                _ => {}
            }
        }
        if chain.is_empty() {
            return Err(KeyPairError::NoCertificate { origin, found: labels(&blocks) });
        }
        Ok((chain, origin))
    }
}

impl Key {
    /// The key, and where it was found.
    pub(super) fn read(&self) -> Result<(KeyMaterial, String), KeyPairError> {
        let input = match self {
            Self::Pem(input) => input,
            Self::Der(der) => {
                let origin = "the server's private key".to_owned();
                return Ok((from_der(der, &origin)?, origin));
            }
        };
        let (bytes, origin) = input.read("the PEM text of the server's private key")?;
        let bytes = Zeroizing::new(bytes);
        let blocks = match pem::blocks(&bytes, &origin) {
            // Some tools write keys so; there is nothing to mistake them for.
            Err(PemError::Der { .. }) => return Ok((from_der(&bytes, &origin)?, origin)),
            blocks => blocks?,
        };
        let mut keys = blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY"));
        let Some(block) = keys.next() else {
            return Err(KeyPairError::NoKey { origin, found: labels(&blocks) });
        };
        if keys.next().is_some() {
            return Err(KeyPairError::SeveralKeys { origin });
        }
        let key = from_block(block, &origin)?;
        Ok((key, origin))
    }
}

fn from_block(block: &Block, origin: &str) -> Result<KeyMaterial, KeyPairError> {
    let format = match block.label.as_str() {
        "ENCRYPTED PRIVATE KEY" => {
            return Ok(KeyMaterial::Locked(Locked::pkcs8(&block.der(origin)?, origin)?));
        }
        "PRIVATE KEY" => KeyFormat::Pkcs8,
        "RSA PRIVATE KEY" => KeyFormat::Pkcs1,
        "EC PRIVATE KEY" => KeyFormat::Sec1,
        label => return Err(KeyPairError::KeyFormat { origin: origin.to_owned(), label: label.to_owned() }),
    };
    let der = block.der(origin)?;
    Ok(if block.has_encryption_header {
        KeyMaterial::Locked(Locked::legacy(&block.encryption, der, format, origin)?)
    } else {
        KeyMaterial::Plain(format.key(der))
    })
}

fn from_der(der: &[u8], origin: &str) -> Result<KeyMaterial, KeyPairError> {
    match inside(der) {
        // A version begins every format of plain keys; PKCS#12 is at version 3.
        Some([0x02, 0x01, 0x03, 0x30, ..]) => Err(KeyPairError::Bundle { origin: origin.to_owned() }),
        Some([0x30, ..]) => Ok(KeyMaterial::Locked(Locked::pkcs8(der, origin)?)),
        _ => match PrivateKeyDer::try_from(der.to_vec()) {
            Ok(key) => Ok(KeyMaterial::Plain(key)),
            Err(_) => Err(KeyPairError::UnusableKey { origin: origin.to_owned() }),
        },
    }
}

/// What is in the sequence that DER begins with, whether it is complete or not.
fn inside(der: &[u8]) -> Option<&[u8]> {
    let (0x30, rest) = der.split_first().map(|(tag, rest)| (*tag, rest))? else { return None };
    let (length, rest) = rest.split_first()?;
    // From 0x80 the length is in as many bytes more.
    let more = usize::from(length.checked_sub(0x80).unwrap_or_default());
    rest.get(more..)
}

/// The kinds of blocks there are, for a message.
fn labels(blocks: &[Block]) -> String {
    let mut labels: Vec<_> = blocks.iter().map(|block| format!("`{}`", block.label)).collect();
    labels.dedup();
    labels.truncate(3);
    labels.join(", ")
}
