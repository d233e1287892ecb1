//! PKCS#12: key and certificates in one file.

use std::collections::BTreeSet;

use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error;
use pkcs8::der::asn1::AnyRef;
use pkcs8::der::{Decode, ErrorKind, Reader, SliceReader};
use portcullis_core::Certificate;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::locked::cost::Cost;
use super::material::KeyFormat;
use super::unlock::Remembered;
use crate::{KeyPairError, Passphrase};

/// The library does not do more for one derivation.
const MOST_ROUNDS: u64 = 1_000_000;

/// How many keys a message names.
const MOST_NAMES: usize = 5;

/// All certificates of a bundle, and its key.
pub(super) fn read(
    bytes: &[u8],
    origin: &str,
    passphrase: Option<&Passphrase>,
    remembered: &Remembered,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), KeyPairError> {
    let sealed = is_sealed(bytes).ok_or_else(|| KeyPairError::DamagedBundle { origin: origin.to_owned() })?;
    let cost = Cost::of(bytes);
    if !cost.is_bearable() || cost.largest > MOST_ROUNDS {
        return Err(KeyPairError::Costly { origin: origin.to_owned() });
    }
    let open = |passphrase: &str| open(bytes, passphrase, sealed, origin);
    let archive = match passphrase {
        None => open("")?.ok_or_else(|| KeyPairError::Encrypted { origin: origin.to_owned() })?,
        Some(source) => remembered.unlock(passphrase, origin, |passphrase| match text(passphrase) {
            Some(passphrase) => open(passphrase),
            None => Err(KeyPairError::BundlePassphrase { origin: origin.to_owned(), given: source.origin() }),
        })?,
    };
    warn_if_weak(bytes, origin);
    let key = only_key(&archive, origin)?;
    if archive.certs.is_empty() {
        return Err(KeyPairError::BundleWithoutCertificate { origin: origin.to_owned() });
    }
    let chain = archive.certs.iter().map(|bag| CertificateDer::from(bag.cert.as_der().to_vec()));
    Ok((chain.collect(), key))
}

/// The certificate of the key, and those that vouch for it, without the root.
pub(super) fn arrange(
    chain: &[CertificateDer<'static>],
    certificates: &[Certificate],
    own: usize,
) -> Vec<CertificateDer<'static>> {
    let mut path = Vec::new();
    let mut used = BTreeSet::new();
    let mut next = Some(own);
    while let Some(index) = next {
        let (Some(der), Some(certificate)) = (chain.get(index), certificates.get(index)) else { break };
        path.push(der.clone());
        used.insert(index);
        next = certificates.iter().enumerate().position(|(index, other)| {
            let is_root = other.subject_der() == other.issuer_der();
            other.subject_der() == certificate.issuer_der() && !is_root && !used.contains(&index)
        });
    }
    path
}

/// The content of a bundle; none if this is not its passphrase.
fn open(
    bytes: &[u8],
    passphrase: &str,
    sealed: bool,
    origin: &str,
) -> Result<Option<Pkcs12Archive>, KeyPairError> {
    match Pkcs12Archive::from_pkcs12(bytes, passphrase) {
        Ok(archive) => Ok(Some(archive)),
        Err(Error::MacError(_)) => Ok(None),
        Err(Error::UnsupportedEncryptionScheme | Error::UnsupportedMacAlgorithm) => {
            Err(KeyPairError::UnsupportedBundle { origin: origin.to_owned() })
        }
        Err(Error::DerError(error)) if matches!(error.kind(), ErrorKind::OidUnknown { .. }) => {
            Err(KeyPairError::UnsupportedBundle { origin: origin.to_owned() })
        }
        // Without a seal there is nothing else by which to tell a wrong passphrase.
        Err(_) if !sealed => Ok(None),
        Err(Error::Pkcs5Error(_) | Error::UnsupportedContentType | Error::InvalidVersion) => {
            Err(KeyPairError::UnsupportedBundle { origin: origin.to_owned() })
        }
        Err(_) => Err(KeyPairError::DamagedBundle { origin: origin.to_owned() }),
    }
}

/// Whether a bundle has a seal by its passphrase; none if it is no bundle.
fn is_sealed(bytes: &[u8]) -> Option<bool> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let elements = reader.sequence(|reader| {
        let mut elements = 0_usize;
        while !reader.is_finished() {
            AnyRef::decode(reader)?;
            elements += 1;
        }
        Ok::<_, pkcs8::der::Error>(elements)
    });
    reader.finish().ok()?;
    match elements.ok()? {
        2 => Some(false),
        3 => Some(true),
        _ => None,
    }
}

fn only_key(archive: &Pkcs12Archive, origin: &str) -> Result<PrivateKeyDer<'static>, KeyPairError> {
    match archive.keys.as_slice() {
        [] => Err(KeyPairError::BundleWithoutKey { origin: origin.to_owned() }),
        [key] => Ok(KeyFormat::Pkcs8.key(key.key.as_der().to_vec())),
        several => {
            let name = |(index, name): (usize, Option<&str>)| match name {
                Some(name) => format!("`{}`", name.replace(char::is_control, "?")),
                None => format!("key {}", index + 1),
            };
            let names = several.iter().map(|key| key.friendly_name.as_deref()).enumerate().map(name);
            let mut names: Vec<_> = names.take(MOST_NAMES).collect();
            if several.len() > MOST_NAMES {
                names.push("..".into());
            }
            Err(KeyPairError::BundleWithSeveralKeys { origin: origin.to_owned(), names: names.join(", ") })
        }
    }
}

/// The passphrase as the text that it has to be: of characters with 16 bits.
fn text(passphrase: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(passphrase).ok()?;
    text.chars().all(|character| u32::from(character) <= 0xffff).then_some(text)
}

/// The beginning of the identifiers of what `openssl pkcs12 -legacy` encrypts with, in DER:
/// 1.2.840.113549.1.12.1
const LEGACY: &[u8] = &[0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];

fn warn_if_weak(bytes: &[u8], origin: &str) {
    if bytes.windows(LEGACY.len()).any(|window| window == LEGACY) {
        tracing::warn!(
            target: "portcullis::tls",
            "the PKCS#12 bundle in {origin} is encrypted with triple DES or RC2, which are out of date: make it again with `openssl pkcs12 -export` of OpenSSL 3"
        );
    }
}
