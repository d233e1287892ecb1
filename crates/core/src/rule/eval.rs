//! Deciding a rule: pure, total, and without allocation.

use std::borrow::Cow;

use super::{Fact, Fault, Node, Test};
use crate::certificate::Certificate;
use crate::certificate::{AttributeType, Name, NameError};
use crate::identity::Identity;
use crate::policy::RouteMatch;
use crate::principal::Principal;
use crate::request::Request;

/// What a rule can see: the request, who asks, and what the route's pattern took from the path.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    request: &'a Request<'a>,
    principal: &'a Principal,
    route: Option<&'a RouteMatch<'a>>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(request: &'a Request<'a>, principal: &'a Principal, route: &'a RouteMatch<'a>) -> Self {
        Self { request, principal, route: Some(route) }
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> &'a Request<'a> {
        self.request
    }

    /// Who asks.
    #[must_use]
    pub fn principal(&self) -> &'a Principal {
        self.principal
    }

    /// The part of the path that the pattern's `{name}` stands for, decoded once.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Cow<'a, str>> {
        self.route?.param(name)
    }

    fn identity(&self) -> Result<&'a Identity, Fault> {
        self.principal.identity().ok_or(Fault::NotVerified)
    }
}

impl Node {
    pub(super) fn decide(&self, scope: &Scope<'_>) -> Result<bool, Fault> {
        match self {
            Self::Anyone => Ok(true),
            Self::Nobody => Ok(false),
            Self::Authenticated => match (scope.principal.identity(), scope.principal.name()) {
                (None, _) => Ok(false),
                (Some(_), Ok(_)) => Ok(true),
                (Some(_), Err(_)) => Err(Fault::Unnamed),
            },
            Self::Role { index, .. } => match index {
                Some(index) => scope.principal.roles().check(*index),
                None => Err(Fault::Unresolved),
            },
            Self::Not(inner) => inner.decide(scope).map(|holds| !holds),
            Self::All(parts) => absorbing(parts, scope, false),
            Self::Any(parts) => absorbing(parts, scope, true),
            Self::Test(fact, test) => decide_test(fact, test, scope.identity()?),
            Self::Custom(custom) => (custom.decide)(scope),
            Self::Invalid(_) => Err(Fault::Unresolved),
        }
    }
}

/// `decisive` settles the chain whatever the others are; without it an error remains an error.
fn absorbing(parts: &[Node], scope: &Scope<'_>, decisive: bool) -> Result<bool, Fault> {
    let mut fault = None;
    for part in parts {
        match part.decide(scope) {
            Ok(holds) if holds == decisive => return Ok(decisive),
            Ok(_) => {}
            // A failed provider is the service's fault and outlives the others: it answers 503.
            Err(new) if fault.is_none() || new.is_unavailable() => fault = Some(new),
            Err(_) => {}
        }
    }
    fault.map_or(Ok(!decisive), Err)
}

fn decide_test(fact: &Fact, test: &Test, identity: &Identity) -> Result<bool, Fault> {
    let certificate = identity.certificate();
    match fact {
        Fact::Subject(attribute) => decide_attribute(certificate.subject(), attribute, test),
        Fact::Issuer(attribute) => decide_attribute(certificate.issuer(), attribute, test),
        Fact::San(kind) => {
            let values = certificate.san().values(*kind).map_err(|_| Fault::Undecodable)?;
            match test {
                Test::Contains(value) => Ok(values.contains(value)),
                Test::Exists => Ok(!values.is_empty()),
                _ => Err(Fault::Unresolved),
            }
        }
        Fact::AnchorLabel => decide_value(identity.anchor().label(), test),
        Fact::CertificateSha256 => decide_fingerprint(certificate, test),
    }
}

fn decide_fingerprint(certificate: &Certificate, test: &Test) -> Result<bool, Fault> {
    match test {
        Test::Fingerprint(fingerprint) => Ok(certificate.sha256() == fingerprint),
        _ => Err(Fault::Unresolved),
    }
}

fn decide_attribute(name: &Name, attribute: &AttributeType, test: &Test) -> Result<bool, Fault> {
    match test {
        Test::Exists => Ok(name.has(attribute)),
        Test::Contains(value) => {
            let mut found = false;
            for candidate in name.values(attribute) {
                found |= candidate.map_err(|_| Fault::Undecodable)? == &**value;
            }
            Ok(found)
        }
        _ => decide_value(name.one(attribute).map_err(|error| Fault::from(&error))?, test),
    }
}

fn decide_value(actual: &str, test: &Test) -> Result<bool, Fault> {
    match test {
        Test::Equals(value) => Ok(actual == &**value),
        Test::OneOf(values) => Ok(values.iter().any(|value| actual == &**value)),
        Test::StartsWith(prefix) => Ok(actual.starts_with(&**prefix)),
        Test::EndsWith(suffix) => Ok(actual.ends_with(&**suffix)),
        Test::Contains(_) | Test::Exists | Test::Fingerprint(_) => Err(Fault::Unresolved),
    }
}

impl From<&NameError> for Fault {
    fn from(error: &NameError) -> Self {
        match error {
            NameError::Absent { .. } => Self::Absent,
            NameError::Repeated { .. } => Self::Repeated,
            _ => Self::Undecodable,
        }
    }
}
