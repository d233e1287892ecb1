//! Why a certificate was not trusted, in words that help.

use std::fmt;

/// Why a certificate was not trusted.
///
/// [`Display`](fmt::Display) says what is wrong, [`remedy`](Self::remedy) what to do about it, and
/// [`code`](Self::code) is a stable word for logs and tests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distrust {
    /// No trust anchor has issued it, directly or through the intermediates that were sent.
    UnknownIssuer {
        /// The issuer's name as the certificate gives it, in RFC 4514 form.
        issuer: String,
    },
    /// Its validity has ended.
    Expired {
        /// Seconds since the Unix epoch; `None` when an issuer's certificate has expired.
        not_after: Option<i64>,
    },
    /// Its validity has not begun.
    NotYetValid {
        /// Seconds since the Unix epoch; `None` when it is an issuer's certificate.
        not_before: Option<i64>,
    },
    /// Its issuer has revoked it, or the certificate of an issuer on its path was revoked.
    Revoked,
    /// This service itself blocks it, or an issuer on its path.
    Denied,
    /// Neither it nor an issuer on its path is among those that this service has pinned.
    NotPinned,
    /// Nobody can say whether it is revoked.
    RevocationUnknown {
        /// What is missing or wrong, such as a list that another key has signed.
        detail: String,
    },
    /// The list that would tell whether it is revoked is out of date.
    RevocationStale {
        /// When there should have been a new list, in seconds since the Unix epoch.
        next_update: i64,
    },
    /// Its extended key usage does not allow client authentication (RFC 5280, 4.2.1.12).
    NotForClients,
    /// Its key usage does not allow signing, which a handshake needs (RFC 5280, 4.2.1.3).
    KeyUsage,
    /// It is the certificate of a certification authority, not of a client.
    AuthorityAsClient,
    /// An issuer on the path is not allowed to issue certificates.
    IssuerNotAuthority,
    /// It is of a version before 3 (RFC 5280, 4.1.2.1).
    Version {
        /// The version as printed by tools, 1 or 2.
        version: u8,
    },
    /// It has a critical extension that is not understood (RFC 5280, 4.2).
    CriticalExtension,
    /// A signature on the path does not fit the issuer's key.
    BadSignature,
    /// It is signed by an algorithm that is no longer safe, or is not supported.
    SignatureAlgorithm {
        /// The algorithm in words.
        algorithm: String,
    },
    /// Its public key is too weak.
    WeakKey {
        /// The key in words, such as `RSA 1024`.
        key: String,
    },
    /// It has a name that its issuer may not give (RFC 5280, 4.2.1.10).
    NameConstraint,
    /// More certificates were sent, or the path is longer, than is allowed.
    TooLong,
    /// It, or an issuer on its path, breaks a rule of RFC 5280.
    Nonconforming {
        /// The subject of the certificate that does.
        subject: String,
        /// Which rule, with its section.
        violation: String,
    },
    /// Its bytes are no certificate.
    Malformed {
        /// What could not be read.
        detail: String,
    },
    /// Something else; the text is the verifier's.
    Other {
        /// The verifier's own words.
        detail: String,
    },
}

impl Distrust {
    /// A stable word for logs, metrics and tests.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownIssuer { .. } => "unknown-issuer",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::Revoked => "revoked",
            Self::Denied => "denied",
            Self::NotPinned => "not-pinned",
            Self::RevocationUnknown { .. } => "revocation-unknown",
            Self::RevocationStale { .. } => "revocation-stale",
            Self::NotForClients => "not-for-clients",
            Self::KeyUsage => "key-usage",
            Self::AuthorityAsClient => "authority-as-client",
            Self::IssuerNotAuthority => "issuer-not-authority",
            Self::Version { .. } => "version",
            Self::CriticalExtension => "critical-extension",
            Self::BadSignature => "bad-signature",
            Self::SignatureAlgorithm { .. } => "signature-algorithm",
            Self::WeakKey { .. } => "weak-key",
            Self::NameConstraint => "name-constraint",
            Self::TooLong => "too-long",
            Self::Nonconforming { .. } => "nonconforming",
            Self::Malformed { .. } => "malformed",
            Self::Other { .. } => "other",
        }
    }

    /// What the holder of the certificate can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::UnknownIssuer { .. } => {
                "use a certificate from an issuer that this service trusts, and send its intermediate certificates along"
            }
            Self::Expired { .. } => "renew the certificate",
            Self::NotYetValid { .. } => "wait until it is valid, and check the clocks of both machines",
            Self::Revoked => "ask the issuer for a new certificate",
            Self::NotPinned => "use the certificate that the operator of this service has been told of",
            Self::Denied => "ask the operator of this service why it is blocked, or use another certificate",
            Self::RevocationUnknown { .. } | Self::RevocationStale { .. } => {
                "ask the operator of this service for a current revocation list of the issuer; the certificate may be good"
            }
            Self::NotForClients => {
                "ask for a certificate with the extended key usage clientAuth; public authorities no longer issue it, so use a private one"
            }
            Self::KeyUsage => "ask for a certificate whose key usage has digitalSignature",
            Self::AuthorityAsClient => {
                "issue an end-entity certificate (basicConstraints CA:FALSE); `openssl req -x509` makes an authority by default"
            }
            Self::IssuerNotAuthority => {
                "have it issued by an authority (basicConstraints CA:TRUE, keyUsage keyCertSign)"
            }
            Self::Version { .. } => {
                "issue it as version 3; with `openssl x509 -req`, pass `-extfile` with extendedKeyUsage and subjectAltName"
            }
            Self::CriticalExtension => {
                "have it issued without that extension, or with it marked as not critical"
            }
            Self::BadSignature => "check that the issuer's certificate is the one whose key signed it",
            Self::SignatureAlgorithm { .. } => "have it signed with SHA-256 or better",
            Self::WeakKey { .. } => "make a new key: ECDSA P-256, Ed25519, or RSA of at least 2048 bits",
            Self::NameConstraint => "ask for a certificate with names that its issuer may give",
            Self::TooLong => "send the certificate and its intermediates only, without the root",
            Self::Nonconforming { .. } | Self::Malformed { .. } | Self::Other { .. } => {
                "have the certificate issued anew"
            }
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer { issuer } => write!(f, "unknown issuer `{issuer}`"),
            Self::Expired { not_after: Some(time) } => write!(f, "expired on {}", Utc(*time)),
            Self::Expired { not_after: None } => f.write_str("the certificate of an issuer has expired"),
            Self::NotYetValid { not_before: Some(time) } => write!(f, "not valid before {}", Utc(*time)),
            Self::NotYetValid { not_before: None } => {
                f.write_str("the certificate of an issuer is not yet valid")
            }
            Self::Revoked => f.write_str("revoked by its issuer"),
            Self::Denied => f.write_str("blocked by this service"),
            Self::NotPinned => f.write_str("not among those that this service has pinned"),
            Self::RevocationUnknown { detail } => write!(f, "nobody can say whether it is revoked: {detail}"),
            Self::RevocationStale { next_update } => {
                write!(f, "a new revocation list of its issuer was due on {}", Utc(*next_update))
            }
            Self::NotForClients => f.write_str("not made for client authentication (extended key usage)"),
            Self::KeyUsage => f.write_str("its key usage does not allow digital signatures"),
            Self::AuthorityAsClient => f.write_str("it is an authority's certificate, not a client's"),
            Self::IssuerNotAuthority => f.write_str("an issuer on its path is not an authority"),
            Self::Version { version } => write!(f, "it is an X.509 version {version} certificate"),
            Self::CriticalExtension => f.write_str("it has a critical extension that is not understood"),
            Self::BadSignature => f.write_str("its signature does not fit the issuer's key"),
            Self::SignatureAlgorithm { algorithm } => {
                write!(f, "the signature algorithm {algorithm} is not accepted")
            }
            Self::WeakKey { key } => write!(f, "its key is too weak ({key})"),
            Self::NameConstraint => f.write_str("it has a name that its issuer may not give"),
            Self::TooLong => f.write_str("too many certificates were sent, or the path is too long"),
            Self::Nonconforming { subject, violation } => {
                write!(f, "`{subject}` breaks a rule of RFC 5280: {violation}")
            }
            Self::Malformed { detail } => write!(f, "it could not be read: {detail}"),
            Self::Other { detail } => f.write_str(detail),
        }
    }
}

/// Prints seconds since the epoch as `2026-11-24 13:05 UTC`.
struct Utc(i64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match x509_parser::time::ASN1Time::from_timestamp(self.0) {
            Ok(time) => {
                let t = time.to_datetime();
                let (year, month, day) = t.to_calendar_date();
                let month = u8::from(month);
                write!(f, "{year}-{month:02}-{day:02} {:02}:{:02} UTC", t.hour(), t.minute())
            }
            Err(_) => write!(f, "second {} of the epoch", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable() {
        let text = Distrust::Expired { not_after: Some(1_700_000_000) }.to_string();
        assert_eq!(text, "expired on 2023-11-14 22:13 UTC");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_still_printed() {
        let text = Distrust::Expired { not_after: Some(i64::MAX) }.to_string();
        assert!(text.contains("second 9223372036854775807"), "{text}");
    }
}
