//! SHA-256 fingerprints.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

/// The SHA-256 of some bytes: of a certificate, or of its public key.
///
/// # Examples
///
/// ```
/// use portcullis_core::certificate::Fingerprint;
///
/// let printed = Fingerprint::of(b"some bytes").to_string();
/// assert_eq!(printed.parse(), Ok(Fingerprint::of(b"some bytes")));
/// assert_ne!(printed.parse(), Ok(Fingerprint::of(b"other bytes")));
/// assert!("da39a3ee5e6b4b0d3255bfef95601890afd80709".parse::<Fingerprint>().is_err()); // SHA-1
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// The text is no SHA-256 fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FingerprintError {
    /// The number of hexadecimal digits is not 64.
    #[error("a SHA-256 fingerprint has 64 hexadecimal digits, not {digits}{}", algorithm(*.digits))]
    Length {
        /// How many digits were given.
        digits: usize,
    },
    /// A character is neither a hexadecimal digit nor a colon between two bytes.
    #[error(
        "a SHA-256 fingerprint has hexadecimal digits and colons between bytes only: `{}` at position {position}",
        .character.escape_debug()
    )]
    Character {
        /// The offending character.
        character: char,
        /// Which character it is, counted from 1.
        position: usize,
    },
}

impl Fingerprint {
    /// Computes the fingerprint of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Fingerprint {
    fn from(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads hexadecimal digits of either case, plain or with a colon after every second one.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let colons = text.contains(':');
        let mut hash = [0_u8; 32];
        let mut digits = 0;
        for (index, character) in text.chars().enumerate() {
            let wrong = FingerprintError::Character { character, position: index + 1 };
            if colons && index % 3 == 2 {
                if character != ':' {
                    return Err(wrong);
                }
                continue;
            }
            let digit = character.to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(wrong)?;
            if let Some(byte) = hash.get_mut(digits / 2) {
                *byte = *byte << 4 | digit;
            }
            digits += 1;
        }
        let ends_in_colon = text.ends_with(':');
        if ends_in_colon {
            return Err(FingerprintError::Character { character: ':', position: text.chars().count() });
        }
        if digits == 64 { Ok(Self(hash)) } else { Err(FingerprintError::Length { digits }) }
    }
}

/// Says which other hash has this many digits.
fn algorithm(digits: usize) -> &'static str {
    match digits {
        32 => ": this looks like MD5",
        40 => ": this looks like SHA-1",
        96 => ": this looks like SHA-384",
        128 => ": this looks like SHA-512",
        _ => "",
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of no bytes at all.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn colons(hex: &str) -> String {
        hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect::<Vec<_>>().join(":")
    }

    #[test]
    fn hex_of_either_case_with_or_without_colons() {
        let empty = Fingerprint::of(b"");
        assert_eq!(empty.to_string(), EMPTY);
        for text in [EMPTY.to_owned(), EMPTY.to_uppercase(), colons(EMPTY), colons(&EMPTY.to_uppercase())] {
            assert_eq!(text.parse(), Ok(empty), "{text}");
        }
    }

    #[test]
    fn a_wrong_length_names_the_hash_it_fits() {
        let sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        let error = sha1.parse::<Fingerprint>().unwrap_err();
        assert_eq!(error, FingerprintError::Length { digits: 40 });
        assert!(error.to_string().ends_with("not 40: this looks like SHA-1"));
        for digits in [0, 63, 65, 128, 100_000] {
            assert_eq!("a".repeat(digits).parse::<Fingerprint>(), Err(FingerprintError::Length { digits }));
        }
    }

    #[test]
    fn odd_characters_are_named() {
        let odd = |text: String| match text.parse::<Fingerprint>() {
            Err(FingerprintError::Character { character, position }) => (character, position),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(odd(format!(" {EMPTY}")), (' ', 1));
        assert_eq!(odd(format!("{EMPTY}\n")), ('\n', 65));
        assert_eq!(odd(format!("0x{EMPTY}")), ('x', 2));
        assert_eq!(odd(format!("{}:", colons(EMPTY))), (':', 96));
        assert_eq!(odd(format!(":{}", colons(EMPTY))), (':', 1));
        assert_eq!(odd(colons(EMPTY).replacen(':', "::", 1)), (':', 4));
        assert_eq!(odd(colons(EMPTY).replacen(':', "", 1)), ('b', 3));
        assert_eq!(odd("é".repeat(64)), ('é', 1));
        assert_eq!(odd("４".repeat(64)), ('４', 1));
    }
}
