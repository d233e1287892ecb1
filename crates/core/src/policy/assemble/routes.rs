//! Routes: none may contradict another.

use std::collections::HashMap;

use super::{RouteEntry, same_rule};
use crate::policy::report::{Origin, Report};
use crate::policy::table::{RouteIndex, RouteTable, TableError};
use crate::policy::{Notes, Route};

pub(in crate::policy) fn routes(entries: Vec<RouteEntry>, report: &mut Report) -> (RouteTable, Vec<Route>) {
    let mut table = RouteTable::builder();
    let mut routes: Vec<Route> = Vec::with_capacity(entries.len());
    let mut origins: Vec<Origin> = Vec::with_capacity(entries.len());
    check_ids(&entries, report);
    for entry in entries {
        match table.insert(&entry.pattern, entry.host.as_ref().map(|host| &*host.text)) {
            Ok(_) => {
                origins.push(entry.origin);
                routes.push(route(entry, report));
            }
            Err(error) => {
                let other = error.other().and_then(|other| origins.get(other.position()));
                let other = other.map(|other| format!("the other one is at {}", report.place(*other)));
                let host = entry.host.as_ref().filter(|_| matches!(error, TableError::Host { .. }));
                let origin = host.map_or(entry.origin, |host| host.origin);
                match other {
                    Some(other) => report.add_with_help(origin, error, other),
                    None => report.add(origin, error),
                }
            }
        }
    }
    for (bare, slash) in table.slash_variants() {
        slash_variant(&routes, &origins, bare, slash, report);
    }
    (table.build(), routes)
}

fn route(entry: RouteEntry, report: &Report) -> Route {
    let notes = Notes { id: entry.id.map(|id| id.text), description: entry.description };
    let is_empty = notes.id.is_none() && notes.description.is_none();
    Route {
        pattern: entry.pattern,
        host: entry.host.map(|host| host.text.to_ascii_lowercase().into()),
        rule: entry.rule,
        place: report.place(entry.origin),
        notes: (!is_empty).then(|| Box::new(notes)),
    }
}

/// Ids that are given must differ from each other and from the patterns that stand for ids elsewhere.
fn check_ids(entries: &[RouteEntry], report: &mut Report) {
    let mut given: HashMap<&str, Origin> = HashMap::new();
    for id in entries.iter().filter_map(|entry| entry.id.as_ref()) {
        if id.text.trim().is_empty() {
            report.add(id.origin, "a route has an empty id: write one, or leave it out");
        } else if let Some(other) = given.insert(&id.text, id.origin) {
            let other = report.place(other);
            let id_text = id.text.escape_debug();
            report.add(
                id.origin,
                format!(
                    "the route id `{id_text}` is there twice (first at {other}): give each route its own"
                ),
            );
        }
    }
    if given.is_empty() {
        return;
    }
    for entry in entries.iter().filter(|entry| entry.id.is_none()) {
        if let Some(origin) = given.get(entry.pattern.as_str()) {
            let other = report.place(entry.origin);
            report.add(
                *origin,
                format!(
                    "the route id `{}` is also the pattern of another route (at {other}): choose another id",
                    entry.pattern
                ),
            );
        }
    }
}

/// `/a/` must never be open to others than `/a`: a router or a rewrite may take one for the other.
fn slash_variant(
    routes: &[Route],
    origins: &[Origin],
    bare: RouteIndex,
    slash: RouteIndex,
    report: &mut Report,
) {
    let (bare, slash) = (bare.position(), slash.position());
    let (Some(one), Some(two)) = (routes.get(bare), routes.get(slash)) else { return };
    let (Some(one_at), Some(two_at)) = (origins.get(bare), origins.get(slash)) else { return };
    if same_rule(one, two) {
        return;
    }
    let (first, later) = if one_at <= two_at { (one_at, two_at) } else { (two_at, one_at) };
    let other = report.place(*first);
    let message = format!("`{one}` and `{two}` differ by a slash only and have different rules");
    let help = format!("give both the same rule, or remove one; the other one is at {other}");
    report.add_with_help(*later, message, help);
}
