//! The paths of patterns: requests that fit them, and what two of them have in common.

mod tree;

pub(in crate::policy) use tree::Tree;

use super::pattern::{Pattern, Segment};

/// The path of a pattern, or what two of them have in common.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Path<'p> {
    pub(in crate::policy) segments: Vec<Segment<'p>>,
    /// The paths that it comes from: itself, or the two that have it in common.
    pub(in crate::policy) parents: Vec<Box<str>>,
}

impl<'p> Path<'p> {
    pub(in crate::policy) fn of(pattern: &'p Pattern) -> Self {
        let segments: Vec<_> = pattern.segments().collect();
        let parents = vec![key(&segments)];
        Self { segments, parents }
    }

    /// Equal for paths that differ in the names of parameters only.
    pub(in crate::policy) fn key(&self) -> Box<str> {
        key(&self.segments)
    }

    pub(in crate::policy) fn parents(&self) -> &[Box<str>] {
        &self.parents
    }

    /// Paths that fit, each behind a pattern for it, the ones with most segments first.
    ///
    /// `fresh` is a segment that is no literal anywhere, `longest` the most segments of any pattern.
    pub(in crate::policy) fn samples(&self, fresh: &str, longest: usize) -> Vec<(String, String)> {
        let mut samples = Vec::new();
        let mut base: (String, String) = Default::default();
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => push(&mut base, text, &encoded(text)),
                Segment::Parameter(name) => push(&mut base, &format!("{{{name}}}"), fresh),
                Segment::Rest(name) => {
                    let fixed = self.segments.len() - 1;
                    let depths = longest.saturating_sub(fixed) + 1;
                    let mut deeper = base.clone();
                    let mut shallow = Vec::new();
                    for depth in 1..=depths {
                        push(&mut deeper, &format!("{{{name}{depth}}}"), fresh);
                        shallow.push(deeper.clone());
                    }
                    // Behind the longest pattern nothing but a rest can fit.
                    let mut deepest = (base.0.clone(), deeper.1);
                    push(&mut deepest, &format!("{{*{name}}}"), fresh);
                    samples.push(deepest);
                    samples.extend(shallow.into_iter().rev().flat_map(both_spellings));
                }
            }
        }
        if base.1.is_empty() {
            samples.push(("/".into(), "/".into()));
        } else {
            samples.extend(both_spellings(base));
        }
        samples
    }

    /// What the two paths have in common, if they overlap.
    pub(in crate::policy) fn overlap(&self, other: &Self) -> Option<Self> {
        let (mut mine, mut theirs) = (self.segments.iter(), other.segments.iter());
        let mut segments = Vec::new();
        let rest_of = |first: Segment<'p>, rest: std::slice::Iter<'_, Segment<'p>>| {
            std::iter::once(first).chain(rest.copied()).collect::<Vec<_>>()
        };
        loop {
            match (mine.next().copied(), theirs.next().copied()) {
                (None, None) | (None, Some(Segment::Rest(_))) | (Some(Segment::Rest(_)), None) => break,
                (Some(Segment::Rest(_)), Some(segment)) => {
                    segments.extend(rest_of(segment, theirs));
                    break;
                }
                (Some(segment), Some(Segment::Rest(_))) => {
                    segments.extend(rest_of(segment, mine));
                    break;
                }
                (Some(Segment::Literal(a)), Some(Segment::Literal(b))) if a != b => return None,
                (Some(literal @ Segment::Literal(_)), Some(_)) => segments.push(literal),
                (Some(_), Some(segment)) => segments.push(segment),
                (None, Some(_)) | (Some(_), None) => return None,
            }
        }
        let parents = [self.parents.clone(), other.parents.clone()].concat();
        Some(Self { segments, parents })
    }
}

fn key(segments: &[Segment<'_>]) -> Box<str> {
    let mut key = String::new();
    for segment in segments {
        key.push('/');
        match segment {
            Segment::Literal(text) => key.push_str(text),
            Segment::Parameter(_) => key.push_str("{}"),
            Segment::Rest(_) => key.push_str("{*}"),
        }
    }
    key.into()
}

fn push((shown, sample): &mut (String, String), segment: &str, encoded: &str) {
    for (path, text) in [(shown, segment), (sample, encoded)] {
        path.push('/');
        path.push_str(text);
    }
}

/// The path without and with a slash at its end.
fn both_spellings(bare: (String, String)) -> [(String, String); 2] {
    let slash = (format!("{}/", bare.0), format!("{}/", bare.1));
    [bare, slash]
}

/// A literal as it stands in a request: the spelling that its routes are for.
fn encoded(literal: &str) -> String {
    literal.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_graphic() {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}
