//! Private keys and what they sign.

use pkcs8::{PrivateKeyInfoRef, SecretDocument};
use rcgen::{CertificateParams, KeyPair, PublicKeyData, SigningKey};
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
    /// Ed25519, which browsers do not accept.
    Ed25519,
}

impl KeyAlgorithm {
    fn rcgen(self) -> &'static rcgen::SignatureAlgorithm {
        match self {
            Self::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Rsa2048 => &rcgen::PKCS_RSA_SHA256,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
        }
    }

    /// Writes the `AlgorithmIdentifier` of this key's signatures.
    pub(crate) fn write_signature_algorithm(self, writer: DERWriter<'_>) {
        let oid = match self {
            Self::P256 => Oid::ECDSA_WITH_SHA256,
            Self::P384 => Oid::ECDSA_WITH_SHA384,
            Self::Rsa2048 => Oid::SHA256_WITH_RSA,
            Self::Ed25519 => Oid::ED25519,
        };
        writer.write_sequence(|writer| {
            writer.next().write_oid(&oid.to_asn1());
            if self == Self::Rsa2048 {
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
        let pair = KeyPair::generate_for(algorithm.rcgen()).map_err(PkiError::key)?;
        Ok(Self { pair, algorithm })
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
        CertificateParams::default().key_identifier(&self.pair)
    }

    /// The private key as PKCS#8, version 1: OpenSSL 3.0 refuses Ed25519 keys of version 2.
    pub(crate) fn to_pkcs8(&self) -> Result<SecretDocument, PkiError> {
        let mut info = PrivateKeyInfoRef::try_from(self.pair.serialized_der()).map_err(PkiError::key)?;
        info.public_key = None;
        SecretDocument::encode_msg(&info).map_err(PkiError::key)
    }
}

/// The public key that belongs to a PKCS#8 private key, as `SubjectPublicKeyInfo` in DER.
pub(crate) fn public_der_of(pkcs8: &[u8]) -> Result<Vec<u8>, PkiError> {
    let pair = KeyPair::try_from(pkcs8).map_err(PkiError::key)?;
    Ok(pair.subject_public_key_info())
}
