//! What is asked of a client's certificate beyond what webpki asks.

use portcullis_core::Distrust;
use portcullis_core::certificate::{Certificate, CertificateError, ExtendedKeyUsage, PublicKeyInfo};
use rustls::pki_types::CertificateDer;
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter};

use super::conformance::{Conformance, Position, violation};
use crate::trust_anchors::{AnchorFacts, AnchorSet};
use crate::{TlsError, TrustAnchorsError};

/// Limits and requirements, each with a safe default.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) intermediates: usize,
    pub(crate) bytes: usize,
    pub(crate) intermediate_bytes: usize,
    pub(crate) names: usize,
    /// How many issuers may stand between leaf and anchor.
    pub(crate) path_length: usize,
    /// What an RSA key must have at least.
    pub(crate) rsa_bits: u32,
    pub(crate) needs_extended_key_usage: bool,
    pub(crate) takes_any_extended_key_usage: bool,
    pub(crate) respects_key_usage: bool,
    pub(crate) conformance: Conformance,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            intermediates: 5,
            bytes: 16 * 1024,
            intermediate_bytes: 32 * 1024,
            names: 100,
            path_length: usize::MAX,
            rsa_bits: PublicKeyInfo::FEWEST_RSA_BITS,
            needs_extended_key_usage: true,
            takes_any_extended_key_usage: false,
            respects_key_usage: true,
            conformance: Conformance::Needful,
        }
    }
}

impl Profile {
    /// Whether the settings ask for no less than what is safe.
    pub(super) fn check(&self) -> Result<(), TlsError> {
        if self.rsa_bits < PublicKeyInfo::FEWEST_RSA_BITS {
            return Err(TlsError::SmallKeys {
                bits: self.rsa_bits,
                smallest: PublicKeyInfo::FEWEST_RSA_BITS,
            });
        }
        Ok(())
    }

    /// Whether the leaf is of a size that is worth reading.
    pub(super) fn check_size(&self, leaf: &CertificateDer<'_>) -> Result<(), Distrust> {
        if self.is_readable(leaf) {
            return Ok(());
        }
        let error = CertificateError::TooLarge { bytes: leaf.len(), limit: self.bytes };
        Err(Distrust::Malformed { detail: error.to_string() })
    }

    /// Whether one certificate is of a size that is worth reading.
    pub(super) fn is_readable(&self, der: &CertificateDer<'_>) -> bool {
        der.len() <= self.bytes
    }

    /// What is worth a look beside the leaf: each other certificate once, without the anchors.
    ///
    /// webpki searches all orders of what it is given. A few kilobytes of certificates that name
    /// each other as issuers keep it busy for a tenth of a second, and even five of them for all the
    /// hundred signatures that it allows. So their number is limited first, and how many of one name.
    pub(super) fn admit<'a>(
        &self,
        leaf: &CertificateDer<'_>,
        others: &'a [CertificateDer<'a>],
        anchors: &AnchorSet,
    ) -> Result<Vec<CertificateDer<'a>>, Distrust> {
        let (mut admitted, mut bytes): (Vec<CertificateDer<'a>>, usize) = (Vec::new(), 0);
        for other in others {
            if other == leaf || admitted.contains(other) || anchors.contains(other) {
                continue;
            }
            bytes += other.len();
            let has_room = admitted.len() < self.intermediates && bytes <= self.intermediate_bytes;
            let has_room = has_room && self.is_readable(other);
            if !has_room || namesakes(other, leaf, &admitted) >= NAMESAKES {
                return Err(Distrust::TooLong);
            }
            admitted.push(CertificateDer::from(other.as_ref()));
        }
        Ok(admitted)
    }

    /// Whether the leaf has no more names than webpki may work on.
    pub(super) fn check_names(&self, leaf: &Certificate) -> Result<(), Distrust> {
        if leaf.subject_alternative_names().len() <= self.names {
            return Ok(());
        }
        let error = CertificateError::TooMany { part: "subject alternative names", limit: self.names };
        Err(Distrust::Malformed { detail: error.to_string() })
    }

    /// What webpki asks about the purpose, of the leaf and of the issuers alike.
    pub(super) fn purpose(&self) -> Purpose {
        Purpose { takes_any: self.takes_any_extended_key_usage }
    }

    /// What webpki does not ask of the leaf.
    pub(super) fn check_leaf(&self, leaf: &Certificate) -> Result<(), Distrust> {
        if self.needs_extended_key_usage && leaf.extended_key_usages().is_none() {
            return Err(Distrust::NotForClients);
        }
        self.check_key(leaf)
    }

    /// What is asked of a leaf that is trusted by itself, so by nobody who could say what it is for.
    pub(super) fn check_pinned(&self, leaf: &Certificate) -> Result<(), Distrust> {
        let fits = |purpose: &ExtendedKeyUsage| match purpose {
            ExtendedKeyUsage::ClientAuth => true,
            ExtendedKeyUsage::Any => self.takes_any_extended_key_usage,
            _ => false,
        };
        if leaf.extended_key_usages().is_some_and(|purposes| !purposes.iter().any(fits)) {
            return Err(Distrust::NotForClients);
        }
        self.check_key(leaf)
    }

    /// Whether the key of the leaf may sign, and is strong.
    fn check_key(&self, leaf: &Certificate) -> Result<(), Distrust> {
        if self.respects_key_usage && leaf.key_usage().is_some_and(|usage| !usage.digital_signature()) {
            return Err(Distrust::KeyUsage);
        }
        match self.weak_key(leaf) {
            Some(key) => Err(Distrust::WeakKey { key }),
            None => Ok(()),
        }
    }

    /// Whether the key of an issuer is as strong as is asked for.
    pub(super) fn check_issuer_key(&self, issuer: &Certificate) -> Result<(), Distrust> {
        match self.weak_key(issuer) {
            Some(key) => Err(Distrust::WeakKey { key: format!("{key}, of an issuer") }),
            None => Ok(()),
        }
    }

    fn weak_key(&self, certificate: &Certificate) -> Option<String> {
        let key = certificate.public_key();
        let bits = key.bits().unwrap_or_default();
        if key.is_rsa() && bits < self.rsa_bits { Some(format!("RSA {bits}")) } else { key.weakness() }
    }

    /// Whether the anchors keep the rules of RFC 5280 that webpki does not know.
    pub(super) fn check_anchors(&self, anchors: &AnchorSet) -> Result<(), TrustAnchorsError> {
        let of = |facts: &AnchorFacts| violation(&facts.certificate, Position::Anchor, self.conformance);
        let found = anchors.issuers().find_map(|facts| Some((facts, of(facts)?)));
        found.map_or(Ok(()), |(facts, violation)| {
            Err(TrustAnchorsError::Nonconforming {
                label: facts.anchor.label().to_owned(),
                subject: facts.certificate.subject().to_string(),
                violation: violation.to_string(),
            })
        })
    }

    /// Whether it keeps the rules of RFC 5280 that webpki does not know.
    pub(super) fn check_conformance(
        &self,
        certificate: &Certificate,
        position: Position,
    ) -> Result<(), Distrust> {
        match violation(certificate, position, self.conformance) {
            None => Ok(()),
            Some(violation) => Err(Distrust::Nonconforming {
                subject: certificate.subject().to_string(),
                violation: violation.to_string(),
            }),
        }
    }

    /// What webpki does not ask of an issuer.
    pub(super) fn may_issue(&self, issuer: &Certificate) -> bool {
        !self.respects_key_usage || issuer.key_usage().is_none_or(|usage| usage.key_cert_sign())
    }
}

/// How many issuers of one name may be sent: both keys during a change, or both issuers of a cross
/// certificate.
const NAMESAKES: usize = 2;

/// How many of these certificates have the same subject as this one.
fn namesakes(of: &CertificateDer<'_>, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> usize {
    // With the leaf alone there cannot be too many, whatever it is called.
    if others.len() + 1 < NAMESAKES {
        return 0;
    }
    let Ok(of) = EndEntityCert::try_from(of) else { return 0 };
    let has_same_subject = |der: &&CertificateDer<'_>| {
        EndEntityCert::try_from(*der).is_ok_and(|one| one.subject() == of.subject())
    };
    std::iter::once(leaf).chain(others).filter(has_same_subject).count()
}

/// Whether a certificate may be used by a TLS client.
pub(super) struct Purpose {
    takes_any: bool,
}

impl ExtendedKeyUsageValidator for Purpose {
    fn validate(&self, presented: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        const CLIENT_AUTH: KeyPurposeId<'static> = KeyPurposeId::new(&[0x2b, 6, 1, 5, 5, 7, 3, 2]);
        const ANY: KeyPurposeId<'static> = KeyPurposeId::new(&[0x55, 0x1d, 0x25, 0]);
        let mut is_absent = true;
        for purpose in presented {
            is_absent = false;
            let purpose = purpose?;
            if purpose == CLIENT_AUTH || (self.takes_any && purpose == ANY) {
                return Ok(());
            }
        }
        // Issuers seldom say it; of the leaf it is asked elsewhere.
        if is_absent { Ok(()) } else { Err(not_for_clients()) }
    }
}

fn not_for_clients() -> webpki::Error {
    webpki::Error::RequiredEkuNotFoundContext(webpki::RequiredEkuNotFoundContext {
        required: webpki::KeyUsage::client_auth(),
        present: Vec::new(),
    })
}
