//! Subject alternative names, each kind by itself.

mod kind;
#[cfg(feature = "serde")]
mod serialize;
mod syntax;

use std::net::IpAddr;

use x509_parser::asn1_rs::Tag;

pub use self::kind::{SanKind, SanKindError, SanValueError};
use super::{
    CertificateError,
    der::{Element, Malformed},
    error::malformed,
};

/// The subject alternative names of a certificate.
///
/// Each kind is a list of its own: a URI is never compared with a DNS name. A name that is not
/// valid for its kind makes that whole kind an error, so that neither "is one of them" nor "is
/// none of them" can be answered wrongly; the other kinds stay usable. Kinds that are not listed
/// here (directory names, registered identifiers and so on) are passed over.
///
/// # Security
///
/// If a rule takes the malformed names that [`malformed`](Self::malformed) shows for an identity,
/// then whoever gets `admin\0.evil.example` certified gets in as `admin`.
///
/// # Examples
///
/// ```
/// use portcullis_core::certificate::{SanKind, SubjectAlternativeNames};
///
/// # let der = b"\x30\x1c\x82\x0bExample.com\x86\x0durn:service:a";
/// let names = SubjectAlternativeNames::from_der(der)?; // as in the certificate's extension
/// assert_eq!(names.dns()?, ["example.com".into()]);
/// assert_eq!(names.values(SanKind::Uri)?, ["urn:service:a".into()]);
/// assert!(names.email()?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubjectAlternativeNames {
    dns: Vec<Box<str>>,
    email: Vec<Box<str>>,
    uri: Vec<Box<str>>,
    upn: Vec<Box<str>>,
    ip: Vec<IpAddr>,
    ip_text: Vec<Box<str>>,
    malformed: Vec<MalformedSan>,
    entries: usize,
}

/// A subject alternative name that is not valid for its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MalformedSan {
    /// Its kind; none if its tag is unknown.
    pub kind: Option<SanKind>,
    /// The bytes of the name.
    pub bytes: Box<[u8]>,
    /// What is wrong with it, in words.
    pub reason: &'static str,
}

/// A kind of subject alternative names cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the subject alternative names of kind `{kind}` cannot be used: one of them {reason}")]
#[non_exhaustive]
pub struct SanError {
    /// The kind that was asked for.
    pub kind: SanKind,
    /// What is wrong with the first malformed one.
    pub reason: &'static str,
}

/// More names than any certificate needs; each one is work for whoever looks through them.
const MAX_ENTRIES: usize = 1000;

impl SubjectAlternativeNames {
    /// Reads the value of a subjectAltName extension.
    ///
    /// # Errors
    ///
    /// If the bytes are no well-formed list of names, or it is empty or has more than 1000 entries.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let malformed = malformed("subjectAltName extension");
        let entries = Element::single(der)
            .and_then(|names| names.expect(Tag::Sequence)?.reader())
            .map_err(&malformed)?;
        let mut names = Self::default();
        for entry in entries {
            names.push(&entry.map_err(&malformed)?).map_err(&malformed)?;
            if names.entries > MAX_ENTRIES {
                return Err(CertificateError::TooMany {
                    part: "subject alternative names",
                    limit: MAX_ENTRIES,
                });
            }
        }
        if names.is_empty() { Err(malformed(Malformed)) } else { Ok(names) }
    }

    /// Whether there is no subject alternative name of any kind, usable or not.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// How many names there are, usable or not.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// The DNS names, in lower case.
    ///
    /// # Errors
    ///
    /// If one of them is malformed.
    pub fn dns(&self) -> Result<&[Box<str>], SanError> {
        self.values(SanKind::Dns)
    }

    /// The e-mail addresses.
    ///
    /// # Errors
    ///
    /// If one of them is malformed.
    pub fn email(&self) -> Result<&[Box<str>], SanError> {
        self.values(SanKind::Email)
    }

    /// The URIs.
    ///
    /// # Errors
    ///
    /// If one of them is malformed.
    pub fn uri(&self) -> Result<&[Box<str>], SanError> {
        self.values(SanKind::Uri)
    }

    /// The IP addresses.
    ///
    /// # Errors
    ///
    /// If one of them is malformed.
    pub fn ip(&self) -> Result<&[IpAddr], SanError> {
        self.check(SanKind::Ip)?;
        Ok(&self.ip)
    }

    /// The user principal names.
    ///
    /// # Errors
    ///
    /// If one of them is malformed.
    pub fn upn(&self) -> Result<&[Box<str>], SanError> {
        self.values(SanKind::Upn)
    }

    /// The names of one kind as text; IP addresses in their canonical form.
    ///
    /// # Errors
    ///
    /// If one of them is malformed.
    pub fn values(&self, kind: SanKind) -> Result<&[Box<str>], SanError> {
        self.check(kind)?;
        Ok(match kind {
            SanKind::Dns => &self.dns,
            SanKind::Email => &self.email,
            SanKind::Uri => &self.uri,
            SanKind::Ip => &self.ip_text,
            SanKind::Upn => &self.upn,
        })
    }

    /// The names that are not valid for their kind, to be shown to an operator.
    pub fn malformed(&self) -> &[MalformedSan] {
        &self.malformed
    }

    fn check(&self, kind: SanKind) -> Result<(), SanError> {
        match self.malformed.iter().find(|name| name.kind == Some(kind)) {
            Some(MalformedSan { reason, .. }) => Err(SanError { kind, reason }),
            None => Ok(()),
        }
    }

    fn push(&mut self, entry: &Element<'_>) -> Result<(), Malformed> {
        self.entries += 1;
        let (tag, constructed) = entry.context().ok_or(Malformed)?;
        let (kind, name) = match (tag, constructed) {
            (0, true) => match syntax::upn(entry.reader()?)? {
                Some(name) => (SanKind::Upn, name),
                None => return Ok(()),
            },
            (1, false) => (SanKind::Email, syntax::email(entry.content)),
            (2, false) => (SanKind::Dns, syntax::dns(entry.content)),
            (6, false) => (SanKind::Uri, syntax::uri(entry.content)),
            (7, false) => (SanKind::Ip, self.push_ip(entry.content)),
            // X.400 address, directory name, EDI party name, registered identifier.
            (3..=5, true) | (8, false) => return Ok(()),
            (0..=8, _) => return Err(Malformed),
            _ => {
                self.reject(None, entry, "has an unknown tag");
                return Ok(());
            }
        };
        match name {
            Ok(name) => self.list(kind).push(name),
            Err(reason) => self.reject(Some(kind), entry, reason),
        }
        Ok(())
    }

    fn push_ip(&mut self, content: &[u8]) -> Result<Box<str>, &'static str> {
        let ip = syntax::ip(content)?;
        self.ip.push(ip);
        Ok(ip.to_string().into())
    }

    fn list(&mut self, kind: SanKind) -> &mut Vec<Box<str>> {
        match kind {
            SanKind::Dns => &mut self.dns,
            SanKind::Email => &mut self.email,
            SanKind::Uri => &mut self.uri,
            SanKind::Ip => &mut self.ip_text,
            SanKind::Upn => &mut self.upn,
        }
    }

    fn reject(&mut self, kind: Option<SanKind>, entry: &Element<'_>, reason: &'static str) {
        self.malformed.push(MalformedSan { kind, bytes: entry.content.into(), reason });
    }
}

#[cfg(test)]
mod tests {
    use super::kind::KINDS;
    use super::*;
    use crate::certificate::testing::{sequence, tlv};

    const UPN: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 20, 2, 3];

    fn names(entries: &[Vec<u8>]) -> SubjectAlternativeNames {
        SubjectAlternativeNames::from_der(&sequence(entries)).unwrap()
    }

    fn other(oid: &[u8], value: &[u8]) -> Vec<u8> {
        tlv(0xa0, &[tlv(6, oid), tlv(0xa0, value)].concat())
    }

    fn boxed(texts: &[&str]) -> Vec<Box<str>> {
        texts.iter().map(|text| Box::from(*text)).collect()
    }

    #[test]
    fn every_kind_has_its_own_list() {
        let names = names(&[
            tlv(0x81, b"Alice@example.com"),
            tlv(0x82, b"Example.COM"),
            tlv(0x82, b"*.example.com"),
            tlv(0x86, b"spiffe://test/Admin"),
            tlv(0x87, &[127, 0, 0, 1]),
            tlv(0x87, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            other(UPN, &tlv(0x0c, "jörg@corp.example".as_bytes())),
            tlv(0xa4, &sequence::<Vec<u8>>(&[])),
            tlv(0x88, &[0x2a, 3]),
        ]);
        assert_eq!(names.email().unwrap(), boxed(&["Alice@example.com"]));
        assert_eq!(names.dns().unwrap(), boxed(&["example.com", "*.example.com"]));
        assert_eq!(names.uri().unwrap(), boxed(&["spiffe://test/Admin"]));
        assert_eq!(names.ip().unwrap(), ["127.0.0.1".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]);
        assert_eq!(names.values(SanKind::Ip).unwrap(), boxed(&["127.0.0.1", "::1"]));
        assert_eq!(names.upn().unwrap(), boxed(&["jörg@corp.example"]));
        assert!(names.malformed().is_empty() && !names.is_empty());
        assert_eq!(names.len(), 9);
    }

    #[test]
    fn a_malformed_name_spoils_its_kind_and_no_other() {
        let upn = |value: &[u8]| other(UPN, value);
        let cases = [
            (SanKind::Dns, tlv(0x82, b"admin\0.evil.example"), "holds a control character"),
            (SanKind::Dns, tlv(0x82, b""), "is empty"),
            (SanKind::Dns, tlv(0x82, b"a b"), "holds a blank"),
            (SanKind::Dns, tlv(0x82, b"spiffe://test/admin"), "is no DNS name"),
            (SanKind::Dns, tlv(0x82, b"a..b"), "is no DNS name"),
            (SanKind::Dns, tlv(0x82, "bücher.example".as_bytes()), "is not ASCII"),
            (SanKind::Dns, tlv(0x82, b"\xff"), "is not ASCII"),
            (SanKind::Email, tlv(0x81, b"alice@example.com\0.evil"), "holds a control character"),
            (SanKind::Email, tlv(0x81, b"admin.test"), "is no e-mail address"),
            (SanKind::Email, tlv(0x81, b"@example.com"), "is no e-mail address"),
            (SanKind::Email, tlv(0x81, b"alice@"), "is no e-mail address"),
            (SanKind::Uri, tlv(0x86, b"spiffe://test/admin\0"), "holds a control character"),
            (SanKind::Uri, tlv(0x86, b"spiffe://test/a\r\nb"), "holds a control character"),
            (SanKind::Uri, tlv(0x86, b"admin.test"), "is no URI: it has no scheme"),
            (SanKind::Uri, tlv(0x86, b"4a:b"), "is no URI: it has no scheme"),
            (SanKind::Uri, tlv(0x86, b"a:<b>"), "is no URI"),
            (SanKind::Uri, tlv(0x86, b"a:"), "is no URI"),
            (SanKind::Ip, tlv(0x87, b"127.0.0.1"), "is no IP address: it has neither 4 nor 16 bytes"),
            (
                SanKind::Ip,
                tlv(0x87, &[10, 0, 0, 0, 255, 0, 0, 0]),
                "is no IP address: it has neither 4 nor 16 bytes",
            ),
            (SanKind::Upn, upn(&tlv(0x0c, b"admin\0@evil")), "holds a control character"),
            (SanKind::Upn, upn(&tlv(0x0c, "\u{202e}nimda".as_bytes())), "holds a control character"),
            (SanKind::Upn, upn(&tlv(0x0c, b"\xff")), "is no valid UTF-8"),
            (SanKind::Upn, upn(&tlv(0x0c, b"")), "is empty"),
            (SanKind::Upn, upn(&tlv(0x16, b"admin")), "is no UTF8String"),
            (SanKind::Upn, upn(&[tlv(0x0c, b"a"), tlv(0x0c, b"b")].concat()), "is no UTF8String"),
        ];
        for (kind, entry, reason) in cases {
            let good = [
                tlv(0x81, b"a@b.example"),
                tlv(0x82, b"b.example"),
                tlv(0x86, b"urn:b"),
                tlv(0x87, &[10, 0, 0, 1]),
                upn(&tlv(0x0c, b"a@b")),
            ];
            let names = names(&[&good[..], &[entry]].concat());
            for other in KINDS {
                let expected = if other == kind { Err(SanError { kind, reason }) } else { Ok(1) };
                assert_eq!(names.values(other).map(<[_]>::len), expected, "{other} with {kind}: {reason}");
            }
            assert_eq!(names.ip().is_err(), kind == SanKind::Ip);
            assert_eq!(names.malformed().len(), 1);
        }
    }

    #[test]
    fn text_of_one_name_never_becomes_several() {
        let uri = "spiffe://test/mallory;URI=spiffe://test/admin,By=x";
        assert_eq!(names(&[tlv(0x86, uri.as_bytes())]).uri().unwrap(), boxed(&[uri]));
    }

    #[test]
    fn an_address_as_a_dns_name_is_no_address() {
        let names = names(&[tlv(0x82, b"127.0.0.1")]);
        assert_eq!(names.ip().unwrap(), [] as [IpAddr; 0]);
        assert_eq!(names.dns().unwrap(), boxed(&["127.0.0.1"]));
    }

    #[test]
    fn unknown_tags_and_other_names_are_no_names_to_use() {
        let names = names(&[tlv(0x89, b"x"), other(&[0x2a, 3], &tlv(0x0c, b"admin"))]);
        assert_eq!(names.malformed()[0].kind, None);
        assert!(KINDS.iter().all(|kind| names.values(*kind).unwrap().is_empty()));
        assert!(!names.is_empty());
    }

    #[test]
    fn a_broken_list_is_an_error() {
        let dns = tlv(0x82, b"a.example");
        let refused = [
            vec![],
            sequence::<Vec<u8>>(&[]),
            [sequence(&[&dns]), vec![0]].concat(),
            tlv(0x31, &dns),
            sequence(&[tlv(0x16, b"a.example")]),
            sequence(&[tlv(0xa2, &tlv(0x16, b"a.example"))]),
            sequence(&[tlv(0x80, b"\x2a\x03")]),
            sequence(&[tlv(0xa0, &tlv(6, UPN))]),
            sequence(&[tlv(0xa0, &[tlv(6, UPN), tlv(0xa0, &tlv(0x0c, b"a")), tlv(5, b"")].concat())]),
        ];
        let error = CertificateError::Malformed { part: "subjectAltName extension" };
        for der in refused {
            assert_eq!(SubjectAlternativeNames::from_der(&der), Err(error.clone()), "{der:x?}");
        }
    }

    #[test]
    fn the_number_of_names_is_bounded() {
        let many =
            |count| SubjectAlternativeNames::from_der(&sequence(&vec![tlv(0x82, b"a.example"); count]));
        assert_eq!(many(1000).unwrap().dns().unwrap().len(), 1000);
        assert_eq!(
            many(1001),
            Err(CertificateError::TooMany { part: "subject alternative names", limit: 1000 })
        );
    }
}
