//! The route table against matchit and against a search through all patterns.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::HashMap;

use portcullis_core::policy::pattern::Pattern;
use portcullis_core::policy::table::{RouteIndex, RouteTable, decode};
use portcullis_core::request::{Firewall, Request};
use proptest::prelude::*;

/// Literals of all lengths around the eight bytes of a word, some of them beginnings of others.
const LITERALS: [&str; 10] =
    ["a", "b", "abcdefg", "abcdefgh", "abcdefghi", "abcdefgi", "abcdefghabcdefgh", "café", "a b", "abcdefgé"];

#[derive(Clone, Debug)]
enum Piece {
    Literal(&'static str),
    Parameter,
    Rest,
}

fn path_pattern() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(&LITERALS[..]).prop_map(Piece::Literal),
        2 => Just(Piece::Parameter),
    ];
    let last = proptest::option::weighted(0.2, Just(Piece::Rest));
    (proptest::collection::vec(piece, 0..5), last).prop_map(|(mut pieces, last)| {
        pieces.extend(last);
        let segments = pieces.iter().enumerate().map(|(at, piece)| match piece {
            Piece::Literal(text) => format!("/{text}"),
            Piece::Parameter => format!("/{{p{at}}}"),
            Piece::Rest => format!("/{{*p{at}}}"),
        });
        let path: String = segments.collect();
        if path.is_empty() { "/".to_owned() } else { path }
    })
}

/// A path, decoded; its segments are not empty.
fn path(slash: bool) -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        5 => proptest::sample::select(&LITERALS[..]).prop_map(str::to_owned),
        1 => "[a-i]{1,20}",
    ];
    let segments = proptest::collection::vec(segment, 0..6);
    (segments, any::<bool>()).prop_map(move |(segments, final_slash)| {
        let path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        if path.is_empty() || (slash && final_slash) { path + "/" } else { path }
    })
}

/// A path with everything that a firewall would stop.
fn odd_path() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "/", "/", "/a", "%2f", "%2F", "%25", "%C3%A9", "%c3", "%", "%61", "a", "abcdefgh", "é", ".", ";",
        "?", "\0", " ",
    ];
    proptest::collection::vec(proptest::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

/// The spelling that a browser sends.
fn encoded(path: &str) -> String {
    let byte = |byte: u8| match byte {
        b'!'..=b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    path.bytes().map(byte).collect()
}

fn table_of(patterns: &[String]) -> (RouteTable, HashMap<RouteIndex, String>) {
    let mut builder = RouteTable::builder();
    let mut inserted = HashMap::new();
    for path in patterns {
        let pattern = Pattern::parse(&format!("GET {path}")).unwrap();
        if let Ok(index) = builder.insert(&pattern, None) {
            inserted.insert(index, path.clone());
        }
    }
    (builder.build(), inserted)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// matchit is an independent router with the same order of preference.
    ///
    /// Three differences are on purpose, so this test keeps clear of them: `{*rest}` covers its base here,
    /// a slash at the end picks no wider pattern here, and matchit compares undecoded paths.
    #[test]
    fn same_as_matchit(
        patterns in proptest::collection::vec(path_pattern(), 0..25),
        paths in proptest::collection::vec(path(false), 20),
    ) {
        let mut router = matchit::Router::new();
        // matchit takes no `{x}` beside a `{*rest}`; such a pattern is left out for both.
        let patterns: Vec<_> = patterns.into_iter().filter(|path| router.insert(path.as_str(), path.clone()).is_ok()).collect();
        let (table, inserted) = table_of(&patterns);
        prop_assert_eq!(inserted.len(), patterns.len());
        for path in &paths {
            let expected = router.at(path);
            let found = table.find("GET", &encoded(path), None);
            if let Some(index) = found && covers_as_base(&inserted[&index], path) {
                continue;
            }
            prop_assert_eq!(
                found.map(|index| &inserted[&index]),
                expected.as_ref().ok().map(|found| found.value),
                "{} in {:?}", path, patterns
            );
            if let (Some(index), Ok(expected)) = (found, expected) {
                let raw = encoded(path);
                let params: Vec<_> = table.params(index, &raw).map(|(name, raw)| (name, decode(raw).unwrap())).collect();
                let expected: Vec<_> = expected.params.iter().map(|(name, text)| (name, text.into())).collect();
                prop_assert_eq!(params, expected);
            }
        }
    }

    /// The same answer as from asking every pattern, most specific first.
    #[test]
    fn same_as_a_search_through_all(
        patterns in proptest::collection::vec(path_pattern(), 0..25),
        paths in proptest::collection::vec(path(true), 20),
    ) {
        let (table, inserted) = table_of(&patterns);
        for path in &paths {
            let expected = search(&inserted, path);
            prop_assert_eq!(table.find("GET", &encoded(path), None), expected, "{} in {:?}", path, patterns);
        }
    }

    /// Whatever is thrown at the table, it answers, and never with a route whose pattern is not fit.
    #[test]
    fn odd_paths_get_no_unfit_route(
        patterns in proptest::collection::vec(path_pattern(), 0..25),
        paths in proptest::collection::vec(odd_path(), 20),
    ) {
        let (table, inserted) = table_of(&patterns);
        for path in &paths {
            let Some(index) = table.find("GET", path, None) else { continue };
            let pattern = &inserted[&index];
            let params: Vec<_> = table.params(index, path).collect();
            prop_assert_eq!(params.len(), pattern.matches('{').count());
            if Firewall::strict().check(&Request::new("GET", path)).is_ok() {
                let decoded = decode(path).expect("the firewall lets only valid escapes through");
                prop_assert!(fits(pattern, &decoded), "{} for {}", pattern, path);
            }
            for (name, raw) in params {
                let is_rest = pattern.ends_with(&format!("{{*{name}}}"));
                prop_assert!(is_rest || !raw.is_empty() && !raw.contains('/'));
            }
        }
    }
}

/// Whether the pattern covers the path only because `{*rest}` covers its base.
fn covers_as_base(pattern: &str, path: &str) -> bool {
    let is_rest = pattern.contains("{*");
    is_rest && segments(path).len() < segments(pattern).len()
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/').filter(|segment| !segment.is_empty()).collect()
}

/// 0 for a literal, 1 for a parameter, 2 for the end, 3 for the rest.
fn kinds(pattern: &str) -> Vec<u8> {
    let kind = |segment: &&str| match segment {
        _ if segment.starts_with("{*") => 3,
        _ if segment.starts_with('{') => 1,
        _ => 0,
    };
    segments(pattern).iter().map(kind).chain([2]).collect()
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut pattern, path) = (segments(pattern), segments(path));
    let takes_rest = pattern.last().is_some_and(|last| last.starts_with("{*"));
    if takes_rest {
        pattern.pop();
    }
    let len_fits = if takes_rest { pattern.len() <= path.len() } else { pattern.len() == path.len() };
    len_fits && pattern.iter().zip(&path).all(|(pattern, text)| pattern.starts_with('{') || pattern == text)
}

fn search(routes: &HashMap<RouteIndex, String>, path: &str) -> Option<RouteIndex> {
    let fitting = routes.iter().filter(|(_, pattern)| fits(pattern, path));
    let (index, pattern) = fitting.min_by_key(|(_, pattern)| kinds(pattern))?;
    let is_slash_wrong = path.len() > 1 && path.ends_with('/') && !pattern.contains("{*");
    (!is_slash_wrong).then_some(*index)
}
