//! What the index says about one certificate.

use std::{fmt::Write, net::IpAddr, time::SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_parser::extensions::GeneralName;

use super::{Kind, Slot, StoreError};
use crate::{PkiError, RevocationReason, authority::parse};

/// What the index says about one certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    kind: Kind,
    name: String,
    serial: String,
    subject: String,
    names: Vec<String>,
    issuer: String,
    #[serde(with = "time::serde::rfc3339")]
    not_before: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    not_after: OffsetDateTime,
    sha256: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    replaced: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<Revocation>,
}

/// When and why a certificate was revoked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    reason: String,
}

/// What a certificate is good for at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Status {
    /// It opens doors.
    Valid,
    /// It opens doors still, but there is a newer one of the same name.
    Replaced,
    /// Its validity has not begun.
    NotYetValid,
    /// Its validity is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// The validity of an authority above it is over.
    IssuerExpired,
    /// An authority above it was revoked.
    IssuerRevoked,
}

impl Status {
    /// One word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Replaced => "replaced",
            Self::NotYetValid => "not-yet-valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::IssuerExpired => "issuer-expired",
            Self::IssuerRevoked => "issuer-revoked",
        }
    }
}

/// A subject alternative name as `portcullis inspect` and the command's options write it.
fn alternative_name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => format!("dns:{name}"),
        GeneralName::RFC822Name(name) => format!("email:{name}"),
        GeneralName::URI(name) => format!("uri:{name}"),
        GeneralName::IPAddress(bytes) => match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
            (Ok(bytes), _) => format!("ip:{}", IpAddr::from(bytes)),
            (_, Ok(bytes)) => format!("ip:{}", IpAddr::from(bytes)),
            _ => format!("ip:{}", hex(bytes)),
        },
        GeneralName::DirectoryName(name) => format!("directory:{name}"),
        other => other.to_string(),
    }
}

/// The reasons that can be given, by the names of RFC 5280 with hyphens.
const REASONS: [(&str, RevocationReason); 6] = [
    ("unspecified", RevocationReason::Unspecified),
    ("key-compromise", RevocationReason::KeyCompromise),
    ("affiliation-changed", RevocationReason::AffiliationChanged),
    ("superseded", RevocationReason::Superseded),
    ("cessation-of-operation", RevocationReason::CessationOfOperation),
    ("privilege-withdrawn", RevocationReason::PrivilegeWithdrawn),
];

impl Entry {
    pub(super) fn new(slot: &Slot, issuer: &Slot, certificate: &[u8]) -> Result<Self, StoreError> {
        let parsed = parse(certificate)?;
        let names = match parsed.subject_alternative_name().map_err(PkiError::certificate)? {
            Some(names) => {
                names.value.general_names.iter().map(|name| escaped(&alternative_name(name))).collect()
            }
            None => Vec::new(),
        };
        Ok(Self {
            kind: slot.kind(),
            name: slot.name().to_owned(),
            serial: hex(parsed.raw_serial()),
            subject: escaped(&parsed.subject().to_string()),
            names,
            issuer: issuer.to_string(),
            not_before: parsed.validity().not_before.to_datetime(),
            not_after: parsed.validity().not_after.to_datetime(),
            sha256: hex(&Sha256::digest(certificate)),
            replaced: false,
            revoked: None,
        })
    }

    /// What the certificate is for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The name of its files.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The serial number in hexadecimal.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The subject, for people.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The authority that issued it: `ca`, or `intermediate/NAME`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The first moment of its validity.
    pub fn not_before(&self) -> SystemTime {
        self.not_before.into()
    }

    /// The last moment of its validity.
    pub fn not_after(&self) -> SystemTime {
        self.not_after.into()
    }

    /// The SHA-256 hash of the certificate in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// When and why it was revoked.
    pub fn revoked(&self) -> Option<&Revocation> {
        self.revoked.as_ref()
    }

    /// What it is good for at this time, whatever became of the authorities above it:
    /// [`Store::status`](super::Store::status) looks at those, too.
    pub fn status(&self, now: SystemTime) -> Status {
        let now = OffsetDateTime::from(now);
        if self.revoked.is_some() {
            Status::Revoked
        } else if now > self.not_after {
            Status::Expired
        } else if now < self.not_before {
            Status::NotYetValid
        } else if self.replaced {
            Status::Replaced
        } else {
            Status::Valid
        }
    }

    pub(super) fn is(&self, slot: &Slot) -> bool {
        self.kind == slot.kind() && self.name == slot.name()
    }

    pub(super) fn replace(&mut self) {
        self.replaced = true;
    }

    /// False if it was revoked before, which stays as it is.
    pub(super) fn revoke(&mut self, now: SystemTime, reason: RevocationReason) -> bool {
        if self.revoked.is_some() {
            return false;
        }
        // neither the index nor the list has room for fractions of a second
        let at = OffsetDateTime::from(now);
        let at = at.replace_nanosecond(0).unwrap_or(at);
        let name = REASONS.iter().find(|(_, known)| *known == reason).map_or("unspecified", |(name, _)| name);
        self.revoked = Some(Revocation { at, reason: name.to_owned() });
        true
    }
}

impl Revocation {
    /// When.
    pub fn at(&self) -> SystemTime {
        self.at.into()
    }

    /// Why; a word that nobody knows means no particular reason.
    pub fn reason(&self) -> RevocationReason {
        let known = REASONS.into_iter().find(|(name, _)| *name == self.reason);
        known.map_or(RevocationReason::Unspecified, |(_, reason)| reason)
    }
}

/// What strangers had certified is to play with no terminal that shows the index.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut text, c| {
        if c.is_control() {
            text.extend(c.escape_default())
        } else {
            text.push(c)
        }
        text
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // a `String` takes whatever is written
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let (pairs, []) = digits.as_ref()?.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_holds_no_control_characters() {
        // as a stranger's signing request can have it
        let odd = crate::DistinguishedName::common_name("alice\u{1b}[2J\u{9b}31m\u{7f}\n");
        let authority = crate::Authority::new("Example CA").unwrap();
        let alice = authority.client("alice").subject_name(odd).issue().unwrap();
        let slot = Slot::new(Kind::Client, "alice").unwrap();
        let entry = Entry::new(&slot, &Slot::root(), alice.certificate_der()).unwrap();
        assert!(entry.subject().contains("\\u{1b}[2J\\u{9b}31m\\u{7f}\\n"), "{}", entry.subject());
        assert!(!entry.subject().contains(char::is_control), "{}", entry.subject());
    }

    #[test]
    fn hexadecimal_there_and_back() {
        assert_eq!(hex(&[0, 0xff, 0x1a]), "00ff1a");
        assert_eq!(unhex("00ff1a"), Some(vec![0, 0xff, 0x1a]));
        for text in ["0", "0g", "+1", "\u{664}\u{664}"] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }
}
