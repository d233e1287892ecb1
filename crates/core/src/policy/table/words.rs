//! The text of a segment as numbers of eight bytes, percent-decoded on the way.
//!
//! A segment is cut into words of eight bytes. The last word holds the up to seven bytes that are left,
//! and is filled up with `ff`, a byte that no literal and no other word has. So words are equal if and
//! only if the texts of their segments are, also when the words of several segments stand in a row.
//!
//! Words serve both for hashing and for comparing, so that a path is never decoded into memory.

use crate::request::firewall::percent::{Unit, Units};

const BYTES: u32 = 8;

/// What fills up a last word.
const FILLER: u8 = 0xff;

/// The only word of an empty segment.
pub(super) const EMPTY: u64 = u64::MAX;

/// The lowest and the highest bit of each byte.
const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// Up to eight bytes of a segment, the first lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) bits: u64,
    /// Where the next word begins, or the next segment if this word is the last one.
    pub(super) next: u32,
}

impl Word {
    /// The word at `at`; behind the end of the path stands a slash.
    ///
    /// `None` if there is an escape or a character that is not ASCII.
    #[inline]
    pub(super) fn plain(path: &[u8], at: u32) -> Option<Self> {
        let bytes = load(path, at as usize);
        if (marks(bytes, b'%') | bytes) & HIGH != 0 {
            return None;
        }
        Some(match marks(bytes, b'/') & HIGH {
            0 => Self { bits: bytes, next: at + BYTES },
            slashes => {
                let before_slash = (slashes ^ (slashes - 1)) >> 8;
                Self { bits: bytes | !before_slash, next: at + slashes.trailing_zeros() / 8 + 1 }
            }
        })
    }

    /// The word at `at`, decoded.
    pub(super) fn decoded(path: &[u8], at: u32) -> Self {
        if let Some(word) = Self::plain(path, at) {
            return word;
        }
        let text = path.get(at as usize..).unwrap_or_default();
        let mut units = Units::new(text);
        let mut bits = EMPTY;
        let mut slash = 0;
        for place in 0..BYTES {
            if matches!(units.rest().first(), None | Some(b'/')) {
                slash = 1;
                break;
            }
            // No literal has `fe` either, so an escaped filler stays different from all of them.
            let byte = units.next().map_or(FILLER, |unit| unit.byte().min(FILLER - 1));
            bits ^= u64::from(byte ^ FILLER) << (8 * place);
        }
        Self { bits, next: at + (text.len() - units.rest().len()) as u32 + slash }
    }

    #[inline]
    pub(super) fn is_last(&self) -> bool {
        is_last(self.bits)
    }
}

/// Whether these are the bits of a last word.
#[inline]
pub(super) fn is_last(bits: u64) -> bool {
    bits >> 56 == u64::from(FILLER)
}

/// Whether the segment at `at` has an escape with a plainer spelling: the character itself, or the
/// escape in capitals.
pub(super) fn has_odd_spelling(path: &[u8], at: u32) -> bool {
    let mut units = Units::new(path.get(at as usize..).unwrap_or_default());
    loop {
        let before = units.rest();
        let Some(unit) = units.next() else { return false };
        let spelling = before.strip_suffix(units.rest()).unwrap_or(before);
        match unit {
            Unit::Raw(b'/') => return false,
            Unit::Raw(_) => {}
            Unit::Escaped(byte)
                if !byte.is_ascii_graphic() && !spelling.iter().any(u8::is_ascii_lowercase) => {}
            Unit::Escaped(_) | Unit::Broken => return true,
        }
    }
}

/// The words of a literal, which has neither a slash nor a percent sign.
pub(super) fn of_literal(literal: &str) -> impl Iterator<Item = u64> {
    let mut at = Some(0);
    std::iter::from_fn(move || {
        let word = Word::decoded(literal.as_bytes(), at?);
        at = (!word.is_last()).then_some(word.next);
        Some(word.bits)
    })
}

/// Eight bytes from `at`, the first lowest; behind the end of the path a slash and zeros.
#[inline]
fn load(path: &[u8], at: usize) -> u64 {
    let Some(rest) = path.get(at..) else { return u64::from(b'/') };
    if let Some(chunk) = rest.first_chunk() {
        return u64::from_le_bytes(*chunk);
    }
    let slash = u64::from(b'/') << (8 * rest.len());
    match path.last_chunk() {
        // Shifting in two steps, since the whole width cannot be shifted out in one.
        Some(chunk) => u64::from_le_bytes(*chunk) >> 8 >> (8 * (7 - rest.len())) | slash,
        None => rest.iter().zip(0..).fold(slash, |bits, (byte, at)| bits | u64::from(*byte) << (8 * at)),
    }
}

/// Sets the highest bit of each ASCII byte that equals `byte`, up to the first at least.
#[inline]
fn marks(bytes: u64, byte: u8) -> u64 {
    (bytes ^ (LOW * u64::from(byte))).wrapping_sub(LOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(path: &str) -> Vec<Vec<u64>> {
        let (mut at, mut segments) = (0, Vec::new());
        while at as usize <= path.len() {
            let mut segment = Vec::new();
            loop {
                let word = Word::decoded(path.as_bytes(), at);
                segment.push(word.bits);
                at = word.next;
                if word.is_last() {
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
        let is_odd = |text: &str| has_odd_spelling(text.as_bytes(), 0);
        for text in ["a:b", "%C3%A9", "%20", "%0A", "a/%61"] {
            assert!(!is_odd(text), "{text}");
        }
        for text in ["%3A", "%61", "%c3%a9", "%0a", "%2F", "%", "a%zz", "%7E", "abcdefgh%61"] {
            assert!(is_odd(text), "{text}");
        }
    }
}
