//! What an authorizer is made of, and what can be wrong with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

use super::{Authorizer, Inner};
use crate::denial::Suggestions;
use crate::policy::Policy;
use crate::provider::RoleProvider;
use crate::request::Firewall;

/// Collects what an [`Authorizer`] is made of.
#[must_use = "call `build` to get the authorizer"]
pub struct AuthorizerBuilder(Inner);

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
}

impl AuthorizerBuilder {
    pub(super) fn new(policy: Policy) -> Self {
        Self(Inner::new(policy))
    }

    /// Adds a source of roles. A caller has a role if any source gives it.
    pub fn roles(mut self, provider: impl RoleProvider) -> Self {
        self.0.providers.push(Box::new(provider));
        self
    }

    /// Sets the firewall; without this it is [`Firewall::strict`].
    pub fn firewall(mut self, firewall: Firewall) -> Self {
        self.0.firewall = firewall;
        self
    }

    /// Answers `certificate-required` and `certificate-untrusted` with 401 instead of 403.
    ///
    /// RFC 9110 (15.5.2) wants a 401 to name an authentication scheme, and client certificates
    /// have none, which is why 403 is the default.
    pub fn unauthorized_status(mut self) -> Self {
        self.0.unauthorized_status = true;
        self
    }

    /// Builds the authorizer.
    ///
    /// # Errors
    ///
    /// [`AuthorizerError`] when a source gives a role that the policy does not define.
    pub fn build(self) -> Result<Authorizer, AuthorizerError> {
        for provider in &self.0.providers {
            for role in provider.declared() {
                if !self.0.policy.has_role(role.name()) {
                    return Err(AuthorizerError::UnknownRole { role: role.to_string() });
                }
            }
        }
        Ok(Authorizer(Arc::new(self.0)))
    }
}

impl Inner {
    pub(super) fn new(policy: Policy) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        Self {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            policy,
            providers: Vec::new(),
            firewall: Firewall::strict(),
            needs_connection: true,
            unauthorized_status: false,
            suggestions: Suggestions::default(),
        }
    }
}

impl std::fmt::Debug for AuthorizerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizerBuilder").field("policy", &self.0.policy).finish_non_exhaustive()
    }
}
