//! One revocation list that was read and found usable.

use std::cmp::Ordering;

use portcullis_core::certificate::Name;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use sha2::{Digest, Sha256};
use webpki::BorrowedCertRevocationList;
use x509_parser::asn1_rs::{FromDer, Tag};
use x509_parser::num_bigint::BigUint;
use x509_parser::time::ASN1Time;

use super::RevocationError;
use super::der::{Malformed, Reader};
use super::proof::Proof;
use super::scope::{Role, Scope};
use super::serials::Serials;

/// One revocation list that was read and found usable, if somebody turns out to have signed it.
#[derive(Debug)]
pub(super) struct List {
    /// Where it comes from, for messages.
    pub(super) place: String,
    /// The issuer's name as webpki gives it: without the outer header.
    pub(super) issuer: Box<[u8]>,
    /// The same for people.
    pub(super) issuer_name: String,
    pub(super) this_update: i64,
    pub(super) next_update: i64,
    pub(super) number: Option<BigUint>,
    pub(super) scope: Scope,
    /// What it does that RFC 5280 forbids, though it harms nobody.
    pub(super) violation: Option<&'static str>,
    pub(super) sha256: [u8; 32],
    serials: Serials,
    proof: Proof,
}

impl List {
    /// Reads a list; nothing is said yet about who has signed it.
    pub(super) fn read(
        der: Vec<u8>,
        place: String,
        supported: &WebPkiSupportedAlgorithms,
    ) -> Result<Self, RevocationError> {
        let envelope = Envelope::read(&der, &place)?;
        if !supported.all.iter().any(|known| *known.signature_alg_id() == *envelope.algorithm) {
            return Err(RevocationError::SignatureAlgorithm { list: place });
        }
        let scope = envelope.check_extensions(&der, &place)?;
        let serials = envelope.serials(&place)?;
        let issuer_name = match Name::from_der(envelope.issuer_der) {
            Ok(name) => name.to_string(),
            Err(error) => return Err(RevocationError::Malformed { list: place, reason: error.to_string() }),
        };
        let (issuer, number) = (envelope.issuer.into(), envelope.number.clone());
        let violation = envelope.violation();
        let (this_update, next_update) = (envelope.this_update, envelope.next_update);
        let sha256 = Sha256::digest(&der).into();
        let body = envelope.body_start..envelope.body_start + envelope.body_length;
        let (algorithm, signature) = (envelope.algorithm.to_vec(), envelope.signature.to_vec());
        let proof = Proof::new(der, body, &algorithm, &signature);
        Ok(Self {
            place,
            issuer,
            issuer_name,
            this_update,
            next_update,
            number,
            scope,
            violation,
            sha256,
            serials,
            proof,
        })
    }

    /// Whether this key has signed the list.
    pub(super) fn is_signed_by(
        &self,
        key: &SubjectPublicKeyInfoDer<'_>,
        supported: &WebPkiSupportedAlgorithms,
    ) -> bool {
        self.proof.is_by(key, supported)
    }

    /// The key that has signed the list, if that is known.
    pub(super) fn signer(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.proof.signer()
    }

    /// Whether it is known who has signed the list.
    pub(super) fn is_proven(&self) -> bool {
        self.signer().is_some()
    }

    pub(super) fn revokes(&self, serial: &[u8]) -> bool {
        self.serials.contains(serial)
    }

    pub(super) fn entries(&self) -> usize {
        self.serials.len()
    }

    pub(super) fn includes(&self, role: Role) -> bool {
        self.scope.includes(role)
    }

    /// Whether this list, of the same signer, stands in the place of another one.
    ///
    /// Only if it is newer by time and by number. If these disagree, both lists count, and what
    /// either of them revokes is revoked.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        let by_number = match (&self.number, &other.number) {
            (Some(this), Some(other)) => this.cmp(other),
            _ => Ordering::Equal,
        };
        let orders = [self.this_update.cmp(&other.this_update), by_number];
        self.scope == other.scope
            && orders.iter().all(|order| order.is_ge())
            && orders.iter().any(|order| order.is_gt())
    }
}

/// The parts of a list that are needed here.
struct Envelope<'a> {
    body_start: usize,
    body_length: usize,
    algorithm: &'a [u8],
    signature: &'a [u8],
    issuer: &'a [u8],
    issuer_der: &'a [u8],
    this_update: i64,
    next_update: i64,
    entries: &'a [u8],
    number: Option<BigUint>,
    is_number_critical: bool,
    scope: Option<&'a [u8]>,
}

impl<'a> Envelope<'a> {
    fn read(der: &'a [u8], place: &str) -> Result<Self, RevocationError> {
        let list = || place.to_owned();
        let malformed = |_: Malformed| RevocationError::Malformed {
            list: list(),
            reason: "it is not the DER of a revocation list".to_owned(),
        };
        let mut file = Reader::new(der);
        let outer = match file.expect(Tag::Sequence) {
            Ok(outer) => outer,
            Err(_) if is_cut_off(der) => return Err(RevocationError::Truncated { list: list() }),
            Err(error) => return Err(malformed(error)),
        };
        if !file.is_at_end() {
            return Err(RevocationError::TrailingBytes { list: list(), bytes: file.rest().len() });
        }
        let mut parts = outer.reader().map_err(malformed)?;
        let body = parts.expect(Tag::Sequence).map_err(malformed)?;
        let algorithm = parts.expect(Tag::Sequence).map_err(malformed)?.content;
        let signature = match parts.expect(Tag::BitString).map_err(malformed)?.content {
            [0, signature @ ..] => signature,
            _ => return Err(malformed(Malformed)),
        };
        let body_start = (der.len() - outer.content.len()).min(der.len());

        let mut fields = body.reader().map_err(malformed)?;
        if fields.optional(Tag::Integer).is_none_or(|version| version.content != [1]) {
            return Err(RevocationError::Version { list: list() });
        }
        fields.expect(Tag::Sequence).map_err(malformed)?;
        let issuer = fields.expect(Tag::Sequence).map_err(malformed)?;
        let this_update = time(&mut fields).ok_or_else(|| malformed(Malformed))?;
        let next_update = time(&mut fields).ok_or_else(|| RevocationError::NoNextUpdate { list: list() })?;
        if next_update < this_update {
            return Err(RevocationError::Backwards { list: list() });
        }
        let entries = fields.optional(Tag::Sequence).map_or(&[][..], |entries| entries.content);
        let mut envelope = Self {
            body_start,
            body_length: body.raw.len(),
            algorithm,
            signature,
            issuer: issuer.content,
            issuer_der: issuer.raw,
            this_update,
            next_update,
            entries,
            number: None,
            is_number_critical: false,
            scope: None,
        };
        envelope.read_extensions(fields).map_err(malformed)?;
        Ok(envelope)
    }

    /// Takes what is needed from the extensions; webpki judges them all.
    fn read_extensions(&mut self, mut fields: Reader<'a>) -> Result<(), Malformed> {
        if fields.is_at_end() {
            return Ok(());
        }
        let tagged = fields.any()?;
        if tagged.context() != Some((0, true)) || !fields.is_at_end() {
            return Err(Malformed);
        }
        let mut extensions = tagged.reader()?.expect(Tag::Sequence)?.reader()?;
        while !extensions.is_at_end() {
            let (identifier, is_critical, value) = extension(&mut extensions)?;
            match identifier {
                CRL_NUMBER => {
                    let number = Reader::new(value).expect(Tag::Integer)?;
                    self.is_number_critical = is_critical;
                    self.number = Some(BigUint::from_bytes_be(number.content));
                }
                ISSUING_DISTRIBUTION_POINT => self.scope = Some(value),
                _ => {}
            }
        }
        Ok(())
    }

    fn violation(&self) -> Option<&'static str> {
        match &self.number {
            None => Some("it has no cRLNumber (5.2.3)"),
            Some(_) if self.is_number_critical => Some("its cRLNumber is critical (5.2.3)"),
            Some(_) => None,
        }
    }

    /// Lets webpki judge everything but the entries, which it does not look at here.
    fn check_extensions(&self, der: &[u8], place: &str) -> Result<Scope, RevocationError> {
        let malformed =
            |reason: &str| RevocationError::Malformed { list: place.to_owned(), reason: reason.to_owned() };
        let read = self.scope.map(Scope::read).transpose();
        let scope = read.map_err(|_| malformed("its issuingDistributionPoint cannot be read"));
        match BorrowedCertRevocationList::from_der(der) {
            Ok(_) => Ok(scope?.unwrap_or_default()),
            // webpki knows parts with names only; all clients, or all authorities, is clear as well.
            Err(webpki::Error::UnsupportedCrlIssuingDistributionPoint) => match scope? {
                Some(scope) if !scope.is_part() => Ok(scope),
                _ => Err(unusable(place, "its distribution point is relative to the issuer")),
            },
            Err(error) => scope.and_then(|_| Err(explain(&error, place))),
        }
    }

    fn serials(&self, place: &str) -> Result<Serials, RevocationError> {
        let mut problem = None;
        let mut count = 0;
        let mut reader = Reader::new(self.entries);
        while !reader.is_at_end() && reader.any().is_ok() {
            count += 1;
        }
        let mut reader = Reader::new(self.entries);
        let mut position = 0;
        let numbers = std::iter::from_fn(|| {
            if reader.is_at_end() {
                return None;
            }
            position += 1;
            entry(&mut reader).map_err(|reason| problem = Some((position, reason))).ok()
        });
        let serials = Serials::new(count, numbers);
        match problem {
            None => Ok(serials),
            Some((position, reason)) => {
                Err(RevocationError::Entry { list: place.to_owned(), position, reason })
            }
        }
    }
}

const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 20];
const REASON_CODE: &[u8] = &[0x55, 0x1d, 21];
const HOLD_INSTRUCTION: &[u8] = &[0x55, 0x1d, 23];
const INVALIDITY_DATE: &[u8] = &[0x55, 0x1d, 24];
const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 28];
const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1d, 29];

/// The serial number of the next entry, or why the list cannot be used.
fn entry<'a>(entries: &mut Reader<'a>) -> Result<&'a [u8], &'static str> {
    const MALFORMED: &str = "it is not the DER of an entry";
    let malformed = |_: Malformed| MALFORMED;
    let mut fields = entries.expect(Tag::Sequence).and_then(|entry| entry.reader()).map_err(malformed)?;
    let serial = fields.expect(Tag::Integer).map_err(malformed)?.content;
    let date = fields.any().map_err(malformed)?;
    if serial.is_empty() || !(date.is(Tag::UtcTime) || date.is(Tag::GeneralizedTime)) {
        return Err(MALFORMED);
    }
    if fields.is_at_end() {
        return Ok(serial);
    }
    let extensions = fields.expect(Tag::Sequence).and_then(|list| list.reader());
    let mut extensions = extensions.map_err(malformed)?;
    if !fields.is_at_end() {
        return Err(MALFORMED);
    }
    while !extensions.is_at_end() {
        match extension(&mut extensions).map_err(malformed)? {
            (CERTIFICATE_ISSUER, ..) => {
                return Err("it is about a certificate of another issuer, which is not supported");
            }
            (REASON_CODE | HOLD_INSTRUCTION | INVALIDITY_DATE, ..) | (_, false, _) => {}
            (_, true, _) => return Err("it has a critical extension that is not understood"),
        }
    }
    Ok(serial)
}

/// The identifier of the next extension, whether it is critical, and its value.
fn extension<'a>(extensions: &mut Reader<'a>) -> Result<(&'a [u8], bool, &'a [u8]), Malformed> {
    let mut fields = extensions.expect(Tag::Sequence)?.reader()?;
    let identifier = fields.expect(Tag::Oid)?.content;
    let critical = match fields.optional(Tag::Boolean).map(|flag| flag.content) {
        None | Some([0]) => false,
        Some([0xff]) => true,
        Some(_) => return Err(Malformed),
    };
    let value = fields.expect(Tag::OctetString)?.content;
    if fields.is_at_end() { Ok((identifier, critical, value)) } else { Err(Malformed) }
}

/// Reads a time, if there is one; in seconds since 1970.
fn time(fields: &mut Reader<'_>) -> Option<i64> {
    let mut ahead = *fields;
    let element = ahead.any().ok()?;
    if !element.is(Tag::UtcTime) && !element.is(Tag::GeneralizedTime) {
        return None;
    }
    let (_, time) = ASN1Time::from_der(element.raw).ok()?;
    *fields = ahead;
    Some(time.timestamp())
}

/// Whether these bytes begin as a sequence that should be longer.
fn is_cut_off(der: &[u8]) -> bool {
    let [0x30, length, rest @ ..] = der else { return false };
    match length {
        0x80 | 0xff => false,
        0..0x80 => rest.len() < usize::from(*length),
        _ => {
            let Some(bytes) = rest.get(..usize::from(length & 0x7f)) else { return true };
            let length =
                bytes.iter().try_fold(0_usize, |sum, byte| Some(sum.checked_mul(256)? + usize::from(*byte)));
            length.is_some_and(|length| rest.len() - bytes.len() < length)
        }
    }
}

fn unusable(place: &str, reason: &str) -> RevocationError {
    RevocationError::Unusable { list: place.to_owned(), reason: reason.to_owned() }
}

/// webpki's reasons in words.
fn explain(error: &webpki::Error, place: &str) -> RevocationError {
    use webpki::Error;
    match error {
        Error::UnsupportedDeltaCrl => unusable(place, "it tells only the changes since another list (delta)"),
        Error::UnsupportedIndirectCrl => {
            unusable(place, "it is about certificates of other issuers (indirect)")
        }
        Error::UnsupportedRevocationReasonsPartitioning => {
            unusable(place, "it is about some reasons for revocation only (onlySomeReasons)")
        }
        Error::UnsupportedCriticalExtension => {
            unusable(place, "it has a critical extension that is not understood")
        }
        Error::MalformedExtensions => unusable(
            place,
            "its extensions are missing or malformed, or it is about attribute certificates only",
        ),
        Error::InvalidCrlNumber => unusable(place, "its number is negative or longer than 20 bytes"),
        Error::SignatureAlgorithmMismatch => unusable(place, "it names two different signature algorithms"),
        other => {
            tracing::debug!(target: "portcullis::tls", error = ?other, "webpki cannot read a revocation list");
            RevocationError::Malformed {
                list: place.to_owned(),
                reason: "it is not the DER of a revocation list of version 2".to_owned(),
            }
        }
    }
}
