//! Why a rule could not be decided.

use thiserror::Error;

/// Why a rule, or a part of it, could not be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The rule asks for a fact of a certificate, but none was verified.
    #[error("the rule reads a certificate, but the caller has none that was verified")]
    NotVerified,
    /// The caller is verified, but has no name under the policy.
    #[error("the caller has no name under the policy")]
    Unnamed,
    /// An attribute is absent.
    #[error("an attribute that the rule reads is absent")]
    Absent,
    /// An attribute that must have one value has several.
    #[error("an attribute that the rule reads as one value is repeated")]
    Repeated,
    /// An attribute or name cannot be read.
    #[error("an attribute that the rule reads cannot be decoded")]
    Undecodable,
    /// It could not be told whether the caller has a role.
    #[error("it could not be told whether the caller has a role that the rule asks for")]
    Grant,
    /// A source of roles failed.
    #[error("a source of roles failed")]
    Unavailable,
    /// A closure of the application failed.
    #[error("a custom condition failed")]
    Custom,
    /// A closure of the application panicked.
    #[error("a custom condition panicked")]
    Panicked,
    /// The rule was never checked against a policy.
    #[error("the rule is not part of a policy")]
    Unresolved,
}

impl Fault {
    /// Whether something that the service depends on failed, rather than the caller.
    #[must_use]
    pub fn is_unavailable(self) -> bool {
        matches!(self, Self::Unavailable)
    }
}
