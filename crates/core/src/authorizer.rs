//! Putting it together: who asks, what for, and whether it may pass.

mod build;
mod handler;
mod resolve;
mod state;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
pub use build::{AuthorizerBuilder, AuthorizerError};

use crate::decision::Decision;
use crate::denial::{Cause, Denial, DenialKind, Suggestions};
use crate::peer::Peer;
use crate::peer::live::{Answer, Connection};
use crate::policy::{Policy, PolicyError};
use crate::principal::Principal;
use crate::provider::RoleProvider;
use crate::request::{Firewall, Request};
use crate::rule::{Fault, Scope, anyone};
use state::State;

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
    firewall: Firewall,
    needs_connection: bool,
    unauthorized_status: bool,
    suggestions: Suggestions,
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
    #[must_use]
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
        self.0.state.store(Arc::new(State::new(policy)));
        Ok(())
    }

    /// Decides a request of a connection, asking the sources of roles where that is needed.
    ///
    /// Ready at once unless a source has to wait or the certificate has to be verified again.
    ///
    /// # Security
    ///
    /// If the connection is absent although the listener asks for certificates, nobody gets in: the
    /// denial is of the kind [`DenialKind::Misconfigured`] and says what was forgotten.
    pub fn authorize(&self, request: &Request<'_>, connection: Option<&Connection>) -> Answer<Verdict> {
        if let Err(denial) = self.admit(request, connection) {
            return Answer::Ready(self.conclude(request, connection, None, Decision::Deny(denial)));
        }
        let state = self.0.state.load();
        match self.resolve(&state, request.time(), connection) {
            Answer::Ready(principal) => Answer::Ready(self.verdict(&state, request, connection, principal)),
            Answer::Pending(principal) => {
                let (auth, state) = (self.clone(), Arc::clone(&state));
                let (request, connection) = (request.detach(), connection.cloned());
                Answer::Pending(Box::pin(async move {
                    let principal = principal.await;
                    request.with(|request| auth.verdict(&state, request, connection.as_ref(), principal))
                }))
            }
        }
    }

    /// Decides a request of a connection at once; a source that would have to wait counts as failed.
    pub fn decide(&self, request: &Request<'_>, connection: Option<&Connection>) -> Decision {
        if let Err(denial) = self.admit(request, connection) {
            return Decision::Deny(denial);
        }
        let state = self.0.state.load();
        match self.resolve(&state, request.time(), connection) {
            Answer::Ready(principal) => self.judge(&state.policy, request, &principal),
            Answer::Pending(_) => {
                self.deny(DenialKind::Unavailable, Cause::Fault(Fault::Unavailable)).into_decision()
            }
        }
    }

    /// Decides a request for a principal of this authorizer: the firewall, the route, its rule. Pure.
    ///
    /// A principal that was made under a policy that is no longer in force is denied: its roles may
    /// mean something else by now.
    pub fn decide_for(&self, request: &Request<'_>, principal: &Principal) -> Decision {
        match self.0.firewall.check(request) {
            Ok(()) => self.judge(&self.0.state.load().policy, request, principal),
            Err(refusal) => self.deny(DenialKind::Firewall, Cause::Refusal(refusal)).into_decision(),
        }
    }

    /// The principal of a peer, asking the sources of roles.
    #[must_use]
    pub fn principal(&self, peer: Peer) -> Answer<Principal> {
        resolve::principal(&self.0, &self.0.state.load(), peer)
    }

    /// What can be said before anybody is asked who the peer is.
    fn admit(&self, request: &Request<'_>, connection: Option<&Connection>) -> Result<(), Denial> {
        self.0
            .firewall
            .check(request)
            .map_err(|refusal| self.deny(DenialKind::Firewall, Cause::Refusal(refusal)))?;
        let Some(connection) = connection else {
            return if self.0.needs_connection {
                Err(self.deny(DenialKind::Misconfigured, Cause::NoConnection))
            } else {
                Ok(())
            };
        };
        match request.authority() {
            Some(authority) if !connection.covers(authority) => {
                Err(self.deny(DenialKind::Misdirected, Cause::Misdirected))
            }
            _ => Ok(()),
        }
    }

    fn resolve(&self, state: &Arc<State>, now: i64, connection: Option<&Connection>) -> Answer<Principal> {
        match connection {
            Some(connection) => resolve::of_connection(&self.0, state, now, connection),
            None => resolve::principal(&self.0, state, Peer::Anonymous),
        }
    }

    fn verdict(
        &self,
        state: &State,
        request: &Request<'_>,
        connection: Option<&Connection>,
        principal: Principal,
    ) -> Verdict {
        let decision = self.judge(&state.policy, request, &principal);
        self.conclude(request, connection, Some(principal), decision)
    }

    /// The route and its rule, for a request that has passed the firewall.
    fn judge(&self, policy: &Policy, request: &Request<'_>, principal: &Principal) -> Decision {
        if !principal.roles().is_under(policy.hierarchy()) {
            return self.deny(DenialKind::Unavailable, Cause::StalePrincipal).of(principal).into_decision();
        }
        let Some(route) = policy.find(request) else {
            let news = self.0.suggestions.is_news(request);
            let denial = self.deny(DenialKind::NoRule, Cause::NoRule { news });
            return denial.of(principal).into_decision();
        };
        let rule = route.rule();
        let cause = match rule.decide(&Scope::new(request, principal, &route)) {
            Ok(true) => return Decision::Allow,
            Ok(false) => Cause::Rule,
            Err(fault) => Cause::Fault(fault),
        };
        let kind = match (cause, principal.peer()) {
            (Cause::Fault(fault), _) if fault.is_unavailable() => DenialKind::Unavailable,
            _ if rule.is_constant_false() => DenialKind::Forbidden,
            (_, Peer::Anonymous) => DenialKind::CertificateRequired,
            (_, Peer::Untrusted { .. }) => DenialKind::CertificateUntrusted,
            (_, Peer::Verified(_)) => DenialKind::Forbidden,
        };
        self.deny(kind, cause).of(principal).by(policy, route.index()).into_decision()
    }

    fn deny(&self, kind: DenialKind, cause: Cause) -> Denial {
        Denial::new(kind, cause, self.0.unauthorized_status)
    }

    fn conclude(
        &self,
        request: &Request<'_>,
        connection: Option<&Connection>,
        principal: Option<Principal>,
        mut decision: Decision,
    ) -> Verdict {
        if let Decision::Deny(denial) = &mut decision {
            Self::finish(denial, request, connection);
        }
        Verdict { decision, principal }
    }

    /// Marks a denial that should end its connection, and tells the operator.
    fn finish(denial: &mut Denial, request: &Request<'_>, connection: Option<&Connection>) {
        denial.closes_connection =
            matches!(denial.kind(), DenialKind::CertificateRequired | DenialKind::CertificateUntrusted)
                && connection.is_some_and(Connection::asks_again);
        denial.log(request, connection);
    }
}

impl Denial {
    fn into_decision(self) -> Decision {
        Decision::Deny(self)
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
