//! Private keys that need a passphrase.

pub(super) mod cost;
mod legacy;
mod pkcs8;

use ::pkcs8::der::asn1::AnyRef;
use ::pkcs8::der::{Decode, Tag, Tagged};
use rustls::pki_types::PrivateKeyDer;

use super::material::KeyFormat;
use crate::KeyPairError;

/// A private key that needs a passphrase, whose encryption is known.
pub(super) enum Locked {
    Pkcs8(pkcs8::EncryptedKey),
    Legacy { key: legacy::EncryptedKey, format: KeyFormat },
}

impl Locked {
    /// `ENCRYPTED PRIVATE KEY`.
    pub(super) fn pkcs8(der: &[u8], origin: &str) -> Result<Self, KeyPairError> {
        Ok(Self::Pkcs8(pkcs8::EncryptedKey::read(der, origin)?))
    }

    /// A block with the header `Proc-Type: 4,ENCRYPTED`.
    pub(super) fn legacy(
        header: &str,
        data: Vec<u8>,
        format: KeyFormat,
        origin: &str,
    ) -> Result<Self, KeyPairError> {
        Ok(Self::Legacy { key: legacy::EncryptedKey::read(header, data, origin)?, format })
    }

    /// The key; none if this is not its passphrase.
    pub(super) fn open(&self, passphrase: &[u8]) -> Option<PrivateKeyDer<'static>> {
        match self {
            Self::Pkcs8(key) => Some(KeyFormat::Pkcs8.key(key.open(passphrase)?.to_vec())),
            Self::Legacy { key, format } => Some(format.key(key.open(passphrase)?.to_vec())),
        }
    }

    /// Tells the operator of an encryption that is no longer good enough.
    pub(super) fn warn_if_weak(&self, origin: &str) {
        let weakness = match self {
            Self::Pkcs8(key) => key.weakness(),
            Self::Legacy { .. } => Some("one round of MD5"),
        };
        if let Some(weakness) = weakness {
            tracing::warn!(
                target: "portcullis::tls",
                "the private key in {origin} is encrypted with {weakness}, which is out of date: encrypt it anew with `openssl pkcs8 -topk8 -v2 aes256 -in F -out G`"
            );
        }
    }
}

/// Whether bytes are one sequence that begins with a version, as every format of keys is.
fn looks_like_a_key(der: &[u8]) -> bool {
    AnyRef::from_der(der)
        .is_ok_and(|key| key.tag() == Tag::Sequence && key.value().starts_with(&[0x02, 0x01]))
}
