//! One question about one client, and what is known of the answer.

use std::sync::Arc;

use portcullis_core::{Certificate, Distrust};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::time::timeout;
use webpki::VerifiedPath;

use super::Standing;
use super::answers::{Entry, FlightKey, Learned};
use super::request;
use super::responders::Responder;
use super::response::{Expected, Said};
use super::signer::{Delegate, Issuer};
use crate::revocation::{CrlFetchError, Listed, RevocationSet};

/// What is to be asked about one client, under one trust.
#[derive(Debug)]
pub(crate) struct Inquiry {
    key: FlightKey,
    issuer: Issuer,
    serial: Box<[u8]>,
    responder: Arc<Responder>,
    /// Tells whether whoever has signed an answer was revoked.
    revocation: Arc<RevocationSet>,
}

impl Inquiry {
    pub(super) fn new(
        responder: &Arc<Responder>,
        leaf: &Certificate,
        path: &VerifiedPath<'_>,
        revocation: &Arc<RevocationSet>,
        generation: u64,
    ) -> Self {
        let (subject, key) = match path.intermediate_certificates().next() {
            Some(issuer) => (issuer.subject(), issuer.subject_public_key_info()),
            None => (path.anchor().subject.as_ref(), webpki::spki_for_anchor(path.anchor())),
        };
        let serial: Box<[u8]> = path.end_entity().serial().into();
        let mut hash = Sha256::new();
        for part in [subject, key.as_ref(), &serial] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self {
            key: (hash.finalize().into(), generation),
            issuer: Issuer {
                name_der: leaf.issuer_der().into(),
                subject: subject.into(),
                key,
                signs_lists: revocation.allows_lists_of_issuer(path),
            },
            serial,
            responder: responder.clone(),
            revocation: revocation.clone(),
        }
    }

    /// What is known at this time; nothing if it has to be asked.
    pub(crate) fn recall(&self, now: i64) -> Option<Standing> {
        let answers = &self.responder.answers;
        if answers.is_revoked(&self.key) {
            return Some(REVOKED);
        }
        self.standing(&answers.entry(&self.key.0)?, now)
    }

    /// Asks, unless it is known or somebody is asking already.
    ///
    /// The question goes on when this is dropped, so that nobody asks twice by hanging up.
    pub(crate) async fn ask(self: Arc<Self>, now: i64) -> Standing {
        if let Some(known) = self.recall(now) {
            return known;
        }
        let Ok(runtime) = Handle::try_current() else {
            return self.unknown("its responder cannot be asked outside of a Tokio runtime", now);
        };
        let (mut landing, flight) = self.responder.answers.join(self.key);
        if let Some(flight) = flight {
            let inquiry = self.clone();
            runtime.spawn(async move {
                let standing = inquiry.inquire(now).await;
                flight.land(standing);
            });
        }
        match landing.wait_for(Option::is_some).await.ok().and_then(|standing| standing.clone()) {
            Some(standing) => standing,
            None => self.unknown("asking its responder came to no end", now),
        }
    }

    async fn inquire(self: &Arc<Self>, now: i64) -> Standing {
        let Responder { rules, answers, turns, .. } = &*self.responder;
        let question = async {
            let turn = turns.clone().acquire_owned().await.ok();
            let inquiry = self.clone();
            let asked = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                inquiry.question(now)
            });
            asked.await.unwrap_or(Err("asking its responder has failed"))
        };
        let said = timeout(rules.timeout, question).await;
        let said = said.unwrap_or_else(|_| {
            self.responder.tell(Some(&format_args!("it takes longer than {:?}", rules.timeout)));
            Err("its responder does not answer in time")
        });
        let learned = match said {
            Ok(said) => answers.learn(self.key, said, rules.max_age, now),
            Err(detail) => Learned::Entry(answers.fail(self.key.0, detail, now)),
        };
        match learned {
            Learned::Revoked => REVOKED,
            Learned::Entry(entry) => {
                let unfit = || self.unknown("the answer of its responder does not count any longer", now);
                self.standing(&entry, now).unwrap_or_else(unfit)
            }
        }
    }

    /// Asks, and judges the answer. This blocks.
    fn question(&self, now: i64) -> Result<Said, &'static str> {
        let Responder { client, rules, provider, .. } = &*self.responder;
        let mut nonce = [0; 32];
        let nonce = if rules.has_nonce {
            provider.secure_random.fill(&mut nonce).map_err(|_| "there is no randomness for a nonce")?;
            Some(&nonce[..])
        } else {
            None
        };
        let request = request::encode(&self.issuer, &self.serial, rules.hash, nonce)
            .map_err(|_| "its serial number is none that a responder could be asked about")?;
        let answer = client.post("application/ocsp-request", &request).map_err(|error| {
            self.responder.tell(Some(&error));
            match error {
                CrlFetchError::TooLarge { .. } => "the answer of its responder is too large",
                CrlFetchError::Redirect { .. } => "its responder sends the server elsewhere",
                _ => "its responder cannot be asked",
            }
        })?;
        let expected = Expected {
            issuer: &self.issuer,
            serial: &self.serial,
            nonce,
            max_age: rules.max_age,
            supported: &provider.signature_verification_algorithms,
            now,
        };
        let said = expected.read(&answer).and_then(|said| {
            self.check_delegate(said.delegate.as_ref(), now)?;
            Ok(said)
        });
        match &said {
            Ok(_) => self.responder.tell(None),
            Err(detail) => self.responder.tell(Some(detail)),
        }
        said
    }

    /// What follows from what is known; nothing if it has to be asked.
    fn standing(&self, entry: &Entry, now: i64) -> Option<Standing> {
        let is_signed = |delegate: &Option<Delegate>| self.check_delegate(delegate.as_ref(), now).is_ok();
        let good = entry.good.as_ref().filter(|good| good.holds_at(now) && is_signed(&good.delegate));
        if let Some(good) = good.filter(|good| now <= good.fresh) {
            return Some(Standing::Good { until: good.fresh });
        }
        let failure = entry.failure.as_ref().filter(|failure| failure.holds_at(now))?;
        match good {
            Some(good) => Some(Standing::Good { until: failure.until.min(good.end) }),
            None => Some(self.unknown(failure.detail, failure.until)),
        }
    }

    /// The issuer itself may always sign.
    fn check_delegate(&self, delegate: Option<&Delegate>, now: i64) -> Result<(), &'static str> {
        let Some(Delegate { certificate, serial, is_unchecked }) = delegate else { return Ok(()) };
        if !certificate.is_valid_at(now) {
            return Err("the certificate of its responder is out of date");
        }
        if self.revocation.denied(certificate).is_some() {
            return Err("the certificate of its responder is blocked");
        }
        let Issuer { subject, key, signs_lists, .. } = &self.issuer;
        match self.revocation.listed(subject, key, serial, now) {
            Listed::Revoked => Err("the certificate of its responder is revoked"),
            Listed::Good if *signs_lists => Ok(()),
            _ if *is_unchecked => Ok(()),
            _ => Err("nothing says that the certificate of its responder is not revoked"),
        }
    }

    fn unknown(&self, detail: &str, until: i64) -> Standing {
        if self.responder.rules.is_soft {
            return Standing::Good { until };
        }
        Standing::Refused { reason: Distrust::RevocationUnknown { detail: detail.to_owned() }, until }
    }
}

const REVOKED: Standing = Standing::Refused { reason: Distrust::Revoked, until: i64::MAX };
