//! The functions that make rules.

use super::Rule;
use super::custom::{Custom, IntoOutcome};
use super::expr::{Affix, Expr, Relation};
use super::fact::{Fact, Fixed, Party};
use super::literal::Literal;
use super::scope::Scope;
use super::value::Scalar;
use crate::certificate::{AttributeType, Fingerprint, SanKind};
use crate::role::Role;

/// Everybody may pass, with or without a certificate.
pub fn anyone() -> Rule {
    Rule(Expr::Anyone)
}

/// Nobody may pass.
pub fn nobody() -> Rule {
    Rule(Expr::Nobody)
}

/// Every caller with a verified certificate and a name may pass.
pub fn authenticated() -> Rule {
    Rule(Expr::Authenticated)
}

/// Every caller with the role may pass.
pub fn role(name: &str) -> Rule {
    Rule(match Role::new(name) {
        Ok(role) => Expr::Role { name: role.name().into(), index: None },
        Err(error) => Expr::Invalid(error.to_string().into()),
    })
}

/// Every caller with one of the roles may pass.
///
/// No role at all is an error when the policy is built.
pub fn any_role<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Rule {
    any(names.into_iter().map(|name| role(name.as_ref())))
}

/// All the rules must hold.
///
/// No rule at all is an error when the policy is built.
pub fn all(rules: impl IntoIterator<Item = Rule>) -> Rule {
    Rule(Expr::chain(rules.into_iter().map(|rule| rule.0), true))
}

/// One of the rules must hold.
///
/// No rule at all is an error when the policy is built.
pub fn any(rules: impl IntoIterator<Item = Rule>) -> Rule {
    Rule(Expr::chain(rules.into_iter().map(|rule| rule.0), false))
}

/// An attribute of the certificate's subject.
///
/// # Security
///
/// If two trust anchors can issue the same subject, the holder of either certificate passes; ask
/// for the [`anchor`] too.
pub fn subject(attribute: AttributeType) -> Attribute {
    Attribute(Party::Subject, attribute)
}

/// An attribute of the certificate's issuer field.
///
/// # Security
///
/// If a trusted intermediate is free in its own name, it can carry any issuer name; who really
/// vouched is the [`anchor`].
pub fn issuer(attribute: AttributeType) -> Attribute {
    Attribute(Party::Issuer, attribute)
}

/// The subject alternative names of one kind.
pub fn san(kind: SanKind) -> San {
    San(kind)
}

/// The trust anchor with this label must have vouched.
pub fn anchor(label: &str) -> Rule {
    Rule(text(label).map_or_else(Expr::Invalid, |label| {
        Expr::Compare(
            Relation::Equal,
            Box::new([Expr::Fact(Fact::Fixed(Fixed::AnchorLabel)), Expr::Literal(label)]),
        )
    }))
}

/// The certificate must have this SHA-256, in hex with or without colons.
///
/// Text that is no SHA-256 is an error when the policy is built.
pub fn sha256(fingerprint: &str) -> Rule {
    Rule(match fingerprint.parse::<Fingerprint>() {
        Ok(fingerprint) => Expr::Compare(
            Relation::Equal,
            Box::new([
                Expr::Fact(Fact::Fixed(Fixed::CertificateSha256)),
                Expr::Literal(Literal::Fingerprint(fingerprint)),
            ]),
        ),
        Err(error) => {
            Expr::Invalid(format!("`{}` is no SHA-256: {error}", fingerprint.escape_debug()).into())
        }
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
    Rule(match Custom::new(name, decide) {
        Ok(custom) => Expr::Custom(custom),
        Err(reason) => Expr::Invalid(reason.into()),
    })
}

/// An attribute of a name, about to become a rule.
#[derive(Clone, Debug)]
#[must_use]
pub struct Attribute(Party, AttributeType);

impl Attribute {
    /// The attribute has exactly one value, and it is this one, byte for byte.
    pub fn eq(self, value: &str) -> Rule {
        self.compared(value, |pair| Expr::Compare(Relation::Equal, pair))
    }

    /// The attribute has exactly one value, and it is one of these.
    pub fn is_one_of<S: AsRef<str>>(self, values: impl IntoIterator<Item = S>) -> Rule {
        let values: Vec<_> = values.into_iter().map(|value| Literal::Str(value.as_ref().into())).collect();
        Rule(if values.is_empty() || values.contains(&Literal::Str("".into())) {
            Expr::Invalid("`is_one_of` needs at least one value, and no empty one".into())
        } else {
            Expr::In(Box::new([self.one(), Expr::List(values)]))
        })
    }

    /// The attribute has exactly one value, and it begins like this.
    pub fn starts_with(self, prefix: &str) -> Rule {
        self.compared(prefix, |pair| Expr::Affix(Affix::StartsWith, pair))
    }

    /// The attribute has exactly one value, and it ends like this.
    pub fn ends_with(self, suffix: &str) -> Rule {
        self.compared(suffix, |pair| Expr::Affix(Affix::EndsWith, pair))
    }

    /// The attribute has any number of values, and this is among them.
    pub fn contains(self, value: &str) -> Rule {
        Rule(text(value).map_or_else(Expr::Invalid, |value| {
            let Self(party, attribute) = self;
            Expr::In(Box::new([Expr::Literal(value), Expr::Fact(Fact::Attributes(party, attribute))]))
        }))
    }

    /// The attribute is there at least once.
    pub fn exists(self) -> Rule {
        Rule(Expr::Has(Fact::Attribute(self.0, self.1)))
    }

    fn one(self) -> Expr {
        Expr::Fact(Fact::Attribute(self.0, self.1))
    }

    fn compared(self, value: &str, compare: impl FnOnce(Box<[Expr; 2]>) -> Expr) -> Rule {
        Rule(match text(value) {
            Ok(value) => compare(Box::new([self.one(), Expr::Literal(value)])),
            Err(reason) => Expr::Invalid(reason),
        })
    }
}

/// The subject alternative names of one kind, about to become a rule.
#[derive(Clone, Debug)]
#[must_use]
pub struct San(SanKind);

impl San {
    /// This value is among the names.
    ///
    /// DNS names are compared without regard to case, IP addresses as addresses, all else byte for byte.
    pub fn contains(self, value: &str) -> Rule {
        let literal = match self.0 {
            SanKind::Ip => Literal::read(value, Scalar::Ip).map_err(Into::into),
            kind => text(&kind.canonical(value).unwrap_or_else(|_| value.into())),
        };
        Rule(literal.map_or_else(Expr::Invalid, |literal| {
            Expr::In(Box::new([Expr::Literal(literal), Expr::Fact(Fact::San(self.0))]))
        }))
    }

    /// There is at least one such name.
    pub fn exists(self) -> Rule {
        let size = Expr::Size(Box::new(Expr::Fact(Fact::San(self.0))));
        Rule(Expr::Compare(Relation::Greater, Box::new([size, Expr::Literal(Literal::Int(0))])))
    }
}

/// No value of a certificate is empty, so an empty one in a rule is a mistake (an unset variable, mostly).
fn text(value: &str) -> Result<Literal, Box<str>> {
    if value.is_empty() {
        Err("a rule compares with an empty value, which no certificate has: give the value".into())
    } else {
        Ok(Literal::Str(value.into()))
    }
}
