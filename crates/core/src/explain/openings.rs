//! Which roles would turn a decision.

use crate::principal::Principal;
use crate::role::Origin;
use crate::rule::Rule;

/// How many sets are named at most.
const MOST_SETS: usize = 16;
/// How many sets are tried at most.
const MOST_TRIALS: usize = 4096;

/// The smallest sets of roles that would turn the decision, if they were added or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Openings {
    /// The sets, the smallest first; none of them contains another.
    pub sets: Vec<Vec<RoleChange>>,
    /// Whether these are all; otherwise the search was cut short, or a closure may look at roles.
    pub is_complete: bool,
}

/// A role that would be added or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing else to do with a role")]
pub enum RoleChange {
    /// The caller would have to be given the role.
    Add(String),
    /// The caller would have to lose the role, and every role that includes it.
    Remove(String),
}

impl std::fmt::Display for RoleChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Add(role) => write!(f, "add `{role}`"),
            Self::Remove(role) => write!(f, "remove `{role}`"),
        }
    }
}

impl Openings {
    pub(super) fn none() -> Self {
        Self { sets: Vec::new(), is_complete: true }
    }

    /// Tries sets of the roles that the rule names, the small ones first.
    pub(super) fn search(
        principal: &Principal,
        rule: &Rule,
        is_allowed: bool,
        decide: impl Fn(&Principal) -> bool,
    ) -> Self {
        // Roles are given to authenticated callers only.
        if !principal.is_authenticated() {
            return Self::none();
        }
        let named = rule.roles_mentioned();
        let changes: Vec<RoleChange> = named.into_iter().flat_map(|role| changes(principal, role)).collect();
        let mut openings = Self { sets: Vec::new(), is_complete: rule.roles_are_named() };
        let mut trials = 0;
        for size in 1..=changes.len() {
            let mut chosen: Vec<usize> = (0..size).collect();
            loop {
                if trials == MOST_TRIALS || openings.sets.len() == MOST_SETS {
                    openings.is_complete = false;
                    return openings;
                }
                trials += 1;
                let set: Vec<&RoleChange> = chosen.iter().filter_map(|i| changes.get(*i)).collect();
                if !openings.has_less_than(&set, principal)
                    && decide_with(principal, &set, &decide) == Some(!is_allowed)
                {
                    let is_implied_by = |known: &[RoleChange], change: &RoleChange| {
                        known.iter().any(|known| implies(principal, known, change))
                    };
                    openings.sets.retain(|known| !set.iter().all(|change| is_implied_by(known, change)));
                    openings.sets.push(set.into_iter().cloned().collect());
                }
                if !next_combination(&mut chosen, changes.len()) {
                    break;
                }
            }
        }
        openings
    }

    /// Whether a set that is known changes no more than this one.
    fn has_less_than(&self, set: &[&RoleChange], principal: &Principal) -> bool {
        let is_implied = |known: &RoleChange| set.iter().any(|change| implies(principal, change, known));
        self.sets.iter().any(|known| known.iter().all(is_implied))
    }
}

/// Whether one change brings the other with it: who is given a role is given what it includes, and
/// who loses one loses every role that includes it.
fn implies(principal: &Principal, change: &RoleChange, other: &RoleChange) -> bool {
    match (change, other) {
        (RoleChange::Add(role), RoleChange::Add(included)) => principal.roles().includes(role, included),
        (RoleChange::Remove(role), RoleChange::Remove(including)) => {
            principal.roles().includes(including, role)
        }
        _ => false,
    }
}

/// A role that was only brought along by another can be lost, or be given itself in its place.
fn changes(principal: &Principal, role: &str) -> Vec<RoleChange> {
    let mut changes = Vec::new();
    if principal.has_role(role) {
        changes.push(RoleChange::Remove(role.into()));
    }
    if !principal.roles().is_direct(role) {
        changes.push(RoleChange::Add(role.into()));
    }
    changes
}

/// The decision with the changes made; `None` if they contradict each other.
fn decide_with(
    principal: &Principal,
    set: &[&RoleChange],
    decide: impl Fn(&Principal) -> bool,
) -> Option<bool> {
    let mut roles = principal.roles().clone();
    for change in set {
        if let RoleChange::Remove(role) = change {
            roles.remove(role);
        }
    }
    for change in set {
        if let RoleChange::Add(role) = change {
            roles.grant(role, Origin::Member);
        }
    }
    // Who is given a role has what it includes, too: then nothing was removed.
    let consistent = set.iter().all(|change| match change {
        RoleChange::Add(role) => roles.contains(role),
        RoleChange::Remove(role) => !roles.contains(role),
    });
    consistent.then(|| decide(&principal.with_roles(roles)))
}

/// The next way to choose as many of `n`, in order; false after the last.
fn next_combination(chosen: &mut [usize], n: usize) -> bool {
    let size = chosen.len();
    let Some(at) = (0..size).rev().find(|i| chosen.get(*i).is_some_and(|c| *c < n - size + i)) else {
        return false;
    };
    let first = chosen.get(at).copied().unwrap_or_default() + 1;
    for (offset, place) in chosen.iter_mut().skip(at).enumerate() {
        *place = first + offset;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_come_in_order_and_end() {
        let mut chosen = vec![0, 1];
        let mut all = vec![chosen.clone()];
        while next_combination(&mut chosen, 4) {
            all.push(chosen.clone());
        }
        assert_eq!(all, [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
        assert!(!next_combination(&mut [0], 1));
    }
}
