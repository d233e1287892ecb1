//! Judging the chain that a client presented.

mod issuer;
mod judgement;
mod profile;
mod reason;

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use moka::sync::Cache;
use portcullis_core::{Certificate, Distrust, Identity, Provenance};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use webpki::{EndEntityCert, VerifiedPath};

pub(crate) use self::judgement::Judgement;
use self::judgement::Window;
pub(crate) use self::profile::{Profile, weak_key};
use crate::clock::unix_time;
use crate::trust_anchors::AnchorSet;

/// Judges chains by one set of anchors, and remembers the good ones.
pub(crate) struct Judge {
    anchors: AnchorSet,
    profile: Profile,
    supported: WebPkiSupportedAlgorithms,
    /// Verified chains only, so that strangers cannot push out the verdicts of clients.
    remembered: Cache<[u8; 32], Arc<Judgement>>,
}

/// Bytes that all remembered verdicts together may take, about 10,000 of them.
const MEMORY: u64 = 48 * 1024 * 1024;

impl Judge {
    pub(crate) fn new(anchors: AnchorSet, profile: Profile, supported: WebPkiSupportedAlgorithms) -> Self {
        let weight = |_: &[u8; 32], judgement: &Arc<Judgement>| judgement.weight();
        let remembered = Cache::builder().max_capacity(MEMORY).weigher(weight).build();
        Self { anchors, profile, supported, remembered }
    }

    pub(crate) fn supported(&self) -> &WebPkiSupportedAlgorithms {
        &self.supported
    }

    /// A certificate to show in the log, unless it cannot be read or is too large.
    pub(crate) fn legible(&self, der: &CertificateDer<'_>) -> Option<Certificate> {
        self.profile.check_size(der).ok()?;
        Certificate::from_der(der).ok()
    }

    /// Judges a client's certificate, with the others that it sent along, at the time given.
    pub(crate) fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: i64,
    ) -> Arc<Judgement> {
        // Whoever sends it has proven nothing yet, so one that is too large is not even read.
        if let Err(reason) = self.profile.check_size(leaf) {
            return Judgement::inadmissible(None, reason);
        }
        let chain = match self.profile.admit(leaf, others, &self.anchors) {
            Ok(chain) => chain,
            Err(reason) => return Judgement::inadmissible(self.legible(leaf), reason),
        };
        let key = digest(&chain);
        if let Some(known) = self.remembered.get(&key) {
            if known.holds_at(now) {
                return known;
            }
            self.remembered.invalidate(&key);
        }
        let chain: Arc<[_]> = chain.into_iter().map(|der| der.clone().into_owned()).collect();
        let judgement = Arc::new(self.verify(chain, now));
        if judgement.peer().identity().is_some() {
            self.remembered.insert(key, judgement.clone());
        }
        judgement
    }

    fn verify(&self, chain: Arc<[CertificateDer<'static>]>, now: i64) -> Judgement {
        let Some((leaf_der, others)) = chain.split_first() else {
            return Judgement::untrusted(chain, None, Distrust::Malformed { detail: "nothing".into() });
        };
        let leaf = match Certificate::from_der(leaf_der) {
            Ok(leaf) => leaf,
            Err(error) => {
                let reason = Distrust::Malformed { detail: error.to_string() };
                return Judgement::untrusted(chain, None, reason);
            }
        };
        match self.search(&leaf, leaf_der, others, now) {
            Ok((identity, window)) => Judgement::verified(chain, identity, window),
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
    ) -> Result<(Identity, Window), Distrust> {
        let clock_is_broken = || Distrust::Other { detail: "the clock of the server is not set".into() };
        let time = unix_time(now).ok_or_else(clock_is_broken)?;
        let window = Cell::new(Window::of(leaf));
        let check = |path: &VerifiedPath<'_>| {
            let narrowed = issuer::check(path, &self.anchors, &self.profile, Window::of(leaf), time)?;
            window.set(narrowed);
            Ok(())
        };
        let explain = |error| reason::distrust(&error, leaf, others, now);
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
        Ok((identity, window.get()))
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").field("anchors", &self.anchors).finish_non_exhaustive()
    }
}

/// Tells chains apart, also those whose bytes are the same but for where one certificate ends.
fn digest(chain: &[&CertificateDer<'_>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for der in chain {
        hash.update((der.len() as u64).to_be_bytes());
        hash.update(der);
    }
    hash.finalize().into()
}

fn unknown_issuer(leaf: &Certificate) -> Distrust {
    Distrust::UnknownIssuer { issuer: leaf.issuer().to_string() }
}
