//! What an authorizer is made of, and what can be wrong with it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use thiserror::Error;

use super::state::State;
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
        check_roles(&self.0.providers, &self.0.state.load().policy)?;
        Ok(Authorizer(Arc::new(self.0)))
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
            firewall: Firewall::strict(),
            needs_connection: true,
            unauthorized_status: false,
            suggestions: Suggestions::default(),
        }
    }
}

impl std::fmt::Debug for AuthorizerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizerBuilder")
            .field("policy", &self.0.state.load().policy)
            .finish_non_exhaustive()
    }
}
