//! Subject alternative names.

use std::net::IpAddr;

use yasna::{DERWriter, DERWriterSeq, Tag, models::TaggedDerValue};

use crate::{DistinguishedName, Oid};

/// A name in an extension: a subject alternative name, or the base of a name constraint.
///
/// Text goes in as it is: a NUL, a line break or a byte beyond ASCII is not refused here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeneralName {
    /// `dNSName`.
    Dns(String),
    /// `rfc822Name`, an e-mail address.
    Email(String),
    /// `uniformResourceIdentifier`.
    Uri(String),
    /// `iPAddress`.
    Ip(IpAddr),
    /// `otherName` with a Microsoft user principal name.
    Upn(String),
    /// `directoryName`.
    Directory(DistinguishedName),
    /// `otherName` of any type.
    Other {
        /// The type.
        oid: Oid,
        /// The value in DER.
        der: Vec<u8>,
    },
    /// Any bytes under the implicit tag of a primitive choice: 1 e-mail, 2 DNS, 6 URI, 7 IP.
    Raw {
        /// The number of the choice.
        tag: u64,
        /// The bytes, without tag and length.
        bytes: Vec<u8>,
    },
}

impl GeneralName {
    /// The names as a DER `GeneralNames` sequence.
    pub(crate) fn sequence_der(names: &[Self]) -> Vec<u8> {
        yasna::construct_der(|writer| Self::write_sequence(names, writer))
    }

    /// Writes the names as `GeneralNames`, under an implicit tag or none.
    pub(crate) fn write_sequence(names: &[Self], writer: DERWriter<'_>) {
        writer.write_sequence(|writer| {
            for name in names {
                name.write(writer.next());
            }
        });
    }

    /// The name as base of a `GeneralSubtree`; an IP address gets a mask for that one address.
    pub(crate) fn write_subtree(&self, writer: &mut DERWriterSeq<'_>) {
        writer.next().write_sequence(|writer| match self {
            Self::Ip(address) => {
                let mut bytes = octets(address);
                bytes.extend(vec![0xff; bytes.len()]);
                primitive(writer.next(), 7, &bytes);
            }
            name => name.write(writer.next()),
        });
    }

    fn write(&self, writer: DERWriter<'_>) {
        match self {
            Self::Email(text) => primitive(writer, 1, text.as_bytes()),
            Self::Dns(text) => primitive(writer, 2, text.as_bytes()),
            Self::Uri(text) => primitive(writer, 6, text.as_bytes()),
            Self::Ip(address) => primitive(writer, 7, &octets(address)),
            Self::Raw { tag, bytes } => primitive(writer, *tag, bytes),
            Self::Directory(name) => {
                writer.write_tagged(Tag::context(4), |writer| writer.write_der(&name.to_der()))
            }
            Self::Upn(text) => {
                let der = yasna::construct_der(|writer| writer.write_utf8_string(text));
                other(writer, &Oid::USER_PRINCIPAL_NAME, &der);
            }
            Self::Other { oid, der } => other(writer, oid, der),
        }
    }
}

fn primitive(writer: DERWriter<'_>, tag: u64, bytes: &[u8]) {
    writer.write_tagged_der(&TaggedDerValue::from_tag_and_bytes(Tag::context(tag), bytes.to_vec()));
}

fn other(writer: DERWriter<'_>, oid: &Oid, der: &[u8]) {
    writer.write_tagged_implicit(Tag::context(0), |writer| {
        writer.write_sequence(|writer| {
            writer.next().write_oid(&oid.to_asn1());
            writer.next().write_tagged(Tag::context(0), |writer| writer.write_der(der));
        });
    });
}

fn octets(address: &IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}
