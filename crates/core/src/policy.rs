//! Which rule decides which request.

mod build;
mod digest;
pub mod pattern;
mod role_definition;
pub mod table;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

pub use build::{PolicyBuilder, PolicyError, PolicyFault};
pub use pattern::{Pattern, PatternError};
pub use role_definition::RoleDefinition;
pub use table::RouteIndex;
use table::RouteTable;

use crate::principal::naming::Naming;
use crate::request::Request;
use crate::role::{Hierarchy, Role};
use crate::rule::Rule;

/// Which rule decides which request, which roles there are, and which field names a caller.
///
/// What no route names is closed. The path alone picks the pattern, segment by segment: a literal
/// before `{name}` before `{*rest}`; within it the host, then the named method before `*`. The
/// order of declaration never matters. `GET` covers `HEAD`, and `/a/{*rest}` covers `/a` and `/a/`.
///
/// Cloning is cheap.
///
/// # Examples
///
/// ```
/// use portcullis_core::Policy;
/// use portcullis_core::rule::{anyone, authenticated, role};
///
/// let policy = Policy::builder()
///     .role("user", [])
///     .role("admin", ["user"])
///     .route("GET /", anyone())
///     .route("GET /reports/{id}", authenticated())
///     .route("* /admin/{*rest}", role("admin"))
///     .build()?;
/// assert_eq!(policy.routes().count(), 3);
///
/// let mistaken = Policy::builder().route("GET /", role("admn")).build();
/// assert!(mistaken.unwrap_err().to_string().contains("the role `admn` is not defined"));
/// # Ok::<(), portcullis_core::policy::PolicyError>(())
/// ```
#[derive(Clone)]
pub struct Policy(Arc<Inner>);

struct Inner {
    table: RouteTable,
    routes: Vec<Route>,
    roles: Vec<RoleDefinition>,
    /// The roles of each name that is listed as a member.
    members: HashMap<Box<str>, Vec<Role>>,
    hierarchy: Arc<Hierarchy>,
    naming: Naming,
}

impl Policy {
    /// A policy to be filled in; as it stands it lets nobody in.
    #[must_use]
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// The routes, in the order of declaration.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.0.routes.iter()
    }

    /// Whether the policy defines the role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.0.hierarchy.index(role).is_some()
    }

    /// What it says of each role, in the order of declaration.
    pub fn roles(&self) -> impl Iterator<Item = &RoleDefinition> {
        self.0.roles.iter()
    }

    /// The roles that list the caller of this name as a member.
    pub(crate) fn roles_of_member(&self, name: &str) -> &[Role] {
        self.0.members.get(name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn hierarchy(&self) -> &Arc<Hierarchy> {
        &self.0.hierarchy
    }

    pub(crate) fn naming(&self) -> &Naming {
        &self.0.naming
    }

    pub(crate) fn route(&self, index: RouteIndex) -> Option<&Route> {
        self.0.routes.get(index.position())
    }

    /// The route that decides the request; the request must have passed the firewall.
    pub(crate) fn find<'a>(&'a self, request: &Request<'a>) -> Option<RouteMatch<'a>> {
        let host = request.authority().map(host_of);
        let index = self.0.table.find(request.method(), request.path(), host)?;
        let route = self.route(index)?;
        Some(RouteMatch { table: &self.0.table, route, index, path: request.path() })
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes()).finish()
    }
}

/// One route of a policy: what it matches, and the rule.
#[derive(Clone)]
pub struct Route {
    pattern: Pattern,
    host: Option<Box<str>>,
    rule: Rule,
}

impl Route {
    /// The method and path that it matches.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// The host that it is for; `None` for all.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }
}

/// The pattern, with the host if there is one.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) => write!(f, "{} on {host}", self.pattern),
            None => self.pattern.fmt(f),
        }
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} => {}", self.rule)
    }
}

/// A route that was found for a request.
#[derive(Clone, Copy)]
pub(crate) struct RouteMatch<'a> {
    table: &'a RouteTable,
    route: &'a Route,
    index: RouteIndex,
    path: &'a str,
}

impl<'a> RouteMatch<'a> {
    pub(crate) fn rule(&self) -> &'a Rule {
        &self.route.rule
    }

    pub(crate) fn index(&self) -> RouteIndex {
        self.index
    }

    /// The part of the path that `{name}` stands for, decoded once.
    pub(crate) fn param(&self, name: &str) -> Option<Cow<'a, str>> {
        let (_, raw) = self.table.params(self.index, self.path).find(|(param, _)| *param == name)?;
        table::decode(raw)
    }
}

impl fmt::Debug for RouteMatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.route.fmt(f)
    }
}

/// The host of an authority: no user information, no port, no trailing dot.
fn host_of(authority: &str) -> &str {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        // An IPv6 address without a port ends in its bracket.
        Some((host, port)) if !port.ends_with(']') => host,
        _ => host,
    };
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_port_and_dot() {
        for (authority, host) in [
            ("example.com", "example.com"),
            ("example.com:8443", "example.com"),
            ("example.com.:443", "example.com"),
            ("[::1]:8443", "[::1]"),
            ("[::1]", "[::1]"),
            ("user@example.com:1", "example.com"),
        ] {
            assert_eq!(host_of(authority), host);
        }
    }
}
