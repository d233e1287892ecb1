//! `[roles.X]`: who has a role, and what it includes.

use super::Declared;
use crate::policy::assemble::{MembersEntry, RoleEntry, RoleRemark, Written};
use crate::policy::file::fields::Fields;
use crate::policy::file::text::Text;
use crate::policy::report::Report;

pub(super) fn roles(fields: &mut Fields<'_>, declared: &mut Declared, report: &mut Report) {
    for (name, value) in fields.entries("roles", ("`roles`", "[roles.admin]"), report) {
        let Some(mut fields) = Fields::of(("a role", "[roles.admin]"), value, name.file, report) else {
            continue;
        };
        let includes = written(fields.texts("includes", report));
        let members = written(fields.texts("members", report));
        let when = fields.text("when", report);
        let description = fields.text("description", report);
        fields.finish(report);

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
