//! Which parts of a policy its tests have reached.
//!
//! ```
//! use portcullis_core::coverage::Coverage;
//! use portcullis_core::rule::role;
//! use portcullis_core::{Authorizer, DenialKind, Policy, Principal};
//!
//! let rule = role("admin").and(!role("suspended"));
//! let policy = Policy::builder().role("admin", []).role("suspended", []).route("GET /admin", rule).build()?;
//! let coverage = Coverage::new();
//! let auth = Authorizer::builder(policy).coverage(&coverage).build()?;
//!
//! auth.assert_allows(&Principal::test("alice").role("admin").under(&auth), "GET /admin");
//! auth.assert_denies(&Principal::test("bob").under(&auth), "GET /admin", DenialKind::Forbidden);
//! let gaps = coverage.report().gaps();
//! assert_eq!(gaps.len(), 1);
//! assert!(gaps[0].to_string().ends_with(r#"GET /admin: `role("suspended")` was never true"#));
//!
//! let carol = Principal::test("carol").roles(["admin", "suspended"]).under(&auth);
//! auth.assert_denies(&carol, "GET /admin", DenialKind::Forbidden);
//! coverage.assert_at_least(1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod conditions;
mod report;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use report::{ConditionCoverage, Counts, CoverageReport, Gap, RuleCoverage, Subject};

use crate::policy::{Policy, RoleDefinition, Route};
use crate::principal::Principal;
use crate::request::Request;
use crate::rule::{Rule, Scope};

/// Counts what the rules of a policy came to, for the tests of that policy.
///
/// Attached to an authorizer with [`coverage`](crate::authorizer::AuthorizerBuilder::coverage), it
/// watches each decision: whether the route let the request pass, and whether each condition in its
/// rule was true, false or an error. The conditions that give roles are watched, too. What the
/// firewall refuses, explanations and candidate policies are not counted.
///
/// Clones share their counts, and so do authorizers that have the same one attached. If the policy is
/// replaced, the counts of both remain.
///
/// Every decision is evaluated a second time for it, closures of custom conditions included: it is
/// for tests, not for service.
#[derive(Clone, Default)]
pub struct Coverage(Arc<Mutex<Tally>>);

#[derive(Default)]
struct Tally {
    /// In the order of declaration.
    rules: Vec<RuleCoverage>,
    /// Where the rules are, by what they are of and their text.
    places: HashMap<(Subject, String), usize>,
}

impl Coverage {
    /// Counts that begin at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was reached so far.
    #[must_use]
    pub fn report(&self) -> CoverageReport {
        CoverageReport { rules: self.tally().rules.clone() }
    }

    /// Asserts that a share of all outcomes was reached; 1.0 is all of them.
    ///
    /// # Panics
    ///
    /// If less was reached, with the report and the gaps; also if no policy was ever watched, or the
    /// share is none.
    #[track_caller]
    #[expect(clippy::panic, reason = "an assertion that fails")]
    pub fn assert_at_least(&self, share: f64) {
        let report = self.report();
        if !(0.0..=1.0).contains(&share) {
            panic!("a share is between 0.0 and 1.0, and {share} is not");
        }
        if report.goals() == 0 {
            panic!("there is nothing to cover: attach the coverage to an authorizer whose policy has routes");
        }
        if report.share() < share {
            panic!("{:.1} % are covered, not {:.1} %\n\n{report}", report.share() * 100.0, share * 100.0);
        }
    }

    /// Notes what there is to cover.
    pub(crate) fn watch(&self, policy: &Policy) {
        let mut tally = self.tally();
        for role in policy.roles() {
            tally.role(role);
        }
        for route in policy.routes() {
            tally.route(route);
        }
    }

    /// Counts what one decision reached; the principal must be one under this policy.
    pub(crate) fn note(&self, policy: &Policy, request: &Request<'_>, principal: &Principal) {
        let found = policy.find(request);
        let trace = found.as_ref().map(|found| found.rule().trace(&Scope::new(request, principal, found)));
        // Nobody else's certificate is asked for roles.
        let has_roles = principal.identity().is_some() && principal.name().is_ok();
        let given = policy.roles().filter(|_| has_roles).filter_map(|role| {
            let trace = role.when()?.trace(&Scope::without_route(request, principal));
            Some((role, trace))
        });
        // All closures are called before the lock is taken: they may decide something themselves.
        let given: Vec<_> = given.collect();
        let mut tally = self.tally();
        for (role, trace) in given {
            if let Some(rule) = tally.role(role) {
                rule.count(&trace);
            }
        }
        let route = found.and_then(|found| policy.route(found.index()));
        if let (Some(route), Some(trace)) = (route, trace)
            && let Some(rule) = tally.route(route)
        {
            rule.count(&trace);
        }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    fn route(&mut self, route: &Route) -> Option<&mut RuleCoverage> {
        self.rule(Subject::Route(route.to_string()), route.rule(), route.place())
    }

    fn role(&mut self, role: &RoleDefinition) -> Option<&mut RuleCoverage> {
        self.rule(Subject::Role(role.role().to_string()), role.when()?, role.place())
    }

    fn rule(
        &mut self,
        subject: Subject,
        rule: &Rule,
        place: &impl fmt::Display,
    ) -> Option<&mut RuleCoverage> {
        let rules = &mut self.rules;
        let key = (subject.clone(), rule.to_string());
        let at = *self.places.entry(key).or_insert_with(|| {
            rules.push(RuleCoverage::new(subject, rule, place.to_string()));
            rules.len() - 1
        });
        rules.get_mut(at)
    }
}

impl fmt::Debug for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report();
        f.debug_struct("Coverage")
            .field("reached", &report.reached())
            .field("goals", &report.goals())
            .finish()
    }
}
