//! `[roles.X]`: who has a role, and what it includes.

use super::Declared;
use crate::policy::assemble::{MembersEntry, RoleEntry, RoleRemark, Written};
use crate::policy::file::fields::{Fields, Shape};
use crate::policy::file::text::Text;
use crate::policy::report::Report;

const ROLES: Shape = Shape { what: "`roles`", example: "[roles.admin]", keys: &[], required: &[] };

/// One role.
pub(in crate::policy::file) const ROLE: Shape = Shape {
    what: "a role",
    example: "[roles.admin]",
    keys: &["includes", "members", "when", "description"],
    required: &[],
};

pub(super) fn roles(document: Fields<'_>, file: u16, declared: &mut Declared, report: &mut Report) {
    for (name, value) in document.entries("roles", &ROLES, report) {
        let Some(fields) = Fields::of(&ROLE, value, file, report) else { continue };
        fields.check(report);
        let includes = written(fields.texts("includes", report));
        let members = written(fields.texts("members", report));
        let when = fields.text("when", report);
        let description = fields.text("description", report);

        let role = name.written();
        if let Some(when) = when {
            declared.conditions.push(RoleRemark { role: role.clone(), remark: when });
        }
        if let Some(description) = description {
            declared.descriptions.push(RoleRemark { role: role.clone(), remark: description.value });
        }
        if !members.is_empty() {
            declared.members.push(MembersEntry { role: role.clone(), names: members });
        }
        declared.roles.push(RoleEntry { name: role, includes });
    }
}

fn written(texts: Vec<Text>) -> Vec<Written> {
    texts.iter().map(Text::written).collect()
}
