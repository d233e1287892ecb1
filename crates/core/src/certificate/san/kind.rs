//! The kinds of subject alternative names.

use std::{fmt, net::IpAddr, str::FromStr};

use super::syntax;

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

pub(super) const KINDS: [SanKind; 5] =
    [SanKind::Dns, SanKind::Email, SanKind::Uri, SanKind::Ip, SanKind::Upn];

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
        let found = KINDS.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| SanKindError { text: text.to_owned() })
    }
}

impl fmt::Display for SanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_rules_are_checked_by_kind() {
        assert_eq!(SanKind::Dns.canonical("BAD.example").as_deref(), Ok("bad.example"));
        assert_eq!(SanKind::Email.canonical("Alice@Example.com").as_deref(), Ok("Alice@Example.com"));
        assert_eq!(SanKind::Uri.canonical("spiffe://test/Admin").as_deref(), Ok("spiffe://test/Admin"));
        assert_eq!(SanKind::Ip.canonical("0:0:0:0:0:0:0:1").as_deref(), Ok("::1"));
        assert_eq!(SanKind::Upn.canonical("jörg@corp").as_deref(), Ok("jörg@corp"));
        let error = SanKind::Ip.canonical("localhost\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            r"`localhost\n` cannot be a subject alternative name of kind `ip`: it is no IP address"
        );
        for (kind, text) in [(SanKind::Email, "admin.test"), (SanKind::Uri, "admin.test"), (SanKind::Dns, "")]
        {
            assert!(kind.canonical(text).is_err());
        }
    }

    #[test]
    fn kinds_have_words() {
        for kind in KINDS {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        for text in ["", "DNS", "rfc822Name", "dns "] {
            assert!(text.parse::<SanKind>().is_err());
        }
    }
}
