//! All facts of one certificate, read once.

use std::{borrow::Cow, ops::Range};

use super::{
    der::{Element, Malformed},
    error::{CertificateError, malformed},
    extension::Extensions,
    fingerprint::Fingerprint,
    frame::Frame,
    key::{PublicKeyInfo, signature_algorithm},
    name::Name,
    serial::Serial,
    spiffe::{SpiffeError, SpiffeId},
};

pub(super) struct Parsed {
    pub(super) der: Box<[u8]>,
    pub(super) sha256: Fingerprint,
    pub(super) spki_sha256: Fingerprint,
    pub(super) version: u8,
    pub(super) serial: Serial,
    pub(super) issuer: Name,
    pub(super) subject: Name,
    pub(super) not_before: i64,
    pub(super) not_after: i64,
    pub(super) public_key: PublicKeyInfo,
    pub(super) signature_algorithm: Cow<'static, str>,
    pub(super) spiffe_id: Result<SpiffeId, SpiffeError>,
    pub(super) extensions: Extensions,
    pub(super) issuer_der: Range<usize>,
    pub(super) subject_der: Range<usize>,
    pub(super) spki_der: Range<usize>,
}

/// A TLS record holds 16 KiB; certificates with keys and signatures of tomorrow fit four.
const MAX_BYTES: usize = 64 * 1024;

impl Parsed {
    pub(super) fn read(der: &[u8]) -> Result<Self, CertificateError> {
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
        Ok(Self {
            sha256: Fingerprint::of(der),
            spki_sha256: Fingerprint::of(frame.spki.raw),
            version,
            serial: Serial::from_content(frame.serial.content).map_err(malformed("serial number"))?,
            issuer: Name::from_element(&frame.issuer, "issuer")?,
            subject: Name::from_element(&frame.subject, "subject")?,
            not_before,
            not_after,
            public_key: PublicKeyInfo::read(&frame.spki).map_err(malformed("public key"))?,
            signature_algorithm: signature_algorithm(&frame.outer_algorithm)
                .map_err(malformed("signature algorithm"))?,
            spiffe_id: SpiffeId::of(&extensions),
            extensions,
            issuer_der: range(&frame.issuer)?,
            subject_der: range(&frame.subject)?,
            spki_der: range(&frame.spki)?,
            der: der.into(),
        })
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
    use crate::certificate::Certificate;

    fn raw() -> RawCertificate {
        RawCertificate::new(DistinguishedName::common_name("alice"))
    }

    fn parsed(raw: &RawCertificate) -> Result<Certificate, CertificateError> {
        let authority = Authority::new("Example CA").unwrap();
        Certificate::from_der(raw.issue(&authority).unwrap().certificate_der())
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
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
        let issued = Authority::new("Example CA")
            .unwrap()
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
}
