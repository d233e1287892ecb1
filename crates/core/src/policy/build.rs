//! Building a policy in the program.

use std::fmt;
use std::sync::Arc;

use super::assemble::{self, AnchorEntry, MembersEntry, RoleEntry, RoleRemark, RouteEntry, Written};
use super::condition::{self, beyond_certificate};
use super::pattern::Pattern;
use super::report::{Origin, Report};
use super::{Inner, Policy, PolicyError};
use crate::principal::naming::{AnchorNaming, NameField};
use crate::role::Hierarchy;
use crate::rule::{Environment, Rule};

/// Collects the parts of a [`Policy`]; all mistakes are reported together by [`build`](Self::build).
#[derive(Default)]
#[must_use = "call `build` to get the policy"]
pub struct PolicyBuilder {
    routes: Vec<Declared>,
    roles: Vec<RoleEntry>,
    members: Vec<MembersEntry>,
    conditions: Vec<RoleRemark<Rule>>,
    descriptions: Vec<RoleRemark<Box<str>>>,
    anchors: Vec<AnchorEntry>,
    /// Calls that say something of a route although there is none.
    stray: Vec<(Origin, &'static str)>,
}

/// A route as it was declared.
struct Declared {
    origin: Origin,
    pattern: Box<str>,
    host: Option<Written>,
    id: Option<Written>,
    description: Option<Box<str>>,
    rule: Rule,
}

impl PolicyBuilder {
    /// Opens what the pattern matches to those for whom the rule holds.
    ///
    /// A pattern is a method or `*`, a blank, and a path, such as `GET /reports/{id}` or
    /// `* /admin/{*rest}`.
    #[track_caller]
    pub fn route(self, pattern: &str, rule: Rule) -> Self {
        self.declare(Origin::caller(), None, pattern, rule)
    }

    /// The same, for requests to one host only.
    ///
    /// A path that is opened for a host must name hosts in all its routes.
    #[track_caller]
    pub fn host_route(self, host: &str, pattern: &str, rule: Rule) -> Self {
        let origin = Origin::caller();
        self.declare(origin, Some(Written::new(host, origin)), pattern, rule)
    }

    fn declare(mut self, origin: Origin, host: Option<Written>, pattern: &str, rule: Rule) -> Self {
        let pattern = pattern.into();
        self.routes.push(Declared { origin, pattern, host, id: None, description: None, rule });
        self
    }

    /// Gives the last route an id for logs and reports; without one, its pattern serves.
    #[track_caller]
    pub fn route_id(mut self, id: &str) -> Self {
        let origin = Origin::caller();
        match self.routes.last_mut() {
            Some(route) => route.id = Some(Written::new(id, origin)),
            None => self.stray.push((origin, "an id")),
        }
        self
    }

    /// Says of the last route what it is for.
    #[track_caller]
    pub fn route_description(mut self, description: &str) -> Self {
        match self.routes.last_mut() {
            Some(route) => route.description = Some(description.into()),
            None => self.stray.push((Origin::caller(), "a description")),
        }
        self
    }

    /// Defines a role, and which others it includes: who has it, has those too.
    #[track_caller]
    pub fn role<'r>(mut self, name: &str, includes: impl IntoIterator<Item = &'r str>) -> Self {
        let origin = Origin::caller();
        let includes = includes.into_iter().map(|role| Written::new(role, origin)).collect();
        self.roles.push(RoleEntry { name: Written::new(name, origin), includes });
        self
    }

    /// Gives a role to the callers of these names.
    #[track_caller]
    pub fn members<'m>(mut self, role: &str, names: impl IntoIterator<Item = &'m str>) -> Self {
        let origin = Origin::caller();
        let names = names.into_iter().map(|name| Written::new(name, origin)).collect();
        self.members.push(MembersEntry { role: Written::new(role, origin), names });
        self
    }

    /// Gives a role to every caller whose certificate meets the condition.
    ///
    /// The rule may read the certificate and the anchor that vouched for it, but no role, name or
    /// request: roles are settled before any request is looked at.
    ///
    /// # Security
    ///
    /// If the condition does not name the [`anchor`](crate::rule::anchor), a certificate of every
    /// trusted authority can meet it.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::Policy;
    /// use portcullis_core::certificate::AttributeType;
    /// use portcullis_core::rule::{anchor, role, subject};
    ///
    /// let auditors = anchor("staff").and(subject(AttributeType::OU).contains("Audit"));
    /// let policy = Policy::builder().role("auditor", []).role_when("auditor", auditors);
    /// assert!(policy.route("GET /books", role("auditor")).build().is_ok());
    ///
    /// let circular = Policy::builder().role("a", []).role("b", []).role_when("a", role("b"));
    /// assert!(circular.build().is_err());
    /// ```
    #[track_caller]
    pub fn role_when(mut self, role: &str, condition: Rule) -> Self {
        let role = Written::new(role, Origin::caller());
        self.conditions.push(RoleRemark { role, remark: condition });
        self
    }

    /// Says of a role what it is for.
    #[track_caller]
    pub fn role_description(mut self, role: &str, description: &str) -> Self {
        let role = Written::new(role, Origin::caller());
        self.descriptions.push(RoleRemark { role, remark: description.into() });
        self
    }

    /// Says which field names the callers of a trust anchor, by the anchor's label.
    ///
    /// Without any such entry, the subject's common name names them, as long as the TLS
    /// configuration has anchors under one label only.
    #[track_caller]
    pub fn anchor(self, label: &str, name: NameField) -> Self {
        self.anchor_with_prefix(label, name, "")
    }

    /// The same, with a prefix to the name, so that the names of two anchors never mix.
    #[track_caller]
    pub fn anchor_with_prefix(mut self, label: &str, name: NameField, prefix: &str) -> Self {
        let naming = AnchorNaming { field: name, prefix: prefix.into() };
        self.anchors.push(AnchorEntry { label: Written::new(label, Origin::caller()), naming });
        self
    }

    /// Builds the policy.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with every mistake that was found: a malformed pattern, two routes for the
    /// same requests, an unknown role, a circle of roles, an empty `all` or `any`.
    pub fn build(self) -> Result<Policy, PolicyError> {
        let mut report = Report::default();
        for (origin, what) in self.stray {
            report.add(origin, format!("{what} is given to no route: add the route first"));
        }
        let mut roles = assemble::roles(&self.roles, &mut report);
        let members = assemble::members(self.members, &mut roles, &mut report);
        let conditions = resolve_conditions(self.conditions, &roles.hierarchy, &mut report);
        assemble::conditions(conditions, &mut roles, &mut report);
        assemble::descriptions(self.descriptions, &mut roles, &mut report);
        let naming = assemble::naming(self.anchors, &mut report);
        let routes = resolve_routes(self.routes, &roles.hierarchy, &mut report);
        let routes = assemble::routes(routes, &mut report);
        report.finish()?;
        Ok(Inner::new(routes, roles, members, naming).into())
    }
}

/// Finds the roles in the rules, and checks the patterns.
fn resolve_routes(declared: Vec<Declared>, hierarchy: &Hierarchy, report: &mut Report) -> Vec<RouteEntry> {
    let mut routes = Vec::with_capacity(declared.len());
    for Declared { origin, pattern, host, id, description, mut rule } in declared {
        let parsed = Pattern::parse(&pattern);
        let params: Option<Vec<_>> = parsed.as_ref().ok().map(|pattern| pattern.parameters().collect());
        let environment =
            Environment { roles: Some(hierarchy), params: params.as_deref(), ..Environment::default() };
        for message in rule.resolve_in(&environment) {
            report.add(origin, format!("in the rule of `{pattern}`: {message}"));
        }
        match parsed {
            Ok(pattern) => {
                routes.push(RouteEntry { pattern, origin, host, id, description, rule: Arc::new(rule) });
            }
            Err(error) => report.add(origin, error),
        }
    }
    routes
}

fn resolve_conditions(
    mut conditions: Vec<RoleRemark<Rule>>,
    hierarchy: &Hierarchy,
    report: &mut Report,
) -> Vec<RoleRemark<Rule>> {
    for RoleRemark { role, remark: rule } in &mut conditions {
        for message in rule.resolve(hierarchy) {
            report.add(role.origin, format!("in the condition of the role `{}`: {message}", role.text));
        }
        if let Some(what) = beyond_certificate(rule) {
            let message = format!("the condition of the role `{}` reads {what}", role.text);
            report.add_with_help(role.origin, message, condition::HELP);
        }
    }
    conditions
}

impl fmt::Debug for PolicyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyBuilder")
            .field("routes", &self.routes.len())
            .field("roles", &self.roles.len())
            .field("anchors", &self.anchors.len())
            .finish_non_exhaustive()
    }
}
