//! What the table keeps of a path, and which route it picks for it.

use super::RouteIndex;
use super::method::Code;
use super::shape::Shape;
use crate::policy::pattern::Pattern;

/// A path of the table, with all its methods and hosts.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) shape: u32,
    pub(super) words: Span,
    pub(super) targets: Targets,
}

/// The routes of an entry; a path mostly has one, which then needs no further look elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) enum Targets {
    One(Target),
    /// By host, then by method.
    Many(Span),
}

impl Targets {
    #[inline]
    pub(super) fn of<'t>(&'t self, list: &'t [Target]) -> &'t [Target] {
        match self {
            Self::One(target) => std::slice::from_ref(target),
            Self::Many(span) => span.of(list),
        }
    }
}

/// A route, and which requests for its path it is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) host: Option<u32>,
    pub(super) method: Code,
    pub(super) spelling: Spelling,
    pub(super) route: RouteIndex,
}

/// Which variants of a path a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Spelling {
    Bare,
    Slash,
    Either,
}

impl Spelling {
    pub(super) fn of(pattern: &Pattern, shape: Shape) -> Self {
        if shape.takes_rest {
            Self::Either
        } else if pattern.has_final_slash() {
            Self::Slash
        } else {
            Self::Bare
        }
    }

    fn fits(self, has_final_slash: bool) -> bool {
        match self {
            Self::Bare => !has_final_slash,
            Self::Slash => has_final_slash,
            Self::Either => true,
        }
    }
}

/// A part of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) len: u32,
}

impl Span {
    pub(super) fn of<T>(self, list: &[T]) -> &[T] {
        let start = self.start as usize;
        list.get(start..start + self.len as usize).unwrap_or_default()
    }
}

/// The first method that a target is there for decides, whether or not that target fits the slash.
#[inline]
pub(super) fn route_for(targets: &[Target], method: Code, has_final_slash: bool) -> Option<RouteIndex> {
    // What is asked for by its name and fits needs no look at the methods that cover it.
    let is_exact = |target: &&Target| target.method == method && target.spelling.fits(has_final_slash);
    if let Some(target) = targets.iter().find(is_exact) {
        return Some(target.route);
    }
    covering_route(targets, method, has_final_slash)
}

#[inline(never)]
fn covering_route(targets: &[Target], method: Code, has_final_slash: bool) -> Option<RouteIndex> {
    for covering in method.covered_by() {
        let mut named = targets.iter().filter(|target| target.method == covering).peekable();
        if named.peek().is_some() {
            return named.find(|target| target.spelling.fits(has_final_slash)).map(|target| target.route);
        }
    }
    None
}
