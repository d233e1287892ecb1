//! Building a policy, and everything that can be wrong with one.

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::pattern::Pattern;
use super::table::{RouteIndex, RouteTable};
use super::{Inner, Policy, RoleDefinition, Route};
use crate::principal::naming::{AnchorNaming, NameField, Naming};
use crate::role::{Hierarchy, Role};
use crate::rule::Rule;

type Place = &'static Location<'static>;

/// Collects the parts of a [`Policy`]; all mistakes are reported together by [`build`](Self::build).
#[derive(Default)]
#[must_use = "call `build` to get the policy"]
pub struct PolicyBuilder {
    routes: Vec<(Place, String, Option<String>, Rule)>,
    roles: Vec<(Place, String, Vec<String>)>,
    members: Vec<(Place, String, Vec<Box<str>>)>,
    anchors: Vec<(Place, String, AnchorNaming)>,
}

impl PolicyBuilder {
    /// Opens what the pattern matches to those for whom the rule holds.
    ///
    /// A pattern is a method or `*`, a blank, and a path, such as `GET /reports/{id}` or
    /// `* /admin/{*rest}`.
    #[track_caller]
    pub fn route(mut self, pattern: &str, rule: Rule) -> Self {
        self.routes.push((Location::caller(), pattern.into(), None, rule));
        self
    }

    /// The same, for requests to one host only.
    ///
    /// A path that is opened for a host must name hosts in all its routes.
    #[track_caller]
    pub fn host_route(mut self, host: &str, pattern: &str, rule: Rule) -> Self {
        self.routes.push((Location::caller(), pattern.into(), Some(host.into()), rule));
        self
    }

    /// Defines a role, and which others it includes: who has it, has those too.
    #[track_caller]
    pub fn role<'r>(mut self, name: &str, includes: impl IntoIterator<Item = &'r str>) -> Self {
        let includes = includes.into_iter().map(String::from).collect();
        self.roles.push((Location::caller(), name.into(), includes));
        self
    }

    /// Gives a role to the callers of these names.
    #[track_caller]
    pub fn members<'m>(mut self, role: &str, names: impl IntoIterator<Item = &'m str>) -> Self {
        let names = names.into_iter().map(Box::from).collect();
        self.members.push((Location::caller(), role.into(), names));
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
        self.anchors.push((Location::caller(), label.into(), naming));
        self
    }

    /// Builds the policy.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with every mistake that was found: a malformed pattern, two routes for the
    /// same requests, an unknown role, a circle of roles, an empty `all` or `any`.
    pub fn build(self) -> Result<Policy, PolicyError> {
        let mut faults = Vec::new();
        let mut roles = definitions(&self.roles, &mut faults);
        let hierarchy = hierarchy(&self.roles, &roles, &mut faults);
        let members = members(self.members, &mut roles, &mut faults);
        let naming = naming(self.anchors, &mut faults);
        let (table, routes) = routes(self.routes, &hierarchy, &mut faults);
        if faults.is_empty() {
            let hierarchy = Arc::new(hierarchy);
            Ok(Policy(Arc::new(Inner { table, routes, roles, members, hierarchy, naming })))
        } else {
            Err(PolicyError { faults })
        }
    }
}

fn definitions(roles: &[(Place, String, Vec<String>)], faults: &mut Vec<PolicyFault>) -> Vec<RoleDefinition> {
    let mut definitions = Vec::new();
    for (place, name, includes) in roles {
        let includes: Result<Vec<_>, _> = includes.iter().map(|role| Role::new(role)).collect();
        match Role::new(name).and_then(|role| Ok((role, includes?))) {
            Ok((role, includes)) => {
                definitions.push(RoleDefinition { role, includes, members: Vec::new(), when: None });
            }
            Err(error) => faults.push(PolicyFault::at(place, error)),
        }
    }
    definitions
}

fn hierarchy(
    roles: &[(Place, String, Vec<String>)],
    definitions: &[RoleDefinition],
    faults: &mut Vec<PolicyFault>,
) -> Hierarchy {
    let definitions: Vec<_> =
        definitions.iter().map(|definition| (definition.role.clone(), definition.includes.clone())).collect();
    Hierarchy::build(&definitions).unwrap_or_else(|errors| {
        for error in errors {
            let place = roles.iter().rfind(|(_, name, _)| error.concerns(name)).map(|(place, ..)| *place);
            faults.push(PolicyFault { place, message: error.to_string() });
        }
        Hierarchy::default()
    })
}

/// Adds the members to their roles, and finds the roles of each name.
fn members(
    declared: Vec<(Place, String, Vec<Box<str>>)>,
    roles: &mut [RoleDefinition],
    faults: &mut Vec<PolicyFault>,
) -> HashMap<Box<str>, Vec<Role>> {
    let mut by_name: HashMap<Box<str>, Vec<Role>> = HashMap::new();
    for (place, role, names) in declared {
        let Some(definition) = roles.iter_mut().find(|definition| definition.role.name() == role) else {
            let role = role.escape_debug();
            faults.push(PolicyFault::at(
                place,
                format!("members are given to the role `{role}`, which is not defined: define it or correct the name"),
            ));
            continue;
        };
        if names.iter().any(|name| name.is_empty()) {
            faults.push(PolicyFault::at(place, format!("the role `{role}` has a member with an empty name")));
        }
        for name in &names {
            by_name.entry(name.clone()).or_default().push(definition.role.clone());
        }
        definition.members.extend(names);
    }
    by_name
}

fn naming(anchors: Vec<(Place, String, AnchorNaming)>, faults: &mut Vec<PolicyFault>) -> Naming {
    let mut naming = Naming::default();
    for (place, label, anchor) in anchors {
        if let Err(message) = naming.insert(&label, anchor) {
            faults.push(PolicyFault::at(place, message));
        }
    }
    naming
}

fn routes(
    declared: Vec<(Place, String, Option<String>, Rule)>,
    hierarchy: &Hierarchy,
    faults: &mut Vec<PolicyFault>,
) -> (RouteTable, Vec<Route>) {
    let mut table = RouteTable::builder();
    let mut routes: Vec<Route> = Vec::new();
    let mut places: Vec<Place> = Vec::new();
    for (place, pattern, host, mut rule) in declared {
        for message in rule.resolve(hierarchy) {
            faults.push(PolicyFault::at(place, format!("in the rule of `{pattern}`: {message}")));
        }
        let pattern: Pattern = match pattern.parse() {
            Ok(pattern) => pattern,
            Err(error) => {
                faults.push(PolicyFault::at(place, error));
                continue;
            }
        };
        match table.insert(&pattern, host.as_deref()) {
            Ok(_) => {
                routes.push(Route { pattern, host: host.map(|h| h.to_ascii_lowercase().into()), rule });
                places.push(place);
            }
            Err(error) => {
                let other = error.other().and_then(|other| places.get(other.position()));
                let other = other.map(|place| format!(" (declared at {place})")).unwrap_or_default();
                faults.push(PolicyFault::at(place, format!("{error}{other}")));
            }
        }
    }
    for (a, b) in table.slash_variants() {
        slash_variant(&routes, &places, a, b, faults);
    }
    (table.build(), routes)
}

/// `/a/` must never be open to others than `/a`: a router or a rewrite may take one for the other.
fn slash_variant(
    routes: &[Route],
    places: &[Place],
    a: RouteIndex,
    b: RouteIndex,
    faults: &mut Vec<PolicyFault>,
) {
    let (Some(x), Some(y)) = (routes.get(a.position()), routes.get(b.position())) else { return };
    if x.rule != y.rule
        && let (Some(place), Some(other)) = (places.get(b.position()), places.get(a.position()))
    {
        faults.push(PolicyFault::at(
            place,
            format!(
                "`{y}` and `{x}` (declared at {other}) differ by a slash only and have different rules: \
                 give both the same rule, or remove one"
            ),
        ));
    }
}

/// Everything that is wrong with a policy, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    faults: Vec<PolicyFault>,
}

impl PolicyError {
    /// The mistakes, in the order in which they were found.
    #[must_use]
    pub fn faults(&self) -> &[PolicyFault] {
        &self.faults
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            write!(f, "{}{fault}", if i > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {}

/// One mistake in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFault {
    place: Option<Place>,
    message: String,
}

impl PolicyFault {
    fn at(place: Place, message: impl fmt::Display) -> Self {
        Self { place: Some(place), message: message.to_string() }
    }

    /// What is wrong, and what to do.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The source file and line of the call that declared it.
    #[must_use]
    pub fn place(&self) -> Option<(&str, u32)> {
        self.place.map(|place| (place.file(), place.line()))
    }
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "{}:{}: ", place.file(), place.line())?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Debug for PolicyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyBuilder")
            .field("routes", &self.routes.len())
            .field("roles", &self.roles.len())
            .field("anchors", &self.anchors.len())
            .finish()
    }
}
