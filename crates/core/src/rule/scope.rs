//! What a rule can see while it is decided.

use std::borrow::Cow;
use std::fmt;

use super::Fault;
use super::value::Value;
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
    resource: Option<&'a dyn ResourceFacts>,
    /// Whether the request only stands in for one that nobody has made.
    is_ahead: bool,
}

/// What is known of the one resource that a rule decides about; fetched before.
pub(crate) trait ResourceFacts: fmt::Debug + Sync {
    /// A field; an error if it is absent or NULL.
    fn field(&self, name: &str) -> Result<Value<'_>, Fault>;

    /// Whether the access control list gives the caller the permission.
    fn acl(&self, permission: &str) -> Result<bool, Fault>;
}

impl<'a> Scope<'a> {
    pub(crate) fn new(request: &'a Request<'a>, principal: &'a Principal, route: &'a RouteMatch<'a>) -> Self {
        Self { request, principal, route: Some(route), resource: None, is_ahead: false }
    }

    /// For conditions that read neither the request nor its path.
    pub(crate) fn without_route(request: &'a Request<'a>, principal: &'a Principal) -> Self {
        Self { request, principal, route: None, resource: None, is_ahead: false }
    }

    /// For looking ahead: what a rule reads of the request is not known; the one given stands in for it.
    pub(crate) fn ahead(request: &'a Request<'a>, principal: &'a Principal) -> Self {
        Self { is_ahead: true, ..Self::without_route(request, principal) }
    }

    /// The same for one resource.
    #[cfg_attr(not(test), expect(dead_code, reason = "resource rules are decided by the filter to come"))]
    pub(crate) fn with_resource(self, resource: &'a dyn ResourceFacts) -> Self {
        Self { resource: Some(resource), ..self }
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

    pub(super) fn identity(&self) -> Result<&'a Identity, Fault> {
        self.principal.identity().ok_or(Fault::NotVerified)
    }

    /// Whether no request was made yet.
    pub(crate) fn is_ahead(&self) -> bool {
        self.is_ahead
    }

    /// The request, if one was made.
    pub(super) fn made_request(&self) -> Result<&'a Request<'a>, Fault> {
        if self.is_ahead { Err(Fault::NoRequest) } else { Ok(self.request) }
    }

    pub(super) fn resource(&self) -> Result<&'a dyn ResourceFacts, Fault> {
        self.resource.ok_or(Fault::NoResource)
    }
}
