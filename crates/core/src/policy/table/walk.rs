//! One walk along a path: where its segments begin, and a hash of each.

use std::hash::BuildHasher;

use super::words::{self, Word};
use crate::policy::pattern::MOST_SEGMENTS;

/// The secret keys of a table, one for each position.
///
/// The hash of a pattern is the exclusive or over the hashes of its literals, each under the key of its
/// position. So the segments of a path are hashed once, whatever patterns they are compared with.
#[derive(Clone, Debug)]
pub(super) struct Keys([u64; MOST_SEGMENTS + 1]);

impl Keys {
    pub(super) fn random() -> Self {
        let random = std::hash::RandomState::new();
        Self(std::array::from_fn(|position| random.hash_one(position)))
    }

    /// A value of its own for each shape.
    pub(super) fn salt(&self, shape: u32) -> u64 {
        self.0.first().copied().map_or(0, |key| mix(!key, u64::from(shape)))
    }

    /// The hash of a literal at a position, by its words.
    pub(super) fn hash(&self, position: usize, words: &[u64]) -> u64 {
        let key = self.0.get(position).copied().unwrap_or_default();
        words.iter().fold(key, |hash, word| mix(hash, *word))
    }
}

/// Folded multiplication: every bit of the word reaches every bit of the hash.
#[inline]
fn mix(hash: u64, word: u64) -> u64 {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(hash ^ word) * ODD;
    (product >> 64) as u64 ^ product as u64
}

/// A path as the table sees it, with room for `N` segments; decoded or known to be plain ASCII.
pub(super) struct Walk<'a, const N: usize, const DECODES: bool> {
    /// The path without its first slash.
    body: &'a [u8],
    starts: [u32; N],
    /// The first word of each segment, which mostly is the only one.
    words: [u64; N],
    hashes: [u64; N],
    count: usize,
}

impl<'a, const N: usize, const DECODES: bool> Walk<'a, N, DECODES> {
    /// A walk along a path without its first slash, which is shorter than 4 GiB.
    #[inline]
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { body, starts: [0; N], words: [0; N], hashes: [0; N], count: 0 }
    }

    /// Goes from segment to segment, as far as there is room.
    ///
    /// `None` if something must be decoded that this walk does not decode.
    #[inline]
    pub(super) fn go(&mut self, keys: &Keys) -> Option<()> {
        let body = self.body;
        let mut at = 0;
        let segments = self.starts.iter_mut().zip(&mut self.words).zip(&mut self.hashes).zip(&keys.0);
        for (position, (((start, first), segment_hash), key)) in segments.enumerate() {
            let mut word = Self::word(body, at)?;
            *start = at;
            *first = word.bits;
            let mut hash = mix(*key, word.bits);
            while !word.is_last() {
                word = Self::word(body, word.next)?;
                hash = mix(hash, word.bits);
            }
            *segment_hash = hash;
            at = word.next;
            if at as usize > body.len() {
                self.count = position + 1;
                return Some(());
            }
        }
        self.count = N + 1;
        Some(())
    }

    #[inline]
    fn word(body: &[u8], at: u32) -> Option<Word> {
        if DECODES { Some(Word::decoded(body, at)) } else { Word::plain(body, at) }
    }

    /// Whether it came to the end.
    pub(super) fn is_whole(&self) -> bool {
        self.count <= N
    }

    /// The number of segments, and whether there is a slash behind the last of them.
    #[inline]
    pub(super) fn count(&self) -> (usize, bool) {
        let last = self.count.saturating_sub(1);
        match self.words.get(last) {
            Some(&words::EMPTY) => (last, last > 0),
            _ => (self.count, false),
        }
    }

    /// The hash of the segments at these positions, all of which the path has.
    #[inline]
    pub(super) fn hash(&self, positions: u32) -> u64 {
        ones(positions).filter_map(|position| self.hashes.get(position)).fold(0, |all, hash| all ^ hash)
    }

    /// Whether one of the segments at these positions is empty.
    #[inline]
    pub(super) fn is_empty_at(&self, positions: u32) -> bool {
        ones(positions).any(|position| self.words.get(position) == Some(&words::EMPTY))
    }

    /// Whether the segments at these positions are the literals that `words` holds.
    #[inline]
    pub(super) fn is_equal(&self, positions: u32, words: &[u64]) -> bool {
        let mut expected = words.iter();
        for position in ones(positions) {
            let first = self.words.get(position);
            if first != expected.next() {
                return false;
            }
            if !first.is_some_and(|first| words::is_last(*first))
                && !self.rest_is_equal(position, &mut expected)
            {
                return false;
            }
        }
        expected.as_slice().is_empty()
    }

    /// Compares the words behind the first one of a segment.
    #[inline(never)]
    fn rest_is_equal(&self, position: usize, expected: &mut std::slice::Iter<'_, u64>) -> bool {
        let mut at = self.starts.get(position).copied();
        let mut words = std::iter::from_fn(|| {
            let word = Self::word(self.body, at?)?;
            at = (!word.is_last()).then_some(word.next);
            Some(word.bits)
        });
        words.next().is_some() && words.all(|word| expected.next() == Some(&word))
    }

    /// Whether one of the segments at these positions has an escape that its character need not have.
    #[inline]
    pub(super) fn is_odd_at(&self, positions: u32) -> bool {
        let mut starts = ones(positions).filter_map(|position| self.starts.get(position));
        DECODES && starts.any(|start| words::has_odd_spelling(self.body, *start))
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
