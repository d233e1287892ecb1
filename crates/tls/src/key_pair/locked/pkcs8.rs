//! `ENCRYPTED PRIVATE KEY`: PKCS#8 under a passphrase, by PBES2.

use pkcs8::ObjectIdentifier;
use pkcs8::der::asn1::{AnyRef, OctetStringRef};
use pkcs8::der::{Decode, Reader, SliceReader};
use pkcs8::pkcs5::AlgorithmIdentifierRef;
use pkcs8::pkcs5::pbes2::{self, EncryptionScheme, Kdf, Pbkdf2Prf};
use zeroize::Zeroizing;

use super::cost::Cost;
use super::looks_like_a_key;
use crate::KeyPairError;

/// An encrypted PKCS#8 key whose scheme is known and can be afforded.
pub(in crate::key_pair) struct EncryptedKey {
    scheme: pbes2::Parameters,
    data: Vec<u8>,
}

const DES_EDE3_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.7");

impl EncryptedKey {
    pub(in crate::key_pair) fn read(der: &[u8], origin: &str) -> Result<Self, KeyPairError> {
        let damaged = || KeyPairError::DamagedEncryption { origin: origin.to_owned() };
        let unsupported = |oid: &ObjectIdentifier| KeyPairError::UnsupportedEncryption {
            origin: origin.to_owned(),
            scheme: name(oid),
        };
        let (algorithm, data) = split(der).ok_or_else(damaged)?;
        if algorithm.oid != pbes2::PBES2_OID {
            return Err(unsupported(&algorithm.oid));
        }
        let parameters = algorithm.parameters.ok_or_else(damaged)?;
        let (derivation, cipher) = schemes(parameters).ok_or_else(damaged)?;
        if !Cost::of(parameters.value()).is_bearable() {
            return Err(KeyPairError::Costly { origin: origin.to_owned() });
        }
        let derivation = match Kdf::try_from(derivation) {
            Ok(derivation) => derivation,
            Err(_) if ![pbes2::PBKDF2_OID, pbes2::SCRYPT_OID].contains(&derivation.oid) => {
                return Err(unsupported(&derivation.oid));
            }
            Err(error) => return Err(unknown(error).map_or_else(damaged, |oid| unsupported(&oid))),
        };
        // The library would take the first eight bytes of an initialisation vector that has fewer.
        let iv = cipher.parameters.and_then(|iv| iv.decode_as::<&OctetStringRef>().ok());
        if cipher.oid == DES_EDE3_CBC && iv.is_none_or(|iv| iv.as_bytes().len() != 8) {
            return Err(damaged());
        }
        let encryption = match EncryptionScheme::try_from(cipher) {
            Ok(encryption) => encryption,
            Err(error) => return Err(unknown(error).map_or_else(damaged, |oid| unsupported(&oid))),
        };
        Ok(Self { scheme: pbes2::Parameters { kdf: derivation, encryption }, data: data.to_vec() })
    }

    /// The key as PKCS#8; none if this is not its passphrase.
    pub(in crate::key_pair) fn open(&self, passphrase: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let plain = Zeroizing::new(self.scheme.decrypt(passphrase, &self.data).ok()?);
        // One wrong passphrase in 256 leaves something that looks padded.
        looks_like_a_key(&plain).then_some(plain)
    }

    /// What is old about the way it is encrypted.
    pub(in crate::key_pair) fn weakness(&self) -> Option<&'static str> {
        if matches!(self.scheme.encryption, EncryptionScheme::DesEde3Cbc { .. }) {
            return Some("triple DES");
        }
        match &self.scheme.kdf {
            Kdf::Pbkdf2(parameters) if parameters.prf == Pbkdf2Prf::HmacWithSha1 => Some("PBKDF2 with SHA-1"),
            _ => None,
        }
    }
}

/// How it is encrypted, and what.
fn split(der: &[u8]) -> Option<(AlgorithmIdentifierRef<'_>, &[u8])> {
    let mut reader = SliceReader::new(der).ok()?;
    let parts = reader.sequence(|reader| {
        let algorithm = AlgorithmIdentifierRef::decode(reader)?;
        let data = <&OctetStringRef>::decode(reader)?;
        Ok::<_, pkcs8::der::Error>((algorithm, data.as_bytes()))
    });
    reader.finish().ok()?;
    parts.ok()
}

/// How the key is derived, and the cipher.
fn schemes(parameters: AnyRef<'_>) -> Option<(AlgorithmIdentifierRef<'_>, AlgorithmIdentifierRef<'_>)> {
    let schemes = parameters.sequence(|reader| {
        let derivation = AlgorithmIdentifierRef::decode(reader)?;
        Ok::<_, pkcs8::der::Error>((derivation, AlgorithmIdentifierRef::decode(reader)?))
    });
    schemes.ok()
}

/// The scheme that the library does not know.
fn unknown(error: pkcs8::der::Error) -> Option<ObjectIdentifier> {
    match error.kind() {
        pkcs8::der::ErrorKind::OidUnknown { oid } => Some(oid),
        _ => None,
    }
}

/// What a scheme is called that is not read.
fn name(oid: &ObjectIdentifier) -> String {
    let oid = oid.to_string();
    let name = match oid.as_str() {
        "1.2.840.113549.1.5.1" => "pbeWithMD2AndDES-CBC",
        "1.2.840.113549.1.5.3" => "pbeWithMD5AndDES-CBC",
        "1.2.840.113549.1.5.4" => "pbeWithMD2AndRC2-CBC",
        "1.2.840.113549.1.5.6" => "pbeWithMD5AndRC2-CBC",
        "1.2.840.113549.1.5.10" => "pbeWithSHA1AndDES-CBC",
        "1.2.840.113549.1.5.11" => "pbeWithSHA1AndRC2-CBC",
        "1.2.840.113549.1.12.1.1" => "pbeWithSHAAnd128BitRC4",
        "1.2.840.113549.1.12.1.2" => "pbeWithSHAAnd40BitRC4",
        "1.2.840.113549.1.12.1.3" => "pbeWithSHAAnd3-KeyTripleDES-CBC",
        "1.2.840.113549.1.12.1.4" => "pbeWithSHAAnd2-KeyTripleDES-CBC",
        "1.2.840.113549.1.12.1.5" => "pbeWithSHAAnd128BitRC2-CBC",
        "1.2.840.113549.1.12.1.6" => "pbeWithSHAAnd40BitRC2-CBC",
        "1.2.840.113549.3.2" => "RC2-CBC",
        "1.3.14.3.2.7" => "DES-CBC",
        "1.2.392.200011.61.1.1.1.2" => "Camellia-128-CBC",
        "1.2.392.200011.61.1.1.1.4" => "Camellia-256-CBC",
        other => other,
    };
    name.to_owned()
}
