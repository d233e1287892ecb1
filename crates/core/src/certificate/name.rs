//! Distinguished names as data: attributes in their order, never as text.

mod attribute;
mod attribute_type;
mod print;
#[cfg(feature = "serde")]
mod serialize;
mod value;

use std::fmt;

use x509_parser::asn1_rs::Tag;

pub use self::{
    attribute::Attribute,
    attribute_type::{AttributeType, AttributeTypeError},
    value::ValueError,
};
use super::{
    CertificateError,
    der::{Element, Malformed},
    error::malformed,
};

/// A distinguished name: the subject or the issuer of a certificate.
///
/// Two names are equal when they have the same attributes in the same order and places. Values
/// are compared as text, exactly: case and blanks matter, the ASN.1 string type does not.
///
/// # Security
///
/// If a rule reads the printed form of a name (`to_string`) instead of its attributes, then whoever
/// has a certificate for `CN="mallory,OU=admin"` gets in.
///
/// # Examples
///
/// ```
/// use portcullis_core::certificate::{Name, NameError};
///
/// # let der = b"\x30\x24\x31\x10\x30\x0e\x06\x03\x55\x04\x0b\x0c\x07\x53\x75\x70\x70\x6f\x72\x74\x31\x10\x30\x0e\x06\x03\x55\x04\x03\x0c\x07a,OU=ad";
/// let name = Name::from_der(der)?;
/// assert_eq!(name.common_name(), Ok("a,OU=ad"));
/// assert_eq!(name.organizational_units(), Ok(vec!["Support"])); // and no `ad`
/// assert!(matches!(name.country(), Err(NameError::Absent { .. })));
/// assert_eq!(name.to_string(), r"CN=a\,OU=ad,OU=Support");
/// # Ok::<(), portcullis_core::certificate::CertificateError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name {
    rdns: Box<[Rdn]>,
}

/// A relative distinguished name: one step of a name, with one attribute or, rarely, several.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Rdn {
    attributes: Box<[Attribute]>,
}

/// Why an attribute of a name cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name has no such attribute.
    #[error("the name has no `{attribute}`")]
    Absent {
        /// The type that was asked for.
        attribute: AttributeType,
    },
    /// The name has several, and only one was asked for.
    #[error("the name has {count} of `{attribute}`: only one would be unambiguous")]
    Repeated {
        /// The type that was asked for.
        attribute: AttributeType,
        /// How many there are.
        count: usize,
    },
    /// The attribute shares its relative distinguished name with another one.
    #[error(
        "`{attribute}` stands in one relative distinguished name with other attributes, which is ambiguous"
    )]
    MultiValued {
        /// The type that was asked for.
        attribute: AttributeType,
    },
    /// The attribute is there and empty.
    #[error("`{attribute}` is empty")]
    Empty {
        /// The type that was asked for.
        attribute: AttributeType,
    },
    /// The attribute is there, but its value is not safe text.
    #[error("the value of `{attribute}` cannot be used: {reason}")]
    Undecodable {
        /// The type that was asked for.
        attribute: AttributeType,
        /// What is wrong with it.
        reason: ValueError,
    },
}

/// More attributes than any real name has.
const MAX_ATTRIBUTES: usize = 1000;

impl Name {
    /// Reads the DER of a name.
    ///
    /// # Errors
    ///
    /// If the bytes are anything but one well-formed name, or it has more than 1000 attributes.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let element = Element::single(der).map_err(malformed("name"))?;
        Self::from_element(&element, "name")
    }

    pub(super) fn from_element(element: &Element<'_>, part: &'static str) -> Result<Self, CertificateError> {
        let malformed = malformed(part);
        let steps = element.expect(Tag::Sequence).and_then(|name| name.reader()).map_err(&malformed)?;
        let mut room = MAX_ATTRIBUTES;
        // Counted first, so that each list is allocated once.
        let mut rdns = Vec::with_capacity(steps.clone().take(room).count());
        for step in steps {
            let set = step.and_then(|step| step.expect(Tag::Set)?.reader()).map_err(&malformed)?;
            let count = set.clone().take(room + 1).count();
            room = room
                .checked_sub(count)
                .ok_or(CertificateError::TooMany { part: "attributes in a name", limit: MAX_ATTRIBUTES })?;
            let mut attributes = Vec::with_capacity(count);
            for attribute in set {
                attributes.push(Attribute::read(attribute).map_err(&malformed)?);
            }
            if attributes.is_empty() {
                return Err(malformed(Malformed));
            }
            rdns.push(Rdn { attributes: attributes.into() });
        }
        Ok(Self { rdns: rdns.into() })
    }

    /// The relative distinguished names in the order of the certificate: the most specific is last.
    pub fn rdns(&self) -> &[Rdn] {
        &self.rdns
    }

    /// Whether there is nothing in the name.
    pub fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }

    /// Whether the name has at least one attribute of this type, usable or not.
    pub fn has(&self, attribute: &AttributeType) -> bool {
        self.find(attribute).next().is_some()
    }

    /// The value of the only attribute of this type.
    ///
    /// # Errors
    ///
    /// If there is none or more than one, if it shares its relative distinguished name with another
    /// attribute, or if its value is empty or no safe text. To look inside a relative distinguished
    /// name with several attributes, use [`Name::rdns`].
    pub fn one(&self, attribute: &AttributeType) -> Result<&str, NameError> {
        let mut values = self.values(attribute);
        let first = values.next();
        match (first, values.count()) {
            (None, _) => Err(NameError::Absent { attribute: attribute.clone() }),
            (Some(value), 0) => value,
            (Some(_), others) => Err(NameError::Repeated { attribute: attribute.clone(), count: others + 1 }),
        }
    }

    /// The values of all attributes of this type, in the order of the certificate; none is fine.
    ///
    /// # Errors
    ///
    /// If one of them cannot be used, as with [`Name::one`].
    pub fn all(&self, attribute: &AttributeType) -> Result<Vec<&str>, NameError> {
        self.values(attribute).collect()
    }

    /// Like [`Name::all`], value by value and without an allocation.
    pub fn values(&self, attribute: &AttributeType) -> impl Iterator<Item = Result<&str, NameError>> {
        self.find(attribute).map(|(rdn, found)| {
            let attribute = || found.attribute_type().clone();
            if rdn.attributes.len() > 1 {
                return Err(NameError::MultiValued { attribute: attribute() });
            }
            found.value().map_err(|reason| match reason {
                ValueError::Empty => NameError::Empty { attribute: attribute() },
                reason => NameError::Undecodable { attribute: attribute(), reason },
            })
        })
    }

    fn find(&self, attribute: &AttributeType) -> impl Iterator<Item = (&Rdn, &Attribute)> {
        let all = self.rdns.iter().flat_map(|rdn| rdn.attributes.iter().map(move |found| (rdn, found)));
        all.filter(move |(_, found)| found.attribute_type() == attribute)
    }
}

impl Rdn {
    /// The attributes, in the order of the certificate; at least one.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }
}

macro_rules! debug_as_display {
    ($($shown:ty)*) => {$(
        impl fmt::Debug for $shown {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

debug_as_display!(Name Rdn Attribute);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::testing::{self, RawAttribute, sequence, tlv};

    const CN: &[u8] = &[0x55, 4, 3];
    const OU: &[u8] = &[0x55, 4, 11];
    const UTF8: u8 = 0x0c;

    fn name(rdns: &[&[RawAttribute<'_>]]) -> Name {
        Name::from_der(&testing::name(rdns)).unwrap()
    }

    #[test]
    fn a_repeated_attribute_is_ambiguous() {
        let dup = name(&[&[(CN, UTF8, b"first")], &[(OU, UTF8, b"eng")], &[(CN, UTF8, b"last")]]);
        assert_eq!(dup.common_name(), Err(NameError::Repeated { attribute: AttributeType::CN, count: 2 }));
        assert_eq!(dup.common_names(), Ok(vec!["first", "last"]));
        assert_eq!(dup.organizational_unit(), Ok("eng"));
        // Also when one of them cannot be read.
        let half = name(&[&[(CN, UTF8, b"admin")], &[(CN, UTF8, b"\xff")]]);
        assert_eq!(half.common_name(), Err(NameError::Repeated { attribute: AttributeType::CN, count: 2 }));
        assert!(matches!(half.common_names(), Err(NameError::Undecodable { .. })));
    }

    #[test]
    fn a_set_of_attributes_is_looked_into_on_purpose_only() {
        let multi = name(&[&[(OU, UTF8, b"admin"), (CN, UTF8, b"mallory")]]);
        assert_eq!(multi.organizational_unit(), Err(NameError::MultiValued { attribute: AttributeType::OU }));
        assert_eq!(multi.common_names(), Err(NameError::MultiValued { attribute: AttributeType::CN }));
        assert!(multi.has(&AttributeType::OU));
        let [rdn] = multi.rdns() else { panic!("one step") };
        let [ou, cn] = rdn.attributes() else { panic!("two attributes") };
        assert_eq!((ou.attribute_type(), ou.value()), (&AttributeType::OU, Ok("admin")));
        assert_eq!((cn.attribute_type(), cn.value()), (&AttributeType::CN, Ok("mallory")));
    }

    #[test]
    fn a_value_is_taken_whole() {
        for text in ["duke,\"", "mallory,OU=admin,CN=root", "mallory/OU=admin", " alice ", "#61", "*)(uid=*"]
        {
            let whole = name(&[&[(CN, UTF8, text.as_bytes())]]);
            assert_eq!(whole.common_name(), Ok(text));
            assert_eq!(whole.organizational_units(), Ok(vec![]));
        }
    }

    #[test]
    fn absent_empty_and_unusable_are_told_apart() {
        let attribute = AttributeType::CN;
        assert_eq!(name(&[]).common_name(), Err(NameError::Absent { attribute: attribute.clone() }));
        assert!(name(&[]).is_empty());
        let empty = name(&[&[(CN, UTF8, b"")]]);
        assert_eq!(empty.common_name(), Err(NameError::Empty { attribute: attribute.clone() }));
        assert!(!empty.is_empty() && empty.has(&attribute));
        let nul = name(&[&[(CN, UTF8, b"admin\0.evil.example")]]);
        let reason = ValueError::Control { character: '\0' };
        assert_eq!(nul.common_name(), Err(NameError::Undecodable { attribute, reason }));
        assert_eq!(nul.rdns()[0].attributes()[0].as_bytes(), b"admin\0.evil.example");
    }

    #[test]
    fn errors_name_the_attribute() {
        let nul = name(&[&[(CN, UTF8, b"a\0")]]);
        let message = "the value of `CN` cannot be used: it holds the control character U+0000";
        assert_eq!(nul.common_name().unwrap_err().to_string(), message);
        let other = "1.2.3".parse().unwrap();
        assert_eq!(nul.one(&other).unwrap_err().to_string(), "the name has no `1.2.3`");
    }

    #[test]
    fn equality_is_of_text_and_structure() {
        let alice = name(&[&[(CN, UTF8, b"alice")]]);
        assert_eq!(alice, name(&[&[(CN, 0x13, b"alice")]]));
        assert_eq!(alice, name(&[&[(CN, 0x1e, b"\0a\0l\0i\0c\0e")]]));
        assert_ne!(alice, name(&[&[(CN, UTF8, b"Alice")]]));
        assert_ne!(alice, name(&[&[(CN, UTF8, b"alice ")]]));
        assert_ne!(alice, name(&[&[(CN, 0x14, b"alice")]]));
        assert_ne!(alice, name(&[&[(OU, UTF8, b"alice")]]));
        let (a, b): (RawAttribute<'_>, RawAttribute<'_>) = ((CN, UTF8, b"a"), (OU, UTF8, b"b"));
        assert_ne!(name(&[&[a], &[b]]), name(&[&[a, b]]));
        assert_ne!(name(&[&[a], &[b]]), name(&[&[b], &[a]]));
    }

    #[test]
    fn nothing_is_passed_over_in_silence() {
        let attribute = sequence(&[tlv(6, CN), tlv(UTF8, b"alice")]);
        let rdn = tlv(0x31, &attribute);
        let refused: &[Vec<u8>] = &[
            vec![],
            [sequence(&[&rdn]), vec![0]].concat(),
            sequence(&[rdn.clone(), tlv(5, b"")]),
            sequence(&[tlv(0x31, b"")]),
            sequence(&[tlv(0x31, &[attribute.clone(), tlv(5, b"")].concat())]),
            sequence(&[tlv(0x31, &sequence(&[tlv(6, CN), tlv(UTF8, b"a"), tlv(UTF8, b"b")]))]),
            sequence(&[tlv(0x31, &sequence(&[tlv(6, CN)]))]),
            sequence(&[tlv(0x31, &sequence(&[tlv(6, b"\x55\x80\x04\x03"), tlv(UTF8, b"a")]))]),
            sequence(&[&attribute]),
            tlv(0x31, &rdn),
            tlv(0xb0, &rdn),
        ];
        for der in refused {
            assert_eq!(Name::from_der(der), Err(CertificateError::Malformed { part: "name" }), "{der:x?}");
        }
    }

    #[test]
    fn the_number_of_attributes_is_bounded() {
        let many = |count: usize| Name::from_der(&testing::name(&vec![&[(OU, UTF8, &b"x"[..])][..]; count]));
        assert_eq!(many(1000).unwrap().organizational_units().unwrap().len(), 1000);
        let error = CertificateError::TooMany { part: "attributes in a name", limit: 1000 };
        assert_eq!(many(1001), Err(error.clone()));
        let in_one_set = testing::name(&[&vec![(OU, UTF8, &b"x"[..]); 1001]]);
        assert_eq!(Name::from_der(&in_one_set), Err(error));
    }
}
