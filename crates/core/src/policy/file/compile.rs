//! From what a policy file declares to what a policy is put together from.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::rules::{Context, Rules};
use super::section::{DeclaredFields, DeclaredResource, DeclaredRoute};
use super::text::Text;
use crate::policy::assemble::{RoleRemark, RouteEntry};
use crate::policy::report::{Origin, Report};
use crate::policy::resource::{FieldType, ResourceRule, ResourceType};
use crate::rule::Rule;

pub(super) fn conditions(
    declared: Vec<RoleRemark<Text>>,
    rules: &mut Rules<'_>,
    report: &mut Report,
) -> Vec<RoleRemark<Rule>> {
    let mut conditions = Vec::with_capacity(declared.len());
    for RoleRemark { role, remark: text } in declared {
        if let Some(rule) = rules.read(&text, Context::Condition, report) {
            conditions.push(RoleRemark { role, remark: Rule::clone(&rule) });
        }
    }
    conditions
}

pub(super) fn routes(
    declared: Vec<DeclaredRoute>,
    rules: &mut Rules<'_>,
    report: &mut Report,
) -> Vec<RouteEntry> {
    let mut routes = Vec::with_capacity(declared.len());
    for DeclaredRoute { pattern, origin, host, id, description, allow } in declared {
        if let Some(rule) = rules.read(&allow, Context::Route(&pattern), report) {
            routes.push(RouteEntry { pattern, origin, host, id, description, rule });
        }
    }
    routes
}

/// The rules about data. Every type has its fields declared once, or alike.
pub(super) fn resources(
    declared: Vec<DeclaredResource>,
    rules: &mut Rules<'_>,
    report: &mut Report,
) -> Vec<ResourceRule> {
    let types = types(&declared, report);
    let is_partial = |fields: &DeclaredFields| fields.is_partial;
    let partial: HashSet<Box<str>> = declared
        .iter()
        .filter(|resource| resource.fields.as_ref().is_some_and(is_partial))
        .map(|resource| resource.name.text.clone())
        .collect();
    let mut resources = Vec::with_capacity(declared.len());
    let mut first: HashMap<(Box<str>, Box<str>), Origin> = HashMap::new();
    for resource in declared {
        let Some(resource_type) = types.get(&resource.name.text) else { continue };
        let key = (resource.name.text.clone(), resource.action.text.clone());
        if let Some(other) = first.get(&key) {
            let (resource_type, action) = (key.0.escape_debug(), key.1.escape_debug());
            let other = report.place(*other);
            let message = format!(
                "there are two rules for `{action}` of `{resource_type}` (first at {other}): join them with `||`"
            );
            report.add(resource.action.origin, message);
            continue;
        }
        first.insert(key, resource.action.origin);
        if partial.contains(&resource.name.text) {
            continue;
        }
        let Some(rule) = rules.read(&resource.allow, Context::Resource(resource_type), report) else {
            continue;
        };
        resources.push(ResourceRule {
            resource_type: Arc::clone(resource_type),
            action: resource.action.text,
            rule,
            description: resource.description,
            place: report.place(resource.origin),
        });
    }
    resources
}

fn types(declared: &[DeclaredResource], report: &mut Report) -> HashMap<Box<str>, Arc<ResourceType>> {
    let mut fields: HashMap<&str, Option<&DeclaredFields>> = HashMap::new();
    for resource in declared {
        let known = fields.entry(&resource.name.text).or_default();
        match (&known, &resource.fields) {
            (Some(first), Some(other)) if sorted(first) != sorted(other) => {
                let first = report.place(first.origin);
                let name = resource.name.text.escape_debug();
                let message = format!(
                    "`{name}` has other fields elsewhere (at {first}): declare the same ones, or leave them out here"
                );
                report.add(other.origin, message);
            }
            (None, Some(first)) => *known = Some(first),
            _ => {}
        }
    }
    let of = |(name, fields): (&str, Option<&DeclaredFields>)| {
        let fields = fields.map(|fields| fields.types.clone()).unwrap_or_default();
        (name.into(), Arc::new(ResourceType { name: name.into(), fields }))
    };
    fields.into_iter().map(of).collect()
}

fn sorted(fields: &DeclaredFields) -> Vec<&(Box<str>, FieldType)> {
    let mut types: Vec<_> = fields.types.iter().collect();
    types.sort();
    types
}
