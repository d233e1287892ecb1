//! Which rule decides which request, and who has which role.
//!
//! A policy is built in the program with [`Policy::builder`] or loaded from a file with
//! [`Policy::from_file`]; both are held to the same checks. What no route opens is closed.
//!
//! ```
//! use portcullis_core::{Authorizer, Connection, Peer, Policy, Request};
//!
//! let policy = Policy::from_text(
//!     "policy.toml",
//!     r#"
//!         version = 1
//!
//!         [anchors]
//!         staff = { name = "san.email" }
//!
//!         [roles.admin]
//!         members = ["alice@example.com"]
//!         when = 'anchor.label == "staff" && "Security" in subject.all.OU'
//!
//!         [[route]]
//!         match = "GET /"
//!         allow = "anyone"
//!         [[route]]
//!         match = "* /admin/{*rest}"
//!         allow = 'role("admin")'
//!     "#,
//! )?;
//! let auth = Authorizer::builder(policy).build()?;
//! let nobody = Connection::assertion(Peer::Anonymous);
//! assert!(auth.decide(&Request::new("GET", "/"), Some(&nobody)).is_allowed());
//! assert!(!auth.decide(&Request::new("GET", "/admin/"), Some(&nobody)).is_allowed());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The policy file
//!
//! | key | what |
//! | --- | --- |
//! | `version` | `1`; every file must say it |
//! | `include` | further files, by paths relative to this one; each is included once, without circles |
//! | `[anchors]` | `label = { name, prefix }`: which field names the callers of an anchor: `subject.CN` or another attribute, `san.email`, `san.dns`, `san.uri`, `san.upn`, `san.ip` or `spiffe.id`; what their names begin with |
//! | `[roles.NAME]` | `includes`: whoever has this role has those, too; `members`: names of callers; `when`: a condition on the certificate; `description` |
//! | `[[route]]` | `match`: a [`Pattern`]; `allow`: a [rule](crate::rule); `host`; `id`; `description` |
//! | `[[resource]]` | `type`, `fields` with their [types](FieldType), `action`, `allow`, `description`: rules about data |
//!
//! The order of declaration never matters, within a file or between files. Mistakes are told all at
//! once, each with a picture of its place. Editors that read `#:schema` in the first line check the
//! file while it is written, by `schema/policy-1.json` beside the sources of this crate.
//!
//! # Looking at a policy
//!
//! [`Policy::lint`] tells what is probably wrong, [`Policy::matrix`] who may pass where, and
//! [`Policy::diff`] what changes for whom when one policy takes the place of another;
//! [`Authorizer::reach`](crate::Authorizer::reach) tells what one caller may do.

mod assemble;
mod build;
mod condition;
mod diff;
mod digest;
mod error;
mod file;
mod lint;
mod matrix;
mod path;
pub mod pattern;
mod place;
mod reach;
mod report;
mod resource;
mod role_definition;
mod route;
mod survey;
pub mod table;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use build::PolicyBuilder;
pub use diff::{Change, GrantChange, ResourceChange};
pub use error::{PolicyError, PolicyFault};
pub use file::PolicyLoader;
pub use lint::{Finding, Level};
pub use matrix::{Matrix, MatrixRow};
pub use pattern::{Pattern, PatternError};
pub use place::Place;
pub use reach::Reach;
pub use resource::{FieldType, ResourceRule, ResourceType};
pub use role_definition::RoleDefinition;
use route::Notes;
pub use route::Route;
pub use survey::{Access, Caller};
pub use table::RouteIndex;
use table::RouteTable;

use crate::principal::naming::Naming;
use crate::request::Request;
use crate::role::{Hierarchy, Role};
use crate::rule::Rule;

/// The JSON Schema of the policy file, for editors: `schema/policy-1.json`.
pub const SCHEMA: &str = include_str!("../schema/policy-1.json");

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
    resources: Vec<ResourceRule>,
    /// The roles of each name that is listed as a member.
    members: HashMap<Box<str>, Vec<Role>>,
    /// Which of the roles have a condition.
    conditional: Box<[usize]>,
    hierarchy: Arc<Hierarchy>,
    naming: Naming,
    files: Vec<PathBuf>,
}

impl Inner {
    fn new(
        (table, routes): (RouteTable, Vec<Route>),
        roles: assemble::Roles,
        members: HashMap<Box<str>, Vec<Role>>,
        naming: Naming,
    ) -> Self {
        let assemble::Roles { definitions: roles, hierarchy, .. } = roles;
        let conditional = (0..).zip(&roles).filter(|(_, role)| role.when.is_some()).map(|(i, _)| i).collect();
        let (resources, files, hierarchy) = (Vec::new(), Vec::new(), Arc::new(hierarchy));
        Self { table, routes, roles, resources, members, conditional, hierarchy, naming, files }
    }
}

impl Policy {
    /// A policy to be filled in; as it stands it lets nobody in.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// Loads a policy file, with all that it includes; one with custom conditions needs a
    /// [`loader`](Self::loader).
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with every mistake that was found, each with a picture of its place.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, PolicyError> {
        Self::loader().file(path)
    }

    /// Loads a policy from the text of a file; `name` stands for it in messages.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with every mistake that was found, each with a picture of its place.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::Policy;
    ///
    /// let text = "version = 1\n[[route]]\nmatch = 'GET /'\nallow = 'anyone'\n";
    /// assert_eq!(Policy::from_text("policy.toml", text)?.routes().count(), 1);
    ///
    /// let mistake = Policy::from_text("policy.toml", &text.replace("allow", "alow")).unwrap_err();
    /// assert!(mistake.to_string().contains("did you mean `allow`?"));
    /// # Ok::<(), portcullis_core::policy::PolicyError>(())
    /// ```
    pub fn from_text(name: &str, text: &str) -> Result<Self, PolicyError> {
        Self::loader().text(name, text)
    }

    /// A loader of policy files that can be given custom conditions.
    pub fn loader() -> PolicyLoader {
        PolicyLoader::default()
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

    /// The rules about data, in the order of declaration.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceRule> {
        self.0.resources.iter()
    }

    /// The rule about one action on the resources of one type.
    #[must_use]
    pub fn resource(&self, resource_type: &str, action: &str) -> Option<&ResourceRule> {
        let fits =
            |rule: &&ResourceRule| rule.resource_type().name() == resource_type && rule.action() == action;
        self.resources().find(fits)
    }

    /// The files that it was loaded from, the including one first; none if it was not loaded from files.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.files.iter().map(PathBuf::as_path)
    }

    /// The roles that list the caller of this name as a member.
    pub(crate) fn roles_of_member(&self, name: &str) -> &[Role] {
        self.0.members.get(name).map_or(&[], Vec::as_slice)
    }

    /// The roles that a caller has if the certificate meets a condition, with these conditions.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = (&Role, &Rule)> {
        let roles = self.0.conditional.iter().filter_map(|index| self.0.roles.get(*index));
        roles.filter_map(|definition| Some((&definition.role, definition.when.as_ref()?)))
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

impl From<Inner> for Policy {
    fn from(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes()).finish()
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
        self.route.rule()
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
