//! What a rule can read, and how its text names it.

use std::fmt::{self, Write};

use super::value::{Scalar, Type};
use crate::certificate::{AttributeType, SanKind};

/// Something that a rule reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// The only value of an attribute.
    Attribute(Party, AttributeType),
    /// Every value of an attribute.
    Attributes(Party, AttributeType),
    San(SanKind),
    /// A parameter of the route's pattern.
    Param(Box<str>),
    /// An attribute of the principal.
    PrincipalAttribute(Box<str>),
    /// A field of a resource.
    Resource(Box<str>, Scalar),
    Fixed(Fixed),
}

/// Whose name it is in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Subject,
    Issuer,
}

macro_rules! fixed_facts {
    ($($fact:ident $root:literal $field:literal $type:expr;)*) => {
        /// A fact that has one name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fixed {
            $(
                #[doc = concat!("`", $root, ".", $field, "`.")]
                $fact,
            )*
        }

        impl Fixed {
            pub(super) const EACH: &[Self] = &[$(Self::$fact,)*];

            /// The root and the field of its name, and its type.
            fn entry(self) -> (&'static str, &'static str, Type) {
                match self {
                    $(Self::$fact => ($root, $field, $type),)*
                }
            }
        }
    };
}

fixed_facts! {
    PrincipalName "principal" "name" Type::STRING;
    PrincipalRoles "principal" "roles" Type::List(Scalar::String);
    AnchorLabel "anchor" "label" Type::STRING;
    AnchorSpkiSha256 "anchor" "spki_sha256" Type::One(Scalar::Fingerprint);
    SpiffeId "spiffe" "id" Type::STRING;
    SpiffeTrustDomain "spiffe" "trust_domain" Type::STRING;
    SpiffePath "spiffe" "path" Type::STRING;
    CertificateSerial "cert" "serial" Type::One(Scalar::Serial);
    CertificateSha256 "cert" "sha256" Type::One(Scalar::Fingerprint);
    CertificateSpkiSha256 "cert" "spki_sha256" Type::One(Scalar::Fingerprint);
    CertificateNotAfter "cert" "not_after" Type::One(Scalar::Timestamp);
    CertificateEku "cert" "eku" Type::List(Scalar::Purpose);
    CertificatePolicies "cert" "policies" Type::List(Scalar::Oid);
    RequestMethod "request" "method" Type::STRING;
    RequestPath "request" "path" Type::STRING;
    RequestHost "request" "host" Type::STRING;
    RequestPeerIp "request" "peer_ip" Type::One(Scalar::Ip);
    RequestTime "request" "time" Type::One(Scalar::Timestamp);
}

/// The kinds of subject alternative names, as fields of `san`.
pub(crate) const SAN_KINDS: [SanKind; 5] =
    [SanKind::Dns, SanKind::Email, SanKind::Ip, SanKind::Upn, SanKind::Uri];

impl Fixed {
    pub(crate) fn named(root: &str, field: &str) -> Option<Self> {
        Self::EACH.iter().copied().find(|fact| matches!(fact.entry(), (r, f, _) if r == root && f == field))
    }

    /// The fields under one root.
    pub(crate) fn fields(root: &str) -> impl Iterator<Item = &'static str> {
        Self::EACH
            .iter()
            .map(|fact| fact.entry())
            .filter(move |(r, ..)| *r == root)
            .map(|(_, field, _)| field)
    }
}

impl Fact {
    pub(crate) const ROLES: Self = Self::Fixed(Fixed::PrincipalRoles);

    pub(crate) fn fact_type(&self) -> Type {
        match self {
            Self::Attribute(..) | Self::Param(_) | Self::PrincipalAttribute(_) => Type::STRING,
            Self::Attributes(..) => Type::List(Scalar::String),
            Self::San(SanKind::Ip) => Type::List(Scalar::Ip),
            Self::San(_) => Type::List(Scalar::String),
            Self::Resource(_, scalar) => Type::One(*scalar),
            Self::Fixed(fixed) => fixed.entry().2,
        }
    }

    /// Whether it may be missing from a request that is otherwise in order, so that `has` makes sense.
    pub(crate) fn may_be_absent(&self) -> bool {
        match self {
            Self::Attribute(..) | Self::PrincipalAttribute(_) | Self::Resource(..) => true,
            Self::Attributes(..) | Self::San(_) | Self::Param(_) => false,
            Self::Fixed(fixed) => matches!(
                fixed,
                Fixed::AnchorSpkiSha256
                    | Fixed::SpiffeId
                    | Fixed::SpiffeTrustDomain
                    | Fixed::SpiffePath
                    | Fixed::RequestHost
                    | Fixed::RequestPeerIp
            ),
        }
    }

    /// Whether it can be an empty text; nothing in a certificate is.
    pub(crate) fn may_be_empty(&self) -> bool {
        matches!(self, Self::Param(_) | Self::PrincipalAttribute(_) | Self::Resource(..))
    }

    /// Whether it is known of a certificate before anybody asks for something.
    pub(crate) fn is_of_identity(&self) -> bool {
        match self {
            Self::Attribute(..) | Self::Attributes(..) | Self::San(_) => true,
            Self::Param(_) | Self::PrincipalAttribute(_) | Self::Resource(..) => false,
            Self::Fixed(fixed) => matches!(fixed.entry().0, "anchor" | "cert" | "spiffe"),
        }
    }

    /// Whether reading it is an error for whoever has no verified certificate.
    pub(crate) fn needs_identity(&self) -> bool {
        self.is_of_identity()
            || matches!(self, Self::PrincipalAttribute(_) | Self::Fixed(Fixed::PrincipalName))
    }
}

impl Party {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Issuer => "issuer",
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(party, attribute) => {
                write!(f, "{}.{}", party.word(), Field(&attribute.to_string()))
            }
            Self::Attributes(party, attribute) => {
                write!(f, "{}.all.{}", party.word(), Field(&attribute.to_string()))
            }
            Self::San(kind) => write!(f, "san.{kind}"),
            Self::Param(name) => write!(f, "params.{}", Field(name)),
            Self::PrincipalAttribute(name) => write!(f, "principal.attributes.{}", Field(name)),
            Self::Resource(name, _) => write!(f, "resource.{}", Field(name)),
            Self::Fixed(fixed) => {
                let (root, field, _) = fixed.entry();
                write!(f, "{root}.{field}")
            }
        }
    }
}

/// The name of a field; one that is no identifier stands in backticks.
pub(crate) struct Field<'a>(pub(crate) &'a str);

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_identifier(self.0) && !KEYWORDS.contains(&self.0) {
            f.write_str(self.0)
        } else {
            f.write_char('`')?;
            f.write_str(self.0)?;
            f.write_char('`')
        }
    }
}

/// The words that CEL keeps for itself everywhere.
pub(crate) const KEYWORDS: [&str; 4] = ["false", "in", "null", "true"];

pub(crate) fn is_identifier(name: &str) -> bool {
    name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_found_under_its_name() {
        for fact in Fixed::EACH {
            let (root, field, fact_type) = fact.entry();
            assert_eq!(Fixed::named(root, field), Some(*fact));
            assert!(Fixed::fields(root).any(|known| known == field));
            assert_eq!(Fact::Fixed(*fact).to_string(), format!("{root}.{field}"));
            assert_eq!(Fact::Fixed(*fact).fact_type(), fact_type);
        }
    }

    #[test]
    fn fields_that_are_no_words_stand_in_backticks() {
        let oid = AttributeType::from("1.2.840.1".parse::<crate::certificate::Oid>().unwrap());
        assert_eq!(Fact::Attribute(Party::Subject, oid).to_string(), "subject.`1.2.840.1`");
        assert_eq!(Fact::Param("in".into()).to_string(), "params.`in`");
        assert_eq!(Fact::Param("id".into()).to_string(), "params.id");
    }
}
