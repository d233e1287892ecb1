//! Subject alternative names, each kind by itself.

mod syntax;

use std::{fmt, net::IpAddr, str::FromStr};

use x509_parser::asn1_rs::Tag;

use super::{
    CertificateError,
    der::{Element, Malformed},
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

/// The kinds of subject alternative names that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SanKind {
    /// A DNS name, in lower case; perhaps with a `*` label.
    Dns,
    /// An e-mail address (`rfc822Name`), as written.
    Email,
    /// A URI, as written.
    Uri,
    /// An IP address.
    Ip,
    /// A user principal name: Microsoft's other name 1.3.6.1.4.1.311.20.2.3.
    Upn,
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

/// The text is no value of a kind of subject alternative names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be a subject alternative name of kind `{kind}`: it {reason}", .text.escape_debug())]
#[non_exhaustive]
pub struct SanValueError {
    /// The kind that was asked for.
    pub kind: SanKind,
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// The text is no kind of subject alternative names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no kind of subject alternative names: write `dns`, `email`, `uri`, `ip` or `upn`", .text.escape_debug())]
#[non_exhaustive]
pub struct SanKindError {
    /// What was given.
    pub text: String,
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
        let malformed = |Malformed| CertificateError::Malformed { part: "subjectAltName extension" };
        let entries = Element::single(der)
            .and_then(|names| names.expect(Tag::Sequence)?.reader())
            .map_err(malformed)?;
        let mut names = Self::default();
        for entry in entries {
            names.push(&entry.map_err(malformed)?).map_err(malformed)?;
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

impl SanKind {
    /// The word for this kind in rules: `dns`, `email`, `uri`, `ip` or `upn`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Email => "email",
            Self::Uri => "uri",
            Self::Ip => "ip",
            Self::Upn => "upn",
        }
    }

    /// Brings the value that a rule looks for into the form in which certificates' values are kept.
    ///
    /// # Errors
    ///
    /// If no certificate could have this value, for example a DNS name with a slash in it.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::certificate::SanKind;
    ///
    /// assert_eq!(&*SanKind::Dns.canonical("Example.COM")?, "example.com");
    /// assert_eq!(&*SanKind::Ip.canonical("2001:db8::0:1")?, "2001:db8::1");
    /// assert!(SanKind::Dns.canonical("spiffe://example.com/a").is_err());
    /// # Ok::<(), portcullis_core::certificate::SanValueError>(())
    /// ```
    pub fn canonical(self, text: &str) -> Result<Box<str>, SanValueError> {
        let bytes = text.as_bytes();
        let value = match self {
            Self::Dns => syntax::dns(bytes),
            Self::Email => syntax::email(bytes),
            Self::Uri => syntax::uri(bytes),
            Self::Ip => text.parse().map(|ip: IpAddr| ip.to_string().into()).map_err(|_| "is no IP address"),
            Self::Upn => syntax::principal(bytes),
        };
        value.map_err(|reason| SanValueError { kind: self, text: text.to_owned(), reason })
    }
}

impl FromStr for SanKind {
    type Err = SanKindError;

    fn from_str(text: &str) -> Result<Self, SanKindError> {
        let kinds = [Self::Dns, Self::Email, Self::Uri, Self::Ip, Self::Upn];
        let found = kinds.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| SanKindError { text: text.to_owned() })
    }
}

impl fmt::Display for SanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
