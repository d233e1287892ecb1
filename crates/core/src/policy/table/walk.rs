//! One walk along a path: where its segments begin, and a hash of each.

use std::hash::BuildHasher;

use super::words::{self, Word};
use crate::policy::pattern::MOST_SEGMENTS;

/// The secret keys of a table, one for each position.
///
/// The hash of a pattern is the exclusive or over the hashes of its literals, each under the key of its
/// position. So the segments of a path are hashed once, whatever patterns they are compared with.
#[derive(Clone, Debug)]
pub(super) struct Keys([u64; MOST_SEGMENTS]);

impl Keys {
    pub(super) fn random() -> Self {
        let random = std::hash::RandomState::new();
        Self(std::array::from_fn(|position| random.hash_one(position)))
    }

    /// A value of its own for each shape.
    pub(super) fn salt(&self, shape: u32) -> u64 {
        self.0.first().copied().map_or(0, |key| mix(!key, u64::from(shape)))
    }

    /// The hash of a literal at a position.
    pub(super) fn hash(&self, position: usize, literal: &str) -> u64 {
        let key = self.0.get(position).copied().unwrap_or_default();
        words::of_literal(literal).fold(key, mix)
    }
}

/// Folded multiplication: every bit of the word reaches every bit of the hash.
#[inline]
fn mix(hash: u64, word: u64) -> u64 {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(hash ^ word) * ODD;
    (product >> 64) as u64 ^ product as u64
}

/// A path as the table sees it.
pub(super) struct Walk<'a> {
    /// The path without the slashes at its ends.
    body: &'a [u8],
    starts: [u32; MOST_SEGMENTS],
    hashes: [u64; MOST_SEGMENTS],
    /// A bit for each empty segment.
    empty: u32,
    /// A bit for each segment with an odd spelling.
    odd: u32,
    /// How many segments there are; one too many stands for any larger number.
    count: usize,
    has_final_slash: bool,
}

impl<'a> Walk<'a> {
    /// `None` if the path does not begin with a slash.
    #[inline]
    pub(super) fn along(path: &'a str, keys: &Keys) -> Option<Self> {
        let body = path.as_bytes().strip_prefix(b"/")?;
        let trimmed = body.strip_suffix(b"/");
        let mut walk = Self {
            body: trimmed.unwrap_or(body),
            starts: [0; MOST_SEGMENTS],
            hashes: [0; MOST_SEGMENTS],
            empty: 0,
            odd: 0,
            count: 0,
            has_final_slash: trimmed.is_some(),
        };
        if !body.is_empty() {
            walk.read_segments(keys)?;
        }
        Some(walk)
    }

    #[inline]
    fn read_segments(&mut self, keys: &Keys) -> Option<()> {
        let mut at = 0;
        let places = self.starts.iter_mut().zip(&mut self.hashes).zip(&keys.0);
        for (position, ((start, segment_hash), key)) in places.enumerate() {
            *start = u32::try_from(at).ok()?;
            let mut word = Word::at(self.body, at);
            self.empty |= u32::from(word.is_empty_segment()) << position;
            let mut hash = mix(*key, word.bits);
            let mut is_odd = word.is_odd;
            while !word.is_last {
                word = Word::at(self.body, word.next);
                hash = mix(hash, word.bits);
                is_odd |= word.is_odd;
            }
            self.odd |= u32::from(is_odd) << position;
            *segment_hash = hash;
            at = word.next;
            if at > self.body.len() {
                self.count = position + 1;
                return Some(());
            }
        }
        self.count = MOST_SEGMENTS + 1;
        Some(())
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn has_final_slash(&self) -> bool {
        self.has_final_slash
    }

    /// Whether one of these positions holds an empty segment.
    #[inline]
    pub(super) fn is_empty_at(&self, positions: u32) -> bool {
        self.empty & positions != 0
    }

    /// Whether one of these positions holds a segment with an escape that it need not have.
    #[inline]
    pub(super) fn is_odd_at(&self, positions: u32) -> bool {
        self.odd & positions != 0
    }

    /// The hash of the segments at these positions, all of which the path has.
    #[inline]
    pub(super) fn hash(&self, positions: u32) -> u64 {
        ones(positions).filter_map(|position| self.hashes.get(position)).fold(0, |all, hash| all ^ hash)
    }

    /// Whether the segments at these positions are the literals that `words` holds.
    #[inline]
    pub(super) fn is_equal(&self, positions: u32, words: &[u64]) -> bool {
        let mut expected = words.iter();
        for position in ones(positions) {
            let Some(start) = self.starts.get(position) else {
                return false;
            };
            let mut at = *start as usize;
            loop {
                let word = Word::at(self.body, at);
                if expected.next() != Some(&word.bits) {
                    return false;
                }
                if word.is_last {
                    break;
                }
                at = word.next;
            }
        }
        expected.as_slice().is_empty()
    }
}

/// The places of the bits that are one, lowest first.
#[inline]
fn ones(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros();
        bits &= bits.checked_sub(1)?;
        Some(place as usize)
    })
}
