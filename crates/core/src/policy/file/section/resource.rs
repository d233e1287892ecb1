//! `[[resource]]`: who may do what with a piece of data.

use super::Declared;
use crate::policy::assemble::Written;
use crate::policy::file::document::Data;
use crate::policy::file::fields::{Fields, Shape, kind};
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

/// One rule about data.
pub(in crate::policy::file) const RESOURCE: Shape = Shape {
    what: "a resource",
    example: "[[resource]]",
    keys: &["type", "fields", "action", "allow", "description"],
    required: &[
        ("type", r#"type = "document""#),
        ("action", r#"action = "read""#),
        ("allow", "allow = 'resource.owner == principal.name'"),
    ],
};

const FIELDS: Shape =
    Shape { what: "`fields`", example: r#"fields = { owner = "string" }"#, keys: &[], required: &[] };

pub(super) fn resources(document: Fields<'_>, file: u16, declared: &mut Declared, report: &mut Report) {
    for (shape, value) in document.tables("resource", &RESOURCE, report) {
        let Some(fields) = Fields::of(shape, value, file, report) else { continue };
        fields.check(report);
        let name = fields.text("type", report);
        let types = field_types(fields, file, report);
        let action = fields.text("action", report);
        let allow = fields.text("allow", report);
        let description = fields.text("description", report).map(|text| text.value);

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
            origin: fields.origin(),
            name: name.written(),
            fields: types,
            action: action.written(),
            description,
            allow,
        });
    }
}

fn field_types(fields: Fields<'_>, file: u16, report: &mut Report) -> Option<DeclaredFields> {
    let mut types = Vec::new();
    let mut is_partial = !matches!(fields.value("fields").map(|value| &value.data), Some(Data::Table(_)));
    for (name, value) in fields.entries("fields", &FIELDS, report) {
        let place = origin(file, value.span);
        let known = types.len();
        if !is_identifier(&name.value) {
            let name_text = name.value.escape_debug();
            report.add(
                name.origin(),
                format!("`{name_text}` is no field name: use letters, digits and `_`, not a digit first"),
            );
            is_partial = true;
            continue;
        }
        match &value.data {
            Data::String(text) => match FieldType::named(text) {
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
        is_partial |= types.len() == known;
    }
    let origin = fields.place_of("fields")?;
    Some(DeclaredFields { origin, types, is_partial })
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
