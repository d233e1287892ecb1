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

use std::{borrow::Cow, fmt, hash, ops::Range, sync::Arc};

use self::{
    der::{Element, Malformed},
    extension::Extensions,
    frame::Frame,
};
pub use self::{
    extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage},
    fingerprint::{Fingerprint, FingerprintError},
    key::PublicKeyInfo,
    name::{Attribute, AttributeType, AttributeTypeError, Name, NameError, Rdn, ValueError},
    oid::{Oid, OidError},
    san::{MalformedSan, SanError, SanKind, SanKindError, SanValueError, SubjectAlternativeNames},
    serial::{Serial, SerialError},
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

/// The bytes are no certificate that can be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// More bytes than are looked at.
    #[error("the certificate has {bytes} bytes: at most {limit} are accepted")]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many are accepted.
        limit: usize,
    },
    /// Not the DER that stands here in a certificate.
    #[error("the {part} is malformed: have the certificate issued again with a conforming tool")]
    Malformed {
        /// Which part of the certificate.
        part: &'static str,
    },
    /// More of something than is looked at.
    #[error("the certificate has too many {part}: at most {limit} are accepted")]
    TooMany {
        /// What there is too much of.
        part: &'static str,
        /// How many are accepted.
        limit: usize,
    },
    /// An extension is there twice, so that two readers could follow different ones.
    #[error("the certificate has the extension `{oid}` more than once")]
    DuplicateExtension {
        /// Which extension.
        oid: Oid,
    },
    /// Not version 1, 2 or 3.
    #[error("the certificate has an unknown version: only 1, 2 and 3 exist")]
    Version,
    /// Extensions exist since version 3 only.
    #[error("the certificate has extensions, but version {version}: only version 3 can have them")]
    ExtensionsBeforeVersion3 {
        /// The version that it claims.
        version: u8,
    },
    /// The signed part and the outer part name different signature algorithms.
    #[error("the certificate names two different signature algorithms")]
    SignatureAlgorithmMismatch,
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

fn malformed(part: &'static str) -> impl Fn(Malformed) -> CertificateError {
    move |Malformed| CertificateError::Malformed { part }
}

/// Where `part` lies in `whole`.
fn range_in(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let range = start..start.checked_add(part.len())?;
    whole.get(range.clone()).is_some().then_some(range)
}
