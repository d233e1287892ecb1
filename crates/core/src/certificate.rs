//! Certificates as data: what the bytes say, and nothing about who vouched for them.
//!
//! ```
//! use portcullis_core::certificate::{Certificate, CertificateError};
//!
//! // Anything but one whole certificate is refused.
//! let refused = Certificate::from_der(b"0\x03\x02\x01\x00");
//! assert_eq!(refused, Err(CertificateError::Malformed { part: "certificate" }));
//! ```

mod der;
mod error;
mod extension;
mod fingerprint;
mod frame;
mod key;
mod name;
mod oid;
mod san;
mod serial;
#[cfg(test)]
mod testing;
mod text;
mod usage;

use std::{borrow::Cow, fmt, hash, ops::Range, sync::Arc};

use self::{
    der::{Element, Malformed},
    error::malformed,
    extension::Extensions,
    frame::Frame,
};
pub use self::{
    error::CertificateError,
    fingerprint::{Fingerprint, FingerprintError},
    key::PublicKeyInfo,
    name::{Attribute, AttributeType, AttributeTypeError, Name, NameError, Rdn, ValueError},
    oid::{Oid, OidError},
    san::{MalformedSan, SanError, SanKind, SanKindError, SanValueError, SubjectAlternativeNames},
    serial::{Serial, SerialError},
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

struct Parsed {
    der: Box<[u8]>,
    sha256: Fingerprint,
    spki_sha256: Fingerprint,
    version: u8,
    serial: Serial,
    issuer: Name,
    subject: Name,
    not_before: i64,
    not_after: i64,
    public_key: PublicKeyInfo,
    signature_algorithm: Cow<'static, str>,
    extensions: Extensions,
    issuer_der: Range<usize>,
    subject_der: Range<usize>,
    spki_der: Range<usize>,
}

/// A TLS record holds 16 KiB; certificates with keys and signatures of tomorrow fit four.
const MAX_BYTES: usize = 64 * 1024;

impl Certificate {
    /// Reads the DER of one certificate.
    ///
    /// # Errors
    ///
    /// If it is longer than 64 KiB, if anything in it is not well-formed, left over or there twice,
    /// or if an extension that rules can read does not parse. What is skipped is only what no rule
    /// reads: a certificate is never missing something because it could not be read.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_BYTES {
            return Err(CertificateError::TooLarge { bytes: der.len(), limit: MAX_BYTES });
        }
        let frame = Frame::read(der).map_err(malformed("certificate"))?;
        let version = frame.version()?;
        let extensions = match &frame.extensions {
            Some(_) if version < 3 => return Err(CertificateError::ExtensionsBeforeVersion3 { version }),
            Some(explicit) => Extensions::read(explicit)?,
            None => Extensions::default(),
        };
        if frame.inner_algorithm.raw != frame.outer_algorithm.raw {
            return Err(CertificateError::SignatureAlgorithmMismatch);
        }
        let (not_before, not_after) = frame.validity().map_err(malformed("validity"))?;
        let range =
            |part: &Element<'_>| range_in(der, part.raw).ok_or(Malformed).map_err(malformed("certificate"));
        let parsed = Parsed {
            sha256: Fingerprint::of(der),
            spki_sha256: Fingerprint::of(frame.spki.raw),
            version,
            serial: Serial::from_content(frame.serial.content).map_err(malformed("serial number"))?,
            issuer: Name::from_element(&frame.issuer, "issuer")?,
            subject: Name::from_element(&frame.subject, "subject")?,
            not_before,
            not_after,
            public_key: PublicKeyInfo::read(&frame.spki).map_err(malformed("public key"))?,
            signature_algorithm: key::signature_algorithm(&frame.outer_algorithm)
                .map_err(malformed("signature algorithm"))?,
            extensions,
            issuer_der: range(&frame.issuer)?,
            subject_der: range(&frame.subject)?,
            spki_der: range(&frame.spki)?,
            der: der.into(),
        };
        Ok(Self(Arc::new(parsed)))
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

/// Where `part` lies in `whole`.
fn range_in(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let range = start..start.checked_add(part.len())?;
    whole.get(range.clone()).is_some().then_some(range)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use portcullis_pki::{
        Authority, DistinguishedName, Extension, GeneralName, KeyAlgorithm, Oid as PkiOid, RawCertificate,
    };

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

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
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
        let key = Element::single(certificate.spki_der()).unwrap();
        assert_eq!(PublicKeyInfo::read(&key).as_ref(), Ok(certificate.public_key()));
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
    fn versions_and_extensions_must_fit() {
        let purpose = Extension::extended_key_usage(&[PkiOid::CLIENT_AUTH]);
        for version in [1, 2] {
            let error = parsed(&raw().version(version).extension(purpose.clone())).unwrap_err();
            assert_eq!(error, CertificateError::ExtensionsBeforeVersion3 { version });
        }
        assert_eq!(parsed(&raw().version(4)), Err(CertificateError::Version));
        let twice = parsed(&raw().extension(purpose.clone()).extension(purpose));
        assert_eq!(twice, Err(CertificateError::DuplicateExtension { oid: "2.5.29.37".parse().unwrap() }));
    }

    #[test]
    fn validity_is_in_whole_seconds_and_inclusive() {
        let certificate = parsed(&raw().valid(at(1_000_000_000), at(4_000_000_000))).unwrap();
        assert_eq!((certificate.not_before(), certificate.not_after()), (1_000_000_000, 4_000_000_000));
        for (time, valid) in
            [(999_999_999, false), (1_000_000_000, true), (4_000_000_000, true), (4_000_000_001, false)]
        {
            assert_eq!(certificate.is_valid_at(time), valid, "{time}");
        }
        let backwards = parsed(&raw().valid(at(4_000_000_000), at(1_000_000_000))).unwrap();
        assert!(!backwards.is_valid_at(2_000_000_000));
    }

    #[test]
    fn serials_are_integers() {
        let serial = |bytes: &[u8]| parsed(&raw().serial(bytes)).unwrap().serial().clone();
        assert_eq!(serial(&[0, 0xff]), "ff".parse().unwrap());
        assert_ne!(serial(&[0xff]), serial(&[0, 0xff]));
        assert!(serial(&[0xff]).is_negative());
    }

    #[test]
    fn keys_are_named() {
        for (algorithm, name, bits) in [
            (KeyAlgorithm::P384, "EC P-384", 384),
            (KeyAlgorithm::Ed25519, "Ed25519", 256),
            (KeyAlgorithm::Rsa2048, "RSA", 2048),
        ] {
            let certificate = parsed(&raw().key(algorithm)).unwrap();
            let key = certificate.public_key();
            assert_eq!((key.algorithm(), key.bits()), (name, Some(bits)));
            assert_eq!(key.rsa_exponent(), key.is_rsa().then_some(65_537));
        }
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

    #[test]
    fn too_much_is_refused_before_it_is_read() {
        let error = Certificate::from_der(&vec![0x30; MAX_BYTES + 1]).unwrap_err();
        assert_eq!(error, CertificateError::TooLarge { bytes: MAX_BYTES + 1, limit: MAX_BYTES });
        let big = Extension::new(PkiOid::new(&[1, 2, 3]).unwrap(), false, vec![0; MAX_BYTES - 1000]);
        assert!(parsed(&raw().extension(big)).is_ok());
        let names = vec![GeneralName::Dns("a.example".into()); 1001];
        let error = parsed(&raw().extension(Extension::subject_alt_name(&names))).unwrap_err();
        assert_eq!(error, CertificateError::TooMany { part: "subject alternative names", limit: 1000 });
    }

    #[test]
    fn no_damage_goes_unnoticed_or_panics() {
        let issued = authority()
            .client("alice")
            .email("a@b.example")
            .uri("urn:a")
            .upn("a@b")
            .ip([10, 0, 0, 1])
            .issue();
        let der = issued.unwrap().certificate_der().to_vec();
        let whole = Certificate::from_der(&der).unwrap();
        for length in 0..der.len() {
            assert!(Certificate::from_der(&der[..length]).is_err());
        }
        assert!(Certificate::from_der(&[&der[..], &[0]].concat()).is_err());
        for index in 0..der.len() {
            for bit in 0..8 {
                let mut damaged = der.clone();
                damaged[index] ^= 1 << bit;
                if let Ok(other) = Certificate::from_der(&damaged) {
                    assert_ne!(other, whole);
                    let _printed =
                        (format!("{other:?}"), other.subject().to_string(), other.issuer().to_string());
                }
            }
        }
    }
}
