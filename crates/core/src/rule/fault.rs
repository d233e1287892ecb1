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
    /// The certificate is not that of one SPIFFE workload.
    #[error("the rule reads a SPIFFE ID, but the certificate has no valid one, or more than one")]
    NotSpiffe,
    /// No source gave the principal an attribute.
    #[error("no source gave the caller an attribute that the rule reads")]
    NoAttribute,
    /// The request names no host that can be read.
    #[error("the rule reads the host, but the request has none")]
    NoHost,
    /// The address of the TCP peer is unknown.
    #[error("the rule reads the address of the peer, which is unknown")]
    NoPeerIp,
    /// The route's pattern has no such parameter, or it cannot be decoded.
    #[error("the rule reads a path parameter that the route does not have or that cannot be decoded")]
    NoParam,
    /// The rule reads the request, and none has been made.
    #[error("the rule reads the request, but was asked without one")]
    NoRequest,
    /// The rule is about a resource, and none is being decided about.
    #[error("the rule reads a resource, but was asked without one")]
    NoResource,
    /// Values of different types met; checked rules never get there.
    #[error("the rule compares values of different types")]
    TypeMismatch,
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

    /// Which of two faults is told: a failed provider is the service's fault and answers 503.
    pub(super) fn or(self, other: Self) -> Self {
        if other.is_unavailable() { other } else { self }
    }
}
