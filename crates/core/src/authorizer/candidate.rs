//! A second policy that is tried beside the one in force, and never opens or closes anything.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Authorizer, AuthorizerError, Judgement, build};
use crate::metric;
use crate::policy::{Policy, Route, RouteIndex};
use crate::principal::Principal;
use crate::request::Request;
use crate::rule::Scope;

/// What a candidate policy would do to a request that the policy in force decides otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "two decisions can differ in two ways")]
pub enum Difference {
    /// It would let the request pass.
    Opens,
    /// It would refuse the request.
    Closes,
}

impl Difference {
    /// One word for logs and metrics: `opens` or `closes`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Opens => "opens",
            Self::Closes => "closes",
        }
    }
}

/// How often a candidate policy has differed from the one in force since it was set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CandidateDifferences {
    /// Requests that it would let pass and that were refused.
    pub opened: u64,
    /// Requests that it would refuse and that passed.
    pub closed: u64,
    /// The same by route, for the routes that have any: of the candidate where it opens, of the
    /// policy in force where it closes.
    pub routes: Vec<RouteDifferences>,
}

/// How often a candidate policy has differed on one route.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteDifferences {
    /// The route as written.
    pub route: String,
    /// What the candidate would do.
    pub difference: Difference,
    /// To how many requests.
    pub count: u64,
}

impl Authorizer {
    /// Tries a policy beside the one in force, on every request from now on.
    ///
    /// It is given the same caller, with the same answers of the sources of roles, and only its
    /// differences are told: counted in [`candidate_differences`](Self::candidate_differences),
    /// logged once for each route, and noted in the audit event of the request. It never opens or
    /// closes anything, and does no I/O.
    ///
    /// A role that a source gives by the caller's name is given by the name under the policy in
    /// force, as the sources are not asked twice.
    ///
    /// # Errors
    ///
    /// [`AuthorizerError`] when a source gives a role that the candidate does not define, so that it
    /// could not be put in force.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::rule::{anyone, nobody};
    /// use portcullis_core::{Authorizer, Connection, Peer, Policy, Request};
    ///
    /// let policy = Policy::builder().route("GET /", anyone()).build()?;
    /// let auth = Authorizer::builder(policy).build()?;
    /// auth.set_candidate(Policy::builder().route("GET /", nobody()).build()?)?;
    ///
    /// let nobody = Connection::assertion(Peer::Anonymous);
    /// let answer = auth.authorize(&Request::new("GET", "/"), Some(&nobody));
    /// let portcullis_core::peer::live::Answer::Ready(verdict) = answer else { unreachable!() };
    /// assert!(verdict.decision.is_allowed(), "the candidate closes nothing");
    /// assert_eq!(auth.candidate_differences().unwrap().closed, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_candidate(&self, policy: Policy) -> Result<(), AuthorizerError> {
        build::check_roles(&self.0.providers, &policy)?;
        self.0.state.rcu(|state| Arc::new(state.with_candidate(Some(policy.clone()))));
        Ok(())
    }

    /// Ends the trial, and forgets its counts.
    pub fn clear_candidate(&self) {
        self.0.state.rcu(|state| Arc::new(state.with_candidate(None)));
    }

    /// The policy that is tried beside the one in force.
    #[must_use]
    pub fn candidate(&self) -> Option<Policy> {
        self.0.state.load().candidate.as_ref().map(|candidate| candidate.policy.clone())
    }

    /// How the candidate has differed since it was set, or since another policy came into force.
    ///
    /// `None` without a candidate.
    #[must_use]
    pub fn candidate_differences(&self) -> Option<CandidateDifferences> {
        let state = self.0.state.load();
        state.candidate.as_ref().map(|candidate| candidate.differences(&state.policy))
    }
}

/// The policy on trial, with one counter for each route and direction, so that memory is bounded.
pub(crate) struct Candidate {
    policy: Policy,
    opened: Box<[AtomicU64]>,
    closed: Box<[AtomicU64]>,
}

impl Candidate {
    pub(crate) fn new(policy: Policy, enforced: &Policy) -> Self {
        let counters = |policy: &Policy| policy.routes().map(|_| AtomicU64::new(0)).collect();
        Self { opened: counters(&policy), closed: counters(enforced), policy }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Tries the candidate on a request that has passed the firewall and been judged.
    pub(super) fn compare(
        &self,
        request: &Request<'_>,
        principal: &Principal,
        enforced: &Policy,
        judgement: &Judgement,
    ) -> Option<Difference> {
        let shadow = principal.shadow()?;
        // A panic would refuse the request, if the candidate were in force.
        let allowing =
            catch_unwind(AssertUnwindSafe(|| self.allowing_route(request, shadow))).unwrap_or_default();
        match (allowing, judgement.decision.is_allowed()) {
            (Some(route), false) => {
                self.note(Difference::Opens, &self.opened, &self.policy, route, request);
                Some(Difference::Opens)
            }
            (None, true) => {
                let route = judgement.route?;
                self.note(Difference::Closes, &self.closed, enforced, route, request);
                Some(Difference::Closes)
            }
            _ => None,
        }
    }

    /// The route of the candidate that would let the request pass.
    fn allowing_route(&self, request: &Request<'_>, principal: &Principal) -> Option<RouteIndex> {
        if !principal.roles().is_under(self.policy.hierarchy()) {
            return None;
        }
        let route = self.policy.find(request)?;
        let allowed = route.rule().decide(&Scope::new(request, principal, &route));
        (allowed == Ok(true)).then(|| route.index())
    }

    fn note(
        &self,
        difference: Difference,
        counters: &[AtomicU64],
        policy: &Policy,
        route: RouteIndex,
        request: &Request<'_>,
    ) {
        let Some(counter) = counters.get(route.position()) else { return };
        let is_first = counter.fetch_add(1, Ordering::Relaxed) == 0;
        let Some(route) = policy.route(route) else { return };
        metric::candidate_differed(difference, route);
        if is_first {
            log_difference(difference, route, request);
        }
    }

    fn differences(&self, enforced: &Policy) -> CandidateDifferences {
        let mut routes = Vec::new();
        collect(&self.opened, &self.policy, Difference::Opens, &mut routes);
        collect(&self.closed, enforced, Difference::Closes, &mut routes);
        let total = |difference| {
            routes.iter().filter(|route| route.difference == difference).map(|route| route.count).sum()
        };
        CandidateDifferences { opened: total(Difference::Opens), closed: total(Difference::Closes), routes }
    }
}

fn collect(
    counters: &[AtomicU64],
    policy: &Policy,
    difference: Difference,
    routes: &mut Vec<RouteDifferences>,
) {
    for (route, counter) in policy.routes().zip(counters) {
        let count = counter.load(Ordering::Relaxed);
        if count > 0 {
            routes.push(RouteDifferences { route: route.to_string(), difference, count });
        }
    }
}

#[cfg(feature = "tracing")]
fn log_difference(difference: Difference, route: &Route, request: &Request<'_>) {
    tracing::warn!(
        target: "portcullis::candidate",
        difference = difference.name(),
        route = %route,
        method = %request.method().escape_debug(),
        path = %request.path().escape_debug(),
        "the candidate policy decides a request of this route differently",
    );
}

#[cfg(not(feature = "tracing"))]
fn log_difference(_difference: Difference, _route: &Route, _request: &Request<'_>) {}
