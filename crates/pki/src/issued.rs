//! A certificate together with its private key.

use std::fmt;

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey, PrivateKeyChain,
};
use pkcs8::SecretDocument;

use crate::{
    DistinguishedName, PkiError,
    authority::parse,
    key::{Key, public_der_of},
    pem,
};

/// An issued certificate, its chain and its private key.
///
/// # Security
///
/// If one of the plain keys leaks, then whoever has it gets in under the name of the certificate.
///
/// # Examples
///
/// ```
/// use portcullis_pki::{Authority, PkiError};
///
/// let alice = Authority::new("Example CA")?.client("alice").issue()?;
/// assert!(alice.chain_pem()?.starts_with("-----BEGIN CERTIFICATE-----"));
/// assert!(alice.encrypted_key_pem("correct horse")?.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
/// assert!(matches!(alice.p12(""), Err(PkiError::EmptyPassphrase)));
/// # Ok::<(), PkiError>(())
/// ```
#[derive(Clone)]
pub struct Issued {
    name: String,
    chain: Vec<Vec<u8>>,
    root: Vec<u8>,
    key: SecretDocument,
}

impl Issued {
    pub(crate) fn new(name: &str, chain: Vec<Vec<u8>>, root: Vec<u8>, key: &Key) -> Result<Self, PkiError> {
        Ok(Self::from_parts(name, chain, root, key.to_pkcs8()?))
    }

    pub(crate) fn from_parts(name: &str, chain: Vec<Vec<u8>>, root: Vec<u8>, key: SecretDocument) -> Self {
        Self { name: name.to_owned(), chain, root, key }
    }

    /// A certificate that was issued before: itself, the ones above it without the root, the root,
    /// and the private key as PKCS#8.
    ///
    /// # Errors
    ///
    /// [`PkiError::Certificate`] if the key belongs to another certificate, [`PkiError::Key`].
    pub fn from_der(chain: Vec<Vec<u8>>, root: Vec<u8>, pkcs8: &[u8]) -> Result<Self, PkiError> {
        let Some(leaf) = chain.first() else { return Err(PkiError::certificate("there is none")) };
        let leaf = parse(leaf)?;
        if leaf.public_key().raw != public_der_of(pkcs8)? {
            return Err(PkiError::certificate("the private key belongs to another one"));
        }
        let subject = DistinguishedName::from_der(leaf.subject().as_raw())?;
        let name = subject.first_common_name().unwrap_or("certificate").to_owned();
        let key = SecretDocument::try_from(pkcs8).map_err(PkiError::key)?;
        Ok(Self::from_parts(&name, chain, root, key))
    }

    /// The first common name of the subject, or `certificate` if it has none that is text.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same key with other certificates to present, the peer's own first.
    #[must_use]
    pub fn presenting(mut self, chain: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.chain = chain.into_iter().collect();
        self
    }

    /// The certificate alone; empty if nothing is presented.
    pub fn certificate_der(&self) -> &[u8] {
        self.chain.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// The certificate and the intermediates, as a peer sends them: without the root.
    pub fn chain_der(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The certificate of the root: who trusts it trusts this certificate.
    pub fn root_der(&self) -> &[u8] {
        &self.root
    }

    /// The private key as PKCS#8.
    pub fn key_der(&self) -> &[u8] {
        self.key.as_bytes()
    }

    /// The certificate alone in PEM.
    ///
    /// # Errors
    ///
    /// [`PkiError::Encoding`] if the library fails.
    pub fn certificate_pem(&self) -> Result<String, PkiError> {
        pem::certificate(self.certificate_der())
    }

    /// The certificate and the intermediates in PEM.
    ///
    /// # Errors
    ///
    /// [`PkiError::Encoding`] if the library fails.
    pub fn chain_pem(&self) -> Result<String, PkiError> {
        self.chain.iter().map(|certificate| pem::certificate(certificate)).collect()
    }

    /// The private key as PKCS#8 in PEM, not encrypted.
    ///
    /// # Errors
    ///
    /// [`PkiError::Encoding`] if the library fails.
    pub fn key_pem(&self) -> Result<String, PkiError> {
        pem::key(&self.key)
    }

    /// The private key as PKCS#8 in PEM, encrypted with AES-256 under the passphrase.
    ///
    /// The scheme is PBES2 with PBKDF2-HMAC-SHA256 (600,000 rounds) and AES-256-CBC.
    ///
    /// # Errors
    ///
    /// [`PkiError::EmptyPassphrase`], or [`PkiError::Encoding`] if the library fails.
    pub fn encrypted_key_pem(&self, passphrase: &str) -> Result<String, PkiError> {
        pem::encrypt_key(self.key_der(), passphrase)
    }

    /// Key, certificate and intermediates as PKCS#12, for browsers and key chains.
    ///
    /// Encrypted with AES-256, and sealed with HMAC-SHA256: OpenSSL 3, Firefox, Chrome, macOS 15
    /// and Windows Server 2019 read that; for older systems there is [`legacy_p12`](Self::legacy_p12).
    ///
    /// # Errors
    ///
    /// [`PkiError::EmptyPassphrase`], or [`PkiError::Encoding`] if the passphrase cannot be
    /// written in UTF-16, or a certificate is too broken to be put into a bundle.
    pub fn p12(&self, passphrase: &str) -> Result<Vec<u8>, PkiError> {
        self.bundle(passphrase, EncryptionAlgorithm::PbeWithHmacSha256AndAes256, MacAlgorithm::HmacSha256)
    }

    /// Key, certificate and intermediates as PKCS#12 for systems that cannot read [`p12`](Self::p12).
    ///
    /// Encrypted with three-key 3DES, and sealed with HMAC-SHA1: macOS 14 and older, Windows 10
    /// before 1709, Java 8 before 8u301. OpenSSL 3 reads it too, with its legacy provider.
    ///
    /// # Security
    ///
    /// If the passphrase is one that people choose, then who finds the file can guess it quickly.
    ///
    /// # Errors
    ///
    /// As [`p12`](Self::p12).
    pub fn legacy_p12(&self, passphrase: &str) -> Result<Vec<u8>, PkiError> {
        self.bundle(passphrase, EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc, MacAlgorithm::HmacSha1)
    }

    fn bundle(
        &self,
        passphrase: &str,
        encryption: EncryptionAlgorithm,
        mac: MacAlgorithm,
    ) -> Result<Vec<u8>, PkiError> {
        let failed = |error| PkiError::encoding("the PKCS#12 bundle", error);
        if passphrase.is_empty() {
            return Err(PkiError::EmptyPassphrase);
        }
        let key = PrivateKey::from_der(self.key_der()).map_err(failed)?;
        let chain = self.chain.iter().map(|der| Certificate::from_der(der));
        let chain = chain.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let mut store = KeyStore::new();
        let entry = PrivateKeyChain::new(self.label().as_bytes(), key, chain);
        store.add_entry(self.label(), KeyStoreEntry::PrivateKeyChain(entry));
        let writer = store.writer(passphrase).encryption_algorithm(encryption).mac_algorithm(mac);
        writer.write().map_err(failed)
    }

    /// A friendly name that fits into a PKCS#12 bundle, which knows the first 65,536 characters only.
    fn label(&self) -> &str {
        if self.name.chars().all(|c| u32::from(c) <= 0xffff) { &self.name } else { "certificate" }
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("name", &self.name)
            .field("chain", &self.chain.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use p12_keystore::Pkcs12Archive;

    use super::*;
    use crate::Authority;

    fn issued(name: &str) -> Issued {
        Authority::new("Example CA").unwrap().client(name).issue().unwrap()
    }

    #[test]
    fn debug_shows_no_key() {
        let issued = issued("alice");
        let shown = format!("{issued:?}");
        assert!(shown.contains("alice"), "{shown}");
        assert!(!shown.to_lowercase().contains("key"), "{shown}");
    }

    #[test]
    fn empty_passphrases_are_refused() {
        let issued = issued("alice");
        assert!(matches!(issued.p12(""), Err(PkiError::EmptyPassphrase)));
        assert!(matches!(issued.encrypted_key_pem(""), Err(PkiError::EmptyPassphrase)));
    }

    #[test]
    fn encryption_is_different_each_time() {
        let issued = issued("alice");
        assert_ne!(issued.encrypted_key_pem("a").unwrap(), issued.encrypted_key_pem("a").unwrap());
        assert_ne!(issued.p12("a").unwrap(), issued.p12("a").unwrap());
    }

    #[test]
    fn bundles_take_names_and_passphrases_beyond_ascii() {
        for (name, passphrase) in
            [("j\u{f6}rg", "pa\u{df}wort"), ("\u{1f600}", "x"), (&"a".repeat(300), "\u{674e}")]
        {
            let issued = issued(name);
            let archive = Pkcs12Archive::from_pkcs12(&issued.p12(passphrase).unwrap(), passphrase).unwrap();
            assert_eq!(archive.keys.first().unwrap().key.as_der(), issued.key_der(), "{name}");
            assert_eq!(archive.certs.first().unwrap().cert.as_der(), issued.certificate_der(), "{name}");
        }
    }

    #[test]
    fn what_is_presented_can_be_exchanged() {
        let (alice, mallory) = (issued("alice"), issued("mallory"));
        let stolen = mallory.clone().presenting(alice.chain_der().to_vec());
        assert_eq!(stolen.certificate_der(), alice.certificate_der());
        assert_eq!(stolen.key_der(), mallory.key_der());
        assert!(alice.presenting([]).certificate_der().is_empty());
    }
}
