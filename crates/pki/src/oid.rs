//! Object identifiers, and the ones that certificates use every day.

use std::{borrow::Cow, fmt, str::FromStr};

use yasna::models::ObjectIdentifier;

use crate::PkiError;

/// An ASN.1 object identifier, such as `2.5.4.3`.
///
/// # Examples
///
/// ```
/// use portcullis_pki::Oid;
///
/// assert_eq!("2.5.4.3".parse::<Oid>()?, Oid::COMMON_NAME);
/// assert!("2".parse::<Oid>().is_err());
/// assert!("3.1".parse::<Oid>().is_err());
/// # Ok::<(), portcullis_pki::PkiError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Oid(Cow<'static, [u64]>);

macro_rules! known {
    ($($(#[doc = $doc:literal])* $name:ident = [$($arc:literal),*];)*) => {
        impl Oid {
            $($(#[doc = $doc])* pub const $name: Self = Self(Cow::Borrowed(&[$($arc),*]));)*
        }
    };
}

known! {
    /// Subject attribute `CN`.
    COMMON_NAME = [2, 5, 4, 3];
    /// Subject attribute `SN`.
    SURNAME = [2, 5, 4, 4];
    /// Subject attribute `serialNumber`: of a person or device, not of the certificate.
    SERIAL_NUMBER = [2, 5, 4, 5];
    /// Subject attribute `C`.
    COUNTRY = [2, 5, 4, 6];
    /// Subject attribute `L`.
    LOCALITY = [2, 5, 4, 7];
    /// Subject attribute `ST`.
    STATE = [2, 5, 4, 8];
    /// Subject attribute `STREET`.
    STREET = [2, 5, 4, 9];
    /// Subject attribute `O`.
    ORGANIZATION = [2, 5, 4, 10];
    /// Subject attribute `OU`.
    ORGANIZATIONAL_UNIT = [2, 5, 4, 11];
    /// Subject attribute `title`.
    TITLE = [2, 5, 4, 12];
    /// Subject attribute `GN`.
    GIVEN_NAME = [2, 5, 4, 42];
    /// Subject attribute `dnQualifier`.
    DN_QUALIFIER = [2, 5, 4, 46];
    /// Subject attribute `UID`.
    USER_ID = [0, 9, 2342, 19200300, 100, 1, 1];
    /// Subject attribute `DC`.
    DOMAIN_COMPONENT = [0, 9, 2342, 19200300, 100, 1, 25];
    /// Subject attribute `emailAddress`.
    EMAIL_ADDRESS = [1, 2, 840, 113549, 1, 9, 1];

    /// Extension `subjectKeyIdentifier`.
    SUBJECT_KEY_IDENTIFIER = [2, 5, 29, 14];
    /// Extension `keyUsage`.
    KEY_USAGE = [2, 5, 29, 15];
    /// Extension `subjectAltName`.
    SUBJECT_ALT_NAME = [2, 5, 29, 17];
    /// Extension `basicConstraints`.
    BASIC_CONSTRAINTS = [2, 5, 29, 19];
    /// Revocation list extension `cRLNumber`.
    CRL_NUMBER = [2, 5, 29, 20];
    /// Extension `reasonCode` of an entry in a revocation list.
    REASON_CODE = [2, 5, 29, 21];
    /// Revocation list extension `deltaCRLIndicator`.
    DELTA_CRL_INDICATOR = [2, 5, 29, 27];
    /// Revocation list extension `issuingDistributionPoint`.
    ISSUING_DISTRIBUTION_POINT = [2, 5, 29, 28];
    /// Extension `certificateIssuer` of an entry in an indirect revocation list.
    CERTIFICATE_ISSUER = [2, 5, 29, 29];
    /// Extension `nameConstraints`.
    NAME_CONSTRAINTS = [2, 5, 29, 30];
    /// Extension `cRLDistributionPoints`.
    CRL_DISTRIBUTION_POINTS = [2, 5, 29, 31];
    /// Extension `authorityKeyIdentifier`.
    AUTHORITY_KEY_IDENTIFIER = [2, 5, 29, 35];
    /// Extension `extKeyUsage`.
    EXTENDED_KEY_USAGE = [2, 5, 29, 37];

    /// Extended key usage of TLS servers.
    SERVER_AUTH = [1, 3, 6, 1, 5, 5, 7, 3, 1];
    /// Extended key usage of TLS clients.
    CLIENT_AUTH = [1, 3, 6, 1, 5, 5, 7, 3, 2];
    /// Extended key usage of signed and encrypted mail.
    EMAIL_PROTECTION = [1, 3, 6, 1, 5, 5, 7, 3, 4];
    /// Extended key usage of those who answer for an authority (OCSP).
    OCSP_SIGNING = [1, 3, 6, 1, 5, 5, 7, 3, 9];
    /// `anyExtendedKeyUsage`.
    ANY_EXTENDED_KEY_USAGE = [2, 5, 29, 37, 0];
    /// The Microsoft user principal name inside an `otherName`.
    USER_PRINCIPAL_NAME = [1, 3, 6, 1, 4, 1, 311, 20, 2, 3];

    /// The kind of answers that responders give (OCSP).
    OCSP_BASIC = [1, 3, 6, 1, 5, 5, 7, 48, 1, 1];
    /// Extension `nonce` of questions and answers (OCSP).
    OCSP_NONCE = [1, 3, 6, 1, 5, 5, 7, 48, 1, 2];
    /// Extension `id-pkix-ocsp-nocheck`: nobody will say that the responder is revoked.
    OCSP_NO_CHECK = [1, 3, 6, 1, 5, 5, 7, 48, 1, 5];
    /// Hash algorithm SHA-1, with which certificates are named, not signed.
    SHA1 = [1, 3, 14, 3, 2, 26];
    /// Hash algorithm SHA-256.
    SHA256 = [2, 16, 840, 1, 101, 3, 4, 2, 1];

    /// Signature algorithm `ecdsa-with-SHA256`.
    ECDSA_WITH_SHA256 = [1, 2, 840, 10045, 4, 3, 2];
    /// Signature algorithm `ecdsa-with-SHA384`.
    ECDSA_WITH_SHA384 = [1, 2, 840, 10045, 4, 3, 3];
    /// Signature algorithm RSA with MD5, which nobody should accept.
    MD5_WITH_RSA = [1, 2, 840, 113549, 1, 1, 4];
    /// Signature algorithm `sha256WithRSAEncryption`.
    SHA256_WITH_RSA = [1, 2, 840, 113549, 1, 1, 11];
    /// Key and signature algorithm Ed25519.
    ED25519 = [1, 3, 101, 112];

    /// An extension that nobody knows: from the arc that RFC 5612 keeps for documentation.
    UNKNOWN_EXTENSION = [1, 3, 6, 1, 4, 1, 32473, 1];
}

/// The attribute types of RFC 4514 (section 3) and the ones that OpenSSL prints by the same names.
const SHORT_NAMES: &[(&str, Oid)] = &[
    ("CN", Oid::COMMON_NAME),
    ("SN", Oid::SURNAME),
    ("serialNumber", Oid::SERIAL_NUMBER),
    ("C", Oid::COUNTRY),
    ("L", Oid::LOCALITY),
    ("ST", Oid::STATE),
    ("STREET", Oid::STREET),
    ("O", Oid::ORGANIZATION),
    ("OU", Oid::ORGANIZATIONAL_UNIT),
    ("title", Oid::TITLE),
    ("GN", Oid::GIVEN_NAME),
    ("dnQualifier", Oid::DN_QUALIFIER),
    ("UID", Oid::USER_ID),
    ("DC", Oid::DOMAIN_COMPONENT),
    ("emailAddress", Oid::EMAIL_ADDRESS),
];

impl Oid {
    /// Makes an identifier from its arcs.
    ///
    /// # Errors
    ///
    /// [`PkiError::Oid`] if no object can have these arcs: fewer than two, the first above 2, or
    /// the second above 39 under 0 and 1.
    pub fn new(arcs: &[u64]) -> Result<Self, PkiError> {
        let valid = match arcs {
            [0 | 1, second, ..] => *second < 40,
            // the encoding adds 80 to the second arc
            [2, second, ..] => *second <= u64::from(u32::MAX),
            _ => false,
        };
        if valid {
            Ok(Self(Cow::Owned(arcs.to_vec())))
        } else {
            let text = arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
            Err(PkiError::Oid { text })
        }
    }

    /// The attribute type with this RFC 4514 short name (in any case) or dotted identifier.
    ///
    /// # Errors
    ///
    /// [`PkiError::AttributeType`] if the text is neither.
    pub fn attribute_type(text: &str) -> Result<Self, PkiError> {
        SHORT_NAMES
            .iter()
            .find(|(short, _)| short.eq_ignore_ascii_case(text))
            .map(|(_, oid)| oid.clone())
            .or_else(|| text.parse().ok())
            .ok_or_else(|| PkiError::AttributeType { text: text.to_owned() })
    }

    pub(crate) fn to_asn1(&self) -> ObjectIdentifier {
        ObjectIdentifier::from_slice(&self.0)
    }
}

impl FromStr for Oid {
    type Err = PkiError;

    fn from_str(text: &str) -> Result<Self, PkiError> {
        let arcs: Result<Vec<u64>, _> = text.split('.').map(str::parse).collect();
        match arcs {
            // `+1` is a number to Rust, but not an arc
            Ok(arcs) if !text.contains('+') => Self::new(&arcs),
            _ => Err(PkiError::Oid { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, arc) in self.0.iter().enumerate() {
            write!(f, "{}{arc}", if i == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_no_identifier_is_refused() {
        for text in
            ["", ".", "1", "1.", ".1", "1..2", "1.40", "3.1", "1.+2", "1.-2", "a.b", "2.18446744073709551615"]
        {
            assert!(text.parse::<Oid>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_accepted_identifier_can_be_encoded() {
        for text in ["0.0", "0.39", "1.39.1", "2.4294967295", "2.5.4.18446744073709551615"] {
            let oid: Oid = text.parse().unwrap();
            assert_eq!(oid.to_string(), text);
            assert!(!yasna::construct_der(|writer| writer.write_oid(&oid.to_asn1())).is_empty());
        }
    }

    #[test]
    fn short_names_are_known_in_any_case() {
        assert_eq!(Oid::attribute_type("ou").unwrap(), Oid::ORGANIZATIONAL_UNIT);
        assert_eq!(Oid::attribute_type("1.2.3").unwrap().to_string(), "1.2.3");
        assert!(Oid::attribute_type("nickname").is_err());
    }
}
