//! The text of a segment as numbers of eight bytes, percent-decoded on the way.
//!
//! A segment is cut into words of eight bytes. Its last word holds the up to seven bytes that are left,
//! and in its highest byte how many. That byte never occurs in UTF-8, so no word in the middle of a
//! literal looks like the last one: words are equal if and only if the decoded texts are, also when
//! the words of several literals stand in a row.
//!
//! Words serve both for hashing and for comparing, so that a path is never decoded into memory.

use crate::request::firewall::percent::Units;

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
            0 => Self { bits: bytes, next: at + BYTES, is_last: false },
            slash => {
                let len = slash.trailing_zeros() as usize / 8;
                let kept = bytes & !(u64::MAX << (8 * len));
                Self { bits: kept | last(len), next: at + len + 1, is_last: true }
            }
        }
    }

    #[cold]
    fn decoded(path: &[u8], at: usize) -> Self {
        let text = path.get(at..).unwrap_or_default();
        let mut units = Units::new(text);
        let mut bits = 0;
        for len in 0..BYTES {
            let rest = units.rest();
            if matches!(rest.first(), None | Some(b'/')) {
                let next = at + (text.len() - rest.len()) + 1;
                return Self { bits: bits | last(len), next, is_last: true };
            }
            bits |= units.next().map_or(0, |unit| u64::from(unit.byte())) << (8 * len);
        }
        Self { bits, next: at + (text.len() - units.rest().len()), is_last: false }
    }

    /// Whether the segment that begins with this word is empty.
    #[inline]
    pub(super) fn is_empty_segment(&self) -> bool {
        self.bits == last(0)
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
