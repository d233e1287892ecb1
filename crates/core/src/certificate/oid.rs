//! Object identifiers.

use std::{
    fmt::{self, Write as _},
    hash,
    str::FromStr,
    sync::Arc,
};

use super::der::Malformed;

/// An object identifier, such as `1.3.6.1.5.5.7.3.2`.
///
/// Two identifiers are equal when their dotted text is; cloning does not allocate.
///
/// # Examples
///
/// ```
/// use portcullis_core::certificate::Oid;
///
/// let client_auth: Oid = "1.3.6.1.5.5.7.3.2".parse()?;
/// assert_eq!(client_auth.as_str(), "1.3.6.1.5.5.7.3.2");
/// assert!("1.3.06".parse::<Oid>().is_err());
/// # Ok::<(), portcullis_core::certificate::OidError>(())
/// ```
#[derive(Clone)]
pub struct Oid(Text);

#[derive(Clone)]
enum Text {
    Known(&'static str),
    Parsed(Arc<str>),
}

/// The text is no object identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no object identifier: write numbers joined by dots, such as `1.3.6.1.5.5.7.3.2`",
    .text.escape_debug()
)]
#[non_exhaustive]
pub struct OidError {
    /// What was given.
    pub text: String,
}

/// More arcs or digits than any registered identifier has.
const MAX_TEXT: usize = 256;

impl Oid {
    /// The dotted text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Known(text) => text,
            Text::Parsed(text) => text,
        }
    }

    /// An identifier that this crate spells out; its text is checked by a test.
    pub(super) const fn known(text: &'static str) -> Self {
        Self(Text::Known(text))
    }

    /// Reads the content of an OBJECT IDENTIFIER.
    pub(super) fn from_content(content: &[u8]) -> Result<Self, Malformed> {
        Dotted::read(content).map(Self::from)
    }
}

/// An identifier as it is read: most are looked up in a table at once, and need no memory.
pub(super) struct Dotted {
    text: [u8; MAX_TEXT],
    length: usize,
}

impl Dotted {
    /// Reads the content of an OBJECT IDENTIFIER.
    ///
    /// asn1-rs takes the first arc for a division by 40 of one byte, and so misreads `2.999`.
    pub(super) fn read(content: &[u8]) -> Result<Self, Malformed> {
        let mut dotted = Self { text: [0; MAX_TEXT], length: 0 };
        let mut arc: Option<u128> = None;
        for &byte in content {
            let high = match arc {
                // 0x80 first is a padding zero: a second spelling of the same arc.
                None if byte == 0x80 => return Err(Malformed),
                None => 0,
                Some(high) => high.checked_mul(128).ok_or(Malformed)?,
            };
            let value = high | u128::from(byte & 0x7f);
            if byte & 0x80 != 0 {
                arc = Some(value);
                continue;
            }
            arc = None;
            dotted.push(value).map_err(|fmt::Error| Malformed)?;
        }
        if dotted.length == 0 || arc.is_some() { Err(Malformed) } else { Ok(dotted) }
    }

    pub(super) fn as_str(&self) -> &str {
        self.text.get(..self.length).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default()
    }

    /// Appends an arc; the first one on the wire holds two.
    fn push(&mut self, value: u128) -> fmt::Result {
        if self.length == 0 {
            let first = (value / 40).min(2);
            return write!(self, "{first}.{}", value - first * 40);
        }
        match u64::try_from(value) {
            Ok(short) => write!(self, ".{short}"),
            Err(_) => write!(self, ".{value}"),
        }
    }
}

impl fmt::Write for Dotted {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length.checked_add(text.len()).ok_or(fmt::Error)?;
        self.text.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

impl From<Dotted> for Oid {
    fn from(dotted: Dotted) -> Self {
        Self(Text::Parsed(dotted.as_str().into()))
    }
}

fn is_oid(text: &str) -> bool {
    let mut arcs = text.split('.');
    let arc = |arc: &str| {
        let plain = !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit());
        (plain && (arc == "0" || !arc.starts_with('0'))).then(|| arc.parse::<u128>().ok()).flatten()
    };
    let (Some(first), Some(second)) = (arcs.next().and_then(arc), arcs.next().and_then(arc)) else {
        return false;
    };
    text.len() <= MAX_TEXT
        && first <= 2
        && (first == 2 || second < 40)
        && arcs.all(|next| arc(next).is_some())
}

impl FromStr for Oid {
    type Err = OidError;

    fn from_str(text: &str) -> Result<Self, OidError> {
        if is_oid(text) {
            Ok(Self(Text::Parsed(text.into())))
        } else {
            Err(OidError { text: text.to_owned() })
        }
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Oid {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Oid {}

impl hash::Hash for Oid {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Oid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_becomes_dotted_text() {
        let cases: &[(&[u8], &str)] = &[
            (&[0x55, 0x04, 0x03], "2.5.4.3"),
            (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01], "1.2.840.113549.1.9.1"),
            (&[0x88, 0x37], "2.999"),
            (&[0x00], "0.0"),
            (&[0x27], "0.39"),
            (&[0x28], "1.0"),
            (&[0x78], "2.40"),
        ];
        for (content, text) in cases {
            assert_eq!(Oid::from_content(content).unwrap().as_str(), *text);
        }
    }

    #[test]
    fn an_arc_may_hold_a_uuid() {
        let mut content = vec![0x69, 0x83];
        content.extend([0xff; 17]);
        content.push(0x7f);
        assert_eq!(Oid::from_content(&content).unwrap().as_str(), format!("2.25.{}", u128::MAX));
    }

    #[test]
    fn odd_content_is_refused() {
        let overlong = [[0x55_u8].as_slice(), &[0x83], &[0xff; 18], &[0x7f]].concat();
        let cases: &[&[u8]] =
            &[&[], &[0x80], &[0x80, 0x01], &[0x55, 0x04, 0x83], &[0x55, 0x80, 0x04], &overlong];
        for content in cases {
            assert_eq!(Oid::from_content(content), Err(Malformed), "{content:x?}");
        }
        assert_eq!(Oid::from_content(&[0x55; 4096]), Err(Malformed));
    }

    #[test]
    fn text_is_checked() {
        for good in ["0.0", "1.39", "2.999", "2.5.4.3", "2.25.340282366920938463463374607431768211455"] {
            assert_eq!(good.parse::<Oid>().unwrap().to_string(), good);
        }
        let too_long = format!("1.3{}", ".1".repeat(200));
        let bad = [
            "",
            "1",
            ".",
            "1.",
            ".1",
            "1..3",
            "3.1",
            "1.40",
            "0.40",
            "01.3",
            "1.03",
            "1.3.x",
            " 1.3",
            "1.3 ",
            "-1.3",
            "+1.3",
            "1.+3",
            "2.340282366920938463463374607431768211456",
            &too_long,
        ];
        for text in bad {
            assert!(text.parse::<Oid>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_error_cannot_write_control_characters() {
        assert!(!"1.\u{1b}[2J".parse::<Oid>().unwrap_err().to_string().contains('\u{1b}'));
    }
}
