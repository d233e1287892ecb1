//! Who a request is decided for: a peer with its name and its roles.

pub mod naming;
mod test;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use naming::{NameFault, NameField};
pub use test::{TestPrincipal, TestPrincipalError};

use crate::identity::Identity;
use crate::peer::Peer;
use crate::role::Roles;
use crate::rule::Fault;

/// A peer with its name and its roles, hierarchy already expanded.
///
/// Everybody has one: an anonymous or untrusted peer is a principal without name and roles, and
/// only a verified one [`is_authenticated`](Self::is_authenticated). Cloning is cheap.
#[derive(Clone)]
pub struct Principal(Arc<Facts>);

struct Facts {
    peer: Peer,
    name: Result<Box<str>, NameFault>,
    roles: Roles,
    /// What sources said of the caller; `None` where they contradict each other.
    attributes: BTreeMap<Box<str>, Option<Box<str>>>,
    /// The same peer under the candidate policy.
    shadow: Option<Principal>,
}

impl Principal {
    pub(crate) fn new(
        peer: Peer,
        name: Result<Box<str>, NameFault>,
        roles: Roles,
        shadow: Option<Self>,
    ) -> Self {
        // What is made here has a name only if somebody vouched for it.
        let name = if peer.identity().is_some() { name } else { Err(NameFault::NotVerified) };
        Self(Arc::new(Facts { peer, name, roles, attributes: BTreeMap::new(), shadow }))
    }

    /// The same principal with what sources said of it; called before anybody else has it.
    pub(crate) fn with_attributes(mut self, attributes: BTreeMap<Box<str>, Option<Box<str>>>) -> Self {
        if let Some(facts) = Arc::get_mut(&mut self.0) {
            facts.attributes = attributes;
        }
        self
    }

    /// The same peer with other roles; for explanations.
    pub(crate) fn with_roles(&self, roles: Roles) -> Self {
        let Facts { peer, name, attributes, .. } = &*self.0;
        let (peer, name, attributes) = (peer.clone(), name.clone(), attributes.clone());
        // Not by `new`: a caller that a test made up keeps its name.
        Self(Arc::new(Facts { peer, name, roles, attributes, shadow: None }))
    }

    pub(crate) fn shadow(&self) -> Option<&Self> {
        self.0.shadow.as_ref()
    }

    /// The peer.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.0.peer
    }

    /// The proven identity, if the peer was verified.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.0.peer.identity()
    }

    /// The caller's name: the field that the policy declares for the anchor that vouched.
    ///
    /// # Errors
    ///
    /// [`NameFault`] for everybody who has none: the peer is not verified, or the field is absent,
    /// repeated or cannot be read.
    pub fn name(&self) -> Result<&str, &NameFault> {
        self.0.name.as_deref()
    }

    /// Whether the peer was verified and has a name.
    ///
    /// The callers of tests, made by [`test`](Self::test), can do without a certificate.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.0.name.is_ok()
    }

    /// The roles.
    #[must_use]
    pub fn roles(&self) -> &Roles {
        &self.0.roles
    }

    /// What the sources of roles said of the caller under this name; `None` if none did, or if two
    /// of them contradict each other.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.0.attributes.get(name)?.as_deref()
    }

    /// For a rule: while a source is down nobody knows whether it would contradict the others.
    pub(crate) fn attribute_for_rule(&self, name: &str) -> Result<&str, Fault> {
        if self.0.roles.unavailable().is_some() {
            return Err(Fault::Unavailable);
        }
        match self.0.attributes.get(name) {
            Some(Some(value)) => Ok(value),
            Some(None) => Err(Fault::Repeated),
            None => Err(Fault::NoAttribute),
        }
    }

    /// Whether the caller has the role, directly or because another one includes it.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.0.roles.contains(role)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("peer", &self.0.peer)
            .field("name", &self.0.name)
            .field("roles", &self.0.roles)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Hierarchy;

    #[test]
    fn nobody_has_a_name_without_a_certificate() {
        let roles = Roles::none(Arc::new(Hierarchy::default()));
        let principal = Principal::new(Peer::Anonymous, Ok("alice".into()), roles.clone(), None);
        assert_eq!(principal.name(), Err(&NameFault::NotVerified));
        assert!(!principal.is_authenticated());
        assert!(!principal.with_roles(roles).is_authenticated());
    }
}
