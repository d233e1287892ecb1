//! Who is given other roles, or another name, when one policy takes the place of another.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::policy::{Policy, ResourceRule, Route};
use crate::role::{Origin, Role, Roles};
use crate::rule::Rule;

/// What two policies say differently of who has which role, and of who is who.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GrantChange {
    /// Somebody who is listed as a member has other roles.
    Member {
        /// The name.
        name: String,
        /// The roles that come, with those that they include.
        gained: Vec<Role>,
        /// The roles that go.
        lost: Vec<Role>,
        /// Whether that may let them in where they were denied.
        opens: bool,
    },
    /// Another condition on the certificate brings a role.
    Condition {
        /// The role.
        role: Role,
        /// The condition of the old policy.
        before: Option<Rule>,
        /// The condition of the new policy.
        after: Option<Rule>,
        /// Whether that may let somebody in who was denied.
        opens: bool,
    },
    /// The callers of a trust anchor are named by another field, or with another prefix.
    Naming {
        /// The label of the anchor.
        label: String,
        /// How the old policy names them: `subject.CN`, or `"prefix:" + subject.CN`.
        before: Option<String>,
        /// How the new policy names them.
        after: Option<String>,
    },
}

impl Policy {
    /// Who has other roles, or another name, if the other policy takes the place of this one.
    ///
    /// What sources of roles say is not known here. What becomes of the roles themselves is told by
    /// [`diff`](Self::diff).
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::Policy;
    /// use portcullis_core::rule::role;
    ///
    /// let base = || Policy::builder().role("user", []).role("admin", ["user"]).route("GET /", role("user"));
    /// let before = base().members("user", ["alice"]).build()?;
    /// let after = base().members("admin", ["alice"]).build()?;
    /// let changes: Vec<_> = before.diff_grants(&after).iter().map(ToString::to_string).collect();
    /// assert_eq!(changes, ["`alice` gains `admin`"]);
    /// # Ok::<(), portcullis_core::policy::PolicyError>(())
    /// ```
    #[must_use]
    pub fn diff_grants(&self, other: &Self) -> Vec<GrantChange> {
        let barriers = Barriers::of(self, other);
        let mut changes = members(self, other, &barriers);
        changes.extend(conditions(self, other, &barriers));
        changes.extend(namings(self, other));
        changes
    }
}

impl GrantChange {
    /// Whether somebody may get in who was denied before.
    ///
    /// A role that comes opens. So does one that goes, if a rule of either policy may stand in the
    /// way of whoever has it, as `!role("suspended")` does. Another name always opens: it can be that
    /// of somebody else.
    #[must_use]
    pub fn opens(&self) -> bool {
        match self {
            Self::Member { opens, .. } | Self::Condition { opens, .. } => *opens,
            Self::Naming { .. } => true,
        }
    }
}

impl fmt::Display for GrantChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member { name, gained, lost, .. } => {
                write!(f, "`{}`", name.escape_debug())?;
                let mut join = "";
                for (verb, roles) in [("gains", gained), ("loses", lost)] {
                    if !roles.is_empty() {
                        let roles: Vec<_> = roles.iter().map(Role::name).collect();
                        write!(f, "{join} {verb} `{}`", roles.join("`, `"))?;
                        join = " and";
                    }
                }
                Ok(())
            }
            Self::Condition { role, before, after, .. } => {
                change(f, &format!("role `{role}`"), before, after)
            }
            Self::Naming { label, before, after } => {
                change(f, &format!("anchor `{}`", label.escape_debug()), before, after)
            }
        }
    }
}

fn change<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    before: &Option<T>,
    after: &Option<T>,
) -> fmt::Result {
    match (before, after) {
        (Some(before), Some(after)) => write!(f, "{what}: `{after}` instead of `{before}`"),
        (None, Some(after)) => write!(f, "{what}: now `{after}`"),
        (Some(before), None) => write!(f, "{what}: no longer `{before}`"),
        (None, None) => f.write_str(what),
    }
}

/// The roles whose loss may let somebody in, as a rule holds them against whoever has them.
enum Barriers {
    These(BTreeSet<String>),
    /// Some rule does not name the roles that it looks at.
    Any,
}

impl Barriers {
    /// By the rules of both: a rule that changes is not to hide what comes of the roles.
    fn of(before: &Policy, after: &Policy) -> Self {
        let mut named = BTreeSet::new();
        for policy in [before, after] {
            let routes = policy.routes().map(Route::rule);
            let rules = routes.chain(policy.resources().map(ResourceRule::rule));
            for rule in rules.filter(|rule| !rule.is_monotone_in_roles()) {
                if !rule.roles_are_named() {
                    return Self::Any;
                }
                named.extend(rule.roles_mentioned().into_iter().map(str::to_owned));
            }
        }
        Self::These(named)
    }

    fn stop(&self, role: &str) -> bool {
        match self {
            Self::These(named) => named.contains(role),
            Self::Any => true,
        }
    }
}

fn members(before: &Policy, after: &Policy, barriers: &Barriers) -> Vec<GrantChange> {
    let names: BTreeSet<&str> =
        before.0.members.keys().chain(after.0.members.keys()).map(AsRef::as_ref).collect();
    let changes = names.into_iter().map(|name| {
        let (old, new) = (roles(before, name), roles(after, name));
        let only = |here: &BTreeSet<Role>, there: &BTreeSet<Role>| -> Vec<Role> {
            here.difference(there).cloned().collect()
        };
        let (gained, lost) = (only(&new, &old), only(&old, &new));
        let opens = !gained.is_empty() || lost.iter().any(|role| barriers.stop(role.name()));
        GrantChange::Member { name: name.into(), gained, lost, opens }
    });
    let is_change = |change: &GrantChange| matches!(change, GrantChange::Member { gained, lost, .. } if !(gained.is_empty() && lost.is_empty()));
    changes.filter(is_change).collect()
}

/// The roles of a member, with all that they include.
fn roles(policy: &Policy, name: &str) -> BTreeSet<Role> {
    expanded(policy, policy.roles_of_member(name)).names().filter_map(|name| Role::new(name).ok()).collect()
}

fn expanded<'a>(policy: &Policy, given: impl IntoIterator<Item = &'a Role>) -> Roles {
    let mut roles = Roles::none(Arc::clone(policy.hierarchy()));
    for role in given {
        roles.grant(role.name(), Origin::Member);
    }
    roles
}

fn conditions(before: &Policy, after: &Policy, barriers: &Barriers) -> Vec<GrantChange> {
    let find = |policy: &Policy, role: &Role| {
        policy.conditions().find(|(other, _)| *other == role).map(|(_, condition)| condition.clone())
    };
    let roles: BTreeSet<&Role> =
        before.conditions().chain(after.conditions()).map(|(role, _)| role).collect();
    let changes = roles.into_iter().map(|role| (role, find(before, role), find(after, role)));
    let changes = changes.filter(|(_, before, after)| before != after);
    let changes = changes.map(|(role, old, new)| {
        let opens = new.is_some() || expanded(before, [role]).names().any(|role| barriers.stop(role));
        GrantChange::Condition { role: role.clone(), before: old, after: new, opens }
    });
    changes.collect()
}

fn namings(before: &Policy, after: &Policy) -> Vec<GrantChange> {
    let find = |policy: &Policy, label: &str| {
        let naming =
            policy.naming().anchors().find(|(other, _)| *other == label).map(|(_, naming)| naming)?;
        Some(match &*naming.prefix {
            "" => naming.field.to_string(),
            prefix => format!("{prefix:?} + {}", naming.field),
        })
    };
    let anchors = before.naming().anchors().chain(after.naming().anchors());
    let labels: BTreeSet<&str> = anchors.map(|(label, _)| label).collect();
    let changes = labels.into_iter().map(|label| (label, find(before, label), find(after, label)));
    let changes = changes.filter(|(_, before, after)| before != after);
    changes.map(|(label, before, after)| GrantChange::Naming { label: label.into(), before, after }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        Policy::from_text("policy.toml", &format!("version = 1\n{text}")).unwrap()
    }

    #[test]
    fn members_conditions_and_names_are_compared() {
        let before = policy(
            "[anchors]\nold = { name = 'subject.CN' }\nstaff = { name = 'san.email', prefix = 's:' }\n\
             [roles.user]\nmembers = ['s:alice', 's:bob']\n[roles.admin]\nincludes = ['user']\nwhen = 'has(subject.OU)'\n\
             [roles.gone]\nmembers = ['s:carol']\nwhen = 'has(subject.O)'\n",
        );
        let after = policy(
            "[anchors]\nstaff = { name = 'subject.CN', prefix = 's:' }\nnew = { name = 'spiffe.id' }\n\
             [roles.user]\nmembers = ['s:bob']\n[roles.admin]\nincludes = ['user']\nmembers = ['s:alice']\n\
             when = 'has(subject.L)'\n[roles.new]\nwhen = 'has(subject.ST)'\n",
        );
        let lines: Vec<_> = before.diff_grants(&after).iter().map(|c| (c.to_string(), c.opens())).collect();
        let expected = [
            ("`s:alice` gains `admin`", true),
            ("`s:carol` loses `gone`", false),
            ("role `admin`: `has(subject.L)` instead of `has(subject.OU)`", true),
            ("role `gone`: no longer `has(subject.O)`", false),
            ("role `new`: now `has(subject.ST)`", true),
            ("anchor `new`: now `spiffe.id`", true),
            ("anchor `old`: no longer `subject.CN`", true),
            ("anchor `staff`: `\"s:\" + subject.CN` instead of `\"s:\" + san.email`", true),
        ];
        assert_eq!(lines, expected.map(|(line, opens)| (line.to_owned(), opens)));
        assert!(before.diff_grants(&before).is_empty());
    }

    #[test]
    fn a_role_that_goes_opens_where_a_rule_holds_it_against_its_owner() {
        let barred = |role: &str, rule: &str| {
            policy(&format!(
                "[roles.user]\n[roles.suspended]\nincludes = ['barred']\n[roles.barred]\n{role}\n\
                 [[route]]\nmatch = 'GET /'\nallow = '{rule}'\n"
            ))
        };
        let with = "members = ['mallory']\n";
        for (rule, opens) in [
            ("authenticated && !role(\"barred\")", true),
            ("authenticated && !(\"barred\" in principal.roles)", true),
            ("principal.roles.all(r, r == \"user\")", true),
            ("size(principal.roles) < 2", true),
            ("role(\"user\") && !has(subject.OU)", false),
            ("authenticated && !role(\"user\")", false),
            ("role(\"barred\")", false),
        ] {
            let (listed, bare) = (barred(with, rule), barred("", rule));
            assert_eq!(listed.diff_grants(&bare)[0].opens(), opens, "member: {rule}");
            // whichever of the two has the rule
            let free = barred("", "role(\"user\")");
            assert_eq!(listed.diff_grants(&free)[0].opens(), opens, "member, old rule: {rule}");
            let free = barred(with, "role(\"user\")");
            assert_eq!(free.diff_grants(&bare)[0].opens(), opens, "member, new rule: {rule}");
            let conditional = barred("when = 'has(subject.O)'\n", rule);
            assert_eq!(conditional.diff_grants(&bare)[0].opens(), opens, "condition: {rule}");
        }
        // `suspended` includes `barred`
        let text = |when: &str| {
            policy(&format!(
                "[roles.barred]\n[roles.suspended]\nincludes = ['barred']\n{when}\n\
                 [[route]]\nmatch = 'GET /'\nallow = '!role(\"barred\")'\n"
            ))
        };
        for given in ["when = 'has(subject.O)'", "members = ['mallory']"] {
            assert!(text(given).diff_grants(&text(""))[0].opens(), "{given}");
        }
    }

    #[test]
    fn a_role_that_includes_less_is_a_loss() {
        let before = policy("[roles.user]\n[roles.admin]\nincludes = ['user']\nmembers = ['root']\n");
        let after = policy("[roles.user]\n[roles.admin]\nmembers = ['root']\n");
        assert_eq!(before.diff_grants(&after)[0].to_string(), "`root` loses `user`");
        assert_eq!(after.diff_grants(&before)[0].to_string(), "`root` gains `user`");
    }
}
