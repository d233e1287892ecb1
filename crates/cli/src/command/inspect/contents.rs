//! What is in a file, sorted by kind.

use std::path::Path;

use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12ImportPolicy};
use portcullis_core::Certificate;
use x509_parser::asn1_rs::{FromDer, Integer, Sequence};
use x509_parser::certification_request::X509CertificationRequest;

use crate::outcome::Failure;
use crate::{certificates, input, passphrase};

/// What is in a file, each in DER.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) requests: Vec<Vec<u8>>,
    pub(super) revocation_lists: Vec<Vec<u8>>,
    /// What the file says of its keys; they are not looked at.
    pub(super) keys: Vec<String>,
}

impl Contents {
    pub(super) fn read(path: &Path, source: Option<&str>) -> Result<Self, Failure> {
        let bytes = input::bytes(path)?;
        let mut contents = Self::default();
        if !certificates::is_pem(&bytes) {
            contents.add_der(bytes, path, source)?;
            return Ok(contents);
        }
        for block in certificates::blocks(&bytes, path)? {
            match block.label.as_str() {
                "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
                    contents.certificates.push(block.contents)
                }
                "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => contents.requests.push(block.contents),
                "X509 CRL" => contents.revocation_lists.push(block.contents),
                label if label.ends_with("PRIVATE KEY") => contents.keys.push(label.to_lowercase()),
                _ => {}
            }
        }
        Ok(contents)
    }

    fn add_der(&mut self, der: Vec<u8>, path: &Path, source: Option<&str>) -> Result<(), Failure> {
        if is_bundle(&der) {
            return self.add_bundle(&der, path, source);
        }
        if Certificate::from_der(&der).is_ok() {
            self.certificates.push(der);
        } else if super::revocation_list::is_one(&der) {
            self.revocation_lists.push(der);
        } else if X509CertificationRequest::from_der(&der).is_ok() {
            self.requests.push(der);
        } else if Sequence::from_der(&der).is_ok() {
            // Perhaps a certificate that is broken: what is wrong with it is told.
            self.certificates.push(der);
        }
        Ok(())
    }

    fn add_bundle(&mut self, der: &[u8], path: &Path, source: Option<&str>) -> Result<(), Failure> {
        let name = input::name(path);
        let passphrase = passphrase::of_bundle(source, path)?;
        let store = KeyStore::from_pkcs12(der, &passphrase, Pkcs12ImportPolicy::Relaxed).map_err(|_| {
            Failure::Input(format!(
                "the bundle `{name}` cannot be opened: is the passphrase right, and the file whole?"
            ))
        })?;
        for (_, entry) in store.entries() {
            match entry {
                KeyStoreEntry::PrivateKeyChain(chain) => {
                    self.keys.push("in the bundle".into());
                    self.certificates.extend(chain.certs().iter().map(|one| one.as_der().to_vec()));
                }
                KeyStoreEntry::Certificate(one) => self.certificates.push(one.as_der().to_vec()),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether it is PKCS#12: a sequence that begins with the version 3.
fn is_bundle(der: &[u8]) -> bool {
    let Ok((_, sequence)) = Sequence::from_der(der) else { return false };
    Integer::from_der(&sequence.content).is_ok_and(|(_, version)| version.as_u32() == Ok(3))
}
