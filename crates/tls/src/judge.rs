//! Judging the chain that a client presented.

mod conformance;
mod issuers;
mod judgement;
mod path;
mod pins;
mod profile;
mod reason;

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::sync::Arc;

use moka::sync::Cache;
use portcullis_core::{Certificate, Distrust, Identity, Provenance};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use webpki::{EndEntityCert, VerifiedPath};

pub(crate) use self::conformance::Conformance;
use self::issuers::Issuers;
pub(crate) use self::judgement::Judgement;
use self::judgement::{Chain, Window};
use self::path::{Question, Refusal};
pub(crate) use self::pins::{PinKind, Pins};
pub(crate) use self::profile::Profile;
use crate::clock::unix_time;
use crate::counters::Counters;
use crate::ocsp::{Inquiry, Responders};
use crate::revocation::RevocationSet;
use crate::trust_anchors::AnchorSet;
use crate::{ClientAuth, Revocation, TlsError};

/// Judges chains by what one snapshot of trust says, and remembers the good ones.
pub(crate) struct Judge {
    generation: u64,
    anchors: AnchorSet,
    profile: Profile,
    pins: Pins,
    revocation: Option<Arc<RevocationSet>>,
    responders: Responders,
    supported: WebPkiSupportedAlgorithms,
    /// Verified chains only, so that strangers cannot push out the verdicts of clients.
    remembered: Cache<Digest, Arc<Judgement>>,
    issuers: Issuers,
    counters: Arc<Counters>,
}

/// Tells presented chains apart.
pub(crate) type Digest = [u8; 32];

/// The number of the snapshot that a server starts with.
const FIRST: u64 = 1;

/// Bytes that all remembered verdicts together may take, about 10,000 of them.
const MEMORY: u64 = 48 * 1024 * 1024;

impl Judge {
    /// Reads all that the settings name, for the snapshot of this number.
    pub(crate) fn load(
        asked: &ClientAuth,
        revocation: Option<&Revocation>,
        provider: &Arc<CryptoProvider>,
        now: i64,
        generation: u64,
        counters: Arc<Counters>,
    ) -> Result<Self, TlsError> {
        let supported = provider.signature_verification_algorithms;
        let anchors = asked.anchors.load(now, &supported, generation > FIRST)?;
        asked.profile.check_anchors(&anchors)?;
        asked.pins.check(&anchors)?;
        asked.profile.check()?;
        let (profile, pins) = (asked.profile.clone(), asked.pins.clone());
        let load = |revocation: &Revocation| revocation.load(&anchors, &supported, now);
        let responders = revocation.map(Revocation::responders).unwrap_or_default();
        let responders = Responders::load(responders, &anchors, provider)?;
        let revocation = revocation.map(load).transpose()?.map(Arc::new);
        let weight = |_: &Digest, judgement: &Arc<Judgement>| judgement.weight();
        let remembered = Cache::builder().max_capacity(MEMORY).weigher(weight).build();
        Ok(Self {
            generation,
            anchors,
            profile,
            pins,
            revocation,
            responders,
            supported,
            remembered,
            issuers: Issuers::default(),
            counters,
        })
    }

    pub(crate) fn revocation(&self) -> Option<&RevocationSet> {
        self.revocation.as_deref()
    }

    pub(crate) fn anchors(&self) -> &AnchorSet {
        &self.anchors
    }

    pub(crate) fn supported(&self) -> &WebPkiSupportedAlgorithms {
        &self.supported
    }

    /// A certificate to show in the log, unless it cannot be read or is too large.
    pub(crate) fn legible(&self, der: &CertificateDer<'_>) -> Option<Certificate> {
        if self.profile.is_readable(der) { Certificate::from_der(der).ok() } else { None }
    }

    /// Judges a client's certificate, with the others that it sent along, at the time given.
    pub(crate) fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: i64,
    ) -> Arc<Judgement> {
        // Whoever sends it has proven nothing yet, so what is too large is not even read.
        if let Err(reason) = self.profile.check_size(leaf) {
            return Judgement::inadmissible(self.generation, self.legible(leaf), reason);
        }
        let presented = Presented { digest: digest(leaf, others), leaf, others };
        self.recall(&presented.digest, now).unwrap_or_else(|| self.judge_anew(&presented, now))
    }

    /// The verdict that is remembered, if it holds at this time.
    pub(crate) fn recall(&self, digest: &Digest, now: i64) -> Option<Arc<Judgement>> {
        let known = self.remembered.get(digest)?;
        if !known.holds_at(now) {
            self.remembered.invalidate(digest);
            return None;
        }
        self.counters.remembered();
        Some(known)
    }

    /// Judges without regard to what is remembered.
    fn judge_anew(&self, presented: &Presented<'_>, now: i64) -> Arc<Judgement> {
        self.counters.searched();
        let Presented { leaf, others, .. } = *presented;
        let judgement = match self.profile.admit(leaf, others, &self.anchors) {
            Ok(others) => Arc::new(self.verify(presented, &others, now)),
            Err(reason) => return Judgement::inadmissible(self.generation, self.legible(leaf), reason),
        };
        if judgement.peer().identity().is_some() && judgement.inquiry().is_none() {
            self.remembered.insert(presented.digest, judgement.clone());
        }
        judgement
    }

    fn verify(&self, presented: &Presented<'_>, others: &[CertificateDer<'_>], now: i64) -> Judgement {
        let chain = presented.chain(self.generation);
        let leaf = match Certificate::from_der(presented.leaf) {
            Ok(leaf) => leaf,
            Err(error) => {
                let reason = Distrust::Malformed { detail: error.to_string() };
                return Judgement::untrusted(chain, None, reason);
            }
        };
        match self.search(&leaf, presented.leaf, others, now) {
            Ok(Found { identity, window, inquiry: None }) => Judgement::verified(chain, identity, window),
            Ok(Found { identity, window, inquiry: Some(inquiry) }) => {
                let known = inquiry.recall(now);
                let judgement = Judgement::verified_but(chain, identity, window, inquiry);
                match known {
                    Some(standing) => judgement.settled(standing),
                    None => judgement,
                }
            }
            Err(reason) => Judgement::untrusted(chain, Some(leaf), reason),
        }
    }

    /// Looks for a path to an anchor that webpki and we both find good.
    fn search(
        &self,
        leaf: &Certificate,
        leaf_der: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: i64,
    ) -> Result<Found, Distrust> {
        let clock_is_broken = || Distrust::Other { detail: "the clock of the server is not set".into() };
        let time = unix_time(now).ok_or_else(clock_is_broken)?;
        if let Some(reason) = self.revocation.as_ref().and_then(|revocation| revocation.denied(leaf)) {
            return Err(reason);
        }
        if let Some(anchor) = self.anchors.pinned(leaf) {
            let window = self.check_pinned(leaf, now)?;
            let identity = Identity::vouched(leaf.clone(), anchor.clone(), Provenance::Tls);
            return Ok(Found { identity, window, inquiry: None });
        }
        let window = Cell::new(Window::of(leaf));
        let refused = OnceCell::new();
        let check = |path: &VerifiedPath<'_>| match self.check_path(&Question { leaf, path, now, time }) {
            Ok(narrowed) => {
                window.set(narrowed);
                Ok(())
            }
            Err(Refusal::Webpki(error)) => Err(error),
            Err(Refusal::Ours(reason)) => {
                // The first path that was refused is the most likely one.
                let _ = refused.set(reason);
                Err(webpki::Error::CertRevoked)
            }
        };
        let explain = |error| match refused.get() {
            Some(reason) => Distrust::clone(reason),
            None => reason::distrust(&error, leaf, others, now),
        };
        self.profile.check_names(leaf)?;
        let end_entity = EndEntityCert::try_from(leaf_der).map_err(explain)?;
        let path = end_entity
            .verify_for_usage(
                self.supported.all,
                self.anchors.for_webpki(),
                others,
                time,
                self.profile.purpose(),
                None,
                Some(&check),
            )
            .map_err(explain)?;
        self.profile.check_leaf(leaf)?;
        // Found by identity, so this cannot fail; if it did, nobody would have vouched.
        let anchor = self.anchors.facts(path.anchor()).ok_or_else(|| unknown_issuer(leaf))?;
        let identity = Identity::vouched(leaf.clone(), anchor.anchor.clone(), Provenance::Tls);
        let ask = |revocation| {
            self.responders.inquiry(leaf, &path, anchor.anchor.label(), revocation, self.generation)
        };
        Ok(Found { identity, window: window.get(), inquiry: self.revocation.as_ref().and_then(ask) })
    }
}

impl Judge {
    /// When a certificate that is trusted by itself is.
    fn check_pinned(&self, leaf: &Certificate, now: i64) -> Result<Window, Distrust> {
        let window = Window::of(leaf);
        if now > window.until {
            return Err(Distrust::Expired { not_after: Some(window.until) });
        }
        if now < window.from {
            return Err(Distrust::NotYetValid { not_before: Some(window.from) });
        }
        self.profile.check_pinned(leaf)?;
        Ok(window)
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").field("anchors", &self.anchors).finish_non_exhaustive()
    }
}

/// What was found out about a chain.
struct Found {
    identity: Identity,
    window: Window,
    /// What remains to be asked about the client.
    inquiry: Option<Inquiry>,
}

/// A chain as it was presented.
struct Presented<'a> {
    digest: Digest,
    leaf: &'a CertificateDer<'a>,
    others: &'a [CertificateDer<'a>],
}

impl Presented<'_> {
    /// To be kept, each certificate once: what is of no use under these anchors may be under the next.
    fn chain(&self, generation: u64) -> Chain {
        let mut kept = vec![self.leaf.clone().into_owned()];
        for other in self.others {
            if !kept.contains(other) {
                kept.push(other.clone().into_owned());
            }
        }
        Chain { generation, digest: self.digest, certificates: kept.into() }
    }
}

/// Tells chains apart, also those whose bytes are the same but for where one certificate ends.
fn digest(leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Digest {
    let mut hash = Sha256::new();
    for der in std::iter::once(leaf).chain(others) {
        hash.update((der.len() as u64).to_be_bytes());
        hash.update(der);
    }
    hash.finalize().into()
}

fn unknown_issuer(leaf: &Certificate) -> Distrust {
    Distrust::UnknownIssuer { issuer: leaf.issuer().to_string() }
}
