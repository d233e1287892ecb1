//! Certificates as data: what the bytes say, and nothing about who vouched for them.
//!
//! ```
//! use portcullis_core::certificate::{AttributeType, Certificate, CertificateError, NameError};
//!
//! # let authority = portcullis_pki::Authority::new("Example CA")?;
//! # let issued = authority.client("alice").organizational_unit("eng").organizational_unit("ops").issue()?;
//! # let der = issued.certificate_der();
//! let certificate = Certificate::from_der(der)?;
//! let subject = certificate.subject();
//! assert_eq!(subject.common_name(), Ok("alice"));
//! assert_eq!(subject.organizational_units(), Ok(vec!["eng", "ops"]));
//!
//! // What is ambiguous is refused, and so is anything but one whole certificate.
//! let two = NameError::Repeated { attribute: AttributeType::OU, count: 2 };
//! assert_eq!(subject.organizational_unit(), Err(two));
//! let trailing = [der, &[0]].concat();
//! let malformed = CertificateError::Malformed { part: "certificate" };
//! assert_eq!(Certificate::from_der(&trailing), Err(malformed));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod der;
mod error;
mod extension;
mod fingerprint;
mod frame;
mod key;
mod name;
mod oid;
mod parsed;
mod san;
mod serial;
mod spiffe;
#[cfg(test)]
mod testing;
pub(crate) mod text;
mod usage;

use std::{fmt, hash, ops::Range, sync::Arc};

use self::parsed::Parsed;
pub use self::{
    error::CertificateError,
    fingerprint::{Fingerprint, FingerprintError},
    key::PublicKeyInfo,
    name::{Attribute, AttributeType, AttributeTypeError, Name, NameError, Rdn, ValueError},
    oid::{Oid, OidError},
    san::{MalformedSan, SanError, SanKind, SanKindError, SanValueError, SubjectAlternativeNames},
    serial::{Serial, SerialError},
    spiffe::{SpiffeError, SpiffeId, SpiffeIdError},
    usage::{BasicConstraints, ExtendedKeyUsage, KeyUsage},
};

/// A parsed X.509 certificate.
///
/// Cheap to clone. Two certificates are equal when all their bytes are.
///
/// # Security
///
/// If parsing is taken for proof, then everybody gets in: anyone can write a certificate for
/// `CN=admin`. Only an [`Identity`](crate::identity::Identity) was vouched for.
#[derive(Clone)]
pub struct Certificate(Arc<Parsed>);

impl Certificate {
    /// Reads the DER of one certificate.
    ///
    /// # Errors
    ///
    /// If it is longer than 64 KiB, if anything in it is not well-formed, left over or there twice,
    /// or if an extension that rules can read does not parse. What is skipped is only what no rule
    /// reads: a certificate is never missing something because it could not be read.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        Parsed::read(der).map(|parsed| Self(Arc::new(parsed)))
    }

    /// The bytes of the certificate.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The version: 1, 2 or 3. Only version 3 can say what a certificate is for.
    pub fn version(&self) -> u8 {
        self.0.version
    }

    /// The serial number, which is unique only together with the issuer.
    pub fn serial(&self) -> &Serial {
        &self.0.serial
    }

    /// Who holds the certificate.
    pub fn subject(&self) -> &Name {
        &self.0.subject
    }

    /// Who is said to have issued the certificate.
    ///
    /// # Security
    ///
    /// If a rule trusts this name instead of the anchor of the identity, then whoever controls any
    /// trusted authority gets in: each can issue under any name.
    pub fn issuer(&self) -> &Name {
        &self.0.issuer
    }

    /// The first second of validity, in seconds since 1970-01-01 00:00:00 UTC.
    pub fn not_before(&self) -> i64 {
        self.0.not_before
    }

    /// The last second of validity, in seconds since 1970-01-01 00:00:00 UTC.
    pub fn not_after(&self) -> i64 {
        self.0.not_after
    }

    /// Whether a time, in seconds since 1970-01-01 00:00:00 UTC, lies in the validity.
    pub fn is_valid_at(&self, unix_seconds: i64) -> bool {
        (self.0.not_before..=self.0.not_after).contains(&unix_seconds)
    }

    /// The subject alternative names; empty if there are none.
    pub fn subject_alternative_names(&self) -> &SubjectAlternativeNames {
        &self.0.extensions.san
    }

    /// Short for [`subject_alternative_names`](Self::subject_alternative_names).
    pub fn san(&self) -> &SubjectAlternativeNames {
        self.subject_alternative_names()
    }

    /// The SPIFFE identifier, if the certificate is that of a SPIFFE workload.
    ///
    /// # Errors
    ///
    /// If it does not have exactly one URI, or the URI is no identifier of a workload, or the
    /// certificate is an authority's.
    pub fn spiffe_id(&self) -> Result<&SpiffeId, &SpiffeError> {
        self.0.spiffe_id.as_ref()
    }

    /// The purposes of the certificate; none if it has no extendedKeyUsage extension.
    pub fn extended_key_usages(&self) -> Option<&[ExtendedKeyUsage]> {
        self.0.extensions.extended_key_usages.as_deref()
    }

    /// What the key may be used for; none if there is no keyUsage extension.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.extensions.key_usage
    }

    /// Whether the certificate belongs to an authority; none if it does not say.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.0.extensions.basic_constraints
    }

    /// The policies under which the certificate was issued.
    pub fn policies(&self) -> &[Oid] {
        &self.0.extensions.policies
    }

    /// The SHA-256 of the whole certificate.
    pub fn sha256(&self) -> &Fingerprint {
        &self.0.sha256
    }

    /// The SHA-256 of the public key ([`spki_der`](Self::spki_der)), which survives renewal.
    pub fn spki_sha256(&self) -> &Fingerprint {
        &self.0.spki_sha256
    }

    /// The DER of the SubjectPublicKeyInfo.
    pub fn spki_der(&self) -> &[u8] {
        self.part(&self.0.spki_der)
    }

    /// The DER of the issuer's name.
    pub fn issuer_der(&self) -> &[u8] {
        self.part(&self.0.issuer_der)
    }

    /// The DER of the subject's name.
    pub fn subject_der(&self) -> &[u8] {
        self.part(&self.0.subject_der)
    }

    /// The kind and the size of the public key.
    pub fn public_key(&self) -> &PublicKeyInfo {
        &self.0.public_key
    }

    /// The algorithm of the issuer's signature in words, such as `ECDSA with SHA-256`.
    pub fn signature_algorithm(&self) -> &str {
        &self.0.signature_algorithm
    }

    /// Critical extensions that a TLS verifier does not process, and so has to refuse.
    pub fn critical_extensions_unknown(&self) -> &[Oid] {
        &self.0.extensions.unknown_critical
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.0.der.get(range.clone()).unwrap_or_default()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.sha256 == other.0.sha256
    }
}

impl Eq for Certificate {}

impl hash::Hash for Certificate {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.sha256.hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", self.subject())
            .field("serial", self.serial())
            .field("sha256", self.sha256())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use portcullis_pki::{Authority, DistinguishedName, Extension, GeneralName, RawCertificate};

    use super::*;

    fn authority() -> Authority {
        Authority::new("Example CA").unwrap()
    }

    fn raw() -> RawCertificate {
        RawCertificate::new(DistinguishedName::common_name("alice"))
    }

    fn parsed(raw: &RawCertificate) -> Result<Certificate, CertificateError> {
        Certificate::from_der(raw.issue(&authority()).unwrap().certificate_der())
    }

    #[test]
    fn a_client_certificate_is_read_in_full() {
        let authority = authority();
        let issued = authority
            .client("alice")
            .email("alice@example.com")
            .organizational_unit("eng")
            .organizational_unit("ops")
            .uri("spiffe://test/alice")
            .serial(&[0x00, 0xc0, 0xff, 0xee])
            .issue()
            .unwrap();
        let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
        let ca = Certificate::from_der(authority.certificate_der()).unwrap();
        assert_eq!(certificate.der(), issued.certificate_der());
        assert_eq!(certificate.version(), 3);
        assert_eq!(certificate.serial().to_string(), "c0ffee");
        assert_eq!(certificate.subject().common_name(), Ok("alice"));
        assert_eq!(certificate.subject().organizational_units(), Ok(vec!["eng", "ops"]));
        assert_eq!(certificate.subject().email_address(), Ok("alice@example.com"));
        assert_eq!(certificate.san().email().unwrap(), ["alice@example.com".into()]);
        assert_eq!(certificate.san().uri().unwrap(), ["spiffe://test/alice".into()]);
        assert_eq!(certificate.extended_key_usages(), Some(&[ExtendedKeyUsage::ClientAuth][..]));
        assert!(certificate.key_usage().unwrap().digital_signature());
        assert_eq!(certificate.public_key().algorithm(), "EC P-256");
        assert_eq!(certificate.signature_algorithm(), "ECDSA with SHA-256");
        assert!(certificate.critical_extensions_unknown().is_empty());
        assert_eq!(certificate.issuer(), ca.subject());
        assert_eq!(certificate.issuer_der(), ca.subject_der());
        assert!(ca.basic_constraints().unwrap().ca && ca.key_usage().unwrap().key_cert_sign());
        assert_eq!(Name::from_der(certificate.subject_der()).as_ref(), Ok(certificate.subject()));
    }

    #[test]
    fn fingerprints_are_of_the_whole_and_of_the_key() {
        let issued = authority().client("alice").issue().unwrap();
        let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
        assert_eq!(*certificate.sha256(), Fingerprint::of(issued.certificate_der()));
        assert_eq!(*certificate.spki_sha256(), Fingerprint::of(certificate.spki_der()));
        let other =
            Certificate::from_der(authority().client("alice").issue().unwrap().certificate_der()).unwrap();
        assert_eq!(certificate, certificate.clone());
        assert_ne!(certificate, other);
    }

    #[test]
    fn the_debug_form_is_short_and_escaped() {
        let subject = DistinguishedName::common_name("mallory\r\nX-Role: admin");
        let certificate = parsed(&RawCertificate::new(subject).serial([0x2a])).unwrap();
        let debug = format!("{certificate:?}");
        let start = r"Certificate { subject: CN=mallory\0d\0aX-Role: admin, serial: 2a, sha256: ";
        assert!(debug.starts_with(start) && debug.len() < start.len() + 80, "{debug}");
    }

    #[test]
    fn a_certificate_without_extensions_says_nothing() {
        for version in [1, 2, 3] {
            let certificate = parsed(&raw().version(version)).unwrap();
            assert_eq!(certificate.version(), version);
            assert!(certificate.san().is_empty() && certificate.policies().is_empty());
            assert_eq!(certificate.extended_key_usages(), None);
            assert_eq!((certificate.key_usage(), certificate.basic_constraints()), (None, None));
        }
    }

    #[test]
    fn serials_are_integers() {
        let serial = |bytes: &[u8]| parsed(&raw().serial(bytes)).unwrap().serial().clone();
        assert_eq!(serial(&[0, 0xff]), "ff".parse().unwrap());
        assert_ne!(serial(&[0xff]), serial(&[0, 0xff]));
        assert!(serial(&[0xff]).is_negative());
    }

    #[test]
    fn an_empty_subject_has_no_name() {
        let names = Extension::subject_alt_name(&[GeneralName::Email("alice@example.com".into())]);
        let certificate = parsed(&RawCertificate::new(DistinguishedName::new()).extension(names)).unwrap();
        assert!(certificate.subject().is_empty());
        assert!(matches!(certificate.subject().common_name(), Err(NameError::Absent { .. })));
        assert_eq!(certificate.san().email().unwrap(), ["alice@example.com".into()]);
    }

    #[test]
    fn a_common_name_is_no_dns_name() {
        let certificate =
            parsed(&RawCertificate::new(DistinguishedName::common_name("admin.example.com"))).unwrap();
        assert!(certificate.san().dns().unwrap().is_empty());
    }
}
