//! Values of attributes: the string types of X.520, decoded strictly.

use x509_parser::asn1_rs::Tag;

use crate::certificate::{der::Element, text::is_deceptive};

/// Why the value of an attribute cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// A TeletexString, whose character set no two programs agree about.
    #[error(
        "it is a TeletexString, which has no reliable meaning: have the certificate issued with a UTF8String"
    )]
    Teletex,
    /// Another type than a string.
    #[error("it is no text, but has the ASN.1 tag {tag}")]
    NotText {
        /// The number of the tag.
        tag: u32,
    },
    /// Bytes that its string type does not allow.
    #[error("its bytes are no valid {string_type}")]
    Encoding {
        /// The name of the ASN.1 type.
        string_type: &'static str,
    },
    /// Decodes, but holds a NUL or another control character, or one that reorders text.
    #[error("it holds the control character U+{:04X}", u32::from(*.character))]
    Control {
        /// The first such character.
        character: char,
    },
}

/// A value as text, usable or only printable.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(Box<str>),
    /// Decoded, to be printed with escapes; nothing may read it.
    Unusable(Box<str>, ValueError),
    /// Has no text.
    Opaque(ValueError),
}

impl Value {
    pub(super) fn decode(element: &Element<'_>) -> Self {
        let text = match decode(element) {
            Ok(text) => text,
            Err(error) => return Self::Opaque(error),
        };
        if text.is_empty() {
            return Self::Unusable(text, ValueError::Empty);
        }
        match text.chars().find(|character| is_deceptive(*character)) {
            Some(character) => Self::Unusable(text, ValueError::Control { character }),
            None => Self::Text(text),
        }
    }

    pub(super) fn usable(&self) -> Result<&str, ValueError> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Unusable(_, error) | Self::Opaque(error) => Err(*error),
        }
    }

    /// The text for printers and for comparison of whole names.
    pub(super) fn printable(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Unusable(text, _) => Some(text),
            Self::Opaque(_) => None,
        }
    }
}

fn decode(element: &Element<'_>) -> Result<Box<str>, ValueError> {
    let content = element.content;
    let (string_type, text) = match element.primitive() {
        Some(Tag::Utf8String) => ("UTF8String", std::str::from_utf8(content).ok().map(Into::into)),
        Some(Tag::PrintableString) => ("PrintableString", ascii(content, is_printable)),
        Some(Tag::Ia5String) => ("IA5String", ascii(content, |_| true)),
        Some(Tag::NumericString) => {
            ("NumericString", ascii(content, |byte| byte == b' ' || byte.is_ascii_digit()))
        }
        Some(Tag::VisibleString) => {
            ("VisibleString", ascii(content, |byte| byte == b' ' || byte.is_ascii_graphic()))
        }
        Some(Tag::BmpString) => ("BMPString", wide::<2>(content)),
        Some(Tag::UniversalString) => ("UniversalString", wide::<4>(content)),
        Some(Tag::T61String) => return Err(ValueError::Teletex),
        _ => return Err(ValueError::NotText { tag: element.number() }),
    };
    text.ok_or(ValueError::Encoding { string_type })
}

fn ascii(content: &[u8], allowed: impl Fn(u8) -> bool) -> Option<Box<str>> {
    let fits = content.iter().all(|byte| byte.is_ascii() && allowed(*byte));
    fits.then(|| std::str::from_utf8(content).ok().map(Into::into)).flatten()
}

/// The characters of a PrintableString.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

/// Characters of a fixed number of bytes each, big-endian. A surrogate is no character.
fn wide<const WIDTH: usize>(content: &[u8]) -> Option<Box<str>> {
    let characters = content.chunks(WIDTH).map(|chunk| {
        let code = chunk.iter().fold(0_u32, |code, byte| code << 8 | u32::from(*byte));
        (chunk.len() == WIDTH).then(|| char::from_u32(code)).flatten()
    });
    characters.collect::<Option<String>>().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(der: &[u8]) -> Result<String, ValueError> {
        Value::decode(&Element::single(der).unwrap()).usable().map(str::to_owned)
    }

    #[test]
    fn every_accepted_type_gives_the_same_text() {
        let spellings: &[&[u8]] = &[
            b"\x0c\x0242",
            b"\x13\x0242",
            b"\x16\x0242",
            b"\x12\x0242",
            b"\x1a\x0242",
            b"\x1e\x04\x004\x002",
            b"\x1c\x08\0\0\x004\0\0\x002",
        ];
        for der in spellings {
            assert_eq!(value(der).as_deref(), Ok("42"), "{der:x?}");
        }
    }

    #[test]
    fn bytes_outside_the_type_are_refused() {
        let cases: &[(&[u8], &str)] = &[
            (b"\x0c\x08adm\xff\xfein!", "UTF8String"),
            (b"\x0c\x02\xc0\x80", "UTF8String"),
            (b"\x13\x05a*b@c", "PrintableString"),
            (b"\x13\x01\x00", "PrintableString"),
            (b"\x16\x02\xc3\xa9", "IA5String"),
            (b"\x12\x024a", "NumericString"),
            (b"\x1a\x01\x0a", "VisibleString"),
            (b"\x1e\x03\x004\x00", "BMPString"),
            (b"\x1e\x04\xd8\x3d\xde\x00", "BMPString"),
            (b"\x1c\x05\0\0\x004\0", "UniversalString"),
            (b"\x1c\x04\0\x11\0\0", "UniversalString"),
            (b"\x1c\x04\0\0\xd8\0", "UniversalString"),
        ];
        for (der, string_type) in cases {
            assert_eq!(value(der), Err(ValueError::Encoding { string_type }), "{der:x?}");
        }
    }

    #[test]
    fn teletex_and_other_types_are_no_text() {
        assert_eq!(value(b"\x14\x04j\xf6rg"), Err(ValueError::Teletex));
        assert_eq!(value(b"\x14\x05alice"), Err(ValueError::Teletex));
        assert_eq!(value(b"\x02\x01\x2a"), Err(ValueError::NotText { tag: 2 }));
        // Right number, wrong class or form.
        assert_eq!(value(b"\x8c\x05alice"), Err(ValueError::NotText { tag: 12 }));
        assert_eq!(value(b"\x2c\x07\x0c\x05alice"), Err(ValueError::NotText { tag: 12 }));
    }

    #[test]
    fn control_and_reordering_characters_make_a_value_unusable() {
        for character in
            ['\0', '\n', '\r', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200f}']
        {
            let text = format!("admin{character}x");
            let der = [&[0x0c, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
            assert_eq!(value(&der), Err(ValueError::Control { character }));
        }
        assert_eq!(value(b"\x1e\x0c\0a\0d\0m\0i\0n\0\0"), Err(ValueError::Control { character: '\0' }));
        assert_eq!(value(b"\x0c\x00"), Err(ValueError::Empty));
        assert_eq!(value(b"\x1e\x00"), Err(ValueError::Empty));
    }

    #[test]
    fn what_looks_alike_is_not_alike() {
        // NFC and NFD, Latin and Cyrillic a, one blank and two.
        for (one, other) in [("é", "e\u{301}"), ("a", "а"), ("a b", "a  b"), ("Alice", "alice")] {
            let der = |text: &str| [&[0x0c, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
            assert_eq!(value(&der(one)).as_deref(), Ok(one));
            assert_ne!(value(&der(one)), value(&der(other)));
        }
    }
}
