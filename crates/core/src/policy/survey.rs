//! What a rule makes of whole classes of callers, without any of them at hand.
//!
//! Certificates, requests and custom conditions are unknown then, so that a rule can have several
//! outcomes. Whatever it could really do is among them.

mod formula;
mod model;
mod outcomes;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

pub(super) use formula::Formula;
pub(super) use model::Possible;
pub(super) use outcomes::Outcomes;

use crate::role::{Hierarchy, RoleIndex};
use crate::rule::Rule;

/// Whether callers of one kind may pass, as far as the policy alone can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are three answers to a question with an unknown part")]
pub enum Access {
    /// None of them, whatever else they bring.
    Deny,
    /// Some of them: it depends on the certificate, the request or a condition of the application.
    Depends,
    /// All of them.
    Allow,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deny => "deny",
            Self::Depends => "depends",
            Self::Allow => "allow",
        })
    }
}

/// A kind of callers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Caller {
    /// Nobody in particular: without a certificate, or with one that is not trusted.
    Anonymous,
    /// Verified and named, but without a role.
    Authenticated,
    /// With this role and those that it includes, and no others.
    Role(Box<str>),
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Authenticated => f.write_str("authenticated"),
            Self::Role(name) => f.write_str(name),
        }
    }
}

/// What is known of a kind of callers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    Anonymous,
    Verified(Option<RoleIndex>),
}

/// What the rules of one policy make of kinds of callers; each rule is looked at once.
pub(super) struct Survey<'p> {
    hierarchy: &'p Hierarchy,
    callers: Vec<Known>,
    seen: HashMap<*const Rule, Arc<[Access]>>,
}

impl<'p> Survey<'p> {
    /// A survey of these kinds; a role that the policy does not have is like no role.
    pub(super) fn new(hierarchy: &'p Hierarchy, callers: &[Caller]) -> Self {
        let known = |caller: &Caller| match caller {
            Caller::Anonymous => Known::Anonymous,
            Caller::Authenticated => Known::Verified(None),
            Caller::Role(name) => Known::Verified(hierarchy.index(name)),
        };
        Self { hierarchy, callers: callers.iter().map(known).collect(), seen: HashMap::new() }
    }

    /// For each kind of callers, in their order, whether the rule lets them pass.
    pub(super) fn access(&mut self, rule: &'p Arc<Rule>) -> Arc<[Access]> {
        if let Some(known) = self.seen.get(&Arc::as_ptr(rule)) {
            return Arc::clone(known);
        }
        let formula = Formula::of(rule, self.hierarchy);
        let access = self.callers.iter().map(|caller| formula.outcomes(*caller, self.hierarchy).access());
        let access: Arc<[Access]> = access.collect();
        self.seen.insert(Arc::as_ptr(rule), Arc::clone(&access));
        access
    }
}

/// The kinds of callers of a policy with these roles.
pub(super) fn callers<'r>(roles: impl IntoIterator<Item = &'r str>) -> Vec<Caller> {
    let mut roles: Vec<_> = roles.into_iter().map(|name| Caller::Role(name.into())).collect();
    roles.sort();
    roles.dedup();
    [Caller::Anonymous, Caller::Authenticated].into_iter().chain(roles).collect()
}
