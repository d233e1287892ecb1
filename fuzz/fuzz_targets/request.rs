//! A request, as a client may send it, and the routes that it may find.

#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use portcullis_core::policy::table::{RouteTable, decode};
use portcullis_core::policy::{Pattern, RouteIndex};
use portcullis_core::{Ambiguity, Firewall, Request};

const PATTERNS: [&str; 18] = [
    "GET /",
    "* /{*rest}",
    "GET /a",
    "POST /a",
    "* /a/",
    "GET /a/b",
    "GET /a/{x}",
    "GET /{x}/b",
    "* /a/{*rest}",
    "GET /{x}/{y}",
    "GET /a/{x}/c",
    "GET /{x}/b/{*rest}",
    "GET /a/b/c",
    "DELETE /{x}/{y}/c/",
    "GET /café",
    "GET /a:b",
    "GET /a b/{x}",
    "GET /x/y/z/{*rest}",
];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    method: &'a str,
    path: &'a str,
    target: Option<&'a str>,
    host: Option<&'a str>,
    /// Which of the patterns are in the table.
    chosen: u32,
    /// What the firewall is told to let through.
    allowed: u32,
}

fuzz_target!(|input: Input<'_>| {
    let request =
        Request::new(input.method, input.path).with_target_authority(input.target).with_host(input.host);
    let passes = Firewall::strict().check(&request).is_ok();
    let knobs = Ambiguity::ALL.iter().zip(0..).filter(|(_, bit)| input.allowed >> bit & 1 == 1);
    let lax = knobs
        .fold(Firewall::strict(), |firewall, (knob, _)| firewall.danger_allow(*knob).unwrap_or(firewall));
    assert!(!passes || lax.check(&request).is_ok(), "what a strict firewall lets through, every one does");
    if passes {
        one_reading(input.path, input.method);
    }
    find(&input);
});

/// After the firewall, there is one way to read a path.
fn one_reading(path: &str, method: &str) {
    if path == "*" {
        return assert_eq!(method, "OPTIONS");
    }
    assert!(path.is_ascii() && path.starts_with('/') && !path.contains("//"), "{path:?}");
    for segment in path.split('/') {
        let decoded = decode(segment).expect("what the firewall lets through can be decoded");
        assert!(!decoded.contains(['/', '\\', '%', ';', '\0']), "{path:?}");
        assert!(!decoded.chars().any(char::is_control) && decoded != "." && decoded != "..", "{path:?}");
        let again = decode(&decoded).expect("there is no percent sign left");
        assert_eq!(again, decoded, "{path:?} means something else to whoever decodes twice");
    }
}

static PARSED: LazyLock<Vec<Pattern>> =
    LazyLock::new(|| PATTERNS.iter().map(|text| Pattern::parse(text).expect(text)).collect());

/// The table finds the same as a slow search, however the routes were declared.
fn find(input: &Input<'_>) {
    let chosen = PARSED.iter().zip(0..).filter(|(_, bit)| input.chosen >> bit & 1 == 1);
    let chosen: Vec<&Pattern> = chosen.map(|(pattern, _)| pattern).collect();
    let found = look_up(chosen.iter().copied(), input);
    let reversed = look_up(chosen.iter().rev().copied(), input);
    assert_eq!(found, reversed, "the order of declaration matters");
    let Some(found) = found else { return };
    let fits = |pattern: &&&Pattern| ranks(pattern.path(), input.path).is_some();
    let narrowest = chosen.iter().filter(fits).filter_map(|pattern| ranks(pattern.path(), input.path)).min();
    let actual = ranks(found.path(), input.path);
    assert_eq!(actual, narrowest, "{found} is not the narrowest pattern for {:?}", input.path);
}

fn look_up<'p>(patterns: impl Iterator<Item = &'p Pattern>, input: &Input<'_>) -> Option<Pattern> {
    let mut table = RouteTable::builder();
    let mut inserted: Vec<(RouteIndex, &Pattern)> = Vec::new();
    for pattern in patterns {
        inserted.push((table.insert(pattern, None).expect("they do not conflict"), pattern));
    }
    let table = table.build();
    let index = table.find(input.method, input.path, input.host)?;
    for (name, raw) in table.params(index, input.path) {
        assert!(!name.is_empty() && input.path.contains(raw));
    }
    inserted.into_iter().find(|(known, _)| *known == index).map(|(_, pattern)| pattern.clone())
}

/// How narrow the pattern is for the path, segment by segment: literal, parameter, rest; the smaller
/// the narrower. `None` if it does not fit.
fn ranks(pattern: &str, path: &str) -> Option<Vec<u8>> {
    let mut segments = path.strip_prefix('/')?.split('/').peekable();
    let mut ranks = Vec::new();
    let mut parts = pattern.strip_prefix('/')?.split('/').peekable();
    while let Some(part) = parts.next() {
        if part.starts_with("{*") {
            ranks.push(2);
            return Some(ranks);
        }
        let segment = segments.next();
        if part.is_empty() && parts.peek().is_none() {
            // The slash at the end of a pattern; without it in the path, the pattern is another one's.
            return (segment == Some("") && segments.peek().is_none()).then_some(ranks);
        }
        // What cannot be decoded is no literal.
        match segment? {
            "" => return None,
            _ if part.starts_with('{') => ranks.push(1),
            segment if decode(segment).is_some_and(|decoded| decoded == part) => ranks.push(0),
            _ => return None,
        }
    }
    segments.next().is_none().then_some(ranks)
}
