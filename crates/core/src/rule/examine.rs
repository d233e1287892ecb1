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
