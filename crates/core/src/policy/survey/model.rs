//! Whether a rule can hold at all, and whether it can fail to.

use std::collections::BTreeMap;

use super::formula::{Formula, Leaf};
use super::outcomes::Outcomes;
use crate::role::{Hierarchy, RoleIndex};

/// After so many looks at a part the search gives up; what it has not settled counts as possible.
const MOST_LOOKS: usize = 500_000;

/// What a rule can come to, by all that roles and facts can be.
///
/// Errors count only where they are certain: whoever is not verified has no certificate to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::policy) struct Possible {
    pub(in crate::policy) holds: bool,
    pub(in crate::policy) fails: bool,
    pub(in crate::policy) errs: bool,
}

impl Possible {
    /// What the rule can come to for callers who are verified, or for those who are not.
    pub(in crate::policy) fn of(formula: &Formula, verified: bool, hierarchy: &Hierarchy) -> Self {
        let unknowns = Unknowns::of(formula);
        let mut size = 0;
        formula.leaves(&mut |_| size += 1);
        let mut search = Search { formula, hierarchy, unknowns: &unknowns, size, looks: 0 };
        let mut possible = Self::default();
        let mut assignment = Assignment { verified, ..Assignment::default() };
        search.explore(&mut assignment, 0, &mut possible);
        if search.looks >= MOST_LOOKS {
            return Self { holds: true, fails: true, errs: true };
        }
        possible
    }

    /// Whether the outcomes hold anything new.
    fn learns_from(&self, outcomes: Outcomes) -> bool {
        outcomes.can_be_true() && !self.holds
            || outcomes.can_be_false() && !self.fails
            || outcomes.can_be_error() && !self.errs
    }

    fn add(&mut self, outcomes: Outcomes) {
        self.holds |= outcomes.can_be_true();
        self.fails |= outcomes.can_be_false();
        self.errs |= outcomes.can_be_error();
    }
}

/// Everything that a formula depends on, each once.
struct Unknowns<'f> {
    list: Vec<Unknown<'f>>,
}

enum Unknown<'f> {
    Role(RoleIndex),
    Free(&'f str),
    /// A fact and the constants that it is compared with.
    Fact(&'f str, Vec<&'f str>),
}

impl<'f> Unknowns<'f> {
    fn of(formula: &'f Formula) -> Self {
        let mut roles: Vec<RoleIndex> = Vec::new();
        let mut free: Vec<&'f str> = Vec::new();
        let mut facts: BTreeMap<&'f str, Vec<&'f str>> = BTreeMap::new();
        formula.leaves(&mut |part| match part {
            Formula::Role(role) if !roles.contains(role) => roles.push(*role),
            Formula::Leaf(Leaf { test: Some(test), .. }) => {
                let constants = facts.entry(&test.fact).or_default();
                constants.extend(test.comparison.constants());
                constants.sort_unstable();
                constants.dedup();
            }
            Formula::Leaf(leaf) if !free.contains(&&*leaf.text) => free.push(&leaf.text),
            _ => {}
        });
        let facts = facts.into_iter().map(|(fact, constants)| Unknown::Fact(fact, constants));
        let roles = roles.into_iter().map(Unknown::Role);
        Self { list: facts.chain(roles).chain(free.into_iter().map(Unknown::Free)).collect() }
    }
}

/// What has been settled so far.
#[derive(Default)]
struct Assignment<'f> {
    verified: bool,
    roles: Vec<(RoleIndex, bool)>,
    free: Vec<(&'f str, bool)>,
    /// Facts with their values; `None` is a value that no constant of the formula is equal to.
    facts: Vec<(&'f str, Option<&'f str>)>,
}

struct Search<'s, 'f> {
    formula: &'f Formula,
    hierarchy: &'s Hierarchy,
    unknowns: &'s Unknowns<'f>,
    /// How many parts the formula has.
    size: usize,
    looks: usize,
}

impl<'f> Search<'_, 'f> {
    /// Settles one unknown after the other, and only as long as something can still be learnt.
    fn explore(&mut self, assignment: &mut Assignment<'f>, at: usize, possible: &mut Possible) {
        self.looks += self.size;
        let outcomes = self.formula.evaluate(&|part| assignment.outcomes(part));
        if self.looks >= MOST_LOOKS || !possible.learns_from(outcomes) {
            return;
        }
        let Some(unknown) = self.unknowns.list.get(at) else {
            possible.add(outcomes);
            return;
        };
        match unknown {
            Unknown::Role(role) => {
                for has in [true, false] {
                    if assignment.allows_role(*role, has, self.hierarchy) {
                        assignment.roles.push((*role, has));
                        self.explore(assignment, at + 1, possible);
                        assignment.roles.pop();
                    }
                }
            }
            Unknown::Free(text) => {
                for holds in [true, false] {
                    assignment.free.push((*text, holds));
                    self.explore(assignment, at + 1, possible);
                    assignment.free.pop();
                }
            }
            Unknown::Fact(fact, constants) => {
                for value in constants.iter().copied().map(Some).chain([None]) {
                    assignment.facts.push((*fact, value));
                    self.explore(assignment, at + 1, possible);
                    assignment.facts.pop();
                }
            }
        }
    }
}

impl Assignment<'_> {
    fn outcomes(&self, part: &Formula) -> Outcomes {
        match part {
            Formula::Authenticated => Outcomes::of(self.verified),
            Formula::Role(_) if !self.verified => Outcomes::FALSE,
            Formula::Role(role) => known(&self.roles, role),
            Formula::Leaf(leaf) if leaf.needs_caller && !self.verified => Outcomes::ERROR,
            Formula::Leaf(Leaf { test: Some(test), .. }) => {
                match self.facts.iter().find(|(fact, _)| **fact == *test.fact) {
                    Some((_, value)) => test.comparison.outcomes(*value),
                    None => Outcomes::BOOL,
                }
            }
            Formula::Leaf(leaf) => known(&self.free, &&*leaf.text),
            _ => Outcomes::BOOL,
        }
    }

    /// Whoever has a role also has those that it includes.
    fn allows_role(&self, role: RoleIndex, has: bool, hierarchy: &Hierarchy) -> bool {
        self.roles.iter().all(|(other, has_other)| match (has, has_other) {
            (true, false) => !hierarchy.includes(role, *other),
            (false, true) => !hierarchy.includes(*other, role),
            _ => true,
        })
    }
}

fn known<K: PartialEq>(settled: &[(K, bool)], key: &K) -> Outcomes {
    settled.iter().find(|(other, _)| other == key).map_or(Outcomes::BOOL, |(_, holds)| Outcomes::of(*holds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::AttributeType;
    use crate::policy::Policy;
    use crate::rule::{Rule, anyone, authenticated, custom, nobody, role, subject};

    fn possible(rule: Rule) -> (bool, bool) {
        let policy = Policy::builder().role("admin", ["user"]).role("user", []).route("GET /", rule);
        let policy = policy.build().unwrap();
        let rule = policy.routes().next().unwrap().rule();
        let formula = Formula::of(rule, policy.hierarchy());
        let Possible { holds, fails, .. } = Possible::of(&formula, true, policy.hierarchy());
        (holds, fails)
    }

    fn cn(value: &str) -> Rule {
        subject(AttributeType::CN).eq(value)
    }

    fn starts(prefix: &str) -> Rule {
        subject(AttributeType::CN).starts_with(prefix)
    }

    #[test]
    fn what_can_be_is_told_from_what_cannot() {
        let x = || custom("x", |_| true);
        for (rule, expected) in [
            (anyone(), (true, false)),
            (nobody(), (false, true)),
            (authenticated(), (true, false)),
            (role("admin"), (true, true)),
            (role("admin").and(!role("user")), (false, true)),
            (role("user").and(!role("admin")), (true, true)),
            (role("user").or(!role("admin")), (true, false)),
            (role("user").or(!role("user")), (true, false)),
            (cn("a"), (true, true)),
            (cn("a").and(cn("b")), (false, true)),
            (cn("a").and(!cn("b")), (true, true)),
            (cn("a").and(!cn("a")), (false, true)),
            ((!cn("a")).or(!cn("b")), (true, false)),
            (cn("a").or(cn("b")), (true, true)),
            (cn("a").and(subject(AttributeType::CN).is_one_of(["b", "c"])), (false, true)),
            (cn("abc").and(starts("ab")), (true, true)),
            (cn("abc").and(starts("x")), (false, true)),
            (cn("abc").and(!starts("ab")), (false, true)),
            (starts("a").and(subject(AttributeType::CN).ends_with("b")), (true, true)),
            (cn("a").and(subject(AttributeType::OU).eq("b")), (true, true)),
            (x(), (true, true)),
            ((!role("admin")).and(role("admin")).or(cn("a").and(cn("b"))), (false, true)),
        ] {
            let text = rule.to_string();
            assert_eq!(possible(rule), expected, "{text}");
        }
    }

    #[test]
    fn a_long_chain_is_settled_and_a_maze_is_given_up() {
        let long = (0..60).map(|i| custom(&format!("c{i}"), |_| true));
        assert_eq!(possible(crate::rule::all(long.chain([nobody()]))), (false, true));
        // The parity of many conditions has no short cut.
        let xor = |a: Rule, b: Rule| a.clone().and(!b.clone()).or((!a).and(b));
        let parity = (0..10).map(|i| custom(&format!("c{i}"), |_| true)).reduce(xor).unwrap();
        assert_eq!(possible(parity.clone().and(!parity)), (true, true));
    }
}
