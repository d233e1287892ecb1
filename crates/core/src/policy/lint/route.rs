//! Routes that open or close more than a reader sees.

use std::collections::{BTreeMap, HashMap};

use super::{Finding, Level};
use crate::policy::path::{Path, Tree};
use crate::policy::pattern::{MOST_SEGMENTS, Segment};
use crate::policy::survey::{self, Access, Caller, Survey};
use crate::policy::{Policy, Route};

/// The routes of one path and one host.
type Group<'p> = Vec<(usize, &'p Route)>;

pub(super) fn lint(policy: &Policy, findings: &mut Vec<Finding>) {
    let callers = survey::callers(policy.roles().map(|definition| definition.role().name()));
    let mut survey = Survey::new(policy.hierarchy(), &callers);
    let mut groups: BTreeMap<(Box<str>, Option<&str>), Group<'_>> = BTreeMap::new();
    for (index, route) in policy.routes().enumerate() {
        groups.entry((Path::of(route.pattern()).key(), route.host())).or_default().push((index, route));
    }
    for group in groups.values() {
        method_hole(group, &callers, &mut survey, findings);
    }
    open_below(policy, &callers, &mut survey, findings);
    overlaps(&groups, &mut survey, findings);
}

/// The first kind of callers for whom `one` is wider than `other`.
fn wider<'c>(one: &[Access], other: &[Access], callers: &'c [Caller]) -> Option<&'c Caller> {
    let cells = one.iter().zip(other).zip(callers);
    cells.filter(|((one, other), _)| one > other).map(|(_, caller)| caller).next()
}

fn method_hole<'p>(
    group: &Group<'p>,
    callers: &[Caller],
    survey: &mut Survey<'p>,
    findings: &mut Vec<Finding>,
) {
    let Some((_, get)) = group.iter().find(|(_, route)| route.pattern().method() == "GET") else { return };
    let reading = survey.access(&get.rule);
    for (_, other) in group.iter().filter(|(_, route)| route.pattern().method() != "GET") {
        let access = survey.access(&other.rule);
        let Some(caller) = wider(&access, &reading, callers) else { continue };
        let message = format!("`{other}` is open to more callers than `{get}`, first to {}", kind(caller));
        let remedy = "give it a rule that is no wider, or name the methods that are meant";
        findings.push(Finding::new(Level::Warn, "method-hole", other.place(), message, remedy));
    }
}

fn kind(caller: &Caller) -> String {
    match caller {
        Caller::Anonymous => "callers without a certificate".into(),
        Caller::Authenticated => "verified callers without a role".into(),
        Caller::Role(name) => format!("callers with the role `{name}`"),
    }
}

/// Paths that are closer guarded than what is below them, by the route that opens what is below.
fn open_below<'p>(
    policy: &'p Policy,
    callers: &[Caller],
    survey: &mut Survey<'p>,
    findings: &mut Vec<Finding>,
) {
    let fresh = "~portcullis~";
    let mut by_wide: BTreeMap<usize, (&Route, &Caller, usize)> = BTreeMap::new();
    for route in policy.routes() {
        let path = Path::of(route.pattern());
        if matches!(path.segments.last(), Some(Segment::Rest(_))) || path.segments.is_empty() {
            continue;
        }
        let Some((_, sample)) = path.samples(fresh, MOST_SEGMENTS).into_iter().next() else { continue };
        let method = match route.pattern().method() {
            "*" => "GET",
            method => method,
        };
        let below = format!("{sample}/{fresh}");
        let Some(index) = policy.0.table.find(method, &below, route.host()) else { continue };
        let Some(wide) = policy.route(index) else { continue };
        // A pattern of the same length or longer speaks of what is below in its own right.
        if wide.pattern().segments().count() > path.segments.len() {
            continue;
        }
        let (wide, narrow) = (survey.access(&wide.rule), survey.access(&route.rule));
        if let Some(caller) = wider(&wide, &narrow, callers) {
            by_wide.entry(index.position()).or_insert((route, caller, 0)).2 += 1;
        }
    }
    let routes: HashMap<usize, &Route> = policy.routes().enumerate().collect();
    for (wide, (narrow, caller, count)) in by_wide {
        let Some(wide) = routes.get(&wide) else { continue };
        let more = if count > 1 { format!(" (and below {} more paths)", count - 1) } else { String::new() };
        let message = format!(
            "`{wide}` opens everything below `{}` to {}{more}, whom `{narrow}` itself may deny",
            narrow.pattern().path(),
            kind(caller)
        );
        let path = narrow.pattern().path().trim_end_matches('/');
        let remedy = format!("add a route for `{path}/{{*rest}}`, or guard `{wide}` as closely");
        findings.push(Finding::new(Level::Warn, "open-below", wide.place(), message, remedy));
    }
}

/// What wider routes mean for narrower paths: methods that they do not open there, closed routes that
/// close nothing.
fn overlaps<'p>(
    groups: &BTreeMap<(Box<str>, Option<&'p str>), Group<'p>>,
    survey: &mut Survey<'p>,
    findings: &mut Vec<Finding>,
) {
    let groups: Vec<&Group<'p>> = groups.values().collect();
    let paths: Vec<Path<'p>> =
        groups.iter().filter_map(|group| group.first()).map(|(_, route)| Path::of(route.pattern())).collect();
    let tree = Tree::of(&paths);
    let mut shadowed: BTreeMap<usize, (&Route, &Route, usize)> = BTreeMap::new();
    for (place, (group, path)) in groups.iter().zip(&paths).enumerate() {
        let wider = tree.overlapping(path).into_iter().filter(|other| *other != place);
        let wider = wider.filter_map(|other| groups.get(other)).flat_map(|group| group.iter());
        let wider: Vec<_> = wider.filter(|(_, route)| covers(route, path)).collect();
        for (index, route) in &wider {
            let method = route.pattern().method();
            let is_open = survey.access(&route.rule).iter().any(|access| *access > Access::Deny);
            let has_method = group.iter().any(|(_, narrow)| {
                let narrow = narrow.pattern().method();
                narrow == method || narrow == "*"
            });
            if let Some((_, narrow)) = group.first().filter(|_| is_open && !has_method) {
                shadowed.entry(*index).or_insert((route, narrow, 0)).2 += 1;
            }
        }
        for (_, route) in
            group.iter().filter(|(_, route)| route.rule().is_constant_false() && wider.is_empty())
        {
            let message = format!("`{route}` is for nobody, and no wider route opens it");
            let remedy = "leave it out, unless it is there as a reminder: what no route opens is closed";
            findings.push(Finding::new(Level::Note, "closed-anyway", route.place(), message, remedy));
        }
    }
    for (wide, narrow, count) in shadowed.into_values() {
        let more = if count > 1 { format!(" (and {} more paths)", count - 1) } else { String::new() };
        let message = format!(
            "`{wide}` opens methods that `{}`{more} does not have: there they are closed",
            narrow.pattern().path()
        );
        let remedy = "add a route for them there, if they are meant to be open";
        findings.push(Finding::new(Level::Note, "shadowed-methods", wide.place(), message, remedy));
    }
}

/// Whether the route's path covers everything that the other does.
fn covers(route: &Route, path: &Path<'_>) -> bool {
    let wide = Path::of(route.pattern());
    wide.overlap(path).is_some_and(|common| common.key() == path.key()) && wide.key() != path.key()
}
