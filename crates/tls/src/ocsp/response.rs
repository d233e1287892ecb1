//! The answer: what it says, and whether that counts.

use rustls::crypto::WebPkiSupportedAlgorithms;
use x509_cert::der::asn1::{ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_ocsp::{
    BasicOcspResponse, CertStatus, OcspGeneralizedTime, OcspResponse, OcspResponseStatus, SingleResponse,
};

use super::request::{NONCE, means};
use super::signer::{Delegate, Issuer, Signed};

/// What was asked, and how the answer is to be read.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a Issuer,
    /// The number of the certificate as it stands in it.
    pub(super) serial: &'a [u8],
    pub(super) nonce: Option<&'a [u8]>,
    /// In seconds.
    pub(super) max_age: i64,
    pub(super) supported: &'a WebPkiSupportedAlgorithms,
    pub(super) now: i64,
}

/// An answer that counts, if whoever has signed it was not revoked.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: Status,
    pub(super) this_update: i64,
    pub(super) delegate: Option<Delegate>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It is not revoked; the answer is in date until this second, included.
    Good {
        end: i64,
    },
    Revoked,
}

/// By so many seconds the responder's clock may be ahead of ours.
pub(super) const SKEW: i64 = 300;

const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");

impl Expected<'_> {
    /// What an answer says, or why it does not count.
    pub(super) fn read(&self, answer: &[u8]) -> Result<Said, &'static str> {
        const MALFORMED: &str = "the answer of its responder cannot be read";
        let answer = OcspResponse::from_der(answer).map_err(|_| MALFORMED)?;
        let bytes = match answer.response_status {
            OcspResponseStatus::Successful => answer.response_bytes.ok_or(MALFORMED)?,
            OcspResponseStatus::TryLater => return Err("its responder says: try later"),
            OcspResponseStatus::Unauthorized => return Err("its responder does not answer for its issuer"),
            OcspResponseStatus::SigRequired => return Err("its responder wants questions to be signed"),
            OcspResponseStatus::MalformedRequest => {
                return Err("its responder does not understand the question");
            }
            OcspResponseStatus::InternalError => return Err("its responder has failed"),
        };
        if bytes.response_type != BASIC {
            return Err("the answer of its responder is of an unknown kind");
        }
        let der = bytes.response.as_bytes();
        let basic = BasicOcspResponse::from_der(der).map_err(|_| MALFORMED)?;
        let signed = Signed::read(der).map_err(|_| MALFORMED)?;
        let signature = basic.signature.as_bytes().ok_or(MALFORMED)?;
        let certificates = basic.certs.as_deref().unwrap_or_default();
        let delegate = signed.signer(signature, certificates, self.issuer, self.supported, self.now)?;
        self.judge(&basic, delegate)
    }

    /// What an answer says whose signature is good.
    fn judge(&self, basic: &BasicOcspResponse, delegate: Option<Delegate>) -> Result<Said, &'static str> {
        let data = &basic.tbs_response_data;
        let extensions = data.response_extensions.as_deref().unwrap_or_default();
        let singles =
            || data.responses.iter().filter(|single| means(&single.cert_id, self.issuer, self.serial));
        if has_unknown(extensions) || singles().any(|single| has_unknown(of(single))) {
            return Err("the answer of its responder has a critical extension that is not known");
        }
        // Revoked is revoked, however old the answer is, and whoever else it was made for.
        let revoked = singles().filter(|single| matches!(single.cert_status, CertStatus::Revoked(_)));
        if let Some(this_update) = revoked.map(|single| seconds(single.this_update)).max() {
            if this_update > self.now.saturating_add(SKEW) {
                return Err("the answer of its responder is of the future");
            }
            return Ok(Said { status: Status::Revoked, this_update, delegate });
        }
        if let Some(nonce) = self.nonce {
            self.check_nonce(extensions, nonce)?;
        }
        if singles().next().is_none() {
            return Err("the answer of its responder is about another certificate");
        }
        let mut latest: Option<(i64, i64)> = None;
        for single in singles() {
            if matches!(single.cert_status, CertStatus::Unknown(_)) {
                return Err("its responder does not know it");
            }
            latest = latest.max(Some((self.end(single)?, seconds(single.this_update))));
        }
        let (end, this_update) = latest.ok_or("the answer of its responder is empty")?;
        Ok(Said { status: Status::Good { end }, this_update, delegate })
    }

    fn check_nonce(&self, extensions: &[Extension], nonce: &[u8]) -> Result<(), &'static str> {
        let mut given = extensions.iter().filter(|extension| extension.extn_id == NONCE);
        let ours = OctetString::new(nonce).and_then(|nonce| nonce.to_der()).unwrap_or_default();
        match (given.next(), given.next()) {
            (None, _) => Err("the answer of its responder has no nonce"),
            (Some(given), None) if !ours.is_empty() && given.extn_value.as_bytes() == ours => Ok(()),
            _ => Err("the answer of its responder was made for another question"),
        }
    }

    /// The last second at which an answer is in date; an error if it is not now.
    fn end(&self, single: &SingleResponse) -> Result<i64, &'static str> {
        let this_update = seconds(single.this_update);
        if this_update > self.now.saturating_add(SKEW) {
            return Err("the answer of its responder is of the future");
        }
        let end = match single.next_update {
            Some(next_update) => seconds(next_update).saturating_sub(1),
            None => this_update.saturating_add(self.max_age),
        };
        if end < self.now { Err("the answer of its responder is out of date") } else { Ok(end) }
    }
}

fn of(single: &SingleResponse) -> &[Extension] {
    single.single_extensions.as_deref().unwrap_or_default()
}

fn has_unknown(extensions: &[Extension]) -> bool {
    extensions.iter().any(|extension| extension.critical && extension.extn_id != NONCE)
}

fn seconds(time: OcspGeneralizedTime) -> i64 {
    i64::try_from(time.0.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}
