//! A million serial numbers in little memory.

/// The bytes that RFC 5280 allows a serial number to have.
const BYTES: usize = 20;

/// A set of serial numbers, 20 bytes each and 4 to find it by.
///
/// A bisection of a million numbers waits for memory twenty times, this one twice: the numbers are
/// sorted by a hash, and an index tells where those of one hash begin.
#[derive(Debug, Default)]
pub(super) struct Serials {
    sorted: Vec<[u8; BYTES]>,
    /// Where the numbers of each hash begin, and at last where all of them end.
    index: Vec<u32>,
    /// How many bits of the hash count.
    bits: u32,
    /// Those that are longer than allowed.
    long: Vec<Box<[u8]>>,
}

/// More hashes than this would take more memory than they save time.
const MOST_BITS: u32 = 22;

impl Serials {
    /// The set of these numbers, each the content bytes of a DER integer.
    pub(super) fn new<'a>(count: usize, numbers: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut sorted = Vec::with_capacity(count);
        let mut long: Vec<Box<[u8]>> = Vec::new();
        for number in numbers {
            match Number::of(number) {
                Number::Fixed(number) => sorted.push(number),
                Number::Long(number) => long.push(number.into()),
            }
        }
        long.sort_unstable();
        long.dedup();
        let bits = sorted.len().checked_ilog2().unwrap_or_default().min(MOST_BITS);
        sorted.sort_unstable_by_key(|number| (hash(number, bits), *number));
        sorted.dedup();
        let mut index = Vec::with_capacity((1 << bits) + 1);
        for (position, number) in (0_u32..).zip(&sorted) {
            let hash = hash(number, bits) as usize;
            index.resize(index.len().max(hash + 1), position);
        }
        let end = u32::try_from(sorted.len()).unwrap_or(u32::MAX);
        index.resize((1 << bits) + 1, end);
        Self { sorted, index, bits, long }
    }

    pub(super) fn contains(&self, number: &[u8]) -> bool {
        match Number::of(number) {
            Number::Fixed(number) => self.alike(&number).binary_search(&number).is_ok(),
            Number::Long(number) => self.long.binary_search_by(|known| (**known).cmp(number)).is_ok(),
        }
    }

    /// The numbers with the same hash: very few, and sorted.
    fn alike(&self, number: &[u8; BYTES]) -> &[[u8; BYTES]] {
        let hash = hash(number, self.bits) as usize;
        match (self.index.get(hash), self.index.get(hash + 1)) {
            (Some(start), Some(end)) => self.sorted.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.long.len()
    }
}

/// The first bits of a product with an odd number, which mixes random and counted numbers alike.
fn hash(number: &[u8; BYTES], bits: u32) -> u32 {
    let (_, last) = number.split_last_chunk::<8>().unwrap_or((&[], &[0; 8]));
    let mixed = u64::from_be_bytes(*last).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u32::try_from(mixed.checked_shr(64 - bits).unwrap_or_default()).unwrap_or_default()
}

enum Number<'a> {
    Fixed([u8; BYTES]),
    Long(&'a [u8]),
}

impl<'a> Number<'a> {
    /// Without leading zeros, so that 5, 05 and 005 are one number.
    ///
    /// A negative number falls together with a positive one of the same bytes. RFC 5280 knows no
    /// negative ones, and it could only make one certificate more revoked.
    fn of(content: &'a [u8]) -> Self {
        let zeros = content.iter().take_while(|byte| **byte == 0).count();
        let digits = content.get(zeros..).unwrap_or_default();
        let mut fixed = [0; BYTES];
        match BYTES.checked_sub(digits.len()).and_then(|padding| fixed.get_mut(padding..)) {
            Some(place) => {
                place.copy_from_slice(digits);
                Self::Fixed(fixed)
            }
            None => Self::Long(digits),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn set(numbers: &[&[u8]]) -> Serials {
        Serials::new(numbers.len(), numbers.iter().copied())
    }

    #[test]
    fn leading_zeros_are_nothing() {
        let set = set(&[&[0, 5], &[0], &[1; 20]]);
        for number in [&[5][..], &[0, 0, 5], &[], &[0, 0], &[1; 20], &[&[0][..], &[1; 20]].concat()] {
            assert!(set.contains(number), "{number:?}");
        }
        for number in [&[6][..], &[5, 0], &[0, 5, 0], &[1; 19], &[1; 21]] {
            assert!(!set.contains(number), "{number:?}");
        }
        assert_eq!(set.len(), 3);
    }

    #[test]
    fn numbers_longer_than_allowed_are_found_too() {
        let set = set(&[&[7; 21], &[7; 40], &[7; 21], &[7; 20]]);
        assert_eq!(set.len(), 3);
        for (number, is_in) in [(20, true), (21, true), (22, false), (40, true), (41, false)] {
            assert_eq!(set.contains(&vec![7; number]), is_in, "{number}");
        }
    }

    #[test]
    fn it_equals_a_naive_set() {
        // a linear congruential generator gives short and long numbers with many near misses
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let mut number = || -> Vec<u8> {
            let length = usize::try_from(random() % 24).unwrap_or_default();
            (0..length).map(|_| u8::try_from(random() % 3).unwrap_or_default()).collect()
        };
        let strip = |number: &[u8]| -> Vec<u8> { number.iter().copied().skip_while(|b| *b == 0).collect() };
        for count in [0, 1, 2, 3, 4, 5, 200, 300, 400] {
            let numbers: Vec<Vec<u8>> = (0..count).map(|_| number()).collect();
            let naive: BTreeSet<Vec<u8>> = numbers.iter().map(|number| strip(number)).collect();
            let set = Serials::new(0, numbers.iter().map(Vec::as_slice));
            assert_eq!(set.len(), naive.len());
            for _ in 0..1000 {
                let number = number();
                assert_eq!(set.contains(&number), naive.contains(&strip(&number)), "{number:?}");
            }
        }
    }
}
