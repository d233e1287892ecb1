//! The functions that make rules.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Custom, Fact, Fault, Node, Rule, Scope, Test};
use crate::certificate::AttributeType;
use crate::certificate::Fingerprint;
use crate::certificate::SanKind;
use crate::role::Role;

/// Everybody may pass, with or without a certificate.
pub fn anyone() -> Rule {
    Rule(Node::Anyone)
}

/// Nobody may pass.
pub fn nobody() -> Rule {
    Rule(Node::Nobody)
}

/// Every caller with a verified certificate and a name may pass.
pub fn authenticated() -> Rule {
    Rule(Node::Authenticated)
}

/// Every caller with the role may pass.
pub fn role(name: &str) -> Rule {
    Rule(match Role::new(name) {
        Ok(role) => Node::Role { name: role.name().into(), index: None },
        Err(error) => Node::Invalid(error.to_string()),
    })
}

/// Every caller with one of the roles may pass.
///
/// No role at all is an error when the policy is built.
pub fn any_role<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Rule {
    chain(names.into_iter().map(|name| role(name.as_ref())), false)
}

/// All the rules must hold.
///
/// No rule at all is an error when the policy is built.
pub fn all(rules: impl IntoIterator<Item = Rule>) -> Rule {
    chain(rules, true)
}

/// One of the rules must hold.
///
/// No rule at all is an error when the policy is built.
pub fn any(rules: impl IntoIterator<Item = Rule>) -> Rule {
    chain(rules, false)
}

/// Chains are kept flat, so that nesting measures what a reader sees.
fn chain(rules: impl IntoIterator<Item = Rule>, conjunction: bool) -> Rule {
    let mut parts = Vec::new();
    for Rule(node) in rules {
        match node {
            Node::All(inner) if conjunction => parts.extend(inner),
            Node::Any(inner) if !conjunction => parts.extend(inner),
            other => parts.push(other),
        }
    }
    Rule(match (parts.len(), conjunction) {
        (0, true) => Node::Invalid("`all` of no rules would let everybody in: name at least one rule".into()),
        (0, false) => {
            Node::Invalid("`any` of no rules lets nobody in: write `nobody()` if that is meant".into())
        }
        (1, _) => parts.remove(0),
        (_, true) => Node::All(parts),
        (_, false) => Node::Any(parts),
    })
}

/// An attribute of the certificate's subject.
///
/// # Security
///
/// If two trust anchors can issue the same subject, the holder of either certificate passes; ask
/// for the [`anchor`] too.
#[must_use]
pub fn subject(attribute: AttributeType) -> Attribute {
    Attribute(Fact::Subject(attribute))
}

/// An attribute of the certificate's issuer field.
///
/// # Security
///
/// If a trusted intermediate is free in its own name, it can carry any issuer name; who really
/// vouched is the [`anchor`].
#[must_use]
pub fn issuer(attribute: AttributeType) -> Attribute {
    Attribute(Fact::Issuer(attribute))
}

/// The subject alternative names of one kind.
#[must_use]
pub fn san(kind: SanKind) -> San {
    San(kind)
}

/// The trust anchor with this label must have vouched.
pub fn anchor(label: &str) -> Rule {
    test(Fact::AnchorLabel, label, Test::Equals)
}

/// The certificate must have this SHA-256, in hex with or without colons.
///
/// Text that is no SHA-256 is an error when the policy is built.
pub fn sha256(fingerprint: &str) -> Rule {
    Rule(match fingerprint.parse::<Fingerprint>() {
        Ok(fingerprint) => Node::Test(Fact::CertificateSha256, Test::Fingerprint(fingerprint)),
        Err(error) => Node::Invalid(format!("`{}` is no SHA-256: {error}", fingerprint.escape_debug())),
    })
}

/// A condition of the application's own, under a name for explanations.
///
/// The closure answers `bool`, or a `Result` whose error denies. A panic in it denies, too.
///
/// # Security
///
/// If the closure does I/O or reads a clock, decisions are no longer repeatable, and an explanation
/// can differ from what was decided. [`Scope::request`] has the time of the request.
pub fn custom<F, O>(name: &str, decide: F) -> Rule
where
    F: Fn(&Scope<'_>) -> O + Send + Sync + 'static,
    O: IntoOutcome,
{
    let guarded = move |scope: &Scope<'_>| {
        catch_unwind(AssertUnwindSafe(|| decide(scope).into_outcome())).unwrap_or(Err(Fault::Panicked))
    };
    Rule(if name.is_empty() || name.contains(['"', '\\']) || name.chars().any(char::is_control) {
        Node::Invalid(format!("`{}` cannot name a custom condition: use plain words", name.escape_debug()))
    } else {
        Node::Custom(Custom { name: name.into(), decide: Arc::new(guarded) })
    })
}

/// What a custom condition may answer.
pub trait IntoOutcome {
    /// The answer, with any error as [`Fault::Custom`].
    ///
    /// # Errors
    ///
    /// When the condition could not be decided.
    fn into_outcome(self) -> Result<bool, Fault>;
}

impl IntoOutcome for bool {
    fn into_outcome(self) -> Result<bool, Fault> {
        Ok(self)
    }
}

impl<E> IntoOutcome for Result<bool, E> {
    fn into_outcome(self) -> Result<bool, Fault> {
        self.map_err(|_| Fault::Custom)
    }
}

/// An attribute of a name, about to become a rule.
#[derive(Clone)]
#[must_use]
pub struct Attribute(Fact);

impl Attribute {
    /// The attribute has exactly one value, and it is this one, byte for byte.
    pub fn eq(self, value: &str) -> Rule {
        test(self.0, value, Test::Equals)
    }

    /// The attribute has exactly one value, and it is one of these.
    pub fn is_one_of<S: AsRef<str>>(self, values: impl IntoIterator<Item = S>) -> Rule {
        let values: Vec<Box<str>> = values.into_iter().map(|value| value.as_ref().into()).collect();
        Rule(if values.is_empty() || values.iter().any(|value| value.is_empty()) {
            Node::Invalid("`is_one_of` needs at least one value, and no empty one".into())
        } else {
            Node::Test(self.0, Test::OneOf(values))
        })
    }

    /// The attribute has exactly one value, and it begins like this.
    pub fn starts_with(self, prefix: &str) -> Rule {
        test(self.0, prefix, Test::StartsWith)
    }

    /// The attribute has exactly one value, and it ends like this.
    pub fn ends_with(self, suffix: &str) -> Rule {
        test(self.0, suffix, Test::EndsWith)
    }

    /// The attribute has any number of values, and this is among them.
    pub fn contains(self, value: &str) -> Rule {
        test(self.0, value, Test::Contains)
    }

    /// The attribute is there at least once.
    pub fn exists(self) -> Rule {
        Rule(Node::Test(self.0, Test::Exists))
    }
}

impl std::fmt::Debug for Attribute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attribute")
    }
}

/// The subject alternative names of one kind, about to become a rule.
#[derive(Clone, Debug)]
#[must_use]
pub struct San(SanKind);

impl San {
    /// This value is among the names, byte for byte.
    pub fn contains(self, value: &str) -> Rule {
        test(Fact::San(self.0), value, Test::Contains)
    }

    /// There is at least one such name.
    pub fn exists(self) -> Rule {
        Rule(Node::Test(Fact::San(self.0), Test::Exists))
    }
}

/// No value of a certificate is empty, so an empty one in a rule is a mistake (an unset variable, mostly).
fn test(fact: Fact, value: &str, test: impl FnOnce(Box<str>) -> Test) -> Rule {
    Rule(if value.is_empty() {
        Node::Invalid("a rule compares with an empty value, which no certificate has: give the value".into())
    } else {
        Node::Test(fact, test(value.into()))
    })
}
