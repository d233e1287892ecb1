//! One route of a policy.

use std::fmt;
use std::sync::Arc;

use super::{Pattern, Place};
use crate::rule::Rule;

/// One route of a policy: what it matches, and the rule.
#[derive(Clone)]
pub struct Route {
    pub(super) pattern: Pattern,
    pub(super) host: Option<Box<str>>,
    /// Shared by the routes of a file that have the same text for a rule.
    pub(super) rule: Arc<Rule>,
    pub(super) place: Place,
    pub(super) notes: Option<Box<Notes>>,
}

/// What only some routes have.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    pub(super) id: Option<Box<str>>,
    pub(super) description: Option<Box<str>>,
}

impl Route {
    /// What logs and reports call it: the id that the policy gives it, else the pattern.
    #[must_use]
    pub fn id(&self) -> &str {
        let given = self.notes.as_ref().and_then(|notes| notes.id.as_deref());
        given.unwrap_or(self.pattern.as_str())
    }

    /// The method and path that it matches.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// The host that it is for; `None` for all.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What it is for, in the words of the policy's author.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.notes.as_ref()?.description.as_deref()
    }

    /// Where it is declared.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}

/// The pattern, with the host if there is one.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) => write!(f, "{} on {host}", self.pattern),
            None => self.pattern.fmt(f),
        }
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} => {}", self.rule)
    }
}
