//! The entries of a revocation list.

use std::time::SystemTime;

use x509_parser::parse_x509_certificate;
use yasna::{DERWriter, models::TaggedDerValue, tags::TAG_INTEGER};

use crate::{Extension, Oid, PkiError, raw::Timestamp};

/// Why a certificate was revoked (RFC 5280, 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationReason {
    /// `unspecified`, which RFC 5280 would rather have left out.
    Unspecified,
    /// `keyCompromise`: somebody else has the key.
    KeyCompromise,
    /// `cACompromise`: somebody else has the authority's key.
    CaCompromise,
    /// `affiliationChanged`: the name is no longer right.
    AffiliationChanged,
    /// `superseded`: there is another certificate.
    Superseded,
    /// `cessationOfOperation`: it is no longer needed.
    CessationOfOperation,
    /// `certificateHold`: for the time being.
    CertificateHold,
    /// `removeFromCRL`: no longer revoked, in delta lists only.
    RemoveFromCrl,
    /// `privilegeWithdrawn`.
    PrivilegeWithdrawn,
    /// `aACompromise`.
    AaCompromise,
}

impl RevocationReason {
    fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            Self::RemoveFromCrl => 8,
            Self::PrivilegeWithdrawn => 9,
            Self::AaCompromise => 10,
        }
    }
}

/// One revoked certificate: its serial number, since when, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Revoked {
    serial: Vec<u8>,
    date: SystemTime,
    extensions: Vec<Extension>,
}

impl Revoked {
    /// The certificate with this serial number, given as the content bytes of the DER integer.
    ///
    /// It is revoked now, for no reason.
    pub fn serial(bytes: impl Into<Vec<u8>>) -> Self {
        Self { serial: bytes.into(), date: SystemTime::now(), extensions: Vec::new() }
    }

    /// The serial number of this certificate.
    ///
    /// # Errors
    ///
    /// [`PkiError::Encoding`] if it cannot be read.
    pub fn certificate(der: &[u8]) -> Result<Self, PkiError> {
        let (_, certificate) = parse_x509_certificate(der)
            .map_err(|error| PkiError::encoding("the entry of a revocation list", error))?;
        Ok(Self::serial(certificate.raw_serial()))
    }

    /// Since when it is revoked, now unless set.
    pub fn at(mut self, date: impl Into<SystemTime>) -> Self {
        self.date = date.into();
        self
    }

    /// Why it is revoked; not said unless set.
    pub fn reason(self, reason: RevocationReason) -> Self {
        let der = yasna::construct_der(|writer| writer.write_enum(reason.code().into()));
        self.extension(Extension::new(Oid::REASON_CODE, false, der))
    }

    /// Adds an extension of the entry.
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    pub(super) fn timestamp(&self) -> Result<Timestamp, PkiError> {
        Timestamp::new(self.date)
    }

    pub(super) fn write(&self, date: &Timestamp, writer: DERWriter<'_>) {
        writer.write_sequence(|writer| {
            let serial = TaggedDerValue::from_tag_and_bytes(TAG_INTEGER, self.serial.clone());
            writer.next().write_tagged_der(&serial);
            date.write(writer.next());
            if !self.extensions.is_empty() {
                writer.next().write_sequence(|writer| {
                    self.extensions.iter().for_each(|extension| extension.write(writer))
                });
            }
        });
    }
}
