//! Which certificate field names a caller, per trust anchor.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use thiserror::Error;

use crate::certificate::Certificate;
use crate::certificate::{AttributeType, NameError};
use crate::certificate::{SanError, SanKind, SpiffeError};
use crate::identity::Identity;

/// The certificate field that names a caller.
///
/// Exactly one value must be there; absent or repeated is an error, never a guess.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameField {
    /// An attribute of the subject, such as [`AttributeType::CN`].
    Subject(AttributeType),
    /// The subject alternative name of this kind.
    San(SanKind),
    /// The SPIFFE identifier.
    SpiffeId,
}

impl Default for NameField {
    /// The subject's common name.
    fn default() -> Self {
        Self::Subject(AttributeType::CN)
    }
}

impl NameField {
    fn read<'a>(&self, certificate: &'a Certificate) -> Result<&'a str, NameFault> {
        match self {
            Self::Subject(attribute) => Ok(certificate.subject().one(attribute)?),
            Self::San(kind) => match certificate.san().values(*kind)? {
                [value] => Ok(value),
                [] => Err(NameFault::NoSan { kind: *kind }),
                _ => Err(NameFault::RepeatedSan { kind: *kind }),
            },
            Self::SpiffeId => Ok(certificate.spiffe_id().map_err(Clone::clone)?.as_str()),
        }
    }
}

/// As the policy file writes it: `subject.CN` or `san.email`.
impl fmt::Display for NameField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject(attribute) => write!(f, "subject.{attribute}"),
            Self::San(kind) => write!(f, "san.{kind}"),
            Self::SpiffeId => f.write_str("spiffe.id"),
        }
    }
}

/// Why a peer has no name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameFault {
    /// Nobody vouched for the peer.
    #[error("the caller has no verified certificate")]
    NotVerified,
    /// The subject attribute is absent, repeated or cannot be read.
    #[error("the subject does not name the caller: {0}")]
    Subject(#[from] NameError),
    /// A subject alternative name cannot be read.
    #[error("the subject alternative names cannot be used: {0}")]
    San(#[from] SanError),
    /// The subject alternative name is absent.
    #[error("the certificate has no subject alternative name of the kind `{kind}`, which names the caller")]
    NoSan {
        /// The kind that the policy asks for.
        kind: SanKind,
    },
    /// There are several subject alternative names of the kind.
    #[error(
        "the certificate has several subject alternative names of the kind `{kind}`, one of which must name the caller"
    )]
    RepeatedSan {
        /// The kind that the policy asks for.
        kind: SanKind,
    },
    /// The certificate has no SPIFFE identifier.
    #[error("the certificate has no usable SPIFFE ID, which names the caller: {0}")]
    Spiffe(#[from] SpiffeError),
    /// The policy does not say which field names the callers of this anchor.
    #[error(
        "the policy has no entry for the trust anchor `{label}`: add one that says which field names its callers"
    )]
    UnknownAnchor {
        /// The anchor's label.
        label: String,
    },
    /// The name looks like one of another anchor.
    #[error("the name begins with `{prefix}`, which belongs to the trust anchor `{label}`")]
    ForeignPrefix {
        /// The prefix of the other anchor.
        prefix: String,
        /// The other anchor.
        label: String,
    },
}

/// The naming of all anchors of one policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Naming(BTreeMap<Box<str>, AnchorNaming>);

#[derive(Clone, Debug, Default)]
pub(crate) struct AnchorNaming {
    pub(crate) field: NameField,
    pub(crate) prefix: Box<str>,
}

impl Naming {
    /// Adds an anchor; the error is why its names could be mistaken for another's.
    pub(crate) fn insert(&mut self, label: &str, naming: AnchorNaming) -> Result<(), String> {
        if self.0.contains_key(label) {
            return Err(format!("the trust anchor `{label}` is declared twice: merge the two entries"));
        }
        if let Some((other, _)) = self.0.iter().find(|(_, n)| n.prefix == naming.prefix) {
            return Err(format!(
                "the names of the trust anchors `{other}` and `{label}` could be mistaken for each other: \
                 give each its own prefix"
            ));
        }
        self.0.insert(label.into(), naming);
        Ok(())
    }

    /// The anchors by label, in alphabetical order.
    pub(crate) fn anchors(&self) -> impl Iterator<Item = (&str, &AnchorNaming)> {
        self.0.iter().map(|(label, naming)| (&**label, naming))
    }

    /// The name of a verified caller.
    ///
    /// Without any entry the common name does, for the callers of one label: `only` has the first
    /// one that was seen, so that two listeners with different anchors cannot lend names to each other.
    pub(crate) fn name(&self, identity: &Identity, only: &OnceLock<Box<str>>) -> Result<Box<str>, NameFault> {
        let label = identity.anchor().label();
        let is_only = || !identity.anchor().has_siblings() && **only.get_or_init(|| label.into()) == *label;
        let undeclared = AnchorNaming::default();
        let naming = match self.0.get(label) {
            Some(naming) => naming,
            None if self.0.is_empty() && is_only() => &undeclared,
            None => return Err(NameFault::UnknownAnchor { label: label.into() }),
        };
        let value = naming.field.read(identity.certificate())?;
        let name: Box<str> = format!("{}{value}", naming.prefix).into();
        // The longest prefix that fits owns the name: it must be this anchor's own.
        let owner =
            self.0.iter().filter(|(_, n)| name.starts_with(&*n.prefix)).max_by_key(|(_, n)| n.prefix.len());
        match owner {
            Some((other, n)) if **other != *label => {
                Err(NameFault::ForeignPrefix { prefix: n.prefix.to_string(), label: other.to_string() })
            }
            _ => Ok(name),
        }
    }
}
