//! Attribute types, and the one table of those that have a name.

use std::{fmt, str::FromStr};

use super::{Name, NameError};
use crate::certificate::{
    der::Malformed,
    oid::{Dotted, Oid, OidError},
};

/// The type of a name's attribute: `CN`, `OU`, or any object identifier.
///
/// Text is a descriptor (`CN`, `commonName`; case does not matter, RFC 4514) or a dotted identifier.
/// `SN` is the surname, as in RFC 4519, and not the serial number.
///
/// # Examples
///
/// ```
/// use portcullis_core::certificate::AttributeType;
///
/// assert_eq!("ou".parse(), Ok(AttributeType::OU));
/// assert_eq!("2.5.4.11".parse(), Ok(AttributeType::OU));
/// assert_eq!(AttributeType::OU.to_string(), "OU");
/// assert!("department".parse::<AttributeType>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AttributeType(Oid);

/// The text is no attribute type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no known attribute type: write a name such as `CN` or `emailAddress`, or an object identifier",
    .text.escape_debug()
)]
#[non_exhaustive]
pub struct AttributeTypeError {
    /// What was given.
    pub text: String,
}

struct Known {
    descriptor: &'static str,
    long: &'static str,
    attribute_type: AttributeType,
}

macro_rules! attribute_types {
    ($($constant:ident $oid:literal $descriptor:literal $long:literal $one:ident $all:ident)*) => {
        impl AttributeType {
            $(
                #[doc = concat!("`", $long, "`, ", $oid, ", printed as `", $descriptor, "`.")]
                pub const $constant: Self = Self(Oid::known($oid));
            )*
        }

        const KNOWN: &[Known] = &[$(
            Known { descriptor: $descriptor, long: $long, attribute_type: AttributeType::$constant },
        )*];

        impl Name {
            $(
                #[doc = concat!("The only `", $descriptor, "`.")]
                #[doc = ""]
                #[doc = "# Errors"]
                #[doc = ""]
                #[doc = "As [`Name::one`]."]
                pub fn $one(&self) -> Result<&str, NameError> {
                    self.one(&AttributeType::$constant)
                }

                #[doc = concat!("Every `", $descriptor, "`, in the order of the certificate.")]
                #[doc = ""]
                #[doc = "# Errors"]
                #[doc = ""]
                #[doc = "As [`Name::all`]."]
                pub fn $all(&self) -> Result<Vec<&str>, NameError> {
                    self.all(&AttributeType::$constant)
                }
            )*
        }
    };
}

attribute_types! {
    CN "2.5.4.3" "CN" "commonName" common_name common_names
    O "2.5.4.10" "O" "organizationName" organization organizations
    OU "2.5.4.11" "OU" "organizationalUnitName" organizational_unit organizational_units
    L "2.5.4.7" "L" "localityName" locality localities
    ST "2.5.4.8" "ST" "stateOrProvinceName" state_or_province state_or_provinces
    C "2.5.4.6" "C" "countryName" country countries
    SERIAL_NUMBER "2.5.4.5" "serialNumber" "serialNumber" serial_number serial_numbers
    UID "0.9.2342.19200300.100.1.1" "UID" "userId" user_id user_ids
    DC "0.9.2342.19200300.100.1.25" "DC" "domainComponent" domain_component domain_components
    TITLE "2.5.4.12" "title" "title" title titles
    GN "2.5.4.42" "GN" "givenName" given_name given_names
    SN "2.5.4.4" "SN" "surname" surname surnames
    INITIALS "2.5.4.43" "initials" "initials" initials all_initials
    STREET "2.5.4.9" "STREET" "streetAddress" street streets
    POSTAL_CODE "2.5.4.17" "postalCode" "postalCode" postal_code postal_codes
    EMAIL_ADDRESS "1.2.840.113549.1.9.1" "emailAddress" "email" email_address email_addresses
    PSEUDONYM "2.5.4.65" "pseudonym" "pseudonym" pseudonym pseudonyms
    GENERATION_QUALIFIER "2.5.4.44" "generationQualifier" "generationQualifier" generation_qualifier generation_qualifiers
    DN_QUALIFIER "2.5.4.46" "dnQualifier" "dnQualifier" dn_qualifier dn_qualifiers
    BUSINESS_CATEGORY "2.5.4.15" "businessCategory" "businessCategory" business_category business_categories
    ORGANIZATION_IDENTIFIER "2.5.4.97" "organizationIdentifier" "organizationIdentifier" organization_identifier organization_identifiers
}

impl AttributeType {
    /// The object identifier.
    pub fn oid(&self) -> &Oid {
        &self.0
    }

    /// The name under which RFC 4514 text writes this type, if it has one.
    pub fn descriptor(&self) -> Option<&'static str> {
        KNOWN.iter().find(|known| known.attribute_type == *self).map(|known| known.descriptor)
    }

    /// The names of all types that have one.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().map(|known| known.descriptor)
    }

    pub(super) fn read(content: &[u8]) -> Result<Self, Malformed> {
        let dotted = Dotted::read(content)?;
        Ok(Self::known(dotted.as_str()).unwrap_or_else(|| Self(dotted.into())))
    }

    fn known(oid: &str) -> Option<Self> {
        let known = KNOWN.iter().find(|known| known.attribute_type.0.as_str() == oid);
        known.map(|known| known.attribute_type.clone())
    }
}

impl FromStr for AttributeType {
    type Err = AttributeTypeError;

    fn from_str(text: &str) -> Result<Self, AttributeTypeError> {
        let is = |name: &str| name.eq_ignore_ascii_case(text);
        if let Some(known) = KNOWN.iter().find(|known| is(known.descriptor) || is(known.long)) {
            return Ok(known.attribute_type.clone());
        }
        text.parse().map(Self).map_err(|OidError { text }| AttributeTypeError { text })
    }
}

impl From<Oid> for AttributeType {
    fn from(oid: Oid) -> Self {
        Self(oid)
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.descriptor().unwrap_or(self.0.as_str()))
    }
}

impl fmt::Debug for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for AttributeType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_holds_each_name_and_identifier_once() {
        let mut seen = HashSet::new();
        for known in KNOWN {
            assert!(known.attribute_type.oid().as_str().parse::<Oid>().is_ok());
            assert!(seen.insert(known.attribute_type.oid().as_str().to_owned()));
            assert!(seen.insert(known.descriptor.to_lowercase()));
            assert!(known.long == known.descriptor || seen.insert(known.long.to_lowercase()));
        }
    }

    #[test]
    fn text_of_a_type_is_read_again() {
        for known in KNOWN {
            for text in [known.descriptor, known.long, known.attribute_type.oid().as_str()] {
                assert_eq!(text.parse::<AttributeType>().unwrap(), known.attribute_type);
                assert_eq!(text.to_uppercase().parse::<AttributeType>().unwrap(), known.attribute_type);
            }
            assert_eq!(known.attribute_type.to_string(), known.descriptor);
        }
        assert_eq!("1.2.3".parse::<AttributeType>().unwrap().to_string(), "1.2.3");
    }

    #[test]
    fn surname_and_serial_number_are_not_mixed_up() {
        assert_eq!("SN".parse(), Ok(AttributeType::SN));
        assert_eq!("serialNumber".parse(), Ok(AttributeType::SERIAL_NUMBER));
        assert_ne!(AttributeType::SN, AttributeType::SERIAL_NUMBER);
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", " CN", "CN ", "CN=", "OID.2.5.4.3", "2.5.4.", "commonname2", "СN"] {
            assert!(text.parse::<AttributeType>().is_err(), "{text:?}");
        }
    }
}
