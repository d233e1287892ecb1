//! Roles that nobody has, or that make no difference.

use std::collections::HashSet;

use super::{Finding, Level};
use crate::policy::Policy;
use crate::rule::{Expr, Fact, Literal, Rule};

pub(super) fn lint(policy: &Policy, findings: &mut Vec<Finding>) {
    without_source(policy, findings);
    unused(policy, findings);
}

fn without_source(policy: &Policy, findings: &mut Vec<Finding>) {
    let given: Vec<_> = policy
        .roles()
        .filter(|role| role.members().next().is_some() || role.when().is_some())
        .filter_map(|role| policy.hierarchy().index(role.role().name()))
        .collect();
    for definition in policy.roles() {
        let Some(role) = policy.hierarchy().index(definition.role().name()) else { continue };
        if given.iter().any(|given| policy.hierarchy().includes(*given, role)) {
            continue;
        }
        let message = format!("nothing in the policy gives the role `{}`", definition.role());
        let remedy = "give it `members` or `when`, unless a source of roles gives it";
        let place = definition.place();
        findings.push(Finding::new(Level::Note, "role-without-source", place, message, remedy));
    }
}

fn unused(policy: &Policy, findings: &mut Vec<Finding>) {
    let rules = || policy.routes().map(|route| route.rule()).chain(policy.resources().map(|r| r.rule()));
    // Such a rule may ask for any role.
    if rules().any(reads_all_roles) {
        return;
    }
    let asked: HashSet<&str> = rules().flat_map(Rule::roles_mentioned).collect();
    let asked: Vec<_> = asked.into_iter().filter_map(|name| policy.hierarchy().index(name)).collect();
    for definition in policy.roles() {
        let Some(role) = policy.hierarchy().index(definition.role().name()) else { continue };
        if asked.iter().any(|asked| policy.hierarchy().includes(role, *asked)) {
            continue;
        }
        let message =
            format!("no rule asks for the role `{}` or for one that it includes", definition.role());
        let remedy = "leave it out, unless the application asks for it";
        findings.push(Finding::new(Level::Note, "unused-role", definition.place(), message, remedy));
    }
}

/// Whether the roles are read as a list, and not one by one.
fn reads_all_roles(rule: &Rule) -> bool {
    let mut lists = 0_usize;
    rule.0.walk(&mut |expr| match expr {
        Expr::Fact(Fact::ROLES) => lists += 1,
        Expr::In(pair) => {
            if let [Expr::Literal(Literal::Str(_)), Expr::Fact(Fact::ROLES)] = &**pair {
                lists = lists.saturating_sub(1);
            }
        }
        _ => {}
    });
    lists > 0
}
