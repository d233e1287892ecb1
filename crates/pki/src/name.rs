//! Distinguished names, byte for byte as they will stand in the certificate.

use x509_parser::{prelude::FromDer, x509::X509Name};
use yasna::{DERWriter, Tag, TagClass, models::TaggedDerValue};

use crate::{Oid, PkiError};

/// The ASN.1 string types that an attribute value can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StringType {
    /// `UTF8String`, what RFC 5280 wants.
    Utf8,
    /// `PrintableString`: letters, digits, blank and `'()+,-./:=?`.
    Printable,
    /// `IA5String`: ASCII.
    Ia5,
    /// `BMPString`: UTF-16, big endian, without surrogates.
    Bmp,
    /// `UniversalString`: UTF-32, big endian.
    Universal,
    /// `TeletexString` (T.61), whose character set nobody agrees on.
    Teletex,
}

impl StringType {
    const ALL: [Self; 6] =
        [Self::Utf8, Self::Printable, Self::Ia5, Self::Bmp, Self::Universal, Self::Teletex];

    fn tag(self) -> Tag {
        let tag_number = match self {
            Self::Utf8 => 12,
            Self::Printable => 19,
            Self::Teletex => 20,
            Self::Ia5 => 22,
            Self::Universal => 28,
            Self::Bmp => 30,
        };
        Tag { tag_class: TagClass::Universal, tag_number }
    }
}

/// One `type=value` of a distinguished name; the bytes need not fit the string type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    oid: Oid,
    string_type: StringType,
    value: Vec<u8>,
}

impl Attribute {
    /// An attribute with exactly these bytes, checked by nobody.
    pub fn new(oid: Oid, string_type: StringType, value: impl Into<Vec<u8>>) -> Self {
        Self { oid, string_type, value: value.into() }
    }

    /// An attribute whose value is a `UTF8String`.
    pub fn utf8(oid: Oid, value: impl Into<String>) -> Self {
        Self::new(oid, StringType::Utf8, value.into())
    }

    /// The attribute type.
    pub fn oid(&self) -> &Oid {
        &self.oid
    }

    /// The string type.
    pub fn string_type(&self) -> StringType {
        self.string_type
    }

    /// The bytes of the value, without tag and length.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    fn write(&self, writer: DERWriter<'_>) {
        writer.write_sequence(|writer| {
            writer.next().write_oid(&self.oid.to_asn1());
            let value = TaggedDerValue::from_tag_and_bytes(self.string_type.tag(), self.value.clone());
            writer.next().write_tagged_der(&value);
        });
    }
}

/// A distinguished name: relative names in order, each of one or more attributes.
///
/// # Examples
///
/// ```
/// use portcullis_pki::{Attribute, DistinguishedName, Oid};
///
/// let name = DistinguishedName::new()
///     .with(Attribute::utf8(Oid::ORGANIZATION, "Example"))
///     .with(Attribute::utf8(Oid::COMMON_NAME, "alice"));
/// assert_eq!(name.relative_names().len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistinguishedName {
    relative_names: Vec<Vec<Attribute>>,
}

impl DistinguishedName {
    /// The empty name.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name that consists of one `CN`.
    pub fn common_name(value: impl Into<String>) -> Self {
        Self::new().with(Attribute::utf8(Oid::COMMON_NAME, value))
    }

    /// The name in these bytes.
    ///
    /// # Errors
    ///
    /// [`PkiError::Name`] if they are no name, or if a value is no text of ASN.1.
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        let failed = |reason: &dyn ToString| PkiError::Name { reason: reason.to_string() };
        let (rest, parsed) = X509Name::from_der(der).map_err(|error| failed(&error))?;
        if !rest.is_empty() {
            return Err(failed(&"bytes follow it"));
        }
        let mut name = Self::new();
        for relative_name in parsed.iter_rdn() {
            let mut attributes = Vec::new();
            for attribute in relative_name.iter() {
                let tag = u64::from(attribute.attr_value().header.tag().0);
                let string_type = StringType::ALL.into_iter().find(|known| known.tag().tag_number == tag);
                let string_type = string_type.ok_or_else(|| failed(&"a value of it is no text"))?;
                let oid: Oid = attribute.attr_type().to_id_string().parse()?;
                attributes.push(Attribute::new(oid, string_type, attribute.attr_value().data));
            }
            name = name.with_all(attributes);
        }
        Ok(name)
    }

    /// Adds a relative name of one attribute.
    #[must_use]
    pub fn with(self, attribute: Attribute) -> Self {
        self.with_all([attribute])
    }

    /// Adds one relative name of several attributes; DER decides on their order.
    #[must_use]
    pub fn with_all(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.relative_names.push(attributes.into_iter().collect());
        self
    }

    /// The relative names in order.
    pub fn relative_names(&self) -> &[Vec<Attribute>] {
        &self.relative_names
    }

    /// The first common name, if it is text.
    pub(crate) fn first_common_name(&self) -> Option<&str> {
        let attribute = self.relative_names.iter().flatten().find(|a| a.oid == Oid::COMMON_NAME)?;
        str::from_utf8(&attribute.value).ok()
    }

    /// The name in DER.
    pub fn to_der(&self) -> Vec<u8> {
        yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                for relative_name in &self.relative_names {
                    writer.next().write_set_of(|writer| {
                        for attribute in relative_name {
                            attribute.write(writer.next());
                        }
                    });
                }
            });
        })
    }
}

/// The value if a well-behaved certificate may hold it in this place.
pub(crate) fn text(field: &'static str, value: &str) -> Result<String, PkiError> {
    let refuse = |reason| Err(PkiError::Value { field, value: value.to_owned(), reason });
    if value.is_empty() {
        refuse("it is empty")
    } else if value.chars().any(char::is_control) {
        refuse("it holds control characters")
    } else {
        Ok(value.to_owned())
    }
}

/// Text that is ASCII as well.
pub(crate) fn ascii(field: &'static str, value: &str) -> Result<String, PkiError> {
    let value = text(field, value)?;
    if value.is_ascii() {
        Ok(value)
    } else {
        Err(PkiError::Value { field, value, reason: "only ASCII characters fit there" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_of_a_name() {
        let name = DistinguishedName::common_name("al");
        let expected = [0x30, 13, 0x31, 11, 0x30, 9, 6, 3, 0x55, 4, 3, 12, 2, b'a', b'l'];
        assert_eq!(name.to_der(), expected);
        assert_eq!(DistinguishedName::new().to_der(), [0x30, 0]);
    }

    #[test]
    fn names_are_read_as_they_were_written() {
        let name = DistinguishedName::new()
            .with(Attribute::new(Oid::COUNTRY, StringType::Printable, "DE"))
            .with_all([Attribute::utf8(Oid::COMMON_NAME, "a"), Attribute::utf8(Oid::USER_ID, "b")])
            .with(Attribute::new(Oid::COMMON_NAME, StringType::Bmp, [0xd8, 0, 7]));
        assert_eq!(DistinguishedName::from_der(&name.to_der()).unwrap().to_der(), name.to_der());
        for broken in [&b""[..], &[0x30], &[0x30, 1], &[0x30, 0, 0], &[0x31, 0]] {
            assert!(DistinguishedName::from_der(broken).is_err(), "{broken:?}");
        }
        // a value that is a number
        let number = [0x30, 12, 0x31, 10, 0x30, 8, 6, 3, 0x55, 4, 3, 2, 1, 7];
        assert!(DistinguishedName::from_der(&number).is_err());
    }

    #[test]
    fn bytes_and_string_type_are_kept() {
        let name =
            DistinguishedName::new().with(Attribute::new(Oid::COMMON_NAME, StringType::Bmp, [0xd8, 0, 7]));
        assert!(name.to_der().ends_with(&[30, 3, 0xd8, 0, 7]));
        assert_eq!(name.first_common_name(), None);
    }

    #[test]
    fn text_is_neither_empty_nor_control() {
        assert!(text("x", "").is_err());
        assert!(text("x", "a\0b").is_err());
        assert!(text("x", "j\u{f6}rg").is_ok());
        assert!(ascii("x", "j\u{f6}rg").is_err());
    }
}
