//! Putting it together: who asks, what for, and whether it may pass.

mod ask;
mod authorize;
mod build;
mod candidate;
mod handler;
mod permit;
mod resolve;
mod state;
mod tell;
mod timer;
mod vigil;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
pub use build::{AuthorizerBuilder, AuthorizerError};
pub use candidate::{CandidateDifferences, Difference, RouteDifferences};
pub use permit::Permit;
pub(crate) use resolve::add_own_roles;
pub(crate) use state::State;
pub use vigil::Vigil;

use crate::audit::Recorders;
use crate::coverage::Coverage;
use crate::decision::Decision;
use crate::denial::{Cause, Denial, DenialKind, Suggestions};
use crate::peer::Peer;
use crate::peer::live::Answer;
use crate::policy::{Policy, PolicyError, RouteIndex};
use crate::principal::Principal;
use crate::provider::RoleProvider;
use crate::request::{CrossSite, Firewall, Request};
use crate::rule::{Scope, anyone};

/// Decides requests: one policy, the sources of roles, and the firewall before both.
///
/// Cloning is cheap; clones share everything.
///
/// # Examples
///
/// ```
/// use portcullis_core::rule::{anyone, role};
/// use portcullis_core::{Authorizer, Connection, Peer, Policy, Request, RoleMap};
///
/// let policy = Policy::builder()
///     .role("admin", [])
///     .route("GET /", anyone())
///     .route("* /admin/{*rest}", role("admin"))
///     .build()?;
/// let auth = Authorizer::builder(policy).roles(RoleMap::new().name("alice", ["admin"])?).build()?;
///
/// let nobody = Connection::assertion(Peer::Anonymous);
/// let decide = |method, path| auth.decide(&Request::new(method, path), Some(&nobody));
/// assert!(decide("GET", "/").is_allowed());
/// assert!(!decide("GET", "/admin/").is_allowed());
/// assert!(!decide("GET", "//admin/").is_allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Authorizer(Arc<Inner>);

pub(crate) struct Inner {
    state: ArcSwap<State>,
    providers: Vec<Box<dyn RoleProvider>>,
    source_limit: Duration,
    recheck: Duration,
    firewall: Firewall,
    cross_site: Option<CrossSite>,
    needs_connection: bool,
    unauthorized_status: bool,
    suggestions: Suggestions,
    recorders: Recorders,
    coverage: Option<Coverage>,
}

/// What was decided, and by which route.
struct Judgement {
    decision: Decision,
    route: Option<RouteIndex>,
}

/// The outcome of one request: the decision, and for whom it was made.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use = "a decision that nobody looks at protects nothing"]
pub struct Verdict {
    /// Whether the request may pass.
    pub decision: Decision,
    /// Who it was decided for; `None` when it was refused before anybody asked.
    pub principal: Option<Principal>,
}

impl Authorizer {
    /// An authorizer for a policy.
    pub fn builder(policy: Policy) -> AuthorizerBuilder {
        AuthorizerBuilder::new(policy)
    }

    /// An authorizer for a listener that asks nobody for a certificate: only these routes are open.
    ///
    /// For health probes and metrics on a port of their own. Everybody there is anonymous.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] when a pattern is malformed or two of them conflict.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::{Authorizer, Request};
    ///
    /// let probes = Authorizer::without_certificates(["GET /health"])?;
    /// assert!(probes.decide(&Request::new("GET", "/health"), None).is_allowed());
    /// assert!(!probes.decide(&Request::new("GET", "/admin"), None).is_allowed());
    /// # Ok::<(), portcullis_core::policy::PolicyError>(())
    /// ```
    #[track_caller]
    pub fn without_certificates<'p>(routes: impl IntoIterator<Item = &'p str>) -> Result<Self, PolicyError> {
        let mut policy = Policy::builder();
        for route in routes {
            policy = policy.route(route, anyone());
        }
        Ok(Self(Arc::new(Inner { needs_connection: false, ..Inner::new(policy.build()?) })))
    }

    /// The policy that is in force.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.0.state.load().policy.clone()
    }

    /// Puts another policy in force, for all clones, from the next request on.
    ///
    /// A decision that is under way ends under the policy that it began with.
    ///
    /// # Errors
    ///
    /// [`AuthorizerError`] when a source gives a role that the new policy does not define; the old
    /// policy stays.
    pub fn replace_policy(&self, policy: Policy) -> Result<(), AuthorizerError> {
        build::check_roles(&self.0.providers, &policy)?;
        if let Some(coverage) = &self.0.coverage {
            coverage.watch(&policy);
        }
        self.0.state.rcu(|state| Arc::new(state.with_policy(policy.clone())));
        Ok(())
    }

    /// Decides a request for a principal of this authorizer: the firewall, the route, its rule. Pure.
    ///
    /// A principal that was made under a policy that is no longer in force is denied: its roles may
    /// mean something else by now.
    pub fn decide_for(&self, request: &Request<'_>, principal: &Principal) -> Decision {
        match self.screen(request) {
            Ok(()) => self.judge(&self.0.state.load().policy, request, principal).decision,
            Err(denial) => Decision::Deny(denial),
        }
    }

    /// What [`decide_for`](Self::decide_for) decides under a policy, leaving no trace; for explanations.
    pub(crate) fn decide_under(
        &self,
        policy: &Policy,
        request: &Request<'_>,
        principal: &Principal,
    ) -> Decision {
        if let Err(denial) = self.screen(request) {
            return Decision::Deny(denial);
        }
        if policy.find(request).is_none() {
            return Decision::Deny(self.no_rule(principal));
        }
        self.weigh(policy, request, principal).decision
    }

    /// The denial of what no route opens, where nothing is to be logged.
    pub(crate) fn no_rule(&self, principal: &Principal) -> Denial {
        self.deny(DenialKind::NoRule, Cause::NoRule { news: false }).of(principal)
    }

    /// The principal of a peer, asking the sources of roles.
    #[must_use]
    pub fn principal(&self, peer: Peer) -> Answer<Principal> {
        resolve::principal(&self.0, &self.0.state.load(), peer, || self.timer(|_| std::future::pending()))
    }

    /// What the request alone says: that it can be read in one way, and that no other site sent it.
    fn screen(&self, request: &Request<'_>) -> Result<(), Denial> {
        if let Err(refusal) = self.0.firewall.check(request) {
            return Err(self.deny(DenialKind::Firewall, Cause::Refusal(refusal)));
        }
        match &self.0.cross_site {
            Some(check) if !check.allows(request) => Err(self.deny(DenialKind::CrossSite, Cause::CrossSite)),
            _ => Ok(()),
        }
    }

    /// The route and its rule, for a request that has passed the firewall.
    fn judge(&self, policy: &Policy, request: &Request<'_>, principal: &Principal) -> Judgement {
        let judgement = self.weigh(policy, request, principal);
        if let (Some(coverage), Some(_)) = (&self.0.coverage, judgement.route) {
            coverage.note(policy, request, principal);
        }
        judgement
    }

    /// The same without a trace of it.
    fn weigh(&self, policy: &Policy, request: &Request<'_>, principal: &Principal) -> Judgement {
        if !principal.roles().is_under(policy.hierarchy()) {
            return self.deny(DenialKind::Unavailable, Cause::StalePrincipal).of(principal).into();
        }
        let Some(route) = policy.find(request) else {
            let news = self.0.suggestions.is_news(request);
            return self.deny(DenialKind::NoRule, Cause::NoRule { news }).of(principal).into();
        };
        let rule = route.rule();
        let cause = match rule.decide(&Scope::new(request, principal, &route)) {
            Ok(true) => return Judgement { decision: Decision::Allow, route: Some(route.index()) },
            Ok(false) => Cause::Rule,
            Err(fault) => Cause::Fault(fault),
        };
        let kind = match (cause, principal.peer()) {
            (Cause::Fault(fault), _) if fault.is_unavailable() => DenialKind::Unavailable,
            _ if rule.is_constant_false() || principal.is_authenticated() => DenialKind::Forbidden,
            (_, Peer::Anonymous) => DenialKind::CertificateRequired,
            (_, Peer::Untrusted { .. }) => DenialKind::CertificateUntrusted,
            (_, Peer::Verified(_)) => DenialKind::Forbidden,
        };
        let denial = self.deny(kind, cause).of(principal).by(policy, route.index());
        Judgement { decision: Decision::Deny(denial), route: Some(route.index()) }
    }

    fn deny(&self, kind: DenialKind, cause: Cause) -> Denial {
        Denial::new(kind, cause, self.0.unauthorized_status)
    }
}

impl From<Denial> for Judgement {
    fn from(denial: Denial) -> Self {
        Self { decision: Decision::Deny(denial), route: None }
    }
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizer")
            .field("policy", &self.policy())
            .field("providers", &self.0.providers.len())
            .field("firewall", &self.0.firewall)
            .finish_non_exhaustive()
    }
}
