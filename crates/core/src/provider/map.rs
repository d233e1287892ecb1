//! Roles by a fixed map.

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use super::{Account, Grants, ProviderError, RoleProvider};
use crate::certificate::{AttributeType, Certificate, Fingerprint, SanKind, SanValueError};
use crate::peer::live::Answer;
use crate::role::{Role, RoleError};

/// Roles by a fixed map: from a fingerprint, a subject attribute, a SAN or the caller's name.
///
/// A caller gets the roles of every entry that fits. Every comparison is exact, byte for byte.
///
/// # Security
///
/// If two trust anchors can issue the same subject or SAN, the holder of either certificate gets
/// the roles of an entry for it. Entries by name or by fingerprint do not have that trait: names of
/// two anchors never mix.
///
/// # Examples
///
/// ```
/// use portcullis_core::certificate::AttributeType;
/// use portcullis_core::RoleMap;
///
/// let roles = RoleMap::new()
///     .name("alice", ["admin"])?
///     .subject(AttributeType::OU, "Security", ["auditor"])?;
/// assert!(RoleMap::new().name("alice", [""]).is_err());
/// # Ok::<(), portcullis_core::provider::RoleMapError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RoleMap {
    sha256: HashMap<Fingerprint, Vec<Role>>,
    name: HashMap<Box<str>, Vec<Role>>,
    subject: Vec<(AttributeType, Box<str>, Vec<Role>)>,
    san: Vec<(SanKind, Box<str>, Vec<Role>)>,
}

/// What is wrong with an entry of a [`RoleMap`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RoleMapError {
    /// A role name cannot be used.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// No certificate can have the subject alternative name.
    #[error(transparent)]
    San(#[from] SanValueError),
    /// The fingerprint is none.
    #[error("`{text}` is no SHA-256 fingerprint: {reason}")]
    Fingerprint {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An empty value would fit nobody, or everybody.
    #[error("an entry with an empty {what} can never fit: give the value or remove the entry")]
    Empty {
        /// Which value is empty.
        what: &'static str,
    },
}

impl RoleMap {
    /// A map without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives roles to the caller of this name, as the policy's anchors define names.
    ///
    /// # Errors
    ///
    /// [`RoleMapError`] when the name is empty or a role name cannot be used.
    pub fn name<S: AsRef<str>>(
        mut self,
        name: &str,
        roles: impl IntoIterator<Item = S>,
    ) -> Result<Self, RoleMapError> {
        required(name, "name")?;
        self.name.entry(name.into()).or_default().extend(parsed(roles)?);
        Ok(self)
    }

    /// Gives roles to the certificate with this SHA-256, in hex with or without colons.
    ///
    /// # Errors
    ///
    /// [`RoleMapError`] when the text is no SHA-256 or a role name cannot be used.
    pub fn sha256<S: AsRef<str>>(
        mut self,
        sha256: &str,
        roles: impl IntoIterator<Item = S>,
    ) -> Result<Self, RoleMapError> {
        let fingerprint = sha256
            .parse::<Fingerprint>()
            .map_err(|error| RoleMapError::Fingerprint { text: sha256.into(), reason: error.to_string() })?;
        self.sha256.entry(fingerprint).or_default().extend(parsed(roles)?);
        Ok(self)
    }

    /// Gives roles to every certificate with this value among those of a subject attribute.
    ///
    /// # Errors
    ///
    /// [`RoleMapError`] when the value is empty or a role name cannot be used.
    pub fn subject<S: AsRef<str>>(
        mut self,
        attribute: AttributeType,
        value: &str,
        roles: impl IntoIterator<Item = S>,
    ) -> Result<Self, RoleMapError> {
        required(value, "subject attribute")?;
        self.subject.push((attribute, value.into(), parsed(roles)?));
        Ok(self)
    }

    /// Gives roles to every certificate with this subject alternative name.
    ///
    /// # Errors
    ///
    /// [`RoleMapError`] when no certificate can have the value or a role name cannot be used.
    pub fn san<S: AsRef<str>>(
        mut self,
        kind: SanKind,
        value: &str,
        roles: impl IntoIterator<Item = S>,
    ) -> Result<Self, RoleMapError> {
        let value = kind.canonical(value)?;
        self.san.push((kind, value, parsed(roles)?));
        Ok(self)
    }

    fn grants(&self, certificate: &Certificate, name: &str) -> Grants {
        let mut grants = Grants::default();
        grants.add(Ok(true), self.sha256.get(certificate.sha256()).into_iter().flatten());
        grants.add(Ok(true), self.name.get(name).into_iter().flatten());
        for (attribute, value, roles) in &self.subject {
            grants.add(subject_has(certificate, attribute, value), roles);
        }
        for (kind, value, roles) in &self.san {
            grants.add(san_has(certificate, *kind, value), roles);
        }
        grants
    }
}

/// A value could not be read, so nobody knows whether it is the one that is looked for.
struct Unreadable;

fn subject_has(
    certificate: &Certificate,
    attribute: &AttributeType,
    value: &str,
) -> Result<bool, Unreadable> {
    let mut found = false;
    for candidate in certificate.subject().values(attribute) {
        found |= candidate.map_err(|_| Unreadable)? == value;
    }
    Ok(found)
}

fn san_has(certificate: &Certificate, kind: SanKind, value: &str) -> Result<bool, Unreadable> {
    let values = certificate.san().values(kind).map_err(|_| Unreadable)?;
    Ok(values.iter().any(|candidate| &**candidate == value))
}

impl Grants {
    fn add<'a>(&mut self, fits: Result<bool, Unreadable>, roles: impl IntoIterator<Item = &'a Role>) {
        let list = match fits {
            Ok(true) => &mut self.roles,
            Ok(false) => return,
            Err(Unreadable) => &mut self.erred,
        };
        list.extend(roles.into_iter().map(|role| Box::from(role.name())));
    }
}

impl RoleProvider for RoleMap {
    fn roles(&self, account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Ready(Ok(self.grants(account.identity.certificate(), account.name)))
    }

    fn is_constant(&self) -> bool {
        true
    }

    fn declared(&self) -> Vec<Role> {
        let entries = self.sha256.values().chain(self.name.values());
        let entries = entries.chain(self.subject.iter().map(|(_, _, roles)| roles));
        let entries = entries.chain(self.san.iter().map(|(_, _, roles)| roles));
        entries.flatten().cloned().collect::<HashSet<_>>().into_iter().collect()
    }
}

fn parsed<S: AsRef<str>>(roles: impl IntoIterator<Item = S>) -> Result<Vec<Role>, RoleMapError> {
    roles.into_iter().map(|role| Role::new(role.as_ref()).map_err(RoleMapError::from)).collect()
}

fn required(value: &str, what: &'static str) -> Result<(), RoleMapError> {
    if value.is_empty() { Err(RoleMapError::Empty { what }) } else { Ok(()) }
}
