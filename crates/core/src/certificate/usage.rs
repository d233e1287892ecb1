//! What a certificate may be used for.

use std::{fmt, str::FromStr};

use super::oid::{Dotted, Oid, OidError};

/// What the key of a certificate may be used for, by the keyUsage extension.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyUsage(u16);

/// Whether a certificate belongs to an authority, by the basicConstraints extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct BasicConstraints {
    /// Whether it does.
    pub ca: bool,
    /// How many intermediate authorities may stand below it.
    pub path_len: Option<u32>,
}

/// A purpose that the extendedKeyUsage extension allows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExtendedKeyUsage {
    /// Any purpose at all; TLS verifiers do not take it for client authentication.
    Any,
    /// TLS servers.
    ServerAuth,
    /// TLS clients.
    ClientAuth,
    /// Signed programs.
    CodeSigning,
    /// Signed or encrypted mail.
    EmailProtection,
    /// Time stamps.
    TimeStamping,
    /// Answers about revocation.
    OcspSigning,
    /// Another purpose.
    Other(Oid),
}

const PURPOSES: &[(ExtendedKeyUsage, &str, &str)] = &[
    (ExtendedKeyUsage::Any, "2.5.29.37.0", "anyExtendedKeyUsage"),
    (ExtendedKeyUsage::ServerAuth, "1.3.6.1.5.5.7.3.1", "serverAuth"),
    (ExtendedKeyUsage::ClientAuth, "1.3.6.1.5.5.7.3.2", "clientAuth"),
    (ExtendedKeyUsage::CodeSigning, "1.3.6.1.5.5.7.3.3", "codeSigning"),
    (ExtendedKeyUsage::EmailProtection, "1.3.6.1.5.5.7.3.4", "emailProtection"),
    (ExtendedKeyUsage::TimeStamping, "1.3.6.1.5.5.7.3.8", "timeStamping"),
    (ExtendedKeyUsage::OcspSigning, "1.3.6.1.5.5.7.3.9", "OCSPSigning"),
];

impl ExtendedKeyUsage {
    /// The name that RFC 5280 gives the purpose, or the object identifier of another one.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(oid) => oid.as_str(),
            known => PURPOSES.iter().find(|(purpose, ..)| purpose == known).map_or("", |(.., name)| name),
        }
    }

    /// The object identifier.
    pub fn oid(&self) -> Oid {
        match self {
            Self::Other(oid) => oid.clone(),
            known => {
                let oid =
                    PURPOSES.iter().find(|(purpose, ..)| purpose == known).map_or("", |(_, oid, _)| oid);
                Oid::known(oid)
            }
        }
    }
}

impl ExtendedKeyUsage {
    fn known(oid: &str) -> Option<Self> {
        PURPOSES.iter().find(|(_, known, _)| *known == oid).map(|(purpose, ..)| purpose.clone())
    }
}

impl From<Oid> for ExtendedKeyUsage {
    fn from(oid: Oid) -> Self {
        Self::known(oid.as_str()).unwrap_or(Self::Other(oid))
    }
}

impl From<Dotted> for ExtendedKeyUsage {
    fn from(dotted: Dotted) -> Self {
        Self::known(dotted.as_str()).unwrap_or_else(|| Self::Other(dotted.into()))
    }
}

impl FromStr for ExtendedKeyUsage {
    type Err = OidError;

    /// Reads a name of RFC 5280, such as `clientAuth`, or an object identifier.
    fn from_str(text: &str) -> Result<Self, OidError> {
        match PURPOSES.iter().find(|(.., name)| *name == text) {
            Some((purpose, ..)) => Ok(purpose.clone()),
            None => text.parse::<Oid>().map(Self::from),
        }
    }
}

impl fmt::Display for ExtendedKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! key_usages {
    ($($name:ident $bit:literal $word:literal)*) => {
        impl KeyUsage {
            /// The first bit of RFC 5280 is the lowest one here.
            pub(super) fn new(bits: u16) -> Self {
                Self(bits)
            }

            $(
                #[doc = concat!("Whether the key may be used for `", $word, "`.")]
                pub fn $name(self) -> bool {
                    self.0 >> $bit & 1 == 1
                }
            )*

            /// The uses that are allowed, by their names in RFC 5280.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                [$(($bit, $word)),*].into_iter().filter(move |(bit, _)| self.0 >> bit & 1 == 1).map(|(_, word)| word)
            }
        }
    };
}

key_usages! {
    digital_signature 0 "digitalSignature"
    content_commitment 1 "nonRepudiation"
    key_encipherment 2 "keyEncipherment"
    data_encipherment 3 "dataEncipherment"
    key_agreement 4 "keyAgreement"
    key_cert_sign 5 "keyCertSign"
    crl_sign 6 "cRLSign"
    encipher_only 7 "encipherOnly"
    decipher_only 8 "decipherOnly"
}

impl fmt::Debug for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_have_words() {
        for (purpose, oid, name) in PURPOSES {
            assert_eq!(purpose.oid(), oid.parse().unwrap());
            assert_eq!(name.parse().as_ref(), Ok(purpose));
            assert_eq!(oid.parse().as_ref(), Ok(purpose));
            assert_eq!(purpose.to_string(), *name);
        }
        assert_eq!("1.2.3".parse::<ExtendedKeyUsage>().unwrap().to_string(), "1.2.3");
        assert!("clientauth".parse::<ExtendedKeyUsage>().is_err());
    }
}
