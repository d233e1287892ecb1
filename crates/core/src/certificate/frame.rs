//! The frame of a certificate: its elements in their places, and nothing besides.

use x509_parser::{
    asn1_rs::{FromDer, Tag},
    certificate::Validity,
};

use super::{
    CertificateError,
    der::{Element, Malformed, Reader},
    error::malformed,
};

/// The elements of a certificate, in their places.
pub(super) struct Frame<'a> {
    version: Option<Element<'a>>,
    pub(super) serial: Element<'a>,
    pub(super) inner_algorithm: Element<'a>,
    pub(super) issuer: Element<'a>,
    validity: Element<'a>,
    pub(super) subject: Element<'a>,
    pub(super) spki: Element<'a>,
    pub(super) extensions: Option<Element<'a>>,
    pub(super) outer_algorithm: Element<'a>,
}

impl<'a> Frame<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = Element::single(der)?.expect(Tag::Sequence)?.reader()?;
        let mut signed: Reader<'_> = outer.expect(Tag::Sequence)?.reader()?;
        let outer_algorithm = outer.expect(Tag::Sequence)?;
        outer.expect(Tag::BitString)?;
        outer.end()?;
        let version = signed.optional(0)?;
        let serial = signed.expect(Tag::Integer)?;
        let inner_algorithm = signed.expect(Tag::Sequence)?;
        let issuer = signed.expect(Tag::Sequence)?;
        let validity = signed.expect(Tag::Sequence)?;
        let subject = signed.expect(Tag::Sequence)?;
        let spki = signed.expect(Tag::Sequence)?;
        // Unique identifiers of version 2, which say nothing.
        signed.optional(1)?;
        signed.optional(2)?;
        let extensions = signed.optional(3)?;
        signed.end()?;
        Ok(Self {
            version,
            serial,
            inner_algorithm,
            issuer,
            validity,
            subject,
            spki,
            extensions,
            outer_algorithm,
        })
    }

    pub(super) fn version(&self) -> Result<u8, CertificateError> {
        let Some(explicit) = &self.version else { return Ok(1) };
        let number = explicit.inner().and_then(|number| number.expect(Tag::Integer));
        match number.map_err(malformed("version"))?.content {
            [version @ 0..=2] => Ok(version + 1),
            _ => Err(CertificateError::Version),
        }
    }

    /// The first and the last second of validity, since 1970.
    pub(super) fn validity(&self) -> Result<(i64, i64), Malformed> {
        let mut times = self.validity.reader()?;
        for time in [times.any()?, times.any()?] {
            // RFC 5280 has one form of each: no fractions, no zones. x509-parser takes others too.
            let digits = match time.primitive() {
                Some(Tag::UtcTime) => 12,
                Some(Tag::GeneralizedTime) => 14,
                _ => return Err(Malformed),
            };
            let number = time.content.strip_suffix(b"Z").ok_or(Malformed)?;
            if number.len() != digits || !number.iter().all(u8::is_ascii_digit) {
                return Err(Malformed);
            }
        }
        times.end()?;
        let (_, validity) = Validity::from_der(self.validity.raw).map_err(|_| Malformed)?;
        Ok((validity.not_before.timestamp(), validity.not_after.timestamp()))
    }
}
