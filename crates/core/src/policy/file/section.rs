//! What the sections of a policy file say, before anything is put together.

mod anchor;
mod resource;
mod role;
mod route;

pub(super) use resource::{DeclaredFields, DeclaredResource};
pub(super) use route::DeclaredRoute;

use super::document::{Data, Table};
use super::fields::{Fields, Shape, kind};
use super::text::{Text, origin};
use crate::policy::assemble::{AnchorEntry, MembersEntry, RoleEntry, RoleRemark};
use crate::policy::report::Report;

/// Everything that a policy and the files that it includes declare.
#[derive(Debug, Default)]
pub(super) struct Declared {
    /// The labels of all anchors, also of those with a mistake.
    pub(super) labels: Vec<Box<str>>,
    pub(super) anchors: Vec<AnchorEntry>,
    pub(super) roles: Vec<RoleEntry>,
    pub(super) members: Vec<MembersEntry>,
    pub(super) conditions: Vec<RoleRemark<Text>>,
    pub(super) descriptions: Vec<RoleRemark<Box<str>>>,
    pub(super) routes: Vec<DeclaredRoute>,
    pub(super) resources: Vec<DeclaredResource>,
}

/// A whole file.
pub(super) const DOCUMENT: Shape = Shape {
    what: "a policy file",
    example: "version = 1",
    keys: &["version", "include", "anchors", "roles", "route", "resource"],
    required: &[("version", "version = 1")],
};

/// Adds what one file says; gives what it includes.
pub(super) fn document(
    table: &Table<'_>,
    file: u16,
    declared: &mut Declared,
    report: &mut Report,
) -> Vec<Text> {
    let fields = Fields::of_document(&DOCUMENT, table, file);
    if !is_known_version(fields, file, report) {
        // The rest may mean something else there.
        return Vec::new();
    }
    fields.check(report);
    anchor::anchors(fields, declared, report);
    role::roles(fields, file, declared, report);
    route::routes(fields, file, declared, report);
    resource::resources(fields, file, declared, report);
    fields.texts("include", report)
}

/// Whether it is worth while to read on.
fn is_known_version(fields: Fields<'_>, file: u16, report: &mut Report) -> bool {
    let Some(value) = fields.value("version") else { return true };
    let origin = origin(file, value.span);
    match &value.data {
        Data::Integer(number) if number == "1" => true,
        Data::Integer(number) => {
            let message = format!("version {number} of policy files is not known here, only version 1 is");
            report.add_with_help(origin, message, "write `version = 1`, or use a newer release");
            false
        }
        other => {
            let message = format!("`version` must be an integer, not {}", kind(other));
            report.add_with_help(origin, message, "write `version = 1`");
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both say which keys there are; neither may know one that the other does not.
    #[test]
    fn the_json_schema_has_the_same_keys() {
        let schema = include_str!("../../../schema/policy-1.json");
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let definitions = &schema["definitions"];
        for (shape, schema) in [
            (&DOCUMENT, &schema),
            (&anchor::ANCHOR, &definitions["anchor"]),
            (&role::ROLE, &definitions["role"]),
            (&route::ROUTE, &definitions["route"]),
            (&resource::RESOURCE, &definitions["resource"]),
        ] {
            let mut keys = shape.keys.to_vec();
            keys.sort_unstable();
            let properties: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
            assert_eq!(properties, keys, "{}", shape.what);
            let required: Vec<_> = shape.required.iter().map(|(key, _)| serde_json::json!(key)).collect();
            let none = Vec::new();
            assert_eq!(*schema["required"].as_array().unwrap_or(&none), required, "{}", shape.what);
            assert_eq!(schema["additionalProperties"], false);
        }
    }
}
