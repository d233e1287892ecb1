//! Who a request is decided for: a peer with its name and its roles.

pub mod naming;
mod test;

use std::fmt;
use std::sync::Arc;

pub use naming::{NameFault, NameField};
pub use test::{TestPrincipal, TestPrincipalError};

use crate::identity::Identity;
use crate::peer::Peer;
use crate::role::Roles;

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
        Self(Arc::new(Facts { peer, name, roles, shadow }))
    }

    /// The same peer with other roles; for explanations.
    pub(crate) fn with_roles(&self, roles: Roles) -> Self {
        let (peer, name) = (self.0.peer.clone(), self.0.name.clone());
        Self(Arc::new(Facts { peer, name, roles, shadow: None }))
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
