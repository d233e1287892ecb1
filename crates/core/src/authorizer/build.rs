//! What an authorizer is made of, and what can be wrong with it.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use thiserror::Error;

use super::state::State;
use super::{Authorizer, Inner};
use crate::audit::{Audit, Recorders};
use crate::coverage::Coverage;
use crate::denial::Suggestions;
use crate::metric;
use crate::policy::Policy;
use crate::provider::RoleProvider;
use crate::request::{CrossSite, Firewall};

/// Longer than any database should take, and shorter than most clients and proxies wait.
const SOURCE_LIMIT: Duration = Duration::from_secs(10);
/// Soon for a person who takes something back, and rare for a server with many streams.
const RECHECK: Duration = Duration::from_secs(5);
/// A response that streams is polled no more often than this for the policy's sake.
const SHORTEST_RECHECK: Duration = Duration::from_millis(10);

/// Collects what an [`Authorizer`] is made of.
#[must_use = "call `build` to get the authorizer"]
pub struct AuthorizerBuilder {
    inner: Inner,
    audits: Vec<Audit>,
}

/// What is wrong with an authorizer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AuthorizerError {
    /// A source gives a role that the policy does not define.
    #[error(
        "a source of roles gives `{role}`, which the policy does not define: define it there or correct the name"
    )]
    UnknownRole {
        /// The role.
        role: String,
    },
    /// The thread that writes audit events could not be started.
    #[error("the thread for audit events could not be started: {reason}")]
    AuditThread {
        /// What the operating system said.
        reason: String,
    },
}

impl AuthorizerBuilder {
    pub(super) fn new(policy: Policy) -> Self {
        Self { inner: Inner::new(policy), audits: Vec::new() }
    }

    /// Adds a source of roles. A caller has a role if any source gives it.
    pub fn roles(mut self, provider: impl RoleProvider) -> Self {
        self.inner.providers.push(Box::new(provider));
        self
    }

    /// Sets how long sources of roles are waited for, all together; without this it is 10 seconds.
    ///
    /// One that has not answered by then counts as failed. The guards of the adapters keep to it; see
    /// [`authorize_with_timer`](Authorizer::authorize_with_timer).
    pub fn source_limit(mut self, limit: Duration) -> Self {
        self.inner.source_limit = limit;
        self
    }

    /// Sets how often what goes on after its request is decided anew; without this every 5 seconds.
    ///
    /// A response that streams ends within this time after its certificate expires or is revoked, or
    /// the policy comes to deny its request; after that there is the [`source_limit`](Self::source_limit)
    /// if sources have to be asked again. It is never less than 10 milliseconds.
    pub fn recheck_every(mut self, time: Duration) -> Self {
        self.inner.recheck = time.max(SHORTEST_RECHECK);
        self
    }

    /// Sets the firewall; without this it is [`Firewall::strict`].
    pub fn firewall(mut self, firewall: Firewall) -> Self {
        self.inner.firewall = firewall;
        self
    }

    /// Refuses what another site makes a browser send, except for reading; without this it is not looked at.
    ///
    /// A browser sends a client certificate along with such requests as it does a cookie.
    pub fn cross_site(mut self, check: CrossSite) -> Self {
        self.inner.cross_site = Some(check);
        self
    }

    /// Answers `certificate-required` and `certificate-untrusted` with 401 instead of 403.
    ///
    /// RFC 9110 (15.5.2) wants a 401 to name an authentication scheme, and client certificates
    /// have none, which is why 403 is the default.
    pub fn unauthorized_status(mut self) -> Self {
        self.inner.unauthorized_status = true;
        self
    }

    /// Records every decision in a sink: an [`Audit`] with its settings, or a closure.
    ///
    /// May be called several times; each sink has its own queue, thread and settings.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::audit::{Audit, AuditEvent, AuditField};
    /// use portcullis_core::rule::anyone;
    /// use portcullis_core::{Authorizer, Policy};
    ///
    /// let policy = Policy::builder().route("GET /", anyone()).build()?;
    /// let auth = Authorizer::builder(policy)
    ///     .audit(|event: &AuditEvent<'_>| println!("{}", event.to_json()))
    ///     .audit(Audit::to(|event: &AuditEvent<'_>| drop(event.to_json())).mask(AuditField::Name))
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn audit(mut self, audit: impl Into<Audit>) -> Self {
        self.audits.push(audit.into());
        self
    }

    /// Counts what the rules come to, for the tests of a policy; without this nothing is counted.
    pub fn coverage(mut self, coverage: &Coverage) -> Self {
        self.inner.coverage = Some(coverage.clone());
        self
    }

    /// Builds the authorizer.
    ///
    /// # Errors
    ///
    /// [`AuthorizerError`] when a source gives a role that the policy does not define, or a thread
    /// for audit events cannot be started.
    pub fn build(mut self) -> Result<Authorizer, AuthorizerError> {
        check_roles(&self.inner.providers, &self.inner.state.load().policy)?;
        self.inner.recorders = Recorders::start(self.audits)
            .map_err(|error| AuthorizerError::AuditThread { reason: error.to_string() })?;
        metric::describe();
        if let Some(coverage) = &self.inner.coverage {
            coverage.watch(&self.inner.state.load().policy);
        }
        Ok(Authorizer(Arc::new(self.inner)))
    }
}

pub(super) fn check_roles(
    providers: &[Box<dyn RoleProvider>],
    policy: &Policy,
) -> Result<(), AuthorizerError> {
    let declared = providers.iter().flat_map(|provider| provider.declared());
    match declared.into_iter().find(|role| !policy.has_role(role.name())) {
        Some(unknown) => Err(AuthorizerError::UnknownRole { role: unknown.to_string() }),
        None => Ok(()),
    }
}

impl Inner {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            state: ArcSwap::from_pointee(State::new(policy)),
            providers: Vec::new(),
            source_limit: SOURCE_LIMIT,
            recheck: RECHECK,
            firewall: Firewall::strict(),
            cross_site: None,
            needs_connection: true,
            unauthorized_status: false,
            suggestions: Suggestions::default(),
            recorders: Recorders::default(),
            coverage: None,
        }
    }
}

impl std::fmt::Debug for AuthorizerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizerBuilder")
            .field("policy", &self.inner.state.load().policy)
            .field("audits", &self.audits)
            .finish_non_exhaustive()
    }
}
