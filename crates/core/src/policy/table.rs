//! Finds the route of a request in a time that does not depend on how many routes there are.
//!
//! The literal segments of every pattern are in one hash table, which is probed once for each shape
//! (where the literals stand) that occurs in the table for the number of segments that the path has.
//! A look-up allocates nothing, whatever the path holds.
//!
//! ```
//! use portcullis_core::policy::table::RouteTable;
//!
//! let mut routes = RouteTable::builder();
//! let report = routes.insert(&"GET /reports/{id}".parse()?, None)?;
//! let admin = routes.insert(&"* /admin/{*rest}".parse()?, None)?;
//! let table = routes.build();
//!
//! assert_eq!(table.find("HEAD", "/reports/7", None), Some(report));
//! assert_eq!(table.find("DELETE", "/admin/users/7", None), Some(admin));
//! assert_eq!(table.find("POST", "/reports/7", None), None);
//! assert_eq!(table.params(report, "/reports/7").next(), Some(("id", "7")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod error;
mod method;
mod params;
mod shape;
mod slots;
mod walk;
mod words;

use self::method::{Code, Methods};
use self::shape::{Candidate, Candidates};
use self::slots::Slots;
use self::walk::{Keys, Walk};
use super::pattern::{Pattern, Segment};
use crate::request::firewall::authority::Authority;

pub use self::builder::RouteTableBuilder;
pub use self::error::TableError;
pub use self::params::decode;

/// The number of a route of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteIndex(u32);

impl RouteIndex {
    /// How many routes were inserted before this one.
    #[must_use]
    pub fn position(self) -> usize {
        self.0 as usize
    }
}

/// Which route a request is for.
///
/// The path alone picks a pattern: segment by segment from the left, a literal before `{x}` before
/// `{*rest}`, and back to the next one where the rest of the path does not fit. Literals are compared
/// with what a segment decodes to. Then the pattern's host decides, then its method. If those do not fit,
/// there is no route, even if a wider pattern would have had one.
///
/// `/a` and `/a/` are one pattern in this sense. A route is for the variant that it spells; so a path
/// never reaches a wider pattern by a slash at its end.
#[derive(Clone, Debug)]
pub struct RouteTable {
    keys: Keys,
    methods: Methods,
    candidates: Candidates,
    slots: Slots,
    entries: Box<[Entry]>,
    /// The literals of the entries.
    words: Box<[u64]>,
    /// The routes of the entries: by host, then by method.
    targets: Box<[Target]>,
    /// In lower case, sorted.
    hosts: Box<[Box<str>]>,
    patterns: Box<[Pattern]>,
}

impl RouteTable {
    /// An empty table to fill.
    #[must_use]
    pub fn builder() -> RouteTableBuilder {
        RouteTableBuilder::new()
    }

    /// The route that a request is for.
    ///
    /// The path is undecoded and without query, the host an authority as it was sent: letter case, port
    /// and a final dot make no difference. The host is looked at only where a pattern names hosts.
    #[must_use]
    pub fn find(&self, method: &str, path: &str, host: Option<&str>) -> Option<RouteIndex> {
        let method = self.methods.code(method)?;
        let walk = Walk::along(path, &self.keys)?;
        let entry = self.pick(&walk)?;
        let targets = self.for_host(entry.targets.of(&self.targets), host)?;
        route_for(targets, method, walk.has_final_slash())
    }

    /// The pattern of a route.
    #[must_use]
    pub fn pattern(&self, index: RouteIndex) -> Option<&Pattern> {
        self.patterns.get(index.position())
    }

    /// The parameters of a path that [`find`](Self::find) has given this route for.
    ///
    /// The values are undecoded; see [`decode`]. `{*rest}` is all that follows its slash, or empty.
    pub fn params<'t, 'p>(
        &'t self,
        index: RouteIndex,
        path: &'p str,
    ) -> impl Iterator<Item = (&'t str, &'p str)> + use<'t, 'p> {
        self.pattern(index).into_iter().flat_map(move |pattern| params::params(pattern, path))
    }

    /// How many routes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there is no route.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The pattern that the path picks.
    #[inline]
    fn pick(&self, walk: &Walk<'_>) -> Option<&Entry> {
        self.candidates.fitting(walk.count()).iter().find_map(|candidate| {
            let Candidate { number, shape, salt } = candidate;
            if walk.is_empty_at(shape.parameters) {
                return None;
            }
            let hash = salt ^ walk.hash(shape.literals);
            let entries = self.slots.probe(hash).filter_map(|at| self.entries.get(at as usize));
            entries
                .filter(|entry| entry.shape == *number)
                .find(|entry| walk.is_equal(shape.literals, entry.words.of(&self.words)))
        })
    }

    /// The targets for a host, of those of one pattern.
    #[inline]
    fn for_host<'t>(&self, targets: &'t [Target], host: Option<&str>) -> Option<&'t [Target]> {
        if targets.first()?.host.is_none() {
            return Some(targets);
        }
        let wanted = Authority::parse(host?)?.host;
        let wanted = wanted.bytes().map(|byte| byte.to_ascii_lowercase());
        let rank = self.hosts.binary_search_by(|host| host.bytes().cmp(wanted.clone())).ok()?;
        let rank = u32::try_from(rank).ok();
        let start = targets.partition_point(|target| target.host < rank);
        let end = targets.partition_point(|target| target.host <= rank);
        targets.get(start..end)
    }
}

/// The first method that a target is there for decides, whether or not that target fits the slash.
#[inline]
fn route_for(targets: &[Target], method: Code, has_final_slash: bool) -> Option<RouteIndex> {
    let of = |method| targets.iter().filter(move |target| target.method == method);
    let method = method.covered_by().into_iter().find(|method| of(*method).next().is_some())?;
    of(method).find(|target| target.spelling.fits(has_final_slash)).map(|target| target.route)
}

/// A path of the table, with all its methods and hosts.
#[derive(Clone, Debug)]
struct Entry {
    shape: u32,
    words: Span,
    targets: Span,
}

/// A route, and which requests for its path it is for.
#[derive(Clone, Copy, Debug)]
struct Target {
    host: Option<u32>,
    method: Code,
    spelling: Spelling,
    route: RouteIndex,
}

/// Which variants of a path a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Spelling {
    Bare,
    Slash,
    Either,
}

impl Spelling {
    fn of(pattern: &Pattern) -> Self {
        if matches!(pattern.segments().last(), Some(Segment::Rest(_))) {
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
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    len: u32,
}

impl Span {
    fn of<T>(self, list: &[T]) -> &[T] {
        let start = self.start as usize;
        list.get(start..start + self.len as usize).unwrap_or_default()
    }

    /// Makes the place `at` the last one.
    fn extend_to(&mut self, at: u32) {
        if self.len == 0 {
            self.start = at;
        }
        self.len = at + 1 - self.start;
    }
}
