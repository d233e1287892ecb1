//! What a rule refers to, looked up when it becomes part of a policy.

use super::Rule;
use super::environment::Environment;
use super::expr::Expr;
use super::fact::{Fact, Fixed};
use super::literal::Literal;
use super::parse::MAX_NESTING;
use crate::role::Hierarchy;

impl Rule {
    /// Finds the roles in the hierarchy, and everything that is wrong with the rule.
    pub(crate) fn resolve(&mut self, hierarchy: &Hierarchy) -> Vec<String> {
        self.resolve_in(&Environment { roles: Some(hierarchy), ..Environment::default() })
    }

    /// The same, and looks up everything else that the environment knows of.
    pub(crate) fn resolve_in(&mut self, environment: &Environment<'_>) -> Vec<String> {
        let mut errors = Vec::new();
        self.0.walk_mut(&mut |expr| {
            if let Err(error) = expr.resolve(environment) {
                errors.push(error);
            }
        });
        if self.0.nesting() > MAX_NESTING {
            errors.push(format!("the rule is nested more than {MAX_NESTING} deep: say it with roles"));
        }
        errors
    }
}

impl Expr {
    /// Looks up what this node itself refers to.
    fn resolve(&mut self, environment: &Environment<'_>) -> Result<(), String> {
        match self {
            Self::Role { name, index } => {
                *index = environment.role(name).map_err(|complaint| complaint.to_string())?;
            }
            Self::Custom(custom) if !custom.is_registered() => {
                *custom = environment.custom(&custom.name).map_err(|complaint| complaint.to_string())?;
                if !custom.is_registered() {
                    return Err(format!(
                        "the custom condition `{}` has no closure: make the rule with `custom`",
                        custom.name
                    ));
                }
            }
            Self::Acl(permission) => {
                let asked = format!("acl(\"{permission}\")");
                environment.inside_resource(&asked).map_err(|complaint| complaint.to_string())?;
            }
            Self::Has(fact) | Self::Fact(fact) => {
                environment.knows(fact).map_err(|complaint| complaint.to_string())?;
            }
            Self::Compare(_, pair) | Self::In(pair) => resolve_literals(pair, environment)?,
            Self::Invalid(reason) => return Err(reason.to_string()),
            _ => {}
        }
        Ok(())
    }
}

/// Labels and roles that are compared with must be known ones.
fn resolve_literals(pair: &[Expr; 2], environment: &Environment<'_>) -> Result<(), String> {
    let (fact, literals) = match pair {
        [Expr::Literal(literal), Expr::Fact(fact)] | [Expr::Fact(fact), Expr::Literal(literal)] => {
            (fact, std::slice::from_ref(literal))
        }
        [Expr::Fact(fact), Expr::List(literals)] => (fact, literals.as_slice()),
        _ => return Ok(()),
    };
    for literal in literals {
        let Literal::Str(text) = literal else { continue };
        match fact {
            Fact::Fixed(Fixed::AnchorLabel) => environment.anchor(text),
            Fact::Fixed(Fixed::PrincipalRoles) => environment.role(text).map(drop),
            _ => Ok(()),
        }
        .map_err(|complaint| complaint.to_string())?;
    }
    Ok(())
}
