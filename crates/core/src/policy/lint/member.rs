//! Members whose names no caller can have.

use std::collections::HashSet;

use super::{Finding, Level};
use crate::certificate::SpiffeId;
use crate::policy::Policy;
use crate::principal::NameField;
use crate::principal::naming::AnchorNaming;

pub(super) fn lint(policy: &Policy, findings: &mut Vec<Finding>) {
    for definition in policy.roles() {
        let role = definition.role();
        let mut seen = HashSet::new();
        for name in definition.members() {
            let shown = name.escape_debug();
            if !seen.insert(name) {
                let message = format!("`{shown}` is listed twice as a member of `{role}`");
                let place = definition.place();
                findings.push(Finding::new(Level::Note, "repeated-member", place, message, "list it once"));
            } else if !can_be_a_name(policy, name) {
                let message = format!("`{shown}` is a member of `{role}`, but no caller can have this name");
                let remedy = format!("write it as the anchors name their callers: {}", anchors(policy));
                let place = definition.place();
                findings.push(Finding::new(Level::Warn, "member-cannot-match", place, message, remedy));
            }
        }
    }
}

/// Whether an anchor can give a caller this name; the anchor with the longest fitting prefix owns it.
fn can_be_a_name(policy: &Policy, name: &str) -> bool {
    let mut anchors = policy.naming().anchors().peekable();
    if anchors.peek().is_none() {
        return true;
    }
    let fitting = anchors.filter_map(|(_, naming)| Some((naming, name.strip_prefix(&*naming.prefix)?)));
    let owner = fitting.max_by_key(|(naming, _)| naming.prefix.len());
    owner.is_some_and(|(naming, value)| match &naming.field {
        NameField::Subject(_) => !value.is_empty(),
        // A name that certificates keep in another form would never be equal.
        NameField::San(kind) => kind.canonical(value).is_ok_and(|canonical| *canonical == *value),
        NameField::SpiffeId => value.parse::<SpiffeId>().is_ok_and(|id| !id.path().is_empty()),
    })
}

fn anchors(policy: &Policy) -> String {
    let all = policy.naming().anchors().map(|(label, AnchorNaming { field, prefix })| {
        let prefix = if prefix.is_empty() { String::new() } else { format!(" behind `{prefix}`") };
        format!("`{label}` by `{field}`{prefix}")
    });
    all.collect::<Vec<_>>().join(", ")
}
