//! How far a caller gets, as long as a part of what rules read is not known.

use std::fmt;

use super::survey::{Access, Outcomes};
use super::{Place, Policy, Route};
use crate::authorizer::Authorizer;
use crate::denial::Denial;
use crate::principal::Principal;
use crate::request::Request;
use crate::rule::{Expr, Fault, Scope};

/// Whether one caller may pass one route, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    route: Box<str>,
    id: Box<str>,
    place: Place,
    access: Access,
    conditions: Vec<String>,
}

impl Authorizer {
    /// What a caller may do: one answer for each route, in the order of declaration.
    ///
    /// Nothing is known of the requests to come: where a rule reads the path's parameters, the host, the
    /// time or a custom condition, the answer is [`Access::Depends`], with the conditions that it
    /// depends on. The same goes for the certificate of a [`TestPrincipal`](crate::principal::TestPrincipal)
    /// that has a name and no certificate. For menus, and for answering "what may they do?".
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::policy::Access;
    /// use portcullis_core::{Authorizer, Policy, Principal, Rule};
    ///
    /// let own = Rule::parse(r#"params.name == principal.name || role("admin")"#)?;
    /// let policy = Policy::builder().role("admin", []).route("GET /users/{name}", own).build()?;
    /// let auth = Authorizer::builder(policy).build()?;
    ///
    /// let [alice] = &auth.reach(&Principal::test("alice").under(&auth))[..] else { panic!() };
    /// assert_eq!(alice.access(), Access::Depends);
    /// assert_eq!(alice.conditions(), ["params.name == principal.name"]);
    /// let [root] = &auth.reach(&Principal::test("root").role("admin").under(&auth))[..] else { panic!() };
    /// assert_eq!(root.access(), Access::Allow);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn reach(&self, principal: &Principal) -> Vec<Reach> {
        let policy = self.policy();
        // Whatever a rule reads of it is not known.
        let request = Request::new("", "").with_time(0);
        let scope = Scope::ahead(&request, principal);
        policy.routes().map(|route| Reach::new(&policy, route, &scope, principal)).collect()
    }

    /// Whether a caller may do one thing, as far as that is known.
    ///
    /// As [`reach`](Self::reach), but for a request of which all is known but the host and the address
    /// of the peer, if it has none.
    ///
    /// # Errors
    ///
    /// [`Denial`] when nobody may do it: the firewall refuses it, or no route fits.
    pub fn reach_of(&self, request: &Request<'_>, principal: &Principal) -> Result<Reach, Denial> {
        let policy = self.policy();
        let decision = self.decide_under(&policy, request, principal);
        let found = match decision.denial() {
            Some(denial) if denial.rule().is_none() => return Err(denial.clone()),
            _ => policy.find(request),
        };
        let route = found.as_ref().and_then(|found| Some((found, policy.route(found.index())?)));
        match (route, decision.denial()) {
            (Some((found, route)), _) => {
                Ok(Reach::new(&policy, route, &Scope::new(request, principal, found), principal))
            }
            (None, Some(denial)) => Err(denial.clone()),
            (None, None) => Err(self.no_rule(principal)),
        }
    }
}

impl Reach {
    fn new(policy: &Policy, route: &Route, scope: &Scope<'_>, principal: &Principal) -> Self {
        let mut conditions = Vec::new();
        // Roles of another policy may mean something else in this one.
        let access = if principal.roles().is_under(policy.hierarchy()) {
            outcomes(&route.rule().0, scope, &mut conditions).access()
        } else {
            Access::Deny
        };
        if access != Access::Depends {
            conditions.clear();
        }
        Self {
            route: route.to_string().into(),
            id: route.id().into(),
            place: route.place().clone(),
            access,
            conditions,
        }
    }

    /// The method and path, and the host if there is one.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// The route's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where the route is declared.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether the caller may pass.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// What it depends on: the parts of the rule that are not known yet.
    #[must_use]
    pub fn conditions(&self) -> &[String] {
        &self.conditions
    }
}

/// One line: the route, the answer, and what it depends on.
impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.route, self.access)?;
        match self.conditions.as_slice() {
            [] => Ok(()),
            conditions => write!(f, " on {}", conditions.join(", ")),
        }
    }
}

/// What the rule can come to; conditions that are not known are noted where they can matter.
fn outcomes(expr: &Expr, scope: &Scope<'_>, conditions: &mut Vec<String>) -> Outcomes {
    match expr {
        Expr::Not(inner) => !outcomes(inner, scope, conditions),
        Expr::All(parts) => join(parts, scope, conditions, Outcomes::FALSE, Outcomes::TRUE, Outcomes::and),
        Expr::Any(parts) => join(parts, scope, conditions, Outcomes::TRUE, Outcomes::FALSE, Outcomes::or),
        Expr::Conditional(parts) => {
            let [condition, then, otherwise] = &**parts;
            let condition = outcomes(condition, scope, conditions);
            let mut branch = |is_possible, branch| match is_possible {
                true => outcomes(branch, scope, conditions),
                false => Outcomes::ERROR,
            };
            let then = branch(condition.can_be_true(), then);
            let otherwise = branch(condition.can_be_false(), otherwise);
            condition.choose(then, otherwise)
        }
        leaf => match leaf.decide(scope) {
            Ok(holds) => Outcomes::of(holds),
            Err(fault) if is_unknown(fault, leaf, scope) => {
                let text = leaf.to_string();
                if !conditions.contains(&text) {
                    conditions.push(text);
                }
                Outcomes::ANY
            }
            Err(_) => Outcomes::ERROR,
        },
    }
}

fn join(
    parts: &[Expr],
    scope: &Scope<'_>,
    conditions: &mut Vec<String>,
    decisive: Outcomes,
    neutral: Outcomes,
    join: fn(Outcomes, Outcomes) -> Outcomes,
) -> Outcomes {
    let known = conditions.len();
    let mut all = neutral;
    for part in parts {
        all = join(all, outcomes(part, scope, conditions));
        if all == decisive {
            // The other parts do not matter any more.
            conditions.truncate(known);
            break;
        }
    }
    all
}

/// Whether it is for lack of knowledge that a part could not be decided, and not for good.
fn is_unknown(fault: Fault, leaf: &Expr, scope: &Scope<'_>) -> bool {
    let principal = scope.principal();
    if leaf.needs_identity() && !principal.is_authenticated() && principal.identity().is_none() {
        return false;
    }
    // Somebody with a name has a certificate, even where it is not at hand.
    let lacks_certificate = principal.is_authenticated() && principal.identity().is_none();
    match fault {
        Fault::NotVerified | Fault::Grant => lacks_certificate,
        // What sources would say of them.
        Fault::NoAttribute => principal.is_authenticated(),
        Fault::NoRequest | Fault::NoHost | Fault::NoPeerIp | Fault::Unavailable | Fault::Unresolved => true,
        Fault::NoParam => scope.is_ahead(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Access::{Allow, Deny, Depends};
    use crate::principal::TestPrincipal;
    use crate::rule::{Rule, role};

    fn authorizer(rule: &str) -> Authorizer {
        let text = format!(
            "version = 1\n[roles.admin]\nmembers = ['root']\n[roles.certified]\nwhen = 'subject.O == \"x\"'\n\
             [[route]]\nmatch = '* /users/{{name}}'\nallow = '''{rule}'''\n"
        );
        let policy = Policy::loader().unregistered_custom().text("policy.toml", &text).unwrap();
        Authorizer::builder(policy).build().unwrap()
    }

    fn ahead(rule: &str, principal: &TestPrincipal) -> (Access, Vec<String>) {
        let auth = authorizer(rule);
        let reach = auth.reach(&principal.under(&auth)).remove(0);
        (reach.access(), reach.conditions().to_vec())
    }

    #[test]
    fn what_is_not_known_is_told_apart_from_what_fails() {
        let bob = Principal::test("bob");
        let nobody = TestPrincipal::anonymous();
        for (rule, principal, access, conditions) in [
            ("anyone", &nobody, Allow, &[][..]),
            ("authenticated", &nobody, Deny, &[]),
            ("authenticated", &bob, Allow, &[]),
            (r#"role("admin")"#, &bob, Deny, &[]),
            (r#"role("admin")"#, &Principal::test("root"), Allow, &[]),
            (r#"role("certified")"#, &bob, Depends, &[r#"role("certified")"#]),
            (r#"!role("certified")"#, &bob, Depends, &[r#"role("certified")"#]),
            (r#"role("certified")"#, &nobody, Deny, &[]),
            (r#"subject.CN == "bob""#, &nobody, Deny, &[]),
            (r#"!(subject.CN == "bob")"#, &nobody, Deny, &[]),
            (r#"subject.CN == "bob""#, &bob, Depends, &[r#"subject.CN == "bob""#]),
            (r#"role("admin") && subject.CN == "bob""#, &bob, Deny, &[]),
            (r#"subject.CN == "bob" && role("admin")"#, &bob, Deny, &[]),
            (r#"subject.CN == "bob" || authenticated"#, &bob, Allow, &[]),
            ("params.name == principal.name", &bob, Depends, &["params.name == principal.name"]),
            ("params.name == principal.name", &nobody, Deny, &[]),
            (r#"request.method == "GET""#, &bob, Depends, &[r#"request.method == "GET""#]),
            ("has(request.host)", &bob, Depends, &["has(request.host)"]),
            (
                r#"custom("x") && request.path != "/a""#,
                &bob,
                Depends,
                &[r#"custom("x")"#, r#"request.path != "/a""#],
            ),
            (r#"custom("x") ? role("admin") : authenticated"#, &bob, Depends, &[r#"custom("x")"#]),
            (r#"role("admin") ? custom("x") : authenticated"#, &bob, Allow, &[]),
        ] {
            let (actual, on) = ahead(rule, principal);
            assert_eq!(
                (actual, on.iter().map(String::as_str).collect::<Vec<_>>()),
                (access, conditions.to_vec()),
                "{rule}"
            );
        }
    }

    #[test]
    fn of_a_request_the_path_is_known_and_the_host_is_not() {
        let auth = authorizer(r#"params.name == principal.name && request.host == "a.example""#);
        let bob = Principal::test("bob").under(&auth);
        let access = |path| auth.reach_of(&Request::new("GET", path), &bob).map(|reach| reach.access()).ok();
        assert_eq!(access("/users/bob"), Some(Depends));
        assert_eq!(access("/users/alice"), Some(Deny));
        assert_eq!((access("/"), access("//users/bob")), (None, None));
        let request = Request::new("GET", "/users/bob").with_host("a.example");
        assert_eq!(auth.reach_of(&request, &bob).unwrap().to_string(), "* /users/{name}: allow");
    }

    #[test]
    fn nobody_reaches_anything_by_roles_of_another_policy() {
        let policy = || Policy::builder().role("admin", []).route("GET /", role("admin")).build().unwrap();
        let auth = Authorizer::builder(policy()).build().unwrap();
        let root = Principal::test("root").role("admin").under(&auth);
        assert_eq!(auth.reach(&root)[0].access(), Allow);
        auth.replace_policy(policy()).unwrap();
        assert_eq!(auth.reach(&root)[0].access(), Deny);
        assert_eq!(auth.reach_of(&Request::new("GET", "/"), &root).map(|reach| reach.access()).ok(), None);
    }

    #[test]
    fn the_answer_agrees_with_the_decision() {
        for rule in [
            "params.name == principal.name",
            r#"subject.CN == "bob" || role("admin")"#,
            r#"has(request.peer_ip) || role("admin") && authenticated"#,
            r#"!(request.time < timestamp("2000-01-01T00:00:00Z"))"#,
        ] {
            assert!(Rule::parse(rule).is_ok());
            let auth = authorizer(rule);
            for principal in [TestPrincipal::anonymous(), Principal::test("bob"), Principal::test("root")] {
                let principal = principal.under(&auth);
                let request = Request::new("GET", "/users/bob");
                let is_allowed = auth.decide_for(&request, &principal).is_allowed();
                let access = auth.reach_of(&request, &principal).unwrap().access();
                assert!(access == Depends || is_allowed == (access == Allow), "{rule}");
                let ahead = auth.reach(&principal)[0].access();
                assert!(ahead == Depends || ahead == access, "{rule}: {ahead} {access}");
            }
        }
    }
}
