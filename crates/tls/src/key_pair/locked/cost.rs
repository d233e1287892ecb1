//! What it would cost to find out whether a passphrase is the right one.
//!
//! The file says how many rounds that takes, and whoever made it may have said two billion.

use pkcs8::der::asn1::{AnyRef, UintRef};
use pkcs8::der::{Decode, Reader, SliceReader, Tag, Tagged};

/// How deep a file may be nested.
const DEPTH: usize = 32;

/// A few seconds at most.
const MOST_ROUNDS: u64 = 10_000_000;
/// OpenSSL makes no keys that need more than 32 MiB, unless it is told to.
const MOST_MEMORY: u64 = 256 * 1024 * 1024;
const MOST_SCRYPT_WORK: u64 = 1024 * 1024 * 1024;

/// The parameters of all derivations in a file, taken together.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::key_pair) struct Cost {
    /// The most rounds of one derivation.
    pub(in crate::key_pair) largest: u64,
    rounds: u64,
    memory: u64,
    scrypt_work: u64,
}

impl Cost {
    /// What the structures of a file that are not encrypted ask for.
    ///
    /// All of them give a salt, which is an octet string, and then integers: one or two for the rounds
    /// and perhaps the length of the key, three or four for scrypt.
    pub(in crate::key_pair) fn of(der: &[u8]) -> Self {
        let mut cost = Self::default();
        cost.add_all(der, DEPTH);
        cost
    }

    pub(in crate::key_pair) fn is_bearable(self) -> bool {
        self.rounds <= MOST_ROUNDS && self.memory <= MOST_MEMORY && self.scrypt_work <= MOST_SCRYPT_WORK
    }

    fn add_all(&mut self, der: &[u8], depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        let Ok(mut reader) = SliceReader::new(der) else { return };
        // The integers that follow an octet string.
        let mut integers: Option<Vec<u64>> = None;
        while !reader.is_finished() {
            let Ok(element) = AnyRef::decode(&mut reader) else { break };
            match element.tag() {
                Tag::OctetString => {
                    self.add(integers.replace(Vec::new()));
                    self.add_all(element.value(), depth);
                }
                Tag::Integer => {
                    if let Some(integers) = &mut integers {
                        integers.push(number(element));
                    }
                }
                tag => {
                    self.add(integers.take());
                    if tag.is_constructed() {
                        self.add_all(element.value(), depth);
                    }
                }
            }
        }
        self.add(integers);
    }

    fn add(&mut self, integers: Option<Vec<u64>>) {
        match integers.as_deref() {
            Some([n, r, p, ..]) => {
                let memory = n.saturating_mul(*r).saturating_mul(128);
                self.memory = self.memory.max(memory);
                self.scrypt_work = self.scrypt_work.saturating_add(memory.saturating_mul(*p));
            }
            Some([rounds, ..]) => {
                self.largest = self.largest.max(*rounds);
                self.rounds = self.rounds.saturating_add(*rounds);
            }
            _ => {}
        }
    }
}

/// An integer; what is negative, or too large for any use, is as large as can be.
fn number(integer: AnyRef<'_>) -> u64 {
    let Ok(integer) = integer.decode_as::<UintRef<'_>>() else { return u64::MAX };
    let bytes = integer.as_bytes();
    if bytes.len() > 8 {
        return u64::MAX;
    }
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        assert!(content.len() < 128);
        [&[tag, content.len() as u8], content].concat()
    }

    fn cost(integers: &[&[u8]]) -> Cost {
        let integers: Vec<u8> = integers.iter().flat_map(|bytes| tlv(0x02, bytes)).collect();
        let parameters = tlv(0x30, &[tlv(0x04, b"salt"), integers].concat());
        // Hidden as PKCS#12 does it.
        Cost::of(&tlv(0x30, &tlv(0xa0, &tlv(0x04, &parameters))))
    }

    #[test]
    fn rounds_and_memory_are_seen_wherever_they_are() {
        assert!(cost(&[&[8, 0]]).is_bearable());
        assert_eq!(cost(&[&[8, 0]]).largest, 2048);
        // 2^31 - 1 rounds, with the length of the key and without
        assert!(!cost(&[&[0x7f, 0xff, 0xff, 0xff]]).is_bearable());
        assert!(!cost(&[&[0x7f, 0xff, 0xff, 0xff], &[32]]).is_bearable());
        assert!(!cost(&[&[0xff]]).is_bearable(), "negative");
        assert!(!cost(&[&[1; 9]]).is_bearable(), "more than 64 bits");
        // N, r, p of OpenSSL
        assert!(cost(&[&[0x40, 0], &[8], &[1]]).is_bearable());
        assert!(!cost(&[&[0x40, 0, 0], &[8], &[1]]).is_bearable(), "4 GiB");
        assert!(!cost(&[&[0x40, 0], &[8], &[0x7f, 0xff]]).is_bearable(), "32767 times");
    }

    #[test]
    fn many_bearable_ones_are_not_bearable() {
        let one = tlv(0x30, &[tlv(0x04, b"salt"), tlv(0x02, &[0x4c, 0x4b, 0x40])].concat());
        assert!(Cost::of(&one.repeat(2)).is_bearable(), "twice 5,000,000 rounds");
        assert!(!Cost::of(&one.repeat(3)).is_bearable());
    }

    #[test]
    fn a_deep_file_ends_somewhere() {
        let deep = (0..60).fold(Vec::new(), |inner, _| tlv(0x30, &inner));
        assert_eq!(Cost::of(&deep), Cost::default());
        for odd in [&b""[..], b"\x30", b"\x30\x80\0\0", b"\x04\x85\xff\xff\xff\xff\xff"] {
            assert_eq!(Cost::of(odd), Cost::default());
        }
    }
}
