//! Rules: one expression tree that says who may pass.

mod build;
mod eval;
mod fault;
mod print;

use std::fmt;
use std::sync::Arc;

pub use build::{
    Attribute, IntoOutcome, San, all, anchor, any, any_role, anyone, authenticated, custom, issuer, nobody,
    role, san, sha256, subject,
};
pub use eval::Scope;
pub use fault::Fault;

use crate::certificate::AttributeType;
use crate::certificate::Fingerprint;
use crate::certificate::SanKind;
use crate::role::{Hierarchy, RoleIndex};

/// A condition under which a request may pass.
///
/// Made by the functions of this module and combined with [`and`](Rule::and), [`or`](Rule::or) and
/// `!`. It prints as the text that means the same in a policy file.
///
/// A part that cannot be decided, because an attribute is absent or a provider failed, is an
/// error. As in the Common Expression Language, `&&` with a false side is false and `||` with a
/// true side is true whatever the other side is; an error that is left at the end denies, under `!` too.
///
/// # Examples
///
/// ```
/// use portcullis_core::certificate::AttributeType;
/// use portcullis_core::rule::{role, subject};
///
/// let rule = role("admin").or(subject(AttributeType::CN).eq("alice")).and(!role("suspended"));
/// assert_eq!(
///     rule.to_string(),
///     r#"(role("admin") || subject.CN == "alice") && !role("suspended")"#
/// );
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "a rule protects nothing until it stands in a policy"]
pub struct Rule(pub(crate) Node);

#[derive(Clone, PartialEq)]
pub(crate) enum Node {
    Anyone,
    Nobody,
    Authenticated,
    Role {
        name: Arc<str>,
        index: Option<RoleIndex>,
    },
    Not(Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
    Test(Fact, Test),
    Custom(Custom),
    /// A constructor was called with something that can never be right; building the policy reports it.
    Invalid(String),
}

/// A fact of the verified certificate.
#[derive(Clone, PartialEq)]
pub(crate) enum Fact {
    Subject(AttributeType),
    Issuer(AttributeType),
    San(SanKind),
    AnchorLabel,
    CertificateSha256,
}

/// What is asked of a fact.
#[derive(Clone, PartialEq)]
pub(crate) enum Test {
    Equals(Box<str>),
    OneOf(Vec<Box<str>>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    /// The value is among all values of the fact.
    Contains(Box<str>),
    /// There is at least one value.
    Exists,
    Fingerprint(Fingerprint),
}

/// A closure of the application's own.
#[derive(Clone)]
pub(crate) struct Custom {
    pub(crate) name: Arc<str>,
    pub(crate) decide: Arc<dyn Fn(&Scope<'_>) -> Result<bool, Fault> + Send + Sync>,
}

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.decide, &other.decide)
    }
}

impl Rule {
    /// Both must hold.
    pub fn and(self, other: Self) -> Self {
        all([self, other])
    }

    /// One of the two must hold.
    pub fn or(self, other: Self) -> Self {
        any([self, other])
    }

    /// Decides the rule.
    ///
    /// # Errors
    ///
    /// [`Fault`] when it cannot be decided; whoever asks must deny then.
    pub fn decide(&self, scope: &Scope<'_>) -> Result<bool, Fault> {
        self.0.decide(scope)
    }

    pub(crate) fn is_constant_false(&self) -> bool {
        matches!(self.0, Node::Nobody)
    }

    /// Finds the roles in the hierarchy, and everything that is wrong with the rule.
    pub(crate) fn resolve(&mut self, hierarchy: &Hierarchy) -> Vec<String> {
        let mut errors = Vec::new();
        self.0.resolve(hierarchy, &mut errors);
        errors
    }
}

impl Node {
    fn resolve(&mut self, hierarchy: &Hierarchy, errors: &mut Vec<String>) {
        match self {
            Self::Role { name, index } => {
                *index = hierarchy.index(name);
                if index.is_none() {
                    errors.push(format!("the role `{name}` is not defined: define it or correct the name"));
                }
            }
            Self::Not(inner) => inner.resolve(hierarchy, errors),
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.resolve(hierarchy, errors);
                }
            }
            Self::Invalid(reason) => errors.push(reason.clone()),
            Self::Anyone | Self::Nobody | Self::Authenticated | Self::Test(..) | Self::Custom(_) => {}
        }
    }
}

impl std::ops::Not for Rule {
    type Output = Self;

    fn not(self) -> Self {
        Self(Node::Not(Box::new(self.0)))
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({self})")
    }
}
