//! Deciding a rule: pure, total, and without allocation.

mod facts;

use std::ops::ControlFlow;

use super::expr::{Affix, Expr, Quantifier, Relation};
use super::value::Value;
use super::{Fault, Scope};

/// The scope, and the elements that the enclosing quantifiers are at.
#[derive(Clone, Copy)]
struct Context<'c> {
    scope: &'c Scope<'c>,
    innermost: Option<&'c Frame<'c>>,
}

struct Frame<'f> {
    element: Value<'f>,
    outer: Option<&'f Frame<'f>>,
}

impl Expr {
    pub(crate) fn decide(&self, scope: &Scope<'_>) -> Result<bool, Fault> {
        self.holds(Context { scope, innermost: None })
    }

    /// What the expression comes to; for explanations.
    pub(super) fn evaluate<'c>(&'c self, scope: &'c Scope<'c>) -> Result<Value<'c>, Fault> {
        self.value(Context { scope, innermost: None })
    }

    fn holds(&self, context: Context<'_>) -> Result<bool, Fault> {
        let scope = context.scope;
        match self {
            Self::Role { index: Some(index), .. } => scope.role(*index),
            Self::Anyone => Ok(true),
            Self::Nobody => Ok(false),
            Self::Authenticated => scope.authenticated(),
            Self::Not(inner) => inner.holds(context).map(|holds| !holds),
            Self::All(parts) => absorb(parts.iter().map(|part| part.holds(context)), false),
            Self::Any(parts) => absorb(parts.iter().map(|part| part.holds(context)), true),
            Self::Compare(relation, pair) => {
                let [left, right] = &**pair;
                let (left, right) = both(left.value(context), right.value(context))?;
                relation.holds(&left, &right)
            }
            Self::In(pair) => {
                let [needle, list] = &**pair;
                match both(needle.value(context), list.value(context))? {
                    (needle, Value::List(list)) => list.contains(&needle),
                    _ => Err(Fault::TypeMismatch),
                }
            }
            Self::Has(fact) => fact.is_present(scope),
            Self::Affix(affix, pair) => {
                let [text, part] = &**pair;
                match both(text.value(context), part.value(context))? {
                    (Value::Str(text), Value::Str(part)) => Ok(affix.holds(&text, &part)),
                    _ => Err(Fault::TypeMismatch),
                }
            }
            Self::Matches(regular, text) => match text.value(context)? {
                Value::Str(text) => Ok(regular.is_found_in(&text)),
                _ => Err(Fault::TypeMismatch),
            },
            Self::Quantified(quantifier, _, pair) => quantified(*quantifier, pair, context),
            Self::ContainsIp(network, ip) => match ip.value(context)? {
                Value::Ip(ip) => Ok(network.contains(&ip)),
                _ => Err(Fault::TypeMismatch),
            },
            Self::Custom(custom) => scope.made_request().and_then(|_| custom.decide(scope)),
            Self::Acl(permission) => scope.resource()?.acl(permission),
            Self::Role { index: None, .. } | Self::Invalid(_) => Err(Fault::Unresolved),
            Self::Conditional(_)
            | Self::Literal(_)
            | Self::List(_)
            | Self::Fact(_)
            | Self::Variable { .. }
            | Self::Size(_) => match self.value(context)? {
                Value::Bool(holds) => Ok(holds),
                _ => Err(Fault::TypeMismatch),
            },
        }
    }

    fn value<'c>(&'c self, context: Context<'c>) -> Result<Value<'c>, Fault> {
        match self {
            Self::Fact(fact) => fact.value(context.scope),
            Self::Literal(literal) => Ok(literal.value()),
            Self::List(literals) => Ok(Value::List(super::value::List::Literals(literals))),
            Self::Variable { depth, .. } => context.element(*depth),
            Self::Size(inner) => {
                i64::try_from(inner.value(context)?.size()?).map(Value::Int).map_err(|_| Fault::TypeMismatch)
            }
            Self::Conditional(parts) => {
                let [condition, then, otherwise] = &**parts;
                if condition.holds(context)? { then.value(context) } else { otherwise.value(context) }
            }
            condition => condition.holds(context).map(Value::Bool),
        }
    }
}

impl<'c> Context<'c> {
    fn element(self, depth: usize) -> Result<Value<'c>, Fault> {
        let mut frame = self.innermost;
        for _ in 0..depth {
            frame = frame.and_then(|frame| frame.outer);
        }
        frame.map(|frame| frame.element.clone()).ok_or(Fault::Unresolved)
    }
}

/// `decisive` settles a chain whatever the others are; without it an error remains an error.
fn absorb(answers: impl Iterator<Item = Result<bool, Fault>>, decisive: bool) -> Result<bool, Fault> {
    let mut fault = None;
    for answer in answers {
        match answer {
            Ok(holds) if holds == decisive => return Ok(decisive),
            Ok(_) => {}
            Err(new) => fault = Some(fault.map_or(new, |old: Fault| old.or(new))),
        }
    }
    fault.map_or(Ok(!decisive), Err)
}

/// The values of two operands, both of which are needed.
fn both<A, B>(a: Result<A, Fault>, b: Result<B, Fault>) -> Result<(A, B), Fault> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(a), Err(b)) => Err(a.or(b)),
        (Err(fault), Ok(_)) | (Ok(_), Err(fault)) => Err(fault),
    }
}

fn quantified(quantifier: Quantifier, pair: &[Expr; 2], context: Context<'_>) -> Result<bool, Fault> {
    let [list, body] = pair;
    let Value::List(list) = list.value(context)? else { return Err(Fault::TypeMismatch) };
    let decisive = quantifier == Quantifier::Exists;
    let mut fault = None;
    let end = list.try_each(|element| {
        let frame = Frame { element, outer: context.innermost };
        match body.holds(Context { innermost: Some(&frame), ..context }) {
            Ok(holds) if holds == decisive => return ControlFlow::Break(()),
            Ok(_) => {}
            Err(new) => fault = Some(fault.map_or(new, |old: Fault| old.or(new))),
        }
        ControlFlow::Continue(())
    });
    match (end, fault) {
        (ControlFlow::Break(()), _) => Ok(decisive),
        (ControlFlow::Continue(()), None) => Ok(!decisive),
        (ControlFlow::Continue(()), Some(fault)) => Err(fault),
    }
}

impl Relation {
    fn holds(self, left: &Value<'_>, right: &Value<'_>) -> Result<bool, Fault> {
        match self {
            Self::Equal => left.equals(right),
            Self::NotEqual => left.equals(right).map(|equal| !equal),
            Self::Less => left.order(right).map(std::cmp::Ordering::is_lt),
            Self::LessOrEqual => left.order(right).map(std::cmp::Ordering::is_le),
            Self::Greater => left.order(right).map(std::cmp::Ordering::is_gt),
            Self::GreaterOrEqual => left.order(right).map(std::cmp::Ordering::is_ge),
        }
    }
}

impl Affix {
    fn holds(self, text: &str, part: &str) -> bool {
        match self {
            Self::StartsWith => text.starts_with(part),
            Self::EndsWith => text.ends_with(part),
            Self::Contains => text.contains(part),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::scope::ResourceFacts;
    use super::super::testing::NAMES;
    use super::super::{Fault, Rule, Scope};
    use super::*;
    use crate::peer::Peer;
    use crate::principal::{NameFault, Principal};
    use crate::request::Request;
    use crate::role::Roles;

    /// A document of alice, whose `at` is absent.
    #[derive(Debug)]
    struct Document;

    impl ResourceFacts for Document {
        fn field(&self, name: &str) -> Result<Value<'_>, Fault> {
            match name {
                "owner" => Ok(Value::text("alice")),
                "level" => Ok(Value::Int(3)),
                "public" => Ok(Value::Bool(false)),
                _ => Err(Fault::Absent),
            }
        }

        fn acl(&self, permission: &str) -> Result<bool, Fault> {
            match permission {
                "read" => Ok(true),
                "fails" => Err(Fault::Unavailable),
                _ => Ok(false),
            }
        }
    }

    fn decide(text: &str, resource: Option<&dyn ResourceFacts>) -> Result<bool, Fault> {
        let rule = Rule::parse_in(text, &NAMES.environment()).unwrap_or_else(|error| panic!("{error}"));
        let roles = Roles::none(Arc::clone(NAMES.hierarchy()));
        let principal = Principal::new(Peer::Anonymous, Err(NameFault::NotVerified), roles, None);
        let request = Request::new("GET", "/").with_time(0);
        let scope = Scope::without_route(&request, &principal);
        rule.decide(&resource.map_or(scope, |resource| scope.with_resource(resource)))
    }

    #[test]
    fn fields_and_permissions_of_a_resource() {
        for (text, answer) in [
            ("resource.owner == 'alice'", Ok(true)),
            ("resource.public", Ok(false)),
            ("resource.public == (resource.level > 3)", Ok(true)),
            ("resource.level in [1, 2, 3]", Ok(true)),
            ("resource.at < request.time", Err(Fault::Absent)),
            ("!(resource.at < request.time)", Err(Fault::Absent)),
            ("has(resource.at)", Ok(false)),
            ("has(resource.owner)", Ok(true)),
            ("acl('read') && !acl('write')", Ok(true)),
            ("acl('fails') || resource.at < request.time", Err(Fault::Unavailable)),
            ("resource.at < request.time || acl('read')", Ok(true)),
        ] {
            assert_eq!(decide(text, Some(&Document)), answer, "{text}");
        }
        for text in ["resource.owner == 'alice'", "!acl('read')", "!has(resource.at)"] {
            assert_eq!(decide(text, None), Err(Fault::NoResource), "{text}");
        }
    }

    #[test]
    fn closures_fail_and_parameters_are_missing() {
        assert_eq!(decide("custom('yes')", None), Ok(true));
        assert_eq!(decide("!custom('office hours')", None), Err(Fault::Custom));
        assert_eq!(decide("params.name == 'x'", None), Err(Fault::NoParam));
        let unbound = Rule::parse("custom('yes')").unwrap();
        let Expr::Custom(custom) = &unbound.0 else { panic!("{unbound}") };
        assert!(!custom.is_registered());
    }

    #[test]
    fn types_that_do_not_fit_are_an_error_and_no_panic() {
        let text = Expr::Literal(super::super::literal::Literal::Str("a".into()));
        let roles = Roles::none(Arc::clone(NAMES.hierarchy()));
        let principal = Principal::new(Peer::Anonymous, Err(NameFault::NotVerified), roles, None);
        let request = Request::new("GET", "/");
        let scope = Scope::without_route(&request, &principal);
        let pair = || Box::new([text.clone(), Expr::Anyone]);
        for wrong in [
            text.clone(),
            Expr::Compare(Relation::Equal, pair()),
            Expr::Compare(Relation::Less, pair()),
            Expr::In(pair()),
            Expr::Affix(Affix::Contains, pair()),
            Expr::Quantified(Quantifier::All, "x".into(), pair()),
            Expr::Compare(Relation::Equal, Box::new([Expr::Size(Box::new(Expr::Anyone)), Expr::Anyone])),
            Expr::ContainsIp("::/0".parse().unwrap(), Box::new(text.clone())),
        ] {
            assert_eq!(wrong.decide(&scope), Err(Fault::TypeMismatch), "{wrong}");
        }
        let stray = Expr::Variable { name: "x".into(), depth: 1 };
        assert_eq!(stray.decide(&scope), Err(Fault::Unresolved));
        let unresolved = Expr::Role { name: "a".into(), index: None };
        assert_eq!(Expr::Not(Box::new(unresolved)).decide(&scope), Err(Fault::Unresolved));
        assert_eq!(Expr::Not(Box::new(Expr::Invalid("x".into()))).decide(&scope), Err(Fault::Unresolved));
    }
}
