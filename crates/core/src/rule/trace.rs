//! A rule decided once more, with what each part of it came to.
//!
//! The parts are decided by the evaluator itself, so an explanation cannot disagree with a decision.

use std::fmt;

use super::expr::Expr;
use super::value::Value;
use super::{Fault, Rule, Scope};

/// What one part of a rule came to, and the parts below it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace {
    /// The part, as text.
    pub text: String,
    /// What it came to.
    pub outcome: Outcome,
    /// The parts that it is made of; none where the text says it all.
    pub parts: Vec<Trace>,
}

/// What one part of a rule came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A condition that holds.
    True,
    /// A condition that does not hold.
    False,
    /// A value that is no condition, as text.
    Value(String),
    /// It could not be decided.
    Error(Fault),
    /// It was not looked at, because another part had settled the matter.
    NotReached,
}

impl Outcome {
    /// One word: `true`, `false`, `value`, `error` or `not-reached`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Value(_) => "value",
            Self::Error(_) => "error",
            Self::NotReached => "not-reached",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::True => f.write_str("true"),
            Self::False => f.write_str("false"),
            Self::Value(value) => f.write_str(value),
            Self::Error(fault) => write!(f, "error: {fault}"),
            Self::NotReached => f.write_str("not reached"),
        }
    }
}

impl Rule {
    pub(crate) fn trace(&self, scope: &Scope<'_>) -> Trace {
        self.0.trace(scope)
    }
}

impl Expr {
    fn trace(&self, scope: &Scope<'_>) -> Trace {
        let parts = match self {
            Self::All(parts) => chain(parts, scope, false),
            Self::Any(parts) => chain(parts, scope, true),
            Self::Conditional(parts) => conditional(parts, scope),
            // The body speaks of one element after the other: only the list has one outcome.
            Self::Quantified(_, _, pair) => pair.first().map(|list| list.trace(scope)).into_iter().collect(),
            other => other.children().iter().filter(|c| !c.is_plain()).map(|c| c.trace(scope)).collect(),
        };
        Trace { text: self.to_string(), outcome: self.outcome(scope), parts }
    }

    fn outcome(&self, scope: &Scope<'_>) -> Outcome {
        match self.evaluate(scope) {
            Ok(Value::Bool(true)) => Outcome::True,
            Ok(Value::Bool(false)) => Outcome::False,
            Ok(value) => Outcome::Value(value.to_string()),
            Err(fault) => Outcome::Error(fault),
        }
    }

    /// Whether the text is the outcome.
    fn is_plain(&self) -> bool {
        matches!(self, Self::Literal(_) | Self::List(_) | Self::Variable { .. })
    }

    fn not_reached(&self) -> Trace {
        Trace { text: self.to_string(), outcome: Outcome::NotReached, parts: Vec::new() }
    }
}

/// The first decisive part is the last that matters.
fn chain(parts: &[Expr], scope: &Scope<'_>, decisive: bool) -> Vec<Trace> {
    let decisive = if decisive { Outcome::True } else { Outcome::False };
    let mut settled = false;
    let trace = |part: &Expr| {
        if settled {
            return part.not_reached();
        }
        let trace = part.trace(scope);
        settled = trace.outcome == decisive;
        trace
    };
    parts.iter().map(trace).collect()
}

fn conditional(parts: &[Expr; 3], scope: &Scope<'_>) -> Vec<Trace> {
    let [condition, then, otherwise] = parts;
    let condition = condition.trace(scope);
    let (then, otherwise) = match condition.outcome {
        Outcome::True => (then.trace(scope), otherwise.not_reached()),
        Outcome::False => (then.not_reached(), otherwise.trace(scope)),
        _ => (then.not_reached(), otherwise.not_reached()),
    };
    vec![condition, then, otherwise]
}
