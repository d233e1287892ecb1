//! One attribute of a name.

use std::hash;

use x509_parser::asn1_rs::Tag;

use super::{
    AttributeType,
    value::{Value, ValueError},
};
use crate::certificate::der::{Element, Malformed};

/// One attribute of a name.
#[derive(Clone)]
pub struct Attribute {
    attribute_type: AttributeType,
    value: Value,
    tag: u32,
    der: Box<[u8]>,
    content: usize,
}

impl Attribute {
    pub(super) fn read(element: Result<Element<'_>, Malformed>) -> Result<Self, Malformed> {
        let mut fields = element?.expect(Tag::Sequence)?.reader()?;
        let attribute_type = AttributeType::read(fields.expect(Tag::Oid)?.content)?;
        let value = fields.any()?;
        fields.end()?;
        Ok(Self {
            attribute_type,
            value: Value::decode(&value),
            tag: value.number(),
            der: value.raw.into(),
            content: value.raw.len() - value.content.len(),
        })
    }

    /// What the attribute says something about.
    pub fn attribute_type(&self) -> &AttributeType {
        &self.attribute_type
    }

    /// The value as text.
    ///
    /// # Errors
    ///
    /// If it is empty, no string or not valid as one, or holds control characters.
    pub fn value(&self) -> Result<&str, ValueError> {
        self.value.usable()
    }

    /// The number of the value's ASN.1 tag.
    pub fn tag(&self) -> u32 {
        self.tag
    }

    /// The bytes of the value, as they stand in the certificate.
    pub fn as_bytes(&self) -> &[u8] {
        self.der.get(self.content..).unwrap_or_default()
    }

    /// The value with its ASN.1 header.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn printable(&self) -> Option<&str> {
        self.value.printable()
    }

    /// What makes two attributes the same: the text if there is one, else the bytes.
    fn key(&self) -> (&AttributeType, Option<&str>, &[u8]) {
        let text = self.printable();
        (&self.attribute_type, text, if text.is_some() { &[] } else { &self.der })
    }
}

impl PartialEq for Attribute {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Attribute {}

impl hash::Hash for Attribute {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}
