//! What a rule is made of, for those who explain it or look for mistakes in it.

use std::collections::BTreeSet;

use super::Rule;
use super::expr::{Expr, Quantifier};
use super::fact::Fact;
use super::literal::Literal;

impl Rule {
    /// The roles that the rule names, in alphabetical order.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::rule::role;
    ///
    /// let rule = role("admin").or(role("auditor").and(!role("suspended")));
    /// assert_eq!(rule.roles_mentioned(), ["admin", "auditor", "suspended"]);
    /// ```
    #[must_use]
    pub fn roles_mentioned(&self) -> Vec<&str> {
        let mut names = BTreeSet::new();
        self.0.walk(&mut |expr| match expr {
            Expr::Role { name, .. } => {
                names.insert(&**name);
            }
            Expr::In(pair) => {
                if let [Expr::Literal(Literal::Str(name)), Expr::Fact(Fact::ROLES)] = &**pair {
                    names.insert(&**name);
                }
            }
            _ => {}
        });
        names.into_iter().collect()
    }

    /// Whether the roles that it depends on are those that it names.
    ///
    /// Closures may look at others, and so may what is asked of the list of all roles.
    pub(crate) fn roles_are_named(&self) -> bool {
        let mut lists = 0;
        let mut named = 0;
        let mut closures = 0;
        self.0.walk(&mut |expr| match expr {
            Expr::Custom(_) | Expr::Acl(_) => closures += 1,
            Expr::Fact(Fact::ROLES) => lists += 1,
            Expr::In(pair) => {
                if let [Expr::Literal(Literal::Str(_)), Expr::Fact(Fact::ROLES)] = &**pair {
                    named += 1;
                }
            }
            _ => {}
        });
        closures == 0 && lists == named
    }

    /// Whether a further role can never turn "allowed" into "denied".
    ///
    /// That is so if roles stand under `&&`, `||`, positive `in` and `exists` alone. Closures may
    /// look at roles, too, so a rule with one of them is not known to be monotone.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::rule::role;
    ///
    /// assert!(role("admin").or(role("auditor")).is_monotone_in_roles());
    /// assert!(!role("admin").and(!role("suspended")).is_monotone_in_roles());
    /// ```
    #[must_use]
    pub fn is_monotone_in_roles(&self) -> bool {
        self.0.is_monotone()
    }
}

impl Expr {
    /// Whether it is an error for whoever has no verified certificate.
    pub(crate) fn needs_identity(&self) -> bool {
        match self {
            Self::Fact(fact) | Self::Has(fact) => fact.needs_identity(),
            // These need all their operands.
            Self::Not(_)
            | Self::Compare(..)
            | Self::In(_)
            | Self::Affix(..)
            | Self::Matches(..)
            | Self::ContainsIp(..)
            | Self::Size(_) => self.children().iter().any(Self::needs_identity),
            // These always need their first.
            Self::Quantified(..) | Self::Conditional(_) => {
                self.children().first().is_some_and(Self::needs_identity)
            }
            Self::All(parts) | Self::Any(parts) => parts.iter().all(Self::needs_identity),
            _ => false,
        }
    }

    fn is_monotone(&self) -> bool {
        match self {
            Self::Role { .. } | Self::Acl(_) => true,
            Self::All(parts) | Self::Any(parts) => parts.iter().all(Self::is_monotone),
            Self::In(pair) => {
                let [needle, list] = &**pair;
                !needle.depends_on_roles() && (*list == Self::Fact(Fact::ROLES) || !list.depends_on_roles())
            }
            Self::Quantified(Quantifier::Exists, _, pair) => {
                let [list, body] = &**pair;
                body.is_monotone() && (*list == Self::Fact(Fact::ROLES) || !list.depends_on_roles())
            }
            other => !other.depends_on_roles(),
        }
    }

    fn depends_on_roles(&self) -> bool {
        self.contains(&|expr| {
            matches!(
                expr,
                Self::Role { .. }
                    | Self::Acl(_)
                    | Self::Custom(_)
                    | Self::Fact(Fact::ROLES)
                    | Self::Invalid(_)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::testing::{NAMES, ROLES, conditions};
    use super::super::{Rule, Scope};
    use crate::peer::Peer;
    use crate::principal::{NameFault, Principal};
    use crate::request::Request;
    use crate::role::{Origin, Roles};

    fn rule(text: &str) -> Rule {
        Rule::parse_in(text, &NAMES.environment()).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn roles_under_anything_but_and_or_in_and_exists_count_as_negated() {
        for (text, is_monotone) in [
            ("role('admin')", true),
            ("role('admin') && (subject.CN == 'x' || role('Über'))", true),
            ("role('admin') && !has(subject.CN)", true),
            ("'admin' in principal.roles", true),
            ("params.name in principal.roles", true),
            ("principal.roles.exists(r, r == params.name || role('admin'))", true),
            ("subject.all.OU.exists(u, u in principal.roles)", true),
            ("acl('read') || subject.CN == 'x' ? has(subject.CN) : has(subject.L)", false),
            ("!role('admin')", false),
            ("!!role('admin')", false),
            ("!('admin' in principal.roles)", false),
            ("principal.roles.all(r, r == 'admin')", false),
            ("subject.all.OU.all(u, role('admin'))", false),
            ("principal.roles.exists(r, !role('admin'))", false),
            ("size(principal.roles) > 1", false),
            ("role('admin') ? has(subject.CN) : has(subject.CN)", false),
            ("role('admin') == has(subject.CN)", false),
            ("(role('admin') ? 'admin' : 'Über') in principal.roles", false),
            ("custom('yes')", false),
        ] {
            assert_eq!(rule(text).is_monotone_in_roles(), is_monotone, "{text}");
        }
    }

    #[test]
    fn roles_are_mentioned_wherever_they_stand() {
        let text = "!(subject.all.OU.exists(u, role('Über'))) ? 'admin' in principal.roles : role('Über')";
        assert_eq!(rule(text).roles_mentioned(), ["admin", "Über"]);
    }

    fn decide(rule: &Rule, roles: u8) -> bool {
        let mut granted = Roles::none(Arc::clone(NAMES.hierarchy()));
        for (i, role) in ROLES.iter().enumerate() {
            if roles >> i & 1 == 1 {
                granted.grant(role, Origin::Member);
            }
        }
        let principal = Principal::new(Peer::Anonymous, Err(NameFault::NotVerified), granted, None);
        let request = Request::new("GET", "/");
        rule.decide(&Scope::without_route(&request, &principal)).is_ok_and(|holds| holds)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

        #[test]
        fn a_further_role_never_closes_a_monotone_rule(expr in conditions(2), roles in 0_u8..8, more in 0_u8..8) {
            let rule = Rule(expr);
            prop_assume!(rule.is_monotone_in_roles());
            prop_assert!(decide(&rule, roles | more) || !decide(&rule, roles), "{}", rule);
        }
    }
}
