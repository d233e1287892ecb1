//! Callers that tests make up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::OnceLock;

use thiserror::Error;

use super::{Facts, NameFault, Principal};
use crate::authorizer::{Authorizer, add_own_roles};
use crate::certificate::Certificate;
use crate::identity::Identity;
use crate::peer::{Distrust, Peer};
use crate::policy::Policy;
use crate::role::{Origin, Roles};
use crate::rule::did_you_mean;

/// The label of the anchor of a made-up caller, where the policy declares none.
const SOME_ANCHOR: &str = "test";

/// A caller that a test makes up, until [`under`](Self::under) puts it under a policy.
///
/// Its roles and attributes are those given here, which stand for the answers of the sources of roles, and those
/// that the policy itself gives, to its members and by conditions on the certificate. No source is
/// asked. Without a certificate, a rule that reads one cannot be decided, and denies.
///
/// # Security
///
/// If this is used outside of tests, whoever chooses the name and the roles gets in without a proof.
///
/// # Examples
///
/// ```
/// use portcullis_core::rule::role;
/// use portcullis_core::{Authorizer, DenialKind, Policy, Principal};
///
/// let policy = Policy::builder().role("admin", []).route("* /admin/{*rest}", role("admin")).build()?;
/// let auth = Authorizer::builder(policy).build()?;
///
/// let alice = Principal::test("alice").role("admin").under(&auth);
/// let bob = Principal::test("bob").under(&auth);
/// auth.assert_allows(&alice, "DELETE /admin/users/7");
/// auth.assert_denies(&bob, "DELETE /admin/users/7", DenialKind::Forbidden);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `under` to get the principal"]
pub struct TestPrincipal {
    name: Option<Box<str>>,
    certificate: Option<Certificate>,
    distrust: Option<Distrust>,
    anchor: Option<Box<str>>,
    roles: Vec<Box<str>>,
    source: Option<Box<str>>,
    attributes: BTreeMap<Box<str>, Box<str>>,
}

/// Why there is no such caller under the policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TestPrincipalError {
    /// The policy does not define a role.
    #[error("the role `{}` is not defined: {help}", .role.escape_debug())]
    UnknownRole {
        /// The role.
        role: String,
        /// What to write instead.
        help: String,
    },
    /// Nobody can have an empty name.
    #[error("the name is empty, which no caller's is: give one, or ask for `TestPrincipal::anonymous()`")]
    EmptyName,
    /// An anonymous caller is given roles or attributes.
    #[error("nobody without a name has roles or attributes: begin with `Principal::test(name)`")]
    AnonymousRoles,
    /// A trust anchor vouches for no certificate.
    #[error(
        "a trust anchor is given, and no certificate that it could vouch for: give one with `certificate`"
    )]
    AnchorWithoutCertificate,
    /// The policy declares several trust anchors, and none was chosen.
    #[error("the policy declares the trust anchors `{}`: choose one with `anchor`", .labels.join("`, `"))]
    ChooseAnchor {
        /// Their labels.
        labels: Vec<String>,
    },
    /// Under the policy, the certificate does not name anybody.
    #[error("under this policy the certificate has no name: {0}")]
    Unnamed(#[from] NameFault),
    /// Under the policy, the certificate names somebody else.
    #[error("under this policy the certificate names `{}`, not `{}`", .actual.escape_debug(), .name.escape_debug())]
    OtherName {
        /// The name that the test gives.
        name: String,
        /// The one of the certificate.
        actual: String,
    },
}

impl Principal {
    /// Begins a caller for a test, by the name that it has under the policy.
    ///
    /// # Security
    ///
    /// If this is used outside of tests, whoever chooses the name and the roles gets in without a proof.
    pub fn test(name: &str) -> TestPrincipal {
        TestPrincipal { name: Some(name.into()), ..TestPrincipal::anonymous() }
    }
}

impl TestPrincipal {
    /// Begins somebody without a name: nobody in particular, or whoever the certificate names.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::principal::TestPrincipal;
    /// use portcullis_core::rule::authenticated;
    /// use portcullis_core::{Authorizer, DenialKind, Distrust, Policy};
    ///
    /// let policy = Policy::builder().route("GET /me", authenticated()).build()?;
    /// let auth = Authorizer::builder(policy).build()?;
    /// let nobody = TestPrincipal::anonymous().under(&auth);
    /// let mallory = TestPrincipal::untrusted(Distrust::Revoked).under(&auth);
    /// auth.assert_denies(&nobody, "GET /me", DenialKind::CertificateRequired);
    /// auth.assert_denies(&mallory, "GET /me", DenialKind::CertificateUntrusted);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn anonymous() -> Self {
        Self {
            name: None,
            certificate: None,
            distrust: None,
            anchor: None,
            roles: Vec::new(),
            source: None,
            attributes: BTreeMap::new(),
        }
    }

    /// Begins somebody whose certificate nobody vouches for.
    pub fn untrusted(reason: Distrust) -> Self {
        Self { distrust: Some(reason), ..Self::anonymous() }
    }

    /// Adds a role, with all that it includes.
    pub fn role(self, role: &str) -> Self {
        self.roles([role])
    }

    /// Adds several roles.
    pub fn roles<S: AsRef<str>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.roles.extend(roles.into_iter().map(|role| Box::from(role.as_ref())));
        self
    }

    /// Says what gives the roles, for explanations: a flag or a file, say.
    ///
    /// Unless this is said, it is the test.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::{Authorizer, Policy, Principal, Request};
    ///
    /// let policy = Policy::loader().text("policy.toml", r#"
    /// version = 1
    /// [roles.admin]
    /// [[route]]
    /// match = "GET /"
    /// allow = 'role("admin")'
    /// "#)?;
    /// let auth = Authorizer::builder(policy).build()?;
    /// let alice = Principal::test("alice").role("admin").source("`--role`").under(&auth);
    /// assert!(auth.decide_for(&Request::new("GET", "/"), &alice).is_allowed());
    /// let origins = alice.roles().origins("admin");
    /// assert_eq!(origins[0].to_string(), "given by `--role`");
    ///
    /// let bob = Principal::test("bob").source("`--role`").under(&auth);
    /// assert!(!auth.decide_for(&Request::new("GET", "/"), &bob).is_allowed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn source(mut self, source: &str) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets an attribute, as a source of roles would say it: what a rule reads as `principal.attributes.X`.
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// Sets the certificate; under the policy it must name this caller.
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Sets the label of the trust anchor that vouches for the certificate.
    ///
    /// Without this it is the one that the policy declares.
    pub fn anchor(mut self, label: &str) -> Self {
        self.anchor = Some(label.into());
        self
    }

    /// The principal under the policy that is in force.
    ///
    /// # Panics
    ///
    /// If there can be no such caller; [`try_under`](Self::try_under) says so in an error.
    #[track_caller]
    #[must_use]
    #[expect(clippy::panic, reason = "a mistake in a test fails the test")]
    pub fn under(&self, auth: &Authorizer) -> Principal {
        self.try_under(auth).unwrap_or_else(|error| panic!("no such caller: {error}"))
    }

    /// The principal under the policy that is in force.
    ///
    /// # Errors
    ///
    /// [`TestPrincipalError`] when the policy does not define a role, or the certificate does not
    /// name this caller.
    pub fn try_under(&self, auth: &Authorizer) -> Result<Principal, TestPrincipalError> {
        let policy = auth.policy();
        let peer = match (&self.distrust, &self.certificate) {
            (None, Some(certificate)) => {
                let label = self.label(&policy)?;
                Peer::Verified(Identity::assertion(certificate.clone(), &label))
            }
            _ if self.anchor.is_some() => return Err(TestPrincipalError::AnchorWithoutCertificate),
            (Some(reason), certificate) => {
                Peer::Untrusted { certificate: certificate.clone(), reason: reason.clone() }
            }
            (None, None) => Peer::Anonymous,
        };
        let name = self.name(&policy, &peer)?;
        let mut roles = Roles::none(Arc::clone(policy.hierarchy()));
        if let Some(name) = &name {
            add_own_roles(&policy, &peer, name, &mut roles);
        } else if !self.roles.is_empty() || !self.attributes.is_empty() {
            return Err(TestPrincipalError::AnonymousRoles);
        }
        for role in &self.roles {
            if !policy.has_role(role) {
                let known = policy.roles().map(|definition| definition.role().name());
                let help = did_you_mean(role, known, "");
                let help = help.unwrap_or_else(|| "define it in the policy or correct the name".into());
                return Err(TestPrincipalError::UnknownRole { role: role.to_string(), help });
            }
            let origin = match &self.source {
                Some(source) => Origin::Stated { source: source.clone() },
                None => Origin::Test,
            };
            roles.grant(role, origin);
        }
        let name = name.ok_or(NameFault::NotVerified);
        let attributes =
            self.attributes.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
        // Not by `new`, which leaves nobody a name without a certificate.
        Ok(Principal(Arc::new(Facts { peer, name, roles, attributes, shadow: None })))
    }

    fn label(&self, policy: &Policy) -> Result<Box<str>, TestPrincipalError> {
        if let Some(label) = &self.anchor {
            return Ok(label.clone());
        }
        let labels: Vec<&str> = policy.naming().anchors().map(|(label, _)| label).collect();
        match labels.as_slice() {
            [] => Ok(SOME_ANCHOR.into()),
            [label] => Ok((*label).into()),
            _ => Err(TestPrincipalError::ChooseAnchor {
                labels: labels.into_iter().map(ToString::to_string).collect(),
            }),
        }
    }

    /// The name, which that of the certificate must be, if there is one.
    fn name(&self, policy: &Policy, peer: &Peer) -> Result<Option<Box<str>>, TestPrincipalError> {
        if self.name.as_deref() == Some("") {
            return Err(TestPrincipalError::EmptyName);
        }
        let Some(identity) = peer.identity() else { return Ok(self.name.clone()) };
        let actual = policy.naming().name(identity, &OnceLock::new())?;
        match &self.name {
            Some(name) if *name != actual => {
                Err(TestPrincipalError::OtherName { name: name.to_string(), actual: actual.into() })
            }
            _ => Ok(Some(actual)),
        }
    }
}
