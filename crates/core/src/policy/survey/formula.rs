//! A rule, reduced to what can be known of it without a caller.

use super::Known;
use super::outcomes::Outcomes;
use crate::role::{Hierarchy, RoleIndex};
use crate::rule::{Affix, Expr, Fact, Literal, Relation, Rule};

/// A rule whose conditions are only told apart, not understood.
#[derive(Clone, Debug)]
pub(in crate::policy) enum Formula {
    Constant(bool),
    Authenticated,
    Role(RoleIndex),
    Leaf(Leaf),
    Not(Box<Formula>),
    All(Vec<Formula>),
    Any(Vec<Formula>),
    /// A condition, and what holds where it does and where it does not.
    Choose(Box<[Formula; 3]>),
}

/// A condition on a certificate, a request or whatever the application looks at.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Leaf {
    /// The condition as text: the same text has the same outcome.
    pub(in crate::policy) text: Box<str>,
    /// Whether it is an error for callers who are not verified.
    pub(in crate::policy) needs_caller: bool,
    pub(in crate::policy) test: Option<FactTest>,
}

/// A comparison of a fact that has one value with constant text.
#[derive(Clone, Debug)]
pub(in crate::policy) struct FactTest {
    pub(in crate::policy) fact: Box<str>,
    pub(in crate::policy) comparison: Comparison,
}

#[derive(Clone, Debug)]
pub(in crate::policy) enum Comparison {
    Equals(Box<str>),
    OneOf(Vec<Box<str>>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
}

impl Comparison {
    /// The constants that the fact is compared with.
    pub(in crate::policy) fn constants(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            Self::Equals(text) | Self::StartsWith(text) | Self::EndsWith(text) => (Some(text), [].as_slice()),
            Self::OneOf(texts) => (None, texts.as_slice()),
        };
        one.into_iter().chain(many).map(|text| &**text)
    }

    /// The outcomes for a value that is one of the constants, or for `None`, any other value.
    pub(in crate::policy) fn outcomes(&self, value: Option<&str>) -> Outcomes {
        match (self, value) {
            (Self::Equals(_) | Self::OneOf(_), None) => Outcomes::FALSE,
            (Self::StartsWith(_) | Self::EndsWith(_), None) => Outcomes::BOOL,
            (Self::Equals(text), Some(value)) => Outcomes::of(&**text == value),
            (Self::OneOf(texts), Some(value)) => Outcomes::of(texts.iter().any(|text| &**text == value)),
            (Self::StartsWith(prefix), Some(value)) => Outcomes::of(value.starts_with(&**prefix)),
            (Self::EndsWith(suffix), Some(value)) => Outcomes::of(value.ends_with(&**suffix)),
        }
    }
}

impl Formula {
    pub(in crate::policy) fn of(rule: &Rule, hierarchy: &Hierarchy) -> Self {
        Self::of_expr(&rule.0, hierarchy)
    }

    fn of_expr(expr: &Expr, hierarchy: &Hierarchy) -> Self {
        let of = |expr: &Expr| Self::of_expr(expr, hierarchy);
        match expr {
            Expr::Anyone => Self::Constant(true),
            Expr::Nobody => Self::Constant(false),
            Expr::Literal(Literal::Bool(holds)) => Self::Constant(*holds),
            Expr::Authenticated => Self::Authenticated,
            Expr::Role { index: Some(index), .. } => Self::Role(*index),
            Expr::Not(inner) => Self::Not(Box::new(of(inner))),
            Expr::All(parts) => Self::All(parts.iter().map(of).collect()),
            Expr::Any(parts) => Self::Any(parts.iter().map(of).collect()),
            Expr::Conditional(parts) => {
                let [condition, then, otherwise] = &**parts;
                Self::Choose(Box::new([of(condition), of(then), of(otherwise)]))
            }
            Expr::Compare(Relation::NotEqual, pair) => {
                Self::Not(Box::new(of(&Expr::Compare(Relation::Equal, pair.clone()))))
            }
            Expr::In(pair) => Self::role_in(pair, hierarchy).unwrap_or_else(|| Self::leaf(expr)),
            leaf => Self::leaf(leaf),
        }
    }

    fn leaf(expr: &Expr) -> Self {
        let (text, needs_caller) = (expr.to_string().into(), expr.needs_identity());
        Self::Leaf(Leaf { text, needs_caller, test: fact_test(expr) })
    }

    /// `"x" in principal.roles`, which is the same as `role("x")`.
    fn role_in(pair: &[Expr; 2], hierarchy: &Hierarchy) -> Option<Self> {
        let [Expr::Literal(Literal::Str(name)), Expr::Fact(Fact::ROLES)] = pair else { return None };
        hierarchy.index(name).map(Self::Role)
    }

    /// What it can come to for callers of one kind.
    pub(in crate::policy) fn outcomes(&self, caller: Known, hierarchy: &Hierarchy) -> Outcomes {
        self.evaluate(&|part| match (part, caller) {
            (Self::Authenticated, _) => Outcomes::of(matches!(caller, Known::Verified(_))),
            (Self::Role(role), Known::Verified(Some(given))) => {
                Outcomes::of(hierarchy.includes(given, *role))
            }
            (Self::Role(_), _) => Outcomes::FALSE,
            (Self::Leaf(leaf), Known::Anonymous) if leaf.needs_caller => Outcomes::ERROR,
            _ => Outcomes::ANY,
        })
    }

    /// What it can come to, given what its parts without parts can come to.
    pub(in crate::policy) fn evaluate(&self, leaf: &dyn Fn(&Self) -> Outcomes) -> Outcomes {
        match self {
            Self::Constant(holds) => Outcomes::of(*holds),
            Self::Authenticated | Self::Role(_) | Self::Leaf(_) => leaf(self),
            Self::Not(inner) => !inner.evaluate(leaf),
            Self::All(parts) => {
                parts.iter().fold(Outcomes::TRUE, |outcomes, part| outcomes.and(part.evaluate(leaf)))
            }
            Self::Any(parts) => {
                parts.iter().fold(Outcomes::FALSE, |outcomes, part| outcomes.or(part.evaluate(leaf)))
            }
            Self::Choose(parts) => {
                let [condition, then, otherwise] = &**parts;
                condition.evaluate(leaf).choose(then.evaluate(leaf), otherwise.evaluate(leaf))
            }
        }
    }

    /// The roles that can make it false, some of them more than once.
    pub(in crate::policy) fn negated_roles(&self) -> Vec<RoleIndex> {
        fn walk(formula: &Formula, is_negated: bool, found: &mut Vec<RoleIndex>) {
            match formula {
                Formula::Role(role) if is_negated => found.push(*role),
                Formula::Not(inner) => walk(inner, !is_negated, found),
                Formula::All(parts) | Formula::Any(parts) => {
                    parts.iter().for_each(|part| walk(part, is_negated, found));
                }
                Formula::Choose(parts) => {
                    let [condition, then, otherwise] = &**parts;
                    // A role in the condition takes one side away for the other.
                    condition.leaves(&mut |part| walk(part, true, found));
                    [then, otherwise].into_iter().for_each(|part| walk(part, is_negated, found));
                }
                Formula::Constant(_) | Formula::Authenticated | Formula::Role(_) | Formula::Leaf(_) => {}
            }
        }
        let mut found = Vec::new();
        walk(self, false, &mut found);
        found
    }

    /// Calls `visit` for every part that has no parts.
    pub(in crate::policy) fn leaves<'f>(&'f self, visit: &mut dyn FnMut(&'f Self)) {
        match self {
            Self::Constant(_) => {}
            Self::Authenticated | Self::Role(_) | Self::Leaf(_) => visit(self),
            Self::Not(inner) => inner.leaves(visit),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.leaves(visit)),
            Self::Choose(parts) => parts.iter().for_each(|part| part.leaves(visit)),
        }
    }
}

fn fact_test(expr: &Expr) -> Option<FactTest> {
    let (fact, comparison) = match expr {
        Expr::Compare(Relation::Equal, pair) => match &**pair {
            [Expr::Fact(fact), Expr::Literal(literal)] | [Expr::Literal(literal), Expr::Fact(fact)] => {
                (fact, Comparison::Equals(constant(literal)))
            }
            _ => return None,
        },
        Expr::In(pair) => match &**pair {
            [Expr::Fact(fact), Expr::List(literals)] => {
                (fact, Comparison::OneOf(literals.iter().map(constant).collect()))
            }
            _ => return None,
        },
        Expr::Affix(affix, pair) => match (affix, &**pair) {
            (Affix::StartsWith, [Expr::Fact(fact), Expr::Literal(literal)]) => {
                (fact, Comparison::StartsWith(constant(literal)))
            }
            (Affix::EndsWith, [Expr::Fact(fact), Expr::Literal(literal)]) => {
                (fact, Comparison::EndsWith(constant(literal)))
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(FactTest { fact: fact.to_string().into(), comparison })
}

/// The text that stands for a constant; a fact has one type, so no two constants are confused.
fn constant(literal: &Literal) -> Box<str> {
    match literal {
        Literal::Str(text) => text.clone(),
        other => other.to_string().into(),
    }
}
