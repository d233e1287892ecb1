//! SPIFFE identifiers, and when a certificate may carry one.

use std::{fmt, str::FromStr};

use super::{extension::Extensions, san::SanError};

/// A SPIFFE identifier, such as `spiffe://example.org/ns/prod/sa/web`.
///
/// Compared byte by byte: the standard has one spelling for each identifier, and others are refused.
///
/// # Security
///
/// If the trust domain is not tied to the anchor that vouched, then any trusted authority can let
/// its own callers in under the identifiers of every other domain.
///
/// # Examples
///
/// ```
/// use portcullis_core::certificate::SpiffeId;
///
/// let id: SpiffeId = "spiffe://example.org/ns/prod/sa/web".parse()?;
/// assert_eq!((id.trust_domain(), id.path()), ("example.org", "/ns/prod/sa/web"));
/// assert!("spiffe://example.org/ns/../sa/web".parse::<SpiffeId>().is_err());
/// # Ok::<(), portcullis_core::certificate::SpiffeIdError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SpiffeId {
    text: Box<str>,
    trust_domain: usize,
}

/// The text is no SPIFFE identifier; the clause of the SPIFFE-ID standard is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpiffeIdError {
    /// Another scheme, or upper case in it.
    #[error("a SPIFFE ID begins with `spiffe://` (SPIFFE-ID 2)")]
    Scheme,
    /// No trust domain, or one with other characters: a port, user information, upper case.
    #[error("the trust domain has lower-case letters, digits, `.`, `-` and `_` only (SPIFFE-ID 2.1)")]
    TrustDomain,
    /// A segment of the path with other characters: a query, a fragment, percent-encoding.
    #[error("the path has letters, digits, `.`, `-` and `_` between slashes only (SPIFFE-ID 2.2)")]
    Path,
    /// A segment that is empty, `.` or `..`, or a slash at the end.
    #[error("the path has no empty segment, no `.` or `..` and no slash at its end (SPIFFE-ID 2.2)")]
    Segment,
    /// Longer than the standard allows.
    #[error("a SPIFFE ID has at most 2048 bytes, and a trust domain 255 (SPIFFE-ID 2.3)")]
    TooLong,
}

/// Why a certificate has no SPIFFE identifier; the clause of the X509-SVID standard is named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpiffeError {
    /// No URI among the subject alternative names.
    #[error("the certificate has no URI among its subject alternative names (X509-SVID 2)")]
    Absent,
    /// More than one URI, whatever their schemes.
    #[error("the certificate has {count} URIs among its subject alternative names, not one (X509-SVID 2)")]
    Repeated {
        /// How many there are.
        count: usize,
    },
    /// A URI that is none.
    #[error(transparent)]
    Malformed(#[from] SanError),
    /// A URI that is no SPIFFE identifier.
    #[error("the URI of the certificate is no SPIFFE ID: {0}")]
    Id(#[from] SpiffeIdError),
    /// The identifier of a trust domain, which no caller has.
    #[error("the SPIFFE ID of a caller has a path (X509-SVID 3.1)")]
    NoPath,
    /// A certificate that may sign others.
    #[error("a certificate with cA, keyCertSign or cRLSign is no caller's (X509-SVID 5.2)")]
    Authority,
}

const SCHEME: &str = "spiffe://";
const MAX_BYTES: usize = 2048;
const MAX_TRUST_DOMAIN: usize = 255;

impl SpiffeId {
    /// The identifier, as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of the trust domain.
    pub fn trust_domain(&self) -> &str {
        self.parts().0
    }

    /// The path with its leading slash; empty for the trust domain itself.
    pub fn path(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        let rest = self.text.strip_prefix(SCHEME).unwrap_or_default();
        rest.split_at_checked(self.trust_domain).unwrap_or_default()
    }

    /// The identifier of a caller.
    pub(super) fn of(extensions: &Extensions) -> Result<Self, SpiffeError> {
        let id: Self = match extensions.san.uri()? {
            [uri] => uri.parse()?,
            [] => return Err(SpiffeError::Absent),
            uris => return Err(SpiffeError::Repeated { count: uris.len() }),
        };
        let ca = extensions.basic_constraints.is_some_and(|constraints| constraints.ca);
        let signs = extensions.key_usage.is_some_and(|usage| usage.key_cert_sign() || usage.crl_sign());
        if ca || signs {
            return Err(SpiffeError::Authority);
        }
        if id.path().is_empty() { Err(SpiffeError::NoPath) } else { Ok(id) }
    }
}

impl FromStr for SpiffeId {
    type Err = SpiffeIdError;

    fn from_str(text: &str) -> Result<Self, SpiffeIdError> {
        if text.len() > MAX_BYTES {
            return Err(SpiffeIdError::TooLong);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(SpiffeIdError::Scheme)?;
        let (trust_domain, path) =
            rest.split_once('/').map_or((rest, None), |(domain, path)| (domain, Some(path)));
        let in_domain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        if trust_domain.is_empty() || !trust_domain.bytes().all(in_domain) {
            return Err(SpiffeIdError::TrustDomain);
        }
        if trust_domain.len() > MAX_TRUST_DOMAIN {
            return Err(SpiffeIdError::TooLong);
        }
        for segment in path.into_iter().flat_map(|path| path.split('/')) {
            if matches!(segment, "" | "." | "..") {
                return Err(SpiffeIdError::Segment);
            }
            if !segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)) {
                return Err(SpiffeIdError::Path);
            }
        }
        Ok(Self { text: text.into(), trust_domain: trust_domain.len() })
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for SpiffeId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use portcullis_pki::{Authority, DistinguishedName, Extension, GeneralName, KeyUsage, RawCertificate};

    use super::*;
    use crate::certificate::{Certificate, SanKind};

    fn id(text: &str) -> Result<SpiffeId, SpiffeIdError> {
        text.parse()
    }

    #[test]
    fn an_identifier_has_a_domain_and_a_path() {
        for (text, domain, path) in [
            ("spiffe://example.org/ns/prod/sa/web", "example.org", "/ns/prod/sa/web"),
            ("spiffe://example.org", "example.org", ""),
            ("spiffe://1.2.3.4/A-b_c.d", "1.2.3.4", "/A-b_c.d"),
            ("spiffe://td/...", "td", "/..."),
        ] {
            let id = id(text).unwrap();
            assert_eq!((id.trust_domain(), id.path(), id.to_string()), (domain, path, text.to_owned()));
        }
        assert_ne!(id("spiffe://test/Admin"), id("spiffe://test/admin"));
    }

    #[test]
    fn every_other_spelling_is_refused() {
        use SpiffeIdError::{Path, Scheme, Segment, TrustDomain};
        for (text, error) in [
            ("", Scheme),
            ("spiffe:/td/x", Scheme),
            ("SPIFFE://td/x", Scheme),
            ("https://td/x", Scheme),
            (" spiffe://td/x", Scheme),
            ("spiffe://", TrustDomain),
            ("spiffe:///x", TrustDomain),
            ("spiffe://Td/x", TrustDomain),
            ("spiffe://td:443/x", TrustDomain),
            ("spiffe://user@td/x", TrustDomain),
            ("spiffe://t%64/x", TrustDomain),
            ("spiffe://td?x", TrustDomain),
            ("spiffe://bücher/x", TrustDomain),
            ("spiffe://td/", Segment),
            ("spiffe://td/x/", Segment),
            ("spiffe://td//x", Segment),
            ("spiffe://td/./x", Segment),
            ("spiffe://td/x/..", Segment),
            ("spiffe://td/%2e", Path),
            ("spiffe://td/x?y", Path),
            ("spiffe://td/x#y", Path),
            ("spiffe://td/x;y", Path),
            ("spiffe://td/x y", Path),
            ("spiffe://td/x\n", Path),
            ("spiffe://test/mallory;URI=spiffe://test/admin,By=x", Path),
        ] {
            assert_eq!(id(text), Err(error), "{text}");
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let long = format!("spiffe://td/{}", "x".repeat(2036));
        assert_eq!(long.len(), 2048);
        assert!(id(&long).is_ok());
        assert_eq!(id(&format!("{long}x")), Err(SpiffeIdError::TooLong));
        assert!(id(&format!("spiffe://{}/x", "d".repeat(255))).is_ok());
        assert_eq!(id(&format!("spiffe://{}/x", "d".repeat(256))), Err(SpiffeIdError::TooLong));
    }

    fn certificate(uris: &[&str], extensions: &[Extension]) -> Certificate {
        let mut names: Vec<_> = uris.iter().map(|uri| GeneralName::Uri((*uri).into())).collect();
        names.push(GeneralName::Dns("web.example".into()));
        let raw = RawCertificate::new(DistinguishedName::new())
            .extension(Extension::subject_alt_name(&names))
            .extensions(extensions.iter().cloned());
        let issued = raw.issue(&Authority::new("Example CA").unwrap()).unwrap();
        Certificate::from_der(issued.certificate_der()).unwrap()
    }

    #[test]
    fn a_caller_has_exactly_one_uri() {
        let web = certificate(&["spiffe://test/web"], &[]);
        assert_eq!(web.spiffe_id().map(SpiffeId::as_str), Ok("spiffe://test/web"));
        assert_eq!(certificate(&[], &[]).spiffe_id(), Err(&SpiffeError::Absent));
        for second in ["spiffe://test/admin", "https://test/"] {
            let two = certificate(&["spiffe://test/web", second], &[]);
            assert_eq!(two.spiffe_id(), Err(&SpiffeError::Repeated { count: 2 }));
        }
        let other = certificate(&["https://test/web"], &[]);
        assert_eq!(other.spiffe_id(), Err(&SpiffeError::Id(SpiffeIdError::Scheme)));
        let nul = certificate(&["spiffe://test/web", "spiffe://test/admin\0"], &[]);
        assert!(matches!(nul.spiffe_id(), Err(SpiffeError::Malformed(error)) if error.kind == SanKind::Uri));
    }

    #[test]
    fn an_authority_is_no_caller() {
        let uri = ["spiffe://test/web"];
        assert!(certificate(&uri, &[Extension::basic_constraints(false, None)]).spiffe_id().is_ok());
        assert!(
            certificate(&uri, &[Extension::key_usage(&[KeyUsage::DigitalSignature])]).spiffe_id().is_ok()
        );
        for extension in [
            Extension::basic_constraints(true, None),
            Extension::key_usage(&[KeyUsage::DigitalSignature, KeyUsage::KeyCertSign]),
            Extension::key_usage(&[KeyUsage::DigitalSignature, KeyUsage::CrlSign]),
        ] {
            assert_eq!(certificate(&uri, &[extension]).spiffe_id(), Err(&SpiffeError::Authority));
        }
        assert_eq!(certificate(&["spiffe://test"], &[]).spiffe_id(), Err(&SpiffeError::NoPath));
    }
}
