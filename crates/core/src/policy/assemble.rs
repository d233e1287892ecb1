//! Puts the parts of a policy together, from a program or from files, and finds what does not fit.

mod roles;
mod routes;

use std::collections::HashMap;
use std::sync::Arc;

use super::Route;
use super::report::{Origin, Report};
use crate::policy::pattern::Pattern;
use crate::principal::naming::{AnchorNaming, Naming};
use crate::rule::Rule;

pub(super) use roles::{Roles, conditions, descriptions, members, roles};
pub(super) use routes::routes;

/// A piece of text and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) text: Box<str>,
    pub(super) origin: Origin,
}

impl Written {
    pub(super) fn new(text: &str, origin: Origin) -> Self {
        Self { text: text.into(), origin }
    }
}

/// A trust anchor's label, and which field names its callers.
#[derive(Debug)]
pub(super) struct AnchorEntry {
    pub(super) label: Written,
    pub(super) naming: AnchorNaming,
}

/// A role and what it includes.
#[derive(Debug)]
pub(super) struct RoleEntry {
    pub(super) name: Written,
    pub(super) includes: Vec<Written>,
}

/// Callers who have a role.
#[derive(Debug)]
pub(super) struct MembersEntry {
    pub(super) role: Written,
    pub(super) names: Vec<Written>,
}

/// Something that is said of a role.
#[derive(Debug)]
pub(super) struct RoleRemark<T> {
    pub(super) role: Written,
    pub(super) remark: T,
}

/// A route whose pattern is well-formed and whose rule is right in itself.
#[derive(Debug)]
pub(super) struct RouteEntry {
    pub(super) pattern: Pattern,
    pub(super) origin: Origin,
    pub(super) host: Option<Written>,
    pub(super) id: Option<Written>,
    pub(super) description: Option<Box<str>>,
    pub(super) rule: Arc<Rule>,
}

pub(super) fn naming(anchors: Vec<AnchorEntry>, report: &mut Report) -> Naming {
    let mut naming = Naming::default();
    let mut first: HashMap<Box<str>, Origin> = HashMap::new();
    for AnchorEntry { label, naming: field } in anchors {
        match (naming.insert(&label.text, field), first.get(&label.text)) {
            (Ok(()), _) => {
                first.insert(label.text, label.origin);
            }
            (Err(message), Some(other)) => {
                let other = report.place(*other);
                report.add_with_help(label.origin, message, format!("the first one is at {other}"));
            }
            (Err(message), None) => report.add(label.origin, message),
        }
    }
    naming
}

fn same_rule(a: &Route, b: &Route) -> bool {
    Arc::ptr_eq(&a.rule, &b.rule) || a.rule == b.rule
}
