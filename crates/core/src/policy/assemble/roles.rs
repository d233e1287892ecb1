//! Roles: what they include, who has them, and on which condition.

use std::collections::HashMap;

use super::{MembersEntry, RoleEntry, RoleRemark, Written};
use crate::policy::RoleDefinition;
use crate::policy::report::{Origin, Report};
use crate::role::{Hierarchy, Role, RoleError};
use crate::rule::{self, Rule};

/// The roles of a policy that is being put together.
#[derive(Debug, Default)]
pub(in crate::policy) struct Roles {
    pub(in crate::policy) definitions: Vec<RoleDefinition>,
    pub(in crate::policy) hierarchy: Hierarchy,
    /// The place of each name in the definitions.
    indices: HashMap<Role, usize>,
}

impl Roles {
    fn definition(&mut self, name: &str) -> Option<&mut RoleDefinition> {
        let index = *self.indices.get(name)?;
        self.definitions.get_mut(index)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.definitions.iter().map(|definition| definition.role.name())
    }
}

/// The roles with their hierarchy.
///
/// If anything is wrong with them, the hierarchy still knows every name, so that rules can be checked.
pub(in crate::policy) fn roles(entries: &[RoleEntry], report: &mut Report) -> Roles {
    let mut roles = Roles::default();
    let mut first: HashMap<Role, Origin> = HashMap::new();
    for entry in entries {
        let Some(role) = role(&entry.name, report) else { continue };
        if let Some(other) = first.get(&role) {
            let other = report.place(*other);
            report.add(
                entry.name.origin,
                format!(
                    "the role `{role}` is defined twice (first at {other}): merge the two definitions, or rename one"
                ),
            );
            continue;
        }
        let includes = entry.includes.iter().filter_map(|name| self::role(name, report)).collect();
        first.insert(role.clone(), entry.name.origin);
        roles.indices.insert(role.clone(), roles.definitions.len());
        let place = report.place(entry.name.origin);
        roles.definitions.push(RoleDefinition {
            role,
            includes,
            members: Vec::new(),
            when: None,
            description: None,
            place,
        });
    }
    roles.hierarchy = hierarchy(entries, &roles, report);
    roles
}

fn role(name: &Written, report: &mut Report) -> Option<Role> {
    Role::new(&name.text).map_err(|error| report.add(name.origin, error)).ok()
}

fn hierarchy(entries: &[RoleEntry], roles: &Roles, report: &mut Report) -> Hierarchy {
    let all = roles.definitions.iter();
    let inclusions: Vec<_> = all.map(|role| (role.role.clone(), role.includes.clone())).collect();
    Hierarchy::build(&inclusions).unwrap_or_else(|errors| {
        for error in errors {
            add_error(entries, roles, &error, report);
        }
        let names: Vec<_> = inclusions.into_iter().map(|(role, _)| (role, Vec::new())).collect();
        Hierarchy::build(&names).unwrap_or_default()
    })
}

/// Reports an error at the name that has to be changed.
fn add_error(entries: &[RoleEntry], roles: &Roles, error: &RoleError, report: &mut Report) {
    let origin_of = |name: &str, included: Option<&str>| {
        let entry = entries.iter().find(|entry| *entry.name.text == *name)?;
        let included = entry.includes.iter().find(|role| Some(&*role.text) == included);
        Some(included.unwrap_or(&entry.name).origin)
    };
    let (origin, help) = match error {
        RoleError::Unknown { role, by } => (origin_of(by, Some(role)), did_you_mean(role, roles)),
        RoleError::Cycle { path } => match path.as_slice() {
            [first, second, ..] => (origin_of(first, Some(second)), None),
            _ => (None, None),
        },
        RoleError::Name { role } | RoleError::Duplicate { role } => (origin_of(role, None), None),
    };
    let Some(origin) = origin.or_else(|| entries.first().map(|entry| entry.name.origin)) else { return };
    match help {
        Some(help) => report.add_with_help(origin, error, help),
        None => report.add(origin, error),
    }
}

fn did_you_mean(role: &str, roles: &Roles) -> Option<String> {
    rule::did_you_mean(role, roles.names(), "")
}

/// Adds the members to their roles, and finds the roles of each name.
pub(in crate::policy) fn members(
    entries: Vec<MembersEntry>,
    roles: &mut Roles,
    report: &mut Report,
) -> HashMap<Box<str>, Vec<Role>> {
    let mut by_name: HashMap<Box<str>, Vec<Role>> = HashMap::new();
    for MembersEntry { role, names } in entries {
        let Some(definition) = roles.definition(&role.text) else {
            add_unknown(&role, "members are given to", roles, report);
            continue;
        };
        for name in names {
            if name.text.is_empty() {
                let role = &definition.role;
                report.add(
                    name.origin,
                    format!(
                        "the role `{role}` has a member with an empty name: write the name or leave it out"
                    ),
                );
            }
            by_name.entry(name.text.clone()).or_default().push(definition.role.clone());
            definition.members.push(name.text);
        }
    }
    by_name
}

/// Adds the conditions under which callers have roles.
pub(in crate::policy) fn conditions(entries: Vec<RoleRemark<Rule>>, roles: &mut Roles, report: &mut Report) {
    for RoleRemark { role, remark: rule } in entries {
        match roles.definition(&role.text) {
            Some(definition) if definition.when.is_none() => definition.when = Some(rule),
            Some(_) => report.add(
                role.origin,
                format!("the role `{}` has two conditions: join them with `||`", role.text),
            ),
            None => add_unknown(&role, "a condition is given to", roles, report),
        }
    }
}

/// Adds what is said of the roles for people.
pub(in crate::policy) fn descriptions(
    entries: Vec<RoleRemark<Box<str>>>,
    roles: &mut Roles,
    report: &mut Report,
) {
    for RoleRemark { role, remark } in entries {
        match roles.definition(&role.text) {
            Some(definition) => definition.description = Some(remark),
            None => add_unknown(&role, "a description is given to", roles, report),
        }
    }
}

fn add_unknown(role: &Written, what: &str, roles: &Roles, report: &mut Report) {
    let name = role.text.escape_debug();
    let message = format!("{what} the role `{name}`, which is not defined: define it or correct the name");
    match did_you_mean(&role.text, roles) {
        Some(help) => report.add_with_help(role.origin, message, help),
        None => report.add(role.origin, message),
    }
}
