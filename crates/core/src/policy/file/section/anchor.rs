//! `[anchors]`: which field names the callers of a trust anchor.

use super::Declared;
use crate::certificate::{AttributeType, SanKind};
use crate::policy::assemble::AnchorEntry;
use crate::policy::file::fields::{Fields, Shape};
use crate::policy::report::Report;
use crate::principal::NameField;
use crate::principal::naming::AnchorNaming;
use crate::rule::did_you_mean;

const ANCHORS: Shape = Shape { what: "`anchors`", example: "[anchors]", keys: &[], required: &[] };

/// One anchor.
pub(in crate::policy::file) const ANCHOR: Shape = Shape {
    what: "an anchor",
    example: r#"label = { name = "subject.CN" }"#,
    keys: &["name", "prefix"],
    required: &[("name", r#"name = "subject.CN""#)],
};

pub(super) fn anchors(document: Fields<'_>, declared: &mut Declared, report: &mut Report) {
    for (label, value) in document.entries("anchors", &ANCHORS, report) {
        declared.labels.push(label.value.clone());
        if label.value.trim().is_empty() {
            report.add(
                label.origin(),
                "the label of a trust anchor is empty: write the one it is loaded under",
            );
        }
        let Some(fields) = Fields::of(&ANCHOR, value, label.file, report) else { continue };
        fields.check(report);
        let prefix = fields.text("prefix", report).map(|prefix| prefix.value).unwrap_or_default();
        let Some(name) = fields.text("name", report) else { continue };
        match name_field(&name.value) {
            Ok(field) => {
                let naming = AnchorNaming { field, prefix };
                declared.anchors.push(AnchorEntry { label: label.written(), naming });
            }
            Err(help) => {
                let text = name.value.escape_debug();
                report.add_with_help(
                    name.origin(),
                    format!("`{text}` is no field that can name a caller"),
                    help,
                );
            }
        }
    }
}

/// The field that the text names, or what to write instead.
fn name_field(text: &str) -> Result<NameField, String> {
    let attribute = |text: &str| text.parse::<AttributeType>().ok();
    let kind = |text: &str| text.parse::<SanKind>().ok();
    let exact = match text.split_once('.') {
        _ if text == "spiffe.id" => Some(NameField::SpiffeId),
        Some(("subject", name)) => attribute(name).map(NameField::Subject),
        Some(("san", name)) => kind(name).map(NameField::San),
        _ => None,
    };
    match exact {
        // Letter case counts here as it does in rules.
        Some(field) if field.to_string() == text => Ok(field),
        Some(field) => Err(format!("did you mean `{field}`?")),
        None => {
            let bare = kind(text).map(NameField::San).or_else(|| attribute(text).map(NameField::Subject));
            let meant = bare.map(|field| format!("did you mean `{field}`?"));
            let subject = AttributeType::names().map(|name| format!("subject.{name}"));
            let san = KINDS.iter().map(|kind| format!("san.{kind}"));
            let all: Vec<_> = san.chain(["spiffe.id".into()]).chain(subject).collect();
            let near = || did_you_mean(text, all.iter().map(String::as_str), "");
            Err(meant.or_else(near).unwrap_or_else(|| HELP.into()))
        }
    }
}

const KINDS: [SanKind; 5] = [SanKind::Email, SanKind::Dns, SanKind::Uri, SanKind::Upn, SanKind::Ip];
const HELP: &str =
    "write `subject.CN` or another attribute, `san.email`, `san.dns`, `san.uri`, `san.upn`, or `spiffe.id`";
