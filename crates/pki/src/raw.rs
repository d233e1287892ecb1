//! The one writer of certificates, which writes whatever it is told.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use yasna::{
    DERWriter, Tag,
    models::{GeneralizedTime, TaggedDerValue, UTCTime},
    tags::TAG_INTEGER,
};

use crate::{
    Authority, DistinguishedName, Extension, Issued, KeyAlgorithm, PkiError, authority::DAY, key::Key,
};

/// A certificate in which every byte is the caller's choice, but for key and signature.
///
/// Nothing is added and nothing is checked: no extension that was not asked for, no correction of
/// a name, a serial or a validity.
///
/// # Examples
///
/// A client certificate that has two common names:
///
/// ```
/// use portcullis_pki::{Attribute, Authority, DistinguishedName, Extension, Oid, RawCertificate};
///
/// let authority = Authority::new("Example CA")?;
/// let subject = DistinguishedName::common_name("guest").with(Attribute::utf8(Oid::COMMON_NAME, "admin"));
/// let issued = RawCertificate::new(subject)
///     .extension(Extension::extended_key_usage(&[Oid::CLIENT_AUTH]))
///     .issue(&authority)?;
/// assert!(issued.certificate_der().windows(5).any(|bytes| bytes == b"guest"));
/// assert!(issued.certificate_der().windows(5).any(|bytes| bytes == b"admin"));
/// # Ok::<(), portcullis_pki::PkiError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RawCertificate {
    version: u8,
    serial: Option<Vec<u8>>,
    subject: DistinguishedName,
    not_before: SystemTime,
    not_after: SystemTime,
    extensions: Vec<Extension>,
    key: KeyAlgorithm,
}

impl RawCertificate {
    /// A version 3 certificate without extensions, valid from an hour ago for a year.
    pub fn new(subject: DistinguishedName) -> Self {
        let now = SystemTime::now();
        Self {
            version: 3,
            serial: None,
            subject,
            // peers whose clocks are a little behind should not stumble
            not_before: now - Duration::from_secs(3600),
            not_after: now + 365 * DAY,
            extensions: Vec::new(),
            key: KeyAlgorithm::default(),
        }
    }

    /// The version, 3 unless set; extensions are written in any version.
    pub fn version(mut self, version: u8) -> Self {
        self.version = version;
        self
    }

    /// The content bytes of the serial number, sign bit and leading zeros as given.
    pub fn serial(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.serial = Some(bytes.into());
        self
    }

    /// The validity.
    pub fn valid(mut self, from: impl Into<SystemTime>, to: impl Into<SystemTime>) -> Self {
        self.not_before = from.into();
        self.not_after = to.into();
        self
    }

    /// Adds an extension; the same one twice stands there twice.
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Adds extensions.
    pub fn extensions(mut self, extensions: impl IntoIterator<Item = Extension>) -> Self {
        self.extensions.extend(extensions);
        self
    }

    /// The kind of key, P-256 unless set.
    pub fn key(mut self, algorithm: KeyAlgorithm) -> Self {
        self.key = algorithm;
        self
    }

    /// Makes a key, and has the authority sign the certificate.
    ///
    /// # Errors
    ///
    /// [`PkiError::Time`], or a failure of the cryptography library.
    pub fn issue(&self, authority: &Authority) -> Result<Issued, PkiError> {
        self.issue_with(Key::generate(self.key)?, authority)
    }

    /// Makes a key, and signs the certificate with it.
    ///
    /// # Errors
    ///
    /// [`PkiError::Time`], or a failure of the cryptography library.
    pub fn self_signed(&self) -> Result<Issued, PkiError> {
        let key = Key::generate(self.key)?;
        let certificate = self.sign(&key.public_der(), &self.subject, &key)?;
        Issued::new(self.label(), vec![certificate.clone()], certificate, &key)
    }

    /// An intermediate authority with this certificate, whether it may be one or not.
    ///
    /// # Errors
    ///
    /// [`PkiError::Time`], or a failure of the cryptography library.
    pub fn intermediate(&self, parent: &Authority) -> Result<Authority, PkiError> {
        self.intermediate_with(Key::generate(self.key)?, parent)
    }

    /// A root authority with this certificate, whether it may be one or not.
    ///
    /// # Errors
    ///
    /// [`PkiError::Time`], or a failure of the cryptography library.
    pub fn root(&self) -> Result<Authority, PkiError> {
        self.root_with(Key::generate(self.key)?)
    }

    pub(crate) fn issue_with(&self, key: Key, authority: &Authority) -> Result<Issued, PkiError> {
        let chain = self.chain_for(&key.public_der(), authority)?;
        Issued::new(self.label(), chain, authority.root_der().to_vec(), &key)
    }

    /// The chain of a certificate for somebody else's public key, as `SubjectPublicKeyInfo` in DER.
    pub(crate) fn chain_for(&self, public: &[u8], authority: &Authority) -> Result<Vec<Vec<u8>>, PkiError> {
        let certificate = self.sign(public, authority.subject(), authority.key())?;
        Ok([&[certificate], authority.chain_der()].concat())
    }

    pub(crate) fn intermediate_with(&self, key: Key, parent: &Authority) -> Result<Authority, PkiError> {
        let certificate = self.sign(&key.public_der(), parent.subject(), parent.key())?;
        Ok(Authority::below(parent, self.subject.clone(), certificate, key))
    }

    pub(crate) fn root_with(&self, key: Key) -> Result<Authority, PkiError> {
        let certificate = self.sign(&key.public_der(), &self.subject, &key)?;
        Ok(Authority::root(self.subject.clone(), certificate, key))
    }

    /// What a list of certificates would call this one.
    fn label(&self) -> &str {
        self.subject.first_common_name().unwrap_or("certificate")
    }

    fn sign(&self, public: &[u8], issuer: &DistinguishedName, issuer_key: &Key) -> Result<Vec<u8>, PkiError> {
        let body = self.body(public, issuer, issuer_key.algorithm())?;
        let signature = issuer_key.sign(&body)?;
        Ok(yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_der(&body);
                issuer_key.algorithm().write_signature_algorithm(writer.next());
                writer.next().write_bitvec_bytes(&signature, signature.len() * 8);
            });
        }))
    }

    /// The `TBSCertificate`.
    fn body(
        &self,
        public: &[u8],
        issuer: &DistinguishedName,
        signature: KeyAlgorithm,
    ) -> Result<Vec<u8>, PkiError> {
        let serial = match &self.serial {
            Some(serial) => serial.clone(),
            None => random_serial()?.to_vec(),
        };
        let (not_before, not_after) = (Timestamp::new(self.not_before)?, Timestamp::new(self.not_after)?);
        Ok(yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                // version 1 is the DEFAULT and left out in DER
                if self.version != 1 {
                    let number = self.version.wrapping_sub(1);
                    writer.next().write_tagged(Tag::context(0), |writer| writer.write_u8(number));
                }
                writer.next().write_tagged_der(&TaggedDerValue::from_tag_and_bytes(TAG_INTEGER, serial));
                signature.write_signature_algorithm(writer.next());
                writer.next().write_der(&issuer.to_der());
                writer.next().write_sequence(|writer| {
                    not_before.write(writer.next());
                    not_after.write(writer.next());
                });
                writer.next().write_der(&self.subject.to_der());
                writer.next().write_der(public);
                if !self.extensions.is_empty() {
                    writer.next().write_tagged(Tag::context(3), |writer| {
                        writer.write_sequence(|writer| self.extensions.iter().for_each(|e| e.write(writer)));
                    });
                }
            });
        }))
    }
}

/// Sixteen random bytes that are a positive integer in its shortest form.
fn random_serial() -> Result<[u8; 16], PkiError> {
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(|error| PkiError::Random { reason: error.to_string() })?;
    let [first, ..] = &mut serial;
    *first = (*first & 0x7f) | 0x40;
    Ok(serial)
}

/// A time as certificates write it: `UTCTime` until 2049, `GeneralizedTime` from then on.
pub(crate) enum Timestamp {
    Utc(UTCTime),
    Generalized(GeneralizedTime),
}

impl Timestamp {
    pub(crate) fn new(time: SystemTime) -> Result<Self, PkiError> {
        let time = whole_seconds(time)?;
        match UTCTime::from_datetime_opt(time) {
            Some(time) => Ok(Self::Utc(time)),
            None => GeneralizedTime::from_datetime_opt(time).map(Self::Generalized).ok_or(PkiError::Time),
        }
    }

    /// The time as everything but certificates and lists writes it.
    pub(crate) fn generalized(time: SystemTime) -> Result<GeneralizedTime, PkiError> {
        GeneralizedTime::from_datetime_opt(whole_seconds(time)?).ok_or(PkiError::Time)
    }

    pub(crate) fn write(&self, writer: DERWriter<'_>) {
        match self {
            Self::Utc(time) => writer.write_utctime(time),
            Self::Generalized(time) => writer.write_generalized_time(time),
        }
    }
}

fn whole_seconds(time: SystemTime) -> Result<OffsetDateTime, PkiError> {
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).map_err(|_| PkiError::Time)?,
        Err(before) => -i64::try_from(before.duration().as_secs()).map_err(|_| PkiError::Time)?,
    };
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| PkiError::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_positive_and_of_sixteen_bytes() {
        for _ in 0..100 {
            let [first, ..] = random_serial().unwrap();
            assert!((0x40..0x80).contains(&first));
        }
    }

    #[test]
    fn times_are_written_as_rfc_5280_wants() {
        let at = |year| {
            SystemTime::from(OffsetDateTime::from_unix_timestamp(0).unwrap().replace_year(year).unwrap())
        };
        assert!(matches!(Timestamp::new(at(1949)), Ok(Timestamp::Generalized(_))));
        assert!(matches!(Timestamp::new(at(1950)), Ok(Timestamp::Utc(_))));
        assert!(matches!(Timestamp::new(at(2049)), Ok(Timestamp::Utc(_))));
        assert!(matches!(Timestamp::new(at(2050)), Ok(Timestamp::Generalized(_))));
        assert!(matches!(Timestamp::new(at(-1)), Err(PkiError::Time)));
        assert!(matches!(
            Timestamp::new(UNIX_EPOCH + Duration::from_secs(u64::MAX / 4)),
            Err(PkiError::Time)
        ));
    }
}
