//! The extensions of a certificate, read strictly.

use x509_parser::{
    asn1_rs::{FromDer, Tag},
    extensions as x509,
};

use super::{
    CertificateError,
    der::{Element, Malformed},
    error::malformed,
    oid::{Dotted, Oid},
    san::SubjectAlternativeNames,
    usage::{BasicConstraints, ExtendedKeyUsage, KeyUsage},
};

/// The extensions of a certificate, those of interest taken apart.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pub(super) san: SubjectAlternativeNames,
    pub(super) extended_key_usages: Option<Box<[ExtendedKeyUsage]>>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) policies: Box<[Oid]>,
    pub(super) unknown_critical: Box<[Oid]>,
}

/// More extensions than any certificate has; they are compared with one another.
const MAX_EXTENSIONS: usize = 64;

/// More purposes or policies than any certificate has.
const MAX_OIDS: usize = 256;

impl Extensions {
    /// Reads the content of the `[3]` element.
    pub(super) fn read(explicit: &Element<'_>) -> Result<Self, CertificateError> {
        let malformed = malformed("list of extensions");
        let list =
            explicit.inner().and_then(|list| list.expect(Tag::Sequence)?.reader()).map_err(&malformed)?;
        let mut seen: Vec<&[u8]> = Vec::with_capacity(12);
        let mut unknown_critical = Vec::new();
        let mut extensions = Self::default();
        for extension in list {
            let extension = extension.and_then(|element| Extension::read(&element)).map_err(&malformed)?;
            if seen.contains(&extension.oid_content) {
                return Err(CertificateError::DuplicateExtension { oid: extension.oid.into() });
            }
            if seen.len() == MAX_EXTENSIONS {
                return Err(CertificateError::TooMany { part: "extensions", limit: MAX_EXTENSIONS });
            }
            seen.push(extension.oid_content);
            if !extensions.take(&extension)? && extension.critical {
                unknown_critical.push(extension.oid.into());
            }
        }
        if seen.is_empty() {
            return Err(malformed(Malformed));
        }
        extensions.unknown_critical = unknown_critical.into();
        Ok(extensions)
    }

    /// Takes over what an extension says; false if a verifier does not process such an extension.
    fn take(&mut self, extension: &Extension<'_>) -> Result<bool, CertificateError> {
        let value = extension.value;
        match extension.oid.as_str() {
            "2.5.29.15" => {
                self.key_usage = Some(key_usage(value).map_err(malformed("keyUsage extension"))?);
            }
            "2.5.29.17" => self.san = SubjectAlternativeNames::from_der(value)?,
            "2.5.29.19" => {
                let constraints =
                    basic_constraints(value).map_err(malformed("basicConstraints extension"))?;
                self.basic_constraints = Some(constraints);
            }
            "2.5.29.32" => {
                self.policies = oids(value, "certificatePolicies extension", |policy| {
                    policy.expect(Tag::Sequence)?.reader()?.any()
                })?;
                return Ok(false);
            }
            "2.5.29.37" => {
                self.extended_key_usages = Some(oids(value, "extendedKeyUsage extension", Ok)?);
            }
            // Name constraints and CRL distribution points: a matter for who judges the chain.
            "2.5.29.30" | "2.5.29.31" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

struct Extension<'a> {
    oid: Dotted,
    oid_content: &'a [u8],
    critical: bool,
    value: &'a [u8],
}

impl<'a> Extension<'a> {
    fn read(element: &Element<'a>) -> Result<Self, Malformed> {
        let mut fields = element.expect(Tag::Sequence)?.reader()?;
        let oid = fields.expect(Tag::Oid)?;
        let mut next = fields.any()?;
        let critical = match next.primitive() {
            Some(Tag::Boolean) => {
                let critical = match next.content {
                    [0] => false,
                    [0xff] => true,
                    _ => return Err(Malformed),
                };
                next = fields.any()?;
                critical
            }
            _ => false,
        };
        fields.end()?;
        let value = next.expect(Tag::OctetString)?.content;
        Ok(Self { oid: Dotted::read(oid.content)?, oid_content: oid.content, critical, value })
    }
}

fn key_usage(value: &[u8]) -> Result<KeyUsage, Malformed> {
    let bits = Element::single(value)?.expect(Tag::BitString)?;
    // Bits that are declared unused do not count, so DER has them zero.
    match bits.content {
        [0] => {}
        [unused @ 0..=7, .., last] if last.trailing_zeros() >= u32::from(*unused) => {}
        _ => return Err(Malformed),
    }
    let (_, usage) = x509::KeyUsage::from_der(bits.raw).map_err(|_| Malformed)?;
    Ok(KeyUsage::new(usage.flags))
}

fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, Malformed> {
    let constraints = Element::single(value)?.expect(Tag::Sequence)?;
    let (_, constraints) = x509::BasicConstraints::from_der(constraints.raw).map_err(|_| Malformed)?;
    Ok(BasicConstraints { ca: constraints.ca, path_len: constraints.path_len_constraint })
}

/// Reads a non-empty list whose entries are or begin with an object identifier.
fn oids<'a, T: From<Dotted>>(
    value: &'a [u8],
    part: &'static str,
    identifier: impl Fn(Element<'a>) -> Result<Element<'a>, Malformed>,
) -> Result<Box<[T]>, CertificateError> {
    let malformed = malformed(part);
    let list =
        Element::single(value).and_then(|list| list.expect(Tag::Sequence)?.reader()).map_err(&malformed)?;
    let count = list.clone().take(MAX_OIDS + 1).count();
    if count > MAX_OIDS {
        return Err(CertificateError::TooMany { part: "purposes or policies", limit: MAX_OIDS });
    }
    let mut oids = Vec::with_capacity(count);
    for entry in list {
        let oid = entry.and_then(&identifier).and_then(|oid| Dotted::read(oid.expect(Tag::Oid)?.content));
        oids.push(T::from(oid.map_err(&malformed)?));
    }
    if oids.is_empty() { Err(malformed(Malformed)) } else { Ok(oids.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::testing::{sequence, tlv};

    const SAN: u8 = 17;
    const KEY_USAGE: u8 = 15;
    const BASIC_CONSTRAINTS: u8 = 19;
    const POLICIES: u8 = 32;
    const EXTENDED_KEY_USAGE: u8 = 37;

    fn extension(id: u8, value: &[u8]) -> Vec<u8> {
        sequence(&[tlv(6, &[0x55, 29, id]), tlv(4, value)])
    }

    fn read(extensions: &[Vec<u8>]) -> Result<Extensions, CertificateError> {
        Extensions::read(&Element::single(&tlv(0xa3, &sequence(extensions))).unwrap())
    }

    fn one(id: u8, value: &[u8]) -> Result<Extensions, CertificateError> {
        read(&[extension(id, value)])
    }

    fn oids(oids: &[&[u8]]) -> Vec<u8> {
        sequence(&oids.iter().map(|oid| tlv(6, oid)).collect::<Vec<_>>())
    }

    #[test]
    fn key_usage_bits_have_names() {
        let usage = one(KEY_USAGE, &tlv(3, &[7, 0x80])).unwrap().key_usage.unwrap();
        assert!(usage.digital_signature() && !usage.key_cert_sign());
        let usage = one(KEY_USAGE, &tlv(3, &[1, 0x06])).unwrap().key_usage.unwrap();
        assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
        assert_eq!(format!("{usage:?}"), r#"["keyCertSign", "cRLSign"]"#);
        let usage = one(KEY_USAGE, &tlv(3, &[7, 0x00, 0x80])).unwrap().key_usage.unwrap();
        assert_eq!(usage.names().collect::<Vec<_>>(), ["decipherOnly"]);
        assert_eq!(one(KEY_USAGE, &tlv(3, &[0])).unwrap().key_usage.unwrap().names().count(), 0);
    }

    #[test]
    fn purposes_are_kept_in_order() {
        let value = oids(&[&[0x2b, 6, 1, 5, 5, 7, 3, 1], &[0x55, 29, 37, 0], &[0x2a, 3]]);
        let usages = one(EXTENDED_KEY_USAGE, &value).unwrap().extended_key_usages.unwrap();
        let other = ExtendedKeyUsage::Other("1.2.3".parse().unwrap());
        assert_eq!(*usages, [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::Any, other]);
        assert!(read(&[extension(14, b"x")]).unwrap().extended_key_usages.is_none());
    }

    #[test]
    fn constraints_and_policies() {
        let ca = one(BASIC_CONSTRAINTS, &sequence(&[tlv(1, &[0xff]), tlv(2, &[3])])).unwrap();
        assert_eq!(ca.basic_constraints, Some(BasicConstraints { ca: true, path_len: Some(3) }));
        let leaf = one(BASIC_CONSTRAINTS, &sequence::<Vec<u8>>(&[])).unwrap();
        assert_eq!(leaf.basic_constraints, Some(BasicConstraints { ca: false, path_len: None }));
        let policies =
            sequence(&[sequence(&[tlv(6, &[0x2a, 3])]), sequence(&[tlv(6, &[0x2a, 4]), oids(&[])])]);
        let policies = one(POLICIES, &policies).unwrap().policies;
        assert_eq!(*policies, ["1.2.3".parse().unwrap(), "1.2.4".parse().unwrap()]);
    }

    #[test]
    fn what_does_not_parse_is_never_taken_for_absent() {
        let cases: &[(u8, &str, &[Vec<u8>])] = &[
            (
                KEY_USAGE,
                "keyUsage extension",
                &[
                    vec![],
                    tlv(3, &[]),
                    tlv(3, &[8, 0x80]),
                    tlv(3, &[7]),
                    tlv(3, &[7, 0xff]),
                    tlv(0x83, &[7, 0x80]),
                    tlv(4, &[7, 0x80]),
                    [tlv(3, &[7, 0x80]), vec![0]].concat(),
                ],
            ),
            (
                BASIC_CONSTRAINTS,
                "basicConstraints extension",
                &[
                    vec![],
                    tlv(1, &[0xff]),
                    sequence(&[tlv(2, &[3]), tlv(1, &[0xff])]),
                    sequence(&[tlv(0x81, &[0xff])]),
                    sequence(&[tlv(1, &[0xff]), tlv(2, &[1]), tlv(2, &[1])]),
                    sequence(&[tlv(1, &[0xff]), tlv(2, &[1, 0, 0, 0, 0])]),
                    [sequence::<Vec<u8>>(&[]), vec![0]].concat(),
                ],
            ),
            (
                EXTENDED_KEY_USAGE,
                "extendedKeyUsage extension",
                &[
                    vec![],
                    oids(&[]),
                    sequence(&[tlv(4, b"x")]),
                    oids(&[&[0x80]]),
                    [oids(&[&[0x2a]]), vec![0]].concat(),
                ],
            ),
            (
                POLICIES,
                "certificatePolicies extension",
                &[
                    vec![],
                    sequence::<Vec<u8>>(&[]),
                    oids(&[&[0x2a, 3]]),
                    sequence(&[sequence::<Vec<u8>>(&[])]),
                ],
            ),
            (SAN, "subjectAltName extension", &[vec![], sequence::<Vec<u8>>(&[]), tlv(4, b"x")]),
        ];
        for (id, part, values) in cases {
            for value in *values {
                let error = one(*id, value).unwrap_err();
                assert_eq!(error, CertificateError::Malformed { part }, "{value:x?}");
            }
        }
    }

    #[test]
    fn one_extension_of_a_kind() {
        let twice = [extension(14, b"a"), extension(35, b"b"), extension(14, b"c")];
        let oid = "2.5.29.14".parse().unwrap();
        assert_eq!(read(&twice).unwrap_err(), CertificateError::DuplicateExtension { oid });
    }

    #[test]
    fn unknown_critical_extensions_are_listed() {
        let critical = |id: u8, flag: u8| sequence(&[tlv(6, &[0x55, 29, id]), tlv(1, &[flag]), tlv(4, b"x")]);
        let policies = sequence(&[
            tlv(6, &[0x55, 29, POLICIES]),
            tlv(1, &[0xff]),
            tlv(4, &sequence(&[oids(&[&[0x2a]])])),
        ]);
        let read =
            read(&[critical(99, 0xff), critical(98, 0), critical(30, 0xff), extension(97, b"x"), policies]);
        let listed: Vec<_> = read.unwrap().unknown_critical.iter().map(Oid::to_string).collect();
        assert_eq!(listed, ["2.5.29.99", "2.5.29.32"]);
    }

    #[test]
    fn a_loose_list_is_refused() {
        let good = extension(14, b"x");
        let lists = [
            tlv(0xa3, &[]),
            tlv(0xa3, &sequence::<Vec<u8>>(&[])),
            tlv(0xa3, &[sequence(&[&good]), vec![0]].concat()),
            tlv(0x83, &sequence(&[&good])),
            tlv(0xa3, &tlv(0x31, &good)),
            tlv(0xa3, &sequence(&[&good, &tlv(5, b"")])),
            tlv(0xa3, &sequence(&[sequence(&[tlv(6, &[0x55, 29, 9]), tlv(1, &[1]), tlv(4, b"x")])])),
            tlv(0xa3, &sequence(&[sequence(&[tlv(6, &[0x55, 29, 9]), tlv(4, b"x"), tlv(5, b"")])])),
            tlv(0xa3, &sequence(&[sequence(&[tlv(6, &[0x55, 29, 9]), tlv(0x24, &tlv(4, b"x"))])])),
        ];
        for list in lists {
            let error = Extensions::read(&Element::single(&list).unwrap()).unwrap_err();
            assert_eq!(error, CertificateError::Malformed { part: "list of extensions" }, "{list:x?}");
        }
    }

    #[test]
    fn numbers_are_bounded() {
        let many = |count: u8| read(&(0..count).map(|id| extension(id + 40, b"x")).collect::<Vec<_>>());
        assert!(many(64).is_ok());
        assert_eq!(many(65).unwrap_err(), CertificateError::TooMany { part: "extensions", limit: 64 });
        let purposes = oids(&vec![&[0x2a, 3][..]; 257]);
        let error = CertificateError::TooMany { part: "purposes or policies", limit: 256 };
        assert_eq!(one(EXTENDED_KEY_USAGE, &purposes).unwrap_err(), error);
    }
}
