//! What the condition of a role may read.

use crate::rule::{Expr, Rule};

/// What a condition reads although roles are settled by the certificate alone; `None` if it is right.
pub(super) fn beyond_certificate(rule: &Rule) -> Option<String> {
    fn walk(expr: &Expr) -> Option<String> {
        match expr {
            Expr::Anyone | Expr::Nobody => Some(format!("nothing with `{}`", Rule(expr.clone()))),
            Expr::Authenticated => Some("the caller's name".into()),
            Expr::Role { .. } => Some("roles".into()),
            Expr::Custom(_) => Some("a custom condition".into()),
            Expr::Acl(_) => Some("an access control list".into()),
            Expr::Fact(fact) | Expr::Has(fact) if !fact.is_of_identity() => Some(format!("`{fact}`")),
            other => other.children().iter().find_map(walk),
        }
    }
    walk(&rule.0)
}

/// What to write in place of that.
pub(super) const HELP: &str = "ask for `subject`, `issuer`, `san`, `spiffe`, `cert` or `anchor`, and leave the rest to the rules of routes";
