//! Serial numbers.

use std::{fmt, str::FromStr};

use super::der::Malformed;

/// The serial number of a certificate.
///
/// An integer of any length, kept without leading zeros. It says something only together with the
/// issuer: two authorities may use the same number. RFC 5280 wants a positive one; a negative one
/// is kept as such and never equals a positive one.
///
/// Text is hexadecimal, also when all of its digits are decimal ones. For decimal text there is
/// [`Serial::from_decimal`].
///
/// # Examples
///
/// ```
/// use portcullis_core::certificate::Serial;
///
/// let serial: Serial = "00:C0:FF:EE".parse()?;
/// assert_eq!(serial.to_string(), "c0ffee");
/// assert_eq!(Serial::from_decimal("12648430")?, serial);
/// assert_ne!("-c0ffee".parse::<Serial>()?, serial);
/// # Ok::<(), portcullis_core::certificate::SerialError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Serial {
    negative: bool,
    /// Big-endian, without leading zeros: empty for zero.
    magnitude: Box<[u8]>,
}

/// The text is no serial number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SerialError {
    /// Not plain hexadecimal, nor pairs of digits joined by colons.
    #[error("`{}` is no serial number: write hexadecimal digits, such as `c0ffee` or `c0:ff:ee`", .text.escape_debug())]
    Hexadecimal {
        /// What was given.
        text: String,
    },
    /// Not decimal.
    #[error("`{}` is no decimal serial number: write decimal digits only", .text.escape_debug())]
    Decimal {
        /// What was given.
        text: String,
    },
    /// More digits than a serial number can have.
    #[error("a serial number has at most {limit} digits, not {digits}")]
    TooLong {
        /// How many characters were given.
        digits: usize,
        /// How many are accepted.
        limit: usize,
    },
}

/// RFC 5280 allows 20 bytes; some authorities used more.
const MAX_DIGITS: usize = 512;

impl Serial {
    /// The bytes of the absolute value, big-endian and without leading zeros; none for zero.
    pub fn as_bytes(&self) -> &[u8] {
        &self.magnitude
    }

    /// Whether the number is below zero, which RFC 5280 forbids.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// Reads decimal digits, as Caddy prints them.
    ///
    /// # Errors
    ///
    /// If there are none, too many, or something else among them.
    pub fn from_decimal(text: &str) -> Result<Self, SerialError> {
        check_length(text)?;
        let (negative, digits) = sign(text);
        let wrong = || SerialError::Decimal { text: text.to_owned() };
        if digits.is_empty() {
            return Err(wrong());
        }
        // Little-endian while it grows.
        let mut bytes: Vec<u8> = Vec::new();
        for character in digits.chars() {
            let mut carry = character.to_digit(10).ok_or_else(wrong)?;
            for byte in &mut bytes {
                let value = u32::from(*byte) * 10 + carry;
                *byte = value.to_le_bytes()[0];
                carry = value >> 8;
            }
            if carry > 0 {
                bytes.push(carry.to_le_bytes()[0]);
            }
        }
        bytes.reverse();
        Ok(Self::new(negative, bytes))
    }

    /// Reads the content of an INTEGER.
    pub(super) fn from_content(content: &[u8]) -> Result<Self, Malformed> {
        let negative = content.first().ok_or(Malformed)? & 0x80 != 0;
        let mut bytes = content.to_vec();
        if negative {
            negate(&mut bytes);
        }
        Ok(Self::new(negative, bytes))
    }

    fn new(negative: bool, mut bytes: Vec<u8>) -> Self {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.drain(..zeros);
        Self { negative: negative && !bytes.is_empty(), magnitude: bytes.into() }
    }
}

/// Two's complement, in place; the result is the unsigned absolute value.
fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes.iter_mut().rev() {
        (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
    }
}

fn sign(text: &str) -> (bool, &str) {
    text.strip_prefix('-').map_or((false, text), |digits| (true, digits))
}

fn check_length(text: &str) -> Result<(), SerialError> {
    let digits = text.len();
    if digits > MAX_DIGITS { Err(SerialError::TooLong { digits, limit: MAX_DIGITS }) } else { Ok(()) }
}

impl FromStr for Serial {
    type Err = SerialError;

    fn from_str(text: &str) -> Result<Self, SerialError> {
        check_length(text)?;
        let (negative, digits) = sign(text);
        let wrong = || SerialError::Hexadecimal { text: text.to_owned() };
        let mut nibbles = Vec::with_capacity(digits.len());
        for group in digits.split(':') {
            if digits.contains(':') && group.len() != 2 {
                return Err(wrong());
            }
            for character in group.chars() {
                let nibble = character.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                nibbles.push(nibble.ok_or_else(wrong)?);
            }
        }
        if nibbles.is_empty() {
            return Err(wrong());
        }
        let bytes =
            nibbles.rchunks(2).rev().map(|pair| pair.iter().fold(0, |byte, nibble| byte << 4 | nibble));
        Ok(Self::new(negative, bytes.collect()))
    }
}

impl fmt::Display for Serial {
    /// Lower-case hexadecimal, two digits for each byte, with a minus sign if negative.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        if self.magnitude.is_empty() {
            return f.write_str("00");
        }
        self.magnitude.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Serial {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(bytes: &[u8]) -> Serial {
        Serial::from_content(bytes).unwrap()
    }

    fn hex(text: &str) -> Serial {
        text.parse().unwrap()
    }

    #[test]
    fn spellings_of_one_number_are_equal() {
        let expected = content(&[0x00, 0xc0, 0xff, 0xee]);
        for text in ["c0ffee", "C0FFEE", "c0:ff:ee", "00:C0:FF:EE", "0c0ffee", "00000000000000c0ffee"] {
            assert_eq!(hex(text), expected, "{text}");
        }
        assert_eq!(Serial::from_decimal("0012648430"), Ok(expected));
    }

    #[test]
    fn digits_alone_are_hexadecimal() {
        assert_eq!(hex("10"), content(&[0x10]));
        assert_eq!(Serial::from_decimal("10"), Ok(content(&[0x0a])));
    }

    #[test]
    fn negative_never_equals_positive() {
        for (bytes, text) in
            [(&[0xff][..], "-01"), (&[0x80], "-80"), (&[0xff, 0x01], "-ff"), (&[0x80, 0x00], "-8000")]
        {
            let serial = content(bytes);
            assert!(serial.is_negative());
            assert_eq!(serial.to_string(), text);
            assert_eq!(hex(text), serial);
            assert_ne!(hex(text.trim_start_matches('-')), serial);
        }
        // The same bytes, read as unsigned.
        assert_ne!(content(&[0xc0, 0xff, 0xee]), content(&[0x00, 0xc0, 0xff, 0xee]));
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(content(&[0]).to_string(), "00");
        assert_eq!(hex("-0"), hex("00:00"));
        assert_eq!(Serial::from_decimal("-0"), Ok(hex("0")));
        assert!(hex("0").as_bytes().is_empty());
    }

    #[test]
    fn long_decimals_are_exact() {
        let text = "1461501637330902918203684832716283019655932542975"; // 2^160 - 1
        assert_eq!(Serial::from_decimal(text).unwrap().as_bytes(), [0xff; 20]);
    }

    #[test]
    fn other_text_is_refused() {
        let bad = [
            "", "-", "--1", "+1", "0x10", "c0 ff", ":", "c0:", ":c0", "c:0f", "c0ff:ee", "c0::ff", "é", "１",
            "1\n",
        ];
        for text in bad {
            assert!(text.parse::<Serial>().is_err(), "{text:?}");
        }
        for text in ["", "-", "1a", "1:2", " 1", "+1"] {
            assert!(Serial::from_decimal(text).is_err(), "{text:?}");
        }
        assert!(matches!("a".repeat(513).parse::<Serial>(), Err(SerialError::TooLong { digits: 513, .. })));
        assert_eq!(Serial::from_content(&[]), Err(Malformed));
    }
}
