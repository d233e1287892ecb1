//! The text of a segment as numbers of eight bytes, percent-decoded on the way.
//!
//! A segment is cut into words of eight bytes. Its last word holds the up to seven bytes that are left,
//! and in its highest byte how many. That byte never occurs in UTF-8, so no word in the middle of a
//! literal looks like the last one: words are equal if and only if the decoded texts are, also when
//! the words of several literals stand in a row.
//!
//! Words serve both for hashing and for comparing, so that a path is never decoded into memory.

use crate::request::firewall::percent::{Unit, Units};

const BYTES: usize = size_of::<u64>();

/// Marks the last word of a segment; the low three bits of the byte are for the length.
const LAST: u64 = 0xf8;

/// Up to eight bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) bits: u64,
    /// Where the next word begins, or the next segment if this word is the last one.
    pub(super) next: usize,
    pub(super) is_last: bool,
    /// Whether it holds an escape that its characters need not have.
    pub(super) is_odd: bool,
}

impl Word {
    /// The word at `at`; behind the end of the path stands a slash.
    #[inline]
    pub(super) fn at(path: &[u8], at: usize) -> Self {
        let bytes = load(path, at);
        if find(bytes, b'%') != 0 {
            return Self::decoded(path, at);
        }
        match find(bytes, b'/') {
            0 => Self { bits: bytes, next: at + BYTES, is_last: false, is_odd: false },
            slash => {
                let len = slash.trailing_zeros() as usize / 8;
                let kept = bytes & !(u64::MAX << (8 * len));
                Self { bits: kept | last(len), next: at + len + 1, is_last: true, is_odd: false }
            }
        }
    }

    #[cold]
    fn decoded(path: &[u8], at: usize) -> Self {
        let text = path.get(at..).unwrap_or_default();
        let mut units = Units::new(text);
        let mut word = Self { bits: 0, next: at, is_last: false, is_odd: false };
        for len in 0..BYTES {
            if matches!(units.rest().first(), None | Some(b'/')) {
                word.bits |= last(len);
                word.is_last = true;
                word.next += 1;
                break;
            }
            let before = units.rest();
            let Some(unit) = units.next() else { break };
            let spelling = before.strip_suffix(units.rest()).unwrap_or(before);
            word.bits |= u64::from(unit.byte()) << (8 * len);
            word.is_odd |= is_odd(unit, spelling);
            word.next += spelling.len();
        }
        word
    }

    /// Whether the segment that begins with this word is empty.
    #[inline]
    pub(super) fn is_empty_segment(&self) -> bool {
        self.bits == last(0)
    }
}

/// Whether a character has a plainer spelling: itself, or an escape in capitals.
fn is_odd(unit: Unit, spelling: &[u8]) -> bool {
    match unit {
        Unit::Raw(_) => false,
        Unit::Escaped(byte) => byte.is_ascii_graphic() || spelling.iter().any(u8::is_ascii_lowercase),
        Unit::Broken => true,
    }
}

/// The words of a literal, which has neither a slash nor a percent sign.
pub(super) fn of_literal(literal: &str) -> impl Iterator<Item = u64> {
    let mut at = Some(0);
    std::iter::from_fn(move || {
        let word = Word::at(literal.as_bytes(), at?);
        at = (!word.is_last).then_some(word.next);
        Some(word.bits)
    })
}

#[inline]
fn last(len: usize) -> u64 {
    (LAST | len as u64) << 56
}

/// Eight bytes from `at`, the first lowest; behind the end of the path a slash and zeros.
#[inline]
fn load(path: &[u8], at: usize) -> u64 {
    let rest = path.get(at..).unwrap_or_default();
    if let Some(chunk) = rest.first_chunk::<BYTES>() {
        return u64::from_le_bytes(*chunk);
    }
    let slash = u64::from(b'/') << (8 * rest.len());
    match path.last_chunk::<BYTES>() {
        Some(_) if rest.is_empty() => slash,
        Some(chunk) => u64::from_le_bytes(*chunk) >> (8 * (BYTES - rest.len())) | slash,
        None => rest.iter().rev().fold(slash >> (8 * rest.len()), |bits, byte| bits << 8 | u64::from(*byte)),
    }
}

/// Zero if `byte` does not occur; else the lowest bit set belongs to the first byte that is equal.
#[inline]
fn find(bytes: u64, byte: u8) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero_where_equal = bytes ^ (LOW * u64::from(byte));
    zero_where_equal.wrapping_sub(LOW) & !zero_where_equal & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(path: &str) -> Vec<Vec<u64>> {
        let (mut at, mut segments) = (0, Vec::new());
        while at <= path.len() {
            let mut segment = Vec::new();
            loop {
                let word = Word::at(path.as_bytes(), at);
                segment.push(word.bits);
                at = word.next;
                if word.is_last {
                    break;
                }
            }
            segments.push(segment);
        }
        segments
    }

    #[test]
    fn a_segment_has_the_same_words_wherever_it_stands() {
        for len in 0..40 {
            let text: String = ('a'..='z').cycle().take(len).collect();
            let expected: Vec<_> = of_literal(&text).collect();
            for (before, behind) in
                [("", ""), ("x/", ""), ("", "/y"), ("abcdefghijk/", "/abcdefghijk"), ("/", "/")]
            {
                let place = before.matches('/').count();
                assert_eq!(
                    words(&format!("{before}{text}{behind}"))[place],
                    expected,
                    "{before}{text}{behind}"
                );
            }
            let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            assert_eq!(words(&format!("{escaped}/x"))[0], expected, "{escaped}");
            let mixed: String = text
                .bytes()
                .map(|b| if b % 3 == 0 { format!("%{b:02X}") } else { char::from(b).into() })
                .collect();
            assert_eq!(words(&format!("x/{mixed}"))[1], expected, "{mixed}");
        }
    }

    #[test]
    fn different_texts_have_different_words() {
        let mut texts: Vec<String> = ["", "a", "aa", "a\0", "\0", "\0\0", "%25"].map(str::to_owned).into();
        texts.extend((7..26).flat_map(|len| ["a", "b", "\0"].map(|fill| fill.repeat(len))));
        let all: std::collections::HashSet<_> = texts.iter().map(|text| words(text)).collect();
        assert_eq!(all.len(), texts.len());
    }

    #[test]
    fn an_escaped_slash_is_no_end() {
        assert_eq!(words("a%2Fb").len(), 1);
        assert_ne!(words("a%2Fb")[0], words("a/b")[0]);
        assert_eq!(words("a%2Fb/c").len(), 2);
    }

    #[test]
    fn only_needless_escapes_are_odd() {
        let is_odd = |text: &str| Word::at(text.as_bytes(), 0).is_odd;
        for text in ["a:b", "%C3%A9", "%20", "%0A", "a/%61", "abcdefgh%61"] {
            assert!(!is_odd(text), "{text}");
        }
        for text in ["%3A", "%61", "%c3%a9", "%0a", "%2F", "%", "a%zz", "%7E"] {
            assert!(is_odd(text), "{text}");
        }
    }
}
