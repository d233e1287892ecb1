//! Private keys and what they sign.

use pkcs8::{PrivateKeyInfoRef, SecretDocument};
use rcgen::{KeyPair, PublicKeyData, RsaKeySize, SigningKey};
use sha2::{Digest, Sha256};
use x509_parser::{prelude::FromDer, public_key::PublicKey, x509::SubjectPublicKeyInfo};
use yasna::DERWriter;

use crate::{Oid, PkiError};

/// The kinds of key that certificates can be made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256: small, quick, understood by every peer.
    #[default]
    P256,
    /// ECDSA on P-384 with SHA-384.
    P384,
    /// RSA with 2048 bits, PKCS#1 v1.5 and SHA-256; slow to make.
    Rsa2048,
    /// RSA with 3072 bits, PKCS#1 v1.5 and SHA-256.
    Rsa3072,
    /// RSA with 4096 bits, PKCS#1 v1.5 and SHA-256; slower still.
    Rsa4096,
    /// Ed25519, which browsers do not accept.
    Ed25519,
}

impl KeyAlgorithm {
    fn rcgen(self) -> &'static rcgen::SignatureAlgorithm {
        match self {
            Self::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => &rcgen::PKCS_RSA_SHA256,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
        }
    }

    fn rsa(self) -> Option<RsaKeySize> {
        match self {
            Self::Rsa2048 => Some(RsaKeySize::_2048),
            Self::Rsa3072 => Some(RsaKeySize::_3072),
            Self::Rsa4096 => Some(RsaKeySize::_4096),
            Self::P256 | Self::P384 | Self::Ed25519 => None,
        }
    }

    /// The kind of a public key; nothing if this crate makes no such keys.
    pub(crate) fn of(public: &SubjectPublicKeyInfo<'_>) -> Option<Self> {
        if public.algorithm.algorithm.to_id_string() == Oid::ED25519.to_string() {
            return Some(Self::Ed25519);
        }
        match public.parsed() {
            Ok(PublicKey::RSA(key)) => match key.key_size() {
                2048 => Some(Self::Rsa2048),
                3072 => Some(Self::Rsa3072),
                4096 => Some(Self::Rsa4096),
                _ => None,
            },
            Ok(PublicKey::EC(point)) => match point.key_size() {
                256 => Some(Self::P256),
                384 => Some(Self::P384),
                _ => None,
            },
            _ => None,
        }
    }

    /// Writes the `AlgorithmIdentifier` of this key's signatures.
    pub(crate) fn write_signature_algorithm(self, writer: DERWriter<'_>) {
        let oid = match self {
            Self::P256 => Oid::ECDSA_WITH_SHA256,
            Self::P384 => Oid::ECDSA_WITH_SHA384,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => Oid::SHA256_WITH_RSA,
            Self::Ed25519 => Oid::ED25519,
        };
        writer.write_sequence(|writer| {
            writer.next().write_oid(&oid.to_asn1());
            if self.rsa().is_some() {
                writer.next().write_null();
            }
        });
    }
}

/// A key pair. It has no `Debug`, so nobody can print it by accident.
pub(crate) struct Key {
    pair: KeyPair,
    algorithm: KeyAlgorithm,
}

impl Key {
    pub(crate) fn generate(algorithm: KeyAlgorithm) -> Result<Self, PkiError> {
        let pair = match algorithm.rsa() {
            Some(size) => KeyPair::generate_rsa_for(algorithm.rcgen(), size),
            None => KeyPair::generate_for(algorithm.rcgen()),
        };
        Ok(Self { pair: pair.map_err(PkiError::key)?, algorithm })
    }

    /// The key in a PKCS#8 document.
    pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, PkiError> {
        let pair = KeyPair::try_from(pkcs8).map_err(PkiError::key)?;
        let der = pair.subject_public_key_info();
        let (_, public) = SubjectPublicKeyInfo::from_der(&der).map_err(PkiError::key)?;
        match KeyAlgorithm::of(&public) {
            Some(algorithm) => Ok(Self { pair, algorithm }),
            None => Err(PkiError::key("no certificates are made for keys of this kind or size")),
        }
    }

    pub(crate) fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PkiError> {
        self.pair.sign(message).map_err(PkiError::key)
    }

    /// The public key as `SubjectPublicKeyInfo` in DER.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        self.pair.subject_public_key_info()
    }

    /// The identifier for the key identifier extensions: 20 bytes of a hash.
    pub(crate) fn identifier(&self) -> Vec<u8> {
        identifier_of(&self.public_der())
    }

    /// The private key as PKCS#8, version 1: OpenSSL 3.0 refuses Ed25519 keys of version 2.
    pub(crate) fn to_pkcs8(&self) -> Result<SecretDocument, PkiError> {
        let mut info = PrivateKeyInfoRef::try_from(self.pair.serialized_der()).map_err(PkiError::key)?;
        info.public_key = None;
        SecretDocument::encode_msg(&info).map_err(PkiError::key)
    }
}

/// The identifier of a public key, given as `SubjectPublicKeyInfo` in DER.
pub(crate) fn identifier_of(public: &[u8]) -> Vec<u8> {
    Sha256::digest(public).iter().copied().take(20).collect()
}

/// The bits of a public key, given as `SubjectPublicKeyInfo` in DER; nothing if it is none.
pub(crate) fn bits_of(public: &[u8]) -> Vec<u8> {
    SubjectPublicKeyInfo::from_der(public)
        .map_or_else(|_| Vec::new(), |(_, public)| public.subject_public_key.data.to_vec())
}

/// The public key that belongs to a PKCS#8 private key, as `SubjectPublicKeyInfo` in DER.
pub(crate) fn public_der_of(pkcs8: &[u8]) -> Result<Vec<u8>, PkiError> {
    let pair = KeyPair::try_from(pkcs8).map_err(PkiError::key)?;
    Ok(pair.subject_public_key_info())
}
