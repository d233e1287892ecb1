//! Certificate authorities.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::{
    Attribute, DistinguishedName, Extension, Issued, KeyAlgorithm, KeyUsage, LeafBuilder, Oid, PkiError,
    RawCertificate, RevocationListBuilder,
    key::{Key, identifier_of},
    name::text,
    pem,
};

pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// A certificate authority, root or intermediate, with its private key.
///
/// # Security
///
/// If [`key_pem`](Authority::key_pem) leaks, then whoever has it gets in under any name.
///
/// # Examples
///
/// ```
/// use portcullis_pki::Authority;
///
/// let authority = Authority::new("Example CA")?;
/// let alice = authority.client("alice").email("alice@example.com").issue()?;
/// assert_eq!(alice.chain_der().len(), 1);
///
/// let team = authority.intermediate("Example Team CA")?;
/// let bob = team.client("bob").issue()?;
/// assert_eq!(bob.chain_der().len(), 2);
/// assert_eq!(bob.root_der(), authority.certificate_der());
/// # Ok::<(), portcullis_pki::PkiError>(())
/// ```
pub struct Authority {
    subject: DistinguishedName,
    certificate: Vec<u8>,
    /// The intermediates from this one upwards, without the root.
    chain: Vec<Vec<u8>>,
    root: Vec<u8>,
    key: Key,
}

impl Authority {
    /// Makes a root authority with a P-256 key, valid for ten years.
    ///
    /// # Errors
    ///
    /// [`PkiError::Value`] for an empty name, or a failure of the cryptography library.
    pub fn new(name: &str) -> Result<Self, PkiError> {
        Self::builder(name).build()
    }

    /// A root authority with other settings.
    pub fn builder(name: &str) -> AuthorityBuilder<'static> {
        AuthorityBuilder::new(name, None)
    }

    /// Makes an intermediate authority; what it issues carries its certificate along.
    ///
    /// # Errors
    ///
    /// [`PkiError::Value`] for an empty name, or a failure of the cryptography library.
    pub fn intermediate(&self, name: &str) -> Result<Self, PkiError> {
        self.intermediate_builder(name).build()
    }

    /// An intermediate authority with other settings.
    pub fn intermediate_builder(&self, name: &str) -> AuthorityBuilder<'_> {
        AuthorityBuilder::new(name, Some(self))
    }

    /// A certificate for a TLS server called `localhost`, `127.0.0.1` and `::1`.
    pub fn server(&self) -> LeafBuilder<'_> {
        LeafBuilder::server(self)
    }

    /// A certificate for a TLS server of this DNS name only.
    pub fn server_named(&self, name: &str) -> LeafBuilder<'_> {
        LeafBuilder::server_named(self, name)
    }

    /// A certificate for a TLS server with this common name, whose alternative names are up to you.
    pub fn server_unnamed(&self, common_name: &str) -> LeafBuilder<'_> {
        LeafBuilder::server_unnamed(self, common_name)
    }

    /// A certificate for a TLS client with this common name.
    pub fn client(&self, name: &str) -> LeafBuilder<'_> {
        LeafBuilder::client(self, name)
    }

    /// A list of the certificates that this authority has revoked.
    pub fn revocation_list(&self) -> RevocationListBuilder<'_> {
        RevocationListBuilder::new(self)
    }

    /// The first common name of the subject; empty if there is none, or if it is no text.
    pub fn name(&self) -> &str {
        self.subject.first_common_name().unwrap_or_default()
    }

    /// The subject.
    pub fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// The authority's own certificate.
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// The authority's own certificate in PEM: what a file of trust anchors holds.
    ///
    /// # Errors
    ///
    /// [`PkiError::Encoding`] if the library fails.
    pub fn certificate_pem(&self) -> Result<String, PkiError> {
        pem::certificate(&self.certificate)
    }

    /// The certificate of the root above this authority, which may be itself.
    pub fn root_der(&self) -> &[u8] {
        &self.root
    }

    /// The intermediates from this authority upwards, without the root; empty for a root.
    pub fn chain_der(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The private key as PKCS#8 in PEM, not encrypted.
    ///
    /// # Errors
    ///
    /// [`PkiError::Encoding`] if the library fails.
    pub fn key_pem(&self) -> Result<String, PkiError> {
        pem::key(&self.key.to_pkcs8()?)
    }

    /// The private key as PKCS#8 in PEM, encrypted with AES-256 under the passphrase.
    ///
    /// # Errors
    ///
    /// [`PkiError::EmptyPassphrase`], or [`PkiError::Encoding`] if the library fails.
    pub fn encrypted_key_pem(&self, passphrase: &str) -> Result<String, PkiError> {
        pem::encrypt_key(self.key.to_pkcs8()?.as_bytes(), passphrase)
    }

    /// An authority that was made before: its certificate, the ones above it up to the root, its key.
    ///
    /// # Errors
    ///
    /// [`PkiError::Certificate`] if the certificates do not sign each other in this order or the
    /// key belongs to another one, [`PkiError::Key`].
    pub fn from_der(chain: Vec<Vec<u8>>, pkcs8: &[u8]) -> Result<Self, PkiError> {
        let key = Key::from_pkcs8(pkcs8)?;
        let parsed = chain.iter().map(|der| parse(der)).collect::<Result<Vec<_>, _>>()?;
        let Some((own, root)) = parsed.first().zip(parsed.last()) else {
            return Err(PkiError::certificate("there is none"));
        };
        if own.public_key().raw != key.public_der() {
            return Err(PkiError::certificate("the private key belongs to another one"));
        }
        for (lower, upper) in parsed.iter().zip(parsed.iter().skip(1).chain([root])) {
            if !upper.is_ca() {
                return Err(PkiError::certificate("it is none of an authority"));
            }
            if lower.issuer().as_raw() != upper.subject().as_raw()
                || lower.verify_signature(Some(upper.public_key())).is_err()
            {
                return Err(PkiError::certificate("the next authority above did not sign it"));
            }
        }
        let subject = DistinguishedName::from_der(own.subject().as_raw())?;
        let (Some(certificate), Some(root)) = (chain.first().cloned(), chain.last().cloned()) else {
            return Err(PkiError::certificate("there is none"));
        };
        let intermediates = chain.len() - 1;
        Ok(Self { subject, certificate, chain: chain.into_iter().take(intermediates).collect(), root, key })
    }

    /// The same certificate once more, for the same key, with a serial number and validity of its own.
    ///
    /// What comes back is the new certificate and the intermediates.
    ///
    /// # Errors
    ///
    /// [`PkiError::Certificate`], [`PkiError::Validity`], [`PkiError::Time`], or a failure of the
    /// cryptography library.
    pub fn renew(
        &self,
        certificate: &[u8],
        from: impl Into<SystemTime>,
        to: impl Into<SystemTime>,
    ) -> Result<Vec<Vec<u8>>, PkiError> {
        let old = parse(certificate)?;
        let public = old.public_key().raw;
        self.renewal(&old, &identifier_of(public), (from.into(), to.into()))?.chain_for(public, self)
    }

    /// The same certificate once more, for a new key of the same kind.
    ///
    /// # Errors
    ///
    /// As [`renew`](Self::renew).
    pub fn renew_with_new_key(
        &self,
        certificate: &[u8],
        from: impl Into<SystemTime>,
        to: impl Into<SystemTime>,
    ) -> Result<Issued, PkiError> {
        let old = parse(certificate)?;
        let algorithm = KeyAlgorithm::of(old.public_key())
            .ok_or_else(|| PkiError::certificate("no keys of its kind are made here"))?;
        let key = Key::generate(algorithm)?;
        self.renewal(&old, &key.identifier(), (from.into(), to.into()))?.issue_with(key, self)
    }

    fn renewal(
        &self,
        old: &X509Certificate<'_>,
        identifier: &[u8],
        (from, to): (SystemTime, SystemTime),
    ) -> Result<RawCertificate, PkiError> {
        if from > to {
            return Err(PkiError::Validity);
        }
        let mut certificate =
            RawCertificate::new(DistinguishedName::from_der(old.subject().as_raw())?).valid(from, to);
        for extension in old.extensions() {
            let oid: Oid = extension.oid.to_id_string().parse()?;
            if oid != Oid::SUBJECT_KEY_IDENTIFIER && oid != Oid::AUTHORITY_KEY_IDENTIFIER {
                certificate = certificate.extension(Extension::new(oid, extension.critical, extension.value));
            }
        }
        Ok(certificate
            .extension(Extension::subject_key_identifier(identifier))
            .extension(Extension::authority_key_identifier(&self.key.identifier())))
    }

    pub(crate) fn root(subject: DistinguishedName, certificate: Vec<u8>, key: Key) -> Self {
        Self { subject, chain: Vec::new(), root: certificate.clone(), certificate, key }
    }

    pub(crate) fn below(parent: &Self, subject: DistinguishedName, certificate: Vec<u8>, key: Key) -> Self {
        let chain = [std::slice::from_ref(&certificate), &parent.chain].concat();
        Self { subject, certificate, chain, root: parent.root.clone(), key }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }
}

/// A certificate that fills all of the bytes.
pub(crate) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, PkiError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(PkiError::certificate("bytes follow it")),
        Err(error) => Err(PkiError::certificate(error)),
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("name", &self.name())
            .field("intermediates", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// The settings of an authority to be made.
#[derive(Debug)]
#[must_use]
pub struct AuthorityBuilder<'a> {
    parent: Option<&'a Authority>,
    name: String,
    organization: Option<String>,
    key: KeyAlgorithm,
    validity: (SystemTime, SystemTime),
    path_length: Option<u8>,
    key_usages: Vec<KeyUsage>,
    extensions: Vec<Extension>,
}

impl<'a> AuthorityBuilder<'a> {
    fn new(name: &str, parent: Option<&'a Authority>) -> Self {
        let now = SystemTime::now();
        Self {
            parent,
            name: name.to_owned(),
            organization: None,
            key: KeyAlgorithm::default(),
            // old enough to have issued certificates that have expired since
            validity: (now - 90 * DAY, now + 3650 * DAY),
            path_length: None,
            key_usages: vec![KeyUsage::KeyCertSign, KeyUsage::CrlSign],
            extensions: Vec::new(),
        }
    }

    /// The organization of the subject.
    pub fn organization(mut self, name: &str) -> Self {
        self.organization = Some(name.to_owned());
        self
    }

    /// The kind of key, P-256 unless set.
    pub fn key(mut self, algorithm: KeyAlgorithm) -> Self {
        self.key = algorithm;
        self
    }

    /// The validity, ten years unless set.
    pub fn valid(mut self, from: impl Into<SystemTime>, to: impl Into<SystemTime>) -> Self {
        self.validity = (from.into(), to.into());
        self
    }

    /// How many intermediates may stand between this authority and a leaf; no limit unless set.
    pub fn path_length(mut self, length: u8) -> Self {
        self.path_length = Some(length);
        self
    }

    /// What the key may be used for, `keyCertSign` and `cRLSign` unless set.
    pub fn key_usage(mut self, usages: &[KeyUsage]) -> Self {
        self.key_usages = usages.to_vec();
        self
    }

    /// Adds an extension, such as name constraints.
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Makes the key and the certificate.
    ///
    /// # Errors
    ///
    /// [`PkiError::Value`] for a name that is empty or holds control characters,
    /// [`PkiError::Validity`], [`PkiError::Time`], or a failure of the cryptography library.
    pub fn build(self) -> Result<Authority, PkiError> {
        let (from, to) = self.validity;
        if from > to {
            return Err(PkiError::Validity);
        }
        let mut subject = DistinguishedName::new();
        if let Some(organization) = &self.organization {
            let value = text("organization", organization)?;
            subject = subject.with(Attribute::utf8(Oid::ORGANIZATION, value));
        }
        subject = subject.with(Attribute::utf8(Oid::COMMON_NAME, text("common name", &self.name)?));

        let key = Key::generate(self.key)?;
        let mut certificate = RawCertificate::new(subject.clone())
            .valid(from, to)
            .extension(Extension::basic_constraints(true, self.path_length))
            .extension(Extension::key_usage(&self.key_usages))
            .extension(Extension::subject_key_identifier(&key.identifier()))
            .extensions(self.extensions);
        match self.parent {
            None => certificate.root_with(key),
            Some(parent) => {
                certificate =
                    certificate.extension(Extension::authority_key_identifier(&parent.key.identifier()));
                certificate.intermediate_with(key, parent)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_key() {
        let authority = Authority::new("Example CA").unwrap();
        let shown = format!("{authority:?}");
        assert!(shown.contains("Example CA"), "{shown}");
        assert!(!shown.to_lowercase().contains("key"), "{shown}");
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(matches!(Authority::new(""), Err(PkiError::Value { .. })));
        assert!(matches!(Authority::new("a\nb"), Err(PkiError::Value { .. })));
        let now = SystemTime::now();
        assert!(matches!(Authority::builder("x").valid(now, now - DAY).build(), Err(PkiError::Validity)));
    }

    #[test]
    fn chain_goes_upwards_without_the_root() {
        let root = Authority::new("root").unwrap();
        let upper = root.intermediate("upper").unwrap();
        let lower = upper.intermediate("lower").unwrap();
        assert!(root.chain_der().is_empty());
        assert_eq!(lower.chain_der(), [lower.certificate_der().to_vec(), upper.certificate_der().to_vec()]);
        assert_eq!(lower.root_der(), root.certificate_der());
        assert_eq!(lower.name(), "lower");
    }
}
