//! What the sections of a policy file say, before anything is put together.

mod anchor;
mod resource;
mod role;
mod route;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) use resource::{DeclaredFields, DeclaredResource};
pub(super) use route::DeclaredRoute;

use super::fields::{Fields, kind};
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

/// Adds what one file says; gives what it includes.
pub(super) fn document(
    table: &Spanned<DeTable<'_>>,
    file: u16,
    declared: &mut Declared,
    report: &mut Report,
) -> Vec<Text> {
    let mut fields = Fields::new("a policy file", table.get_ref(), file, origin(file, 0..0));
    if !version(&mut fields, file, report) {
        // The rest may mean something else there.
        return Vec::new();
    }
    let include = fields.texts("include", report);
    anchor::anchors(&mut fields, declared, report);
    role::roles(&mut fields, declared, report);
    route::routes(&mut fields, declared, report);
    resource::resources(&mut fields, declared, report);
    fields.finish(report);
    include
}

/// Checks the version; whether it is worth while to read on.
fn version(fields: &mut Fields<'_>, file: u16, report: &mut Report) -> bool {
    const HELP: &str = "begin the file with `version = 1`";
    let Some(value) = fields.value("version") else {
        report.add_with_help(fields.origin(), "the file does not say which version it is written for", HELP);
        return true;
    };
    let origin = origin(file, value.span());
    match value.get_ref() {
        DeValue::Integer(number) if (number.as_str(), number.radix()) == ("1", 10) => true,
        DeValue::Integer(number) => {
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
