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
mod entry;
mod error;
mod method;
mod params;
mod shape;
mod slots;
mod walk;
mod words;

use self::entry::{Entry, Target};
use self::method::{Code, Methods};
use self::shape::{Candidate, Candidates};
use self::slots::Slots;
use self::walk::{Keys, Walk};
use super::pattern::{MOST_SEGMENTS, Pattern};
use crate::request::firewall::authority::Authority;

pub use self::builder::RouteTableBuilder;
pub use self::error::TableError;
pub use self::params::decode;

/// Nearly all paths have no more segments; a walk along them needs less room.
const FEW_SEGMENTS: usize = 8;

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
/// Two spellings of a path pick one pattern, so that no path reaches a wider pattern by its spelling;
/// but the route is only for the spelling that every router takes for it:
///
/// - `/a` and `/a/` both pick `/a`, whose routes are for the one that they spell. `/a/{*rest}` is for
///   both, if nothing else is for `/a`.
/// - `/a%3Ab` and `/caf%c3%a9` pick the literals `/a:b` and `/café`, but are for none of their routes. A
///   router that compares undecoded paths would run another handler than one that decodes them. In
///   literals only `/a:b` and `/caf%C3%A9` will do; parameters take every spelling.
#[derive(Clone, Debug)]
pub struct RouteTable {
    keys: Keys,
    methods: Methods,
    candidates: Candidates,
    slots: Slots,
    entries: Box<[Entry]>,
    /// The literals of the entries.
    words: Box<[u64]>,
    /// The routes of entries that have several.
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
        let body = path.as_bytes().strip_prefix(b"/").filter(|body| u32::try_from(body.len()).is_ok())?;
        let mut walk = Walk::<FEW_SEGMENTS, false>::new(body);
        match walk.go(&self.keys) {
            Some(()) if walk.is_whole() => self.find_by(&walk, method, host),
            _ => self.find_uncommon(body, method, host),
        }
    }

    /// For a path that must be decoded or is long.
    #[cold]
    fn find_uncommon(&self, body: &[u8], method: Code, host: Option<&str>) -> Option<RouteIndex> {
        // The one segment more is the empty one behind a final slash.
        let mut walk = Walk::<{ MOST_SEGMENTS + 1 }, true>::new(body);
        walk.go(&self.keys)?;
        self.find_by(&walk, method, host)
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

    #[inline]
    fn find_by<const N: usize, const DECODES: bool>(
        &self,
        walk: &Walk<'_, N, DECODES>,
        method: Code,
        host: Option<&str>,
    ) -> Option<RouteIndex> {
        let (count, has_final_slash) = walk.count();
        let (entry, literals) = self.candidates.fitting(count).iter().find_map(|c| self.pick(c, walk))?;
        if walk.is_odd_at(literals) {
            return None;
        }
        let targets = self.for_host(entry.targets.of(&self.targets), host)?;
        entry::route_for(targets, method, has_final_slash)
    }

    /// The pattern of a shape that the path picks, and where its literals are.
    #[inline]
    fn pick<const N: usize, const DECODES: bool>(
        &self,
        candidate: &Candidate,
        walk: &Walk<'_, N, DECODES>,
    ) -> Option<(&Entry, u32)> {
        let Candidate { number, shape, salt } = candidate;
        let hash = salt ^ walk.hash(shape.literals);
        let entries = self.slots.probe(hash).filter_map(|at| self.entries.get(at as usize));
        let entry = entries
            .filter(|entry| entry.shape == *number)
            .find(|entry| walk.is_equal(shape.literals, entry.words.of(&self.words)))?;
        (!walk.is_empty_at(shape.parameters)).then_some((entry, shape.literals))
    }

    /// The targets for a host, of those of one pattern.
    #[inline]
    fn for_host<'t>(&self, targets: &'t [Target], host: Option<&str>) -> Option<&'t [Target]> {
        if targets.first()?.host.is_none() { Some(targets) } else { self.for_named_host(targets, host?) }
    }

    /// The same for a pattern that names hosts.
    #[inline(never)]
    fn for_named_host<'t>(&self, targets: &'t [Target], host: &str) -> Option<&'t [Target]> {
        let wanted = Authority::parse(host)?.host;
        let wanted = wanted.bytes().map(|byte| byte.to_ascii_lowercase());
        let rank = self.hosts.binary_search_by(|host| host.bytes().cmp(wanted.clone())).ok()?;
        let rank = u32::try_from(rank).ok();
        let start = targets.partition_point(|target| target.host < rank);
        let end = targets.partition_point(|target| target.host <= rank);
        targets.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Routes as `GET /a` or `GET /a on host`; found ones are told as they were written.
    struct Routes {
        texts: Vec<&'static str>,
        table: RouteTable,
    }

    impl Routes {
        fn of(texts: &[&'static str]) -> Self {
            let table = try_build(texts).unwrap_or_else(|error| panic!("{error}"));
            Self { texts: texts.to_vec(), table }
        }

        fn find(&self, request: &str) -> Option<&'static str> {
            let (request, host) = request.split_once(" on ").map_or((request, None), |(r, h)| (r, Some(h)));
            let (method, path) = request.split_once(' ').unwrap();
            self.table.find(method, path, host).map(|index| self.texts[index.position()])
        }

        fn check(&self, cases: &[(&str, Option<&str>)]) {
            for (request, expected) in cases {
                assert_eq!(self.find(request), *expected, "{request}");
            }
        }
    }

    fn fill(texts: &[&str]) -> Result<RouteTableBuilder, TableError> {
        let mut builder = RouteTable::builder();
        for text in texts {
            let (pattern, host) = text.split_once(" on ").map_or((*text, None), |(p, h)| (p, Some(h)));
            builder.insert(&Pattern::parse(pattern).unwrap(), host)?;
        }
        Ok(builder)
    }

    fn try_build(texts: &[&str]) -> Result<RouteTable, TableError> {
        fill(texts).map(RouteTableBuilder::build)
    }

    #[test]
    fn the_path_alone_picks_the_pattern() {
        let routes = ["GET /a/b", "POST /a/{x}", "* /a/{*rest}", "GET /{x}/c", "* /{*rest}", "GET /"];
        Routes::of(&routes).check(&[
            ("GET /a/b", Some("GET /a/b")),
            ("POST /a/b", None),
            ("POST /a/z", Some("POST /a/{x}")),
            ("GET /a/z", None),
            ("GET /a/z/y", Some("* /a/{*rest}")),
            ("GET /a", Some("* /a/{*rest}")),
            ("GET /a/", Some("* /a/{*rest}")),
            ("GET /a/c", None),
            ("GET /z/c", Some("GET /{x}/c")),
            ("GET /z/d", Some("* /{*rest}")),
            ("GET /", Some("GET /")),
            ("POST /", None),
            ("GET ", None),
            ("GET z", None),
            ("OPTIONS *", None),
        ]);
    }

    #[test]
    fn a_dead_end_leads_back_to_the_next_branch() {
        let routes = ["GET /a/b/c", "GET /a/{x}/d", "GET /{y}/b/e", "GET /{y}/{z}/f", "GET /{*rest}"];
        Routes::of(&routes).check(&[
            ("GET /a/b/c", Some("GET /a/b/c")),
            ("GET /a/b/d", Some("GET /a/{x}/d")),
            ("GET /a/b/e", Some("GET /{y}/b/e")),
            ("GET /a/b/f", Some("GET /{y}/{z}/f")),
            ("GET /a/b/g", Some("GET /{*rest}")),
            ("GET /", Some("GET /{*rest}")),
        ]);
    }

    #[test]
    fn get_covers_head_and_a_star_what_is_registered() {
        let routes = ["GET /a", "* /a", "GET /b", "HEAD /b", "FOO /c", "* /c", "* /d", "POST /e"];
        Routes::of(&routes).check(&[
            ("HEAD /a", Some("GET /a")),
            ("QUERY /a", Some("* /a")),
            ("PROPFIND /a", Some("* /a")),
            ("FOO /a", None),
            ("get /a", None),
            ("HEAD /b", Some("HEAD /b")),
            ("FOO /c", Some("FOO /c")),
            ("BAR /c", None),
            ("HEAD /d", Some("* /d")),
            ("HEAD /e", None),
            ("* /d", None),
        ]);
    }

    #[test]
    fn hosts_decide_within_a_pattern() {
        let routes =
            ["GET /a on one.test", "* /a on one.test", "GET /a on TWO.test", "GET /a on [::1]", "* /{*rest}"];
        Routes::of(&routes).check(&[
            ("GET /a on one.test", Some("GET /a on one.test")),
            ("POST /a on ONE.test.:8443", Some("* /a on one.test")),
            ("GET /a on two.test", Some("GET /a on TWO.test")),
            ("POST /a on two.test", None),
            ("GET /a on [::1]:443", Some("GET /a on [::1]")),
            ("GET /a on three.test", None),
            ("GET /a on ", None),
            ("GET /a", None),
            ("GET /b", Some("* /{*rest}")),
            ("GET /b on three.test", Some("* /{*rest}")),
        ]);
    }

    #[test]
    fn a_final_slash_never_leads_to_a_wider_pattern() {
        let routes = ["GET /admin", "GET /x/", "GET /y/{a}", "* /y/{*rest}", "* /{*rest}"];
        Routes::of(&routes).check(&[
            ("GET /admin", Some("GET /admin")),
            ("GET /admin/", None),
            ("GET /x", None),
            ("GET /x/", Some("GET /x/")),
            ("GET /y/1", Some("GET /y/{a}")),
            ("GET /y/1/", None),
            ("GET /y/", Some("* /y/{*rest}")),
            ("GET /z/", Some("* /{*rest}")),
        ]);
        let both = Routes::of(&["GET /a", "GET /a/", "POST /a"]);
        both.check(&[("GET /a", Some("GET /a")), ("GET /a/", Some("GET /a/")), ("POST /a/", None)]);
    }

    #[test]
    fn slash_variants_are_told_without_slash_first() {
        let builder = fill(&["GET /a/", "POST /a", "GET /a", "* /a", "GET /b", "GET /b/{*rest}"]).unwrap();
        assert_eq!(builder.slash_variants().collect::<Vec<_>>(), [(RouteIndex(2), RouteIndex(0))]);
    }

    #[test]
    fn an_odd_spelling_of_a_literal_is_for_no_route() {
        let routes = ["GET /a:b", "GET /café/x", "GET /a b", "GET /{x}", "* /{*rest}"];
        Routes::of(&routes).check(&[
            ("GET /a:b", Some("GET /a:b")),
            ("GET /a%3Ab", None),
            ("GET /a%3ab", None),
            ("GET /caf%C3%A9/x", Some("GET /café/x")),
            ("GET /caf%c3%a9/x", None),
            ("GET /caf%C3%A9/%78", None),
            ("GET /a%20b", Some("GET /a b")),
            ("GET /c%3Ad", Some("GET /{x}")),
            ("GET /caf%c3%a9", Some("GET /{x}")),
        ]);
    }

    #[test]
    fn what_a_lax_firewall_lets_through_is_data() {
        let routes = ["GET /a/b", "GET /a", "GET /c/{x}", "* /d/{*rest}"];
        Routes::of(&routes).check(&[
            ("GET /a%2Fb", None),
            ("GET /a%2fb", None),
            ("GET //a", None),
            ("GET /a//", None),
            ("GET /a//b", None),
            ("GET //", None),
            ("GET /c//", None),
            ("GET /c/", None),
            ("GET /c/%2F", Some("GET /c/{x}")),
            ("GET /c/..", Some("GET /c/{x}")),
            ("GET /d//", Some("* /d/{*rest}")),
            ("GET /d//x", Some("* /d/{*rest}")),
            ("GET /%2561", None),
            ("GET /%61", None),
            ("GET /a%", None),
            ("GET /a%00", None),
        ]);
        Routes::of(&["GET /"]).check(&[("GET /", Some("GET /")), ("GET //", None), ("GET /%2F", None)]);
    }

    #[test]
    fn a_path_of_any_length_reaches_a_rest() {
        let routes = Routes::of(&["GET /a/{*rest}", "POST /{x}/{*rest}"]);
        for segments in [31, 32, 33, 34, 1000] {
            let path = format!("/a{}", "/b".repeat(segments - 1));
            assert_eq!(routes.find(&format!("GET {path}")), Some("GET /a/{*rest}"), "{segments}");
            assert_eq!(routes.find(&format!("POST {}", path.replace("/a", "/c"))), Some("POST /{x}/{*rest}"));
        }
        let deep = "/x".repeat(32);
        let table = try_build(&[&format!("GET {deep}")]).unwrap();
        assert!(table.find("GET", &deep, None).is_some());
        assert!(table.find("GET", &format!("{deep}/x"), None).is_none());
        assert!(table.find("GET", &format!("{}/y", "/x".repeat(31)), None).is_none());
    }

    #[test]
    fn contradictions_name_both_sides() {
        for (texts, message) in [
            (
                &["GET /a/{x}", "GET /a/{y}"][..],
                "`GET /a/{y}` is for the same requests as `GET /a/{x}`; keep one",
            ),
            (&["GET /a on h", "GET /a on H."], "`GET /a` for host `h` is for the same requests as `GET /a`"),
            (&["* /{*a}", "* /{*b}"], "`* /{*b}` is for the same requests as `* /{*a}`"),
            (
                &["GET /a on h", "POST /a"],
                "`POST /a` names none and `GET /a`, of the same path, names a host",
            ),
            (
                &["GET /a/", "POST /a on h"],
                "`POST /a` names a host and `GET /a/`, of the same path, names none",
            ),
            (&["GET /a on h:1"], "the host `h:1` of `GET /a` is no host name"),
            (&["GET /a on ::1"], "the host `::1`"),
            (&["GET /a on *.h"], "the host `*.h`"),
        ] {
            let error = try_build(texts).expect_err(message);
            assert!(error.to_string().contains(message), "{error}");
            assert_eq!(error.other(), (texts.len() == 2).then_some(RouteIndex(0)), "{error}");
        }
    }

    #[test]
    fn a_repetition_is_found_wherever_it_stands_among_the_routes_of_a_path() {
        let texts = ["GET /a/{x}", "POST /a/{x}", "GET /a/{x}/", "* /a/{x}", "GET /b"];
        for (at, text) in texts.iter().enumerate() {
            let error = fill(&texts).unwrap().insert(&Pattern::parse(text).unwrap(), None).unwrap_err();
            assert_eq!(error.other().map(RouteIndex::position), Some(at), "{text}");
        }
        Routes::of(&texts).check(&[
            ("GET /a/1", Some("GET /a/{x}")),
            ("POST /a/1", Some("POST /a/{x}")),
            ("GET /a/1/", Some("GET /a/{x}/")),
            ("PUT /a/1", Some("* /a/{x}")),
            ("HEAD /b", Some("GET /b")),
        ]);
    }

    #[test]
    fn a_refused_route_leaves_no_trace() {
        let mut builder = fill(&["GET /a"]).unwrap();
        for text in ["GET /a", "GET /b"] {
            let _ = builder.insert(&Pattern::parse(text).unwrap(), Some("h:1"));
        }
        assert!(builder.insert(&Pattern::parse("POST /a").unwrap(), Some("h")).is_err());
        let b = builder.insert(&Pattern::parse("GET /b").unwrap(), None).unwrap();
        assert_eq!(b.position(), 1);
        let table = builder.build();
        assert_eq!((table.len(), table.find("GET", "/b", None)), (2, Some(b)));
        assert_eq!(table.find("POST", "/a", Some("h")), None);
    }

    #[test]
    fn an_empty_table_knows_no_route() {
        let table = RouteTable::builder().build();
        assert!(table.is_empty() && table.find("GET", "/", None).is_none());
        assert_eq!(table.params(RouteIndex(7), "/a").next(), None);
    }
}
