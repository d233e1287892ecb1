//! The extensions that say what a certificate may be used for.

use std::{fmt, str::FromStr};

use x509_parser::{
    asn1_rs::{FromDer, Tag},
    extensions as x509,
};

use super::{
    CertificateError,
    der::{Element, Malformed},
    malformed,
    oid::{Oid, OidError},
    san::SubjectAlternativeNames,
};

/// What the key of a certificate may be used for, by the keyUsage extension.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyUsage(u16);

/// Whether a certificate belongs to an authority, by the basicConstraints extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct BasicConstraints {
    /// Whether it does.
    pub ca: bool,
    /// How many intermediate authorities may stand below it.
    pub path_len: Option<u32>,
}

/// A purpose that the extendedKeyUsage extension allows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExtendedKeyUsage {
    /// Any purpose at all; TLS verifiers do not take it for client authentication.
    Any,
    /// TLS servers.
    ServerAuth,
    /// TLS clients.
    ClientAuth,
    /// Signed programs.
    CodeSigning,
    /// Signed or encrypted mail.
    EmailProtection,
    /// Time stamps.
    TimeStamping,
    /// Answers about revocation.
    OcspSigning,
    /// Another purpose.
    Other(Oid),
}

const PURPOSES: &[(ExtendedKeyUsage, &str, &str)] = &[
    (ExtendedKeyUsage::Any, "2.5.29.37.0", "anyExtendedKeyUsage"),
    (ExtendedKeyUsage::ServerAuth, "1.3.6.1.5.5.7.3.1", "serverAuth"),
    (ExtendedKeyUsage::ClientAuth, "1.3.6.1.5.5.7.3.2", "clientAuth"),
    (ExtendedKeyUsage::CodeSigning, "1.3.6.1.5.5.7.3.3", "codeSigning"),
    (ExtendedKeyUsage::EmailProtection, "1.3.6.1.5.5.7.3.4", "emailProtection"),
    (ExtendedKeyUsage::TimeStamping, "1.3.6.1.5.5.7.3.8", "timeStamping"),
    (ExtendedKeyUsage::OcspSigning, "1.3.6.1.5.5.7.3.9", "OCSPSigning"),
];

impl ExtendedKeyUsage {
    /// The name that RFC 5280 gives the purpose, or the object identifier of another one.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(oid) => oid.as_str(),
            known => PURPOSES.iter().find(|(purpose, ..)| purpose == known).map_or("", |(.., name)| name),
        }
    }

    /// The object identifier.
    pub fn oid(&self) -> Oid {
        match self {
            Self::Other(oid) => oid.clone(),
            known => {
                let oid =
                    PURPOSES.iter().find(|(purpose, ..)| purpose == known).map_or("", |(_, oid, _)| oid);
                Oid::known(oid)
            }
        }
    }
}

impl From<Oid> for ExtendedKeyUsage {
    fn from(oid: Oid) -> Self {
        let known = PURPOSES.iter().find(|(_, text, _)| *text == oid.as_str());
        known.map_or_else(|| Self::Other(oid), |(purpose, ..)| purpose.clone())
    }
}

impl FromStr for ExtendedKeyUsage {
    type Err = OidError;

    /// Reads a name of RFC 5280, such as `clientAuth`, or an object identifier.
    fn from_str(text: &str) -> Result<Self, OidError> {
        match PURPOSES.iter().find(|(.., name)| *name == text) {
            Some((purpose, ..)) => Ok(purpose.clone()),
            None => text.parse::<Oid>().map(Self::from),
        }
    }
}

impl fmt::Display for ExtendedKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! key_usages {
    ($($name:ident $bit:literal $word:literal)*) => {
        impl KeyUsage {
            $(
                #[doc = concat!("Whether the key may be used for `", $word, "`.")]
                pub fn $name(self) -> bool {
                    self.0 >> $bit & 1 == 1
                }
            )*

            /// The uses that are allowed, by their names in RFC 5280.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                [$(($bit, $word)),*].into_iter().filter(move |(bit, _)| self.0 >> bit & 1 == 1).map(|(_, word)| word)
            }
        }
    };
}

key_usages! {
    digital_signature 0 "digitalSignature"
    content_commitment 1 "nonRepudiation"
    key_encipherment 2 "keyEncipherment"
    data_encipherment 3 "dataEncipherment"
    key_agreement 4 "keyAgreement"
    key_cert_sign 5 "keyCertSign"
    crl_sign 6 "cRLSign"
    encipher_only 7 "encipherOnly"
    decipher_only 8 "decipherOnly"
}

impl fmt::Debug for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

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
                return Err(CertificateError::DuplicateExtension { oid: extension.oid });
            }
            if seen.len() == MAX_EXTENSIONS {
                return Err(CertificateError::TooMany { part: "extensions", limit: MAX_EXTENSIONS });
            }
            seen.push(extension.oid_content);
            if !extensions.take(&extension)? && extension.critical {
                unknown_critical.push(extension.oid);
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
                let purposes = oids(value, "extendedKeyUsage extension", Ok)?;
                self.extended_key_usages = Some(purposes.into_iter().map(ExtendedKeyUsage::from).collect());
            }
            // Name constraints and CRL distribution points: a matter for who judges the chain.
            "2.5.29.30" | "2.5.29.31" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

struct Extension<'a> {
    oid: Oid,
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
        Ok(Self { oid: Oid::from_content(oid.content)?, oid_content: oid.content, critical, value })
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
    Ok(KeyUsage(usage.flags))
}

fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, Malformed> {
    let constraints = Element::single(value)?.expect(Tag::Sequence)?;
    let (_, constraints) = x509::BasicConstraints::from_der(constraints.raw).map_err(|_| Malformed)?;
    Ok(BasicConstraints { ca: constraints.ca, path_len: constraints.path_len_constraint })
}

/// Reads a non-empty list whose entries are or begin with an object identifier.
fn oids<'a>(
    value: &'a [u8],
    part: &'static str,
    identifier: impl Fn(Element<'a>) -> Result<Element<'a>, Malformed>,
) -> Result<Box<[Oid]>, CertificateError> {
    let read = || -> Result<Box<[Oid]>, Malformed> {
        let list = Element::single(value)?.expect(Tag::Sequence)?.reader()?;
        let oid = |entry: Result<_, _>| Oid::from_content(identifier(entry?)?.expect(Tag::Oid)?.content);
        list.take(MAX_OIDS + 1).map(oid).collect()
    };
    let oids = read().map_err(malformed(part))?;
    match oids.len() {
        0 => Err(CertificateError::Malformed { part }),
        1..=MAX_OIDS => Ok(oids),
        _ => Err(CertificateError::TooMany { part: "purposes or policies", limit: MAX_OIDS }),
    }
}
