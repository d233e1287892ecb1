//! Fields that can be kept out of an audit trail.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use sha2::{Digest, Sha256};

use super::text::{clean, shorten};

/// A field of an [`AuditEvent`](super::AuditEvent) that tells of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AuditField {
    /// The caller's name.
    Name,
    /// The certificate's subject.
    Subject,
    /// The certificate's issuer field.
    Issuer,
    /// The certificate's serial number.
    Serial,
    /// The certificate's fingerprint.
    CertificateSha256,
    /// The caller's roles.
    Roles,
    /// The path of the request.
    Path,
    /// The host of the request.
    Host,
    /// The address and port of the client.
    PeerIp,
    /// The trace that the request belongs to.
    TraceId,
}

impl AuditField {
    fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Subject => "subject",
            Self::Issuer => "issuer",
            Self::Serial => "serial",
            Self::CertificateSha256 => "certificate_sha256",
            Self::Roles => "roles",
            Self::Path => "path",
            Self::Host => "host",
            Self::PeerIp => "peer_ip",
            Self::TraceId => "trace_id",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mask {
    Hidden,
    Pseudonym,
}

/// Which fields are masked, and the secret that pseudonyms are made with.
#[derive(Clone)]
pub(super) struct Masks {
    fields: BTreeMap<AuditField, Mask>,
    salt: [u8; 32],
}

impl Default for Masks {
    fn default() -> Self {
        Self { fields: BTreeMap::new(), salt: random_salt() }
    }
}

impl Masks {
    pub(super) fn set(&mut self, field: AuditField, mask: Mask) {
        self.fields.insert(field, mask);
    }

    pub(super) fn set_salt(&mut self, salt: &[u8]) {
        self.salt = Sha256::digest(salt).into();
    }

    pub(super) fn of(&self, field: AuditField) -> Option<Mask> {
        self.fields.get(&field).copied()
    }

    /// The value as it may be shown: escaped, or masked.
    pub(super) fn apply<'a>(&self, field: AuditField, value: &'a str) -> Cow<'a, str> {
        match self.of(field) {
            None => clean(value),
            Some(Mask::Hidden) => Cow::Borrowed("masked"),
            Some(Mask::Pseudonym) => Cow::Owned(self.pseudonym(field, value)),
        }
    }

    /// The same for text that has been escaped already, such as a distinguished name.
    pub(super) fn apply_owned<'a>(&self, field: AuditField, value: String) -> Cow<'a, str> {
        match self.of(field) {
            None => Cow::Owned(shorten(value)),
            Some(_) => Cow::Owned(self.apply(field, &value).into_owned()),
        }
    }

    /// Equal values of a field have equal pseudonyms; without the salt nobody can try out values.
    fn pseudonym(&self, field: AuditField, value: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.salt);
        hash.update([field.name().len() as u8]);
        hash.update(field.name());
        hash.update(value);
        let digest: [u8; 32] = hash.finalize().into();
        digest.iter().take(16).fold(String::from("~"), |text, byte| format!("{text}{byte:02x}"))
    }
}

/// Random by the keys that the standard library takes from the operating system.
fn random_salt() -> [u8; 32] {
    let state = RandomState::new();
    let mut salt = [0; 32];
    for (number, chunk) in salt.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&state.hash_one(number).to_ne_bytes());
    }
    salt
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.fields.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pseudonyms(salt: &[u8]) -> Masks {
        let mut masks = Masks::default();
        masks.set_salt(salt);
        masks.set(AuditField::Name, Mask::Pseudonym);
        masks.set(AuditField::Path, Mask::Pseudonym);
        masks.set(AuditField::Serial, Mask::Hidden);
        masks
    }

    #[test]
    fn pseudonyms_differ_by_value_field_and_salt_only() {
        let (one, other) = (pseudonyms(b"one"), pseudonyms(b"other"));
        let alice = one.apply(AuditField::Name, "alice");
        assert_eq!(alice.len(), 33);
        assert_eq!(alice, one.apply(AuditField::Name, "alice"));
        assert_ne!(alice, one.apply(AuditField::Name, "alicf"));
        assert_ne!(alice, one.apply(AuditField::Path, "alice"));
        assert_ne!(alice, other.apply(AuditField::Name, "alice"));
        assert_eq!(one.apply(AuditField::Serial, "1234"), "masked");
        assert_eq!(one.apply(AuditField::Subject, "CN=alice"), "CN=alice");
    }

    #[test]
    fn salts_are_random_and_never_printed() {
        assert_ne!(Masks::default().salt, Masks::default().salt);
        let text = format!("{:?}", pseudonyms(b"hunter2"));
        assert_eq!(text, "{Name, Serial, Path}");
    }
}
