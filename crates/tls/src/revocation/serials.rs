//! A million serial numbers in little memory.

/// The bytes that RFC 5280 allows a serial number to have.
const BYTES: usize = 20;

/// A set of serial numbers, 20 bytes each, found by bisection.
#[derive(Debug, Default)]
pub(super) struct Serials {
    sorted: Vec<[u8; BYTES]>,
    /// Those that are longer than allowed.
    long: Vec<Box<[u8]>>,
}

impl Serials {
    /// The set of these numbers, each the content bytes of a DER integer.
    pub(super) fn new<'a>(count: usize, numbers: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut set = Self { sorted: Vec::with_capacity(count), long: Vec::new() };
        for number in numbers {
            match Number::of(number) {
                Number::Fixed(number) => set.sorted.push(number),
                Number::Long(number) => set.long.push(number.into()),
            }
        }
        set.sorted.sort_unstable();
        set.sorted.dedup();
        set.long.sort_unstable();
        set.long.dedup();
        set
    }

    pub(super) fn contains(&self, number: &[u8]) -> bool {
        match Number::of(number) {
            Number::Fixed(number) => self.sorted.binary_search(&number).is_ok(),
            Number::Long(number) => self.long.binary_search_by(|known| (**known).cmp(number)).is_ok(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.long.len()
    }
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
        for _ in 0..50 {
            let numbers: Vec<Vec<u8>> = (0..200).map(|_| number()).collect();
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
