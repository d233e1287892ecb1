//! `[[resource]]`: who may do what with a piece of data.

use toml::de::DeValue;

use super::Declared;
use crate::policy::assemble::Written;
use crate::policy::file::fields::{Fields, kind};
use crate::policy::file::text::{Text, origin};
use crate::policy::report::{Origin, Report};
use crate::policy::resource::FieldType;
use crate::rule::did_you_mean;

/// A resource whose rule is still text.
#[derive(Debug)]
pub(in crate::policy::file) struct DeclaredResource {
    pub(in crate::policy::file) origin: Origin,
    pub(in crate::policy::file) name: Written,
    pub(in crate::policy::file) fields: Option<DeclaredFields>,
    pub(in crate::policy::file) action: Written,
    pub(in crate::policy::file) description: Option<Box<str>>,
    pub(in crate::policy::file) allow: Text,
}

/// The fields of a type, in the order of the file.
#[derive(Debug)]
pub(in crate::policy::file) struct DeclaredFields {
    pub(in crate::policy::file) origin: Origin,
    pub(in crate::policy::file) types: Vec<(Box<str>, FieldType)>,
    /// Whether some of them could not be read, so that a rule may be right although it seems wrong.
    pub(in crate::policy::file) is_partial: bool,
}

pub(super) fn resources(fields: &mut Fields<'_>, declared: &mut Declared, report: &mut Report) {
    for mut fields in fields.tables("resource", ("a resource", "[[resource]]"), report) {
        let start = fields.origin();
        let name = fields.required("type", r#"type = "document""#, report);
        let types = field_types(&mut fields, report);
        let action = fields.required("action", r#"action = "read""#, report);
        let allow = fields.required("allow", r#"allow = 'resource.owner == principal.name'"#, report);
        let description = fields.text("description", report).map(|text| text.value);
        fields.finish(report);

        let (Some(name), Some(action), Some(allow)) = (name, action, allow) else { continue };
        for (key, text) in [("type", &name), ("action", &action)] {
            if !is_word(&text.value) {
                let value = text.value.escape_debug();
                report.add(
                    text.origin(),
                    format!("`{value}` is no {key} of a resource: use letters, digits, `_`, `-` and `.`"),
                );
            }
        }
        declared.resources.push(DeclaredResource {
            origin: start,
            name: name.written(),
            fields: types,
            action: action.written(),
            description,
            allow,
        });
    }
}

fn field_types(fields: &mut Fields<'_>, report: &mut Report) -> Option<DeclaredFields> {
    let file = fields.file();
    let mut types = Vec::new();
    let entries = fields.entries("fields", ("`fields`", r#"fields = { owner = "string" }"#), report);
    let count = entries.len();
    for (name, value) in entries {
        let place = origin(file, value.span());
        if !is_identifier(&name.value) {
            let name_text = name.value.escape_debug();
            report.add(
                name.origin(),
                format!("`{name_text}` is no field name: use letters, digits and `_`, not a digit first"),
            );
            continue;
        }
        match value.get_ref() {
            DeValue::String(text) => match FieldType::named(text) {
                Some(field_type) => types.push((name.value, field_type)),
                None => {
                    let help = did_you_mean(text, FieldType::NAMES, "")
                        .unwrap_or_else(|| format!("the types are `{}`", FieldType::NAMES.join("`, `")));
                    let text = text.escape_debug();
                    report.add_with_help(place, format!("`{text}` is no type of a field"), help);
                }
            },
            other => {
                let message = format!("the type of a field must be a string, not {}", kind(other));
                report.add_with_help(place, message, r#"write `{ owner = "string" }`"#);
            }
        }
    }
    let origin = fields.place_of("fields")?;
    let is_partial = types.len() < count || !fields.is_table("fields");
    Some(DeclaredFields { origin, types, is_partial })
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
