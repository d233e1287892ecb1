//! Certificate extensions, the usual ones and any other.

use yasna::{DERWriterSeq, Tag};

use crate::{DistributionPoint, GeneralName, IssuingDistributionPoint, Oid};

/// One extension of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    oid: Oid,
    critical: bool,
    der: Vec<u8>,
}

/// What a key may be used for (RFC 5280, 4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyUsage {
    /// `digitalSignature`: signing the TLS handshake.
    DigitalSignature,
    /// `keyEncipherment`: RSA key transport, which TLS 1.3 has abolished.
    KeyEncipherment,
    /// `keyAgreement`.
    KeyAgreement,
    /// `keyCertSign`: signing certificates.
    KeyCertSign,
    /// `cRLSign`: signing revocation lists.
    CrlSign,
}

impl Extension {
    /// An extension with exactly this content, checked by nobody.
    pub fn new(oid: Oid, critical: bool, der: impl Into<Vec<u8>>) -> Self {
        Self { oid, critical, der: der.into() }
    }

    /// `basicConstraints`, critical; `path_length` is written only for an authority.
    pub fn basic_constraints(authority: bool, path_length: Option<u8>) -> Self {
        Self::sequence(Oid::BASIC_CONSTRAINTS, true, |writer| {
            if authority {
                writer.next().write_bool(true);
                if let Some(length) = path_length {
                    writer.next().write_u8(length);
                }
            }
        })
    }

    /// `keyUsage`, critical.
    pub fn key_usage(usages: &[KeyUsage]) -> Self {
        let bit = |usage: &KeyUsage| match usage {
            KeyUsage::DigitalSignature => 0,
            KeyUsage::KeyEncipherment => 2,
            KeyUsage::KeyAgreement => 4,
            KeyUsage::KeyCertSign => 5,
            KeyUsage::CrlSign => 6,
        };
        let bits = usages.iter().fold(0_u8, |bits, usage| bits | 0b1000_0000 >> bit(usage));
        // DER wants a list of named bits without trailing zeros
        let length = 8 - bits.trailing_zeros() as usize;
        let bytes = if bits == 0 { Vec::new() } else { vec![bits] };
        let der = yasna::construct_der(|writer| writer.write_bitvec_bytes(&bytes, length));
        Self::new(Oid::KEY_USAGE, true, der)
    }

    /// `extKeyUsage`, not critical.
    pub fn extended_key_usage(purposes: &[Oid]) -> Self {
        Self::sequence(Oid::EXTENDED_KEY_USAGE, false, |writer| {
            for purpose in purposes {
                writer.next().write_oid(&purpose.to_asn1());
            }
        })
    }

    /// `subjectAltName`, not critical.
    pub fn subject_alt_name(names: &[GeneralName]) -> Self {
        Self::new(Oid::SUBJECT_ALT_NAME, false, GeneralName::sequence_der(names))
    }

    /// `nameConstraints`, critical.
    pub fn name_constraints(permitted: &[GeneralName], excluded: &[GeneralName]) -> Self {
        Self::sequence(Oid::NAME_CONSTRAINTS, true, |writer| {
            for (tag, names) in [(0, permitted), (1, excluded)] {
                if !names.is_empty() {
                    writer.next().write_tagged_implicit(Tag::context(tag), |writer| {
                        writer.write_sequence(|writer| {
                            names.iter().for_each(|name| name.write_subtree(writer))
                        });
                    });
                }
            }
        })
    }

    /// `cRLDistributionPoints`, not critical: where a certificate's revocation lists are.
    pub fn crl_distribution_points(points: &[DistributionPoint]) -> Self {
        Self::sequence(Oid::CRL_DISTRIBUTION_POINTS, false, |writer| {
            points.iter().for_each(|point| point.write(writer.next()));
        })
    }

    /// `issuingDistributionPoint`, critical: which certificates a revocation list is about.
    pub fn issuing_distribution_point(scope: &IssuingDistributionPoint) -> Self {
        let der = yasna::construct_der(|writer| scope.write(writer));
        Self::new(Oid::ISSUING_DISTRIBUTION_POINT, true, der)
    }

    /// `certificateIssuer`, critical: whose certificate an entry of an indirect list is.
    pub fn certificate_issuer(names: &[GeneralName]) -> Self {
        Self::new(Oid::CERTIFICATE_ISSUER, true, GeneralName::sequence_der(names))
    }

    pub(crate) fn subject_key_identifier(identifier: &[u8]) -> Self {
        let der = yasna::construct_der(|writer| writer.write_bytes(identifier));
        Self::new(Oid::SUBJECT_KEY_IDENTIFIER, false, der)
    }

    pub(crate) fn authority_key_identifier(identifier: &[u8]) -> Self {
        Self::sequence(Oid::AUTHORITY_KEY_IDENTIFIER, false, |writer| {
            writer.next().write_tagged_implicit(Tag::context(0), |writer| writer.write_bytes(identifier));
        })
    }

    fn sequence(oid: Oid, critical: bool, write: impl FnOnce(&mut DERWriterSeq<'_>)) -> Self {
        Self::new(oid, critical, yasna::construct_der(|writer| writer.write_sequence(write)))
    }

    pub(crate) fn write(&self, writer: &mut DERWriterSeq<'_>) {
        writer.next().write_sequence(|writer| {
            writer.next().write_oid(&self.oid.to_asn1());
            // DEFAULT FALSE is left out in DER
            if self.critical {
                writer.next().write_bool(true);
            }
            writer.next().write_bytes(&self.der);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_usage_is_a_bit_string_without_trailing_zeros() {
        assert_eq!(Extension::key_usage(&[]).der, [3, 1, 0]);
        assert_eq!(Extension::key_usage(&[KeyUsage::DigitalSignature]).der, [3, 2, 7, 0x80]);
        assert_eq!(Extension::key_usage(&[KeyUsage::CrlSign, KeyUsage::KeyCertSign]).der, [3, 2, 1, 0x06]);
    }

    #[test]
    fn path_length_belongs_to_an_authority() {
        assert_eq!(Extension::basic_constraints(false, Some(3)).der, [0x30, 0]);
        assert_eq!(Extension::basic_constraints(true, None).der, [0x30, 3, 1, 1, 0xff]);
        assert_eq!(Extension::basic_constraints(true, Some(0)).der, [0x30, 6, 1, 1, 0xff, 2, 1, 0]);
        assert_eq!(Extension::basic_constraints(true, Some(200)).der, [0x30, 7, 1, 1, 0xff, 2, 2, 0, 200]);
    }

    #[test]
    fn a_constraint_on_an_address_has_a_mask() {
        let address = GeneralName::Ip([10, 0, 0, 1].into());
        let der = Extension::name_constraints(&[], &[address]).der;
        assert!(der.ends_with(&[0xa1, 12, 0x30, 10, 0x87, 8, 10, 0, 0, 1, 255, 255, 255, 255]), "{der:x?}");
    }
}
