//! A verdict on a chain, and how long it holds.

use std::ops::RangeInclusive;
use std::sync::Arc;

use portcullis_core::{Certificate, Distrust, Identity, Peer};
use rustls::pki_types::CertificateDer;

use super::Digest;
use crate::ocsp::{Inquiry, Standing};

/// The verdict on one presented chain.
#[derive(Debug)]
pub(crate) struct Judgement {
    chain: Chain,
    peer: Peer,
    holds: RangeInclusive<i64>,
    /// What is left to be asked before the verdict holds at all.
    open: Option<Arc<Inquiry>>,
}

/// What was judged, to judge it again.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    /// The number of the snapshot that it was judged by.
    pub(super) generation: u64,
    pub(super) digest: Digest,
    /// Empty if nothing was presented, or more than may be kept.
    pub(super) certificates: Arc<[CertificateDer<'static>]>,
}

/// When all the certificates of a path are valid, in seconds since 1970, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Window {
    pub(super) fn of(certificate: &Certificate) -> Self {
        Self { from: certificate.not_before(), until: certificate.not_after() }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }
}

impl Judgement {
    /// No certificate was presented.
    pub(crate) fn anonymous(generation: u64) -> Arc<Self> {
        Arc::new(Self { chain: Chain::none(generation), peer: Peer::Anonymous, holds: ALWAYS, open: None })
    }

    /// What was presented is beyond the limits, so it is neither verified nor kept.
    pub(super) fn inadmissible(
        generation: u64,
        certificate: Option<Certificate>,
        reason: Distrust,
    ) -> Arc<Self> {
        let peer = Peer::Untrusted { certificate, reason };
        Arc::new(Self { chain: Chain::none(generation), peer, holds: ALWAYS, open: None })
    }

    pub(super) fn untrusted(chain: Chain, certificate: Option<Certificate>, reason: Distrust) -> Self {
        let holds = match reason {
            Distrust::Expired { not_after: Some(end) } => end.saturating_add(1)..=i64::MAX,
            Distrust::NotYetValid { not_before: Some(start) } => i64::MIN..=start.saturating_sub(1),
            _ => ALWAYS,
        };
        Self { chain, peer: Peer::Untrusted { certificate, reason }, holds, open: None }
    }

    pub(super) fn verified(chain: Chain, identity: Identity, window: Window) -> Self {
        Self { chain, peer: Peer::Verified(identity), holds: window.from..=window.until, open: None }
    }

    /// Verified but for what a responder says, so it holds at no time.
    pub(super) fn verified_but(chain: Chain, identity: Identity, window: Window, inquiry: Inquiry) -> Self {
        let open = Some(Arc::new(inquiry));
        Self { open, ..Self::verified(chain, identity, window) }
    }

    /// What is left to be asked: without the answer nobody is trusted.
    pub(crate) fn inquiry(&self) -> Option<&Arc<Inquiry>> {
        self.open.as_ref()
    }

    /// The verdict that follows from the answer; the same if nothing was asked.
    pub(crate) fn settled(&self, standing: Standing) -> Self {
        let (mut peer, mut holds) = (self.peer.clone(), self.holds.clone());
        match (&self.peer, standing) {
            _ if self.open.is_none() => {}
            (Peer::Verified(identity), Standing::Refused { reason, until }) => {
                peer = Peer::Untrusted { certificate: Some(identity.certificate().clone()), reason };
                holds = i64::MIN..=until;
            }
            (_, Standing::Good { until } | Standing::Refused { until, .. }) => {
                holds = *holds.start()..=until.min(*holds.end());
            }
        }
        Self { chain: self.chain.clone(), peer, holds, open: None }
    }

    /// The same verdict, found to be that of another snapshot, too.
    pub(crate) fn of_generation(&self, generation: u64) -> Arc<Self> {
        let chain = Chain { generation, ..self.chain.clone() };
        let (peer, holds, open) = (self.peer.clone(), self.holds.clone(), self.open.clone());
        Arc::new(Self { chain, peer, holds, open })
    }

    /// The number of the snapshot of trust that it was made by.
    pub(crate) fn generation(&self) -> u64 {
        self.chain.generation
    }

    pub(crate) fn digest(&self) -> &Digest {
        &self.chain.digest
    }

    /// What was presented; empty if judging it again would be of no use.
    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain.certificates
    }

    /// Whom the peer is taken for, once all is known; see [`inquiry`](Self::inquiry).
    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Whether judging again at this time could come to nothing else.
    pub(crate) fn holds_at(&self, now: i64) -> bool {
        self.open.is_none() && self.holds.contains(&now)
    }

    /// The last second at which it surely still holds.
    pub(crate) fn holds_until(&self) -> i64 {
        *self.holds.end()
    }

    /// About how many bytes it takes in memory.
    pub(super) fn weight(&self) -> u32 {
        let chain: usize = self.chain().iter().map(|der| der.len()).sum();
        let leaf = self.chain().first().map_or(0, |der| der.len());
        // The parsed leaf holds its bytes once more, and takes names and extensions apart.
        u32::try_from(chain + 2 * leaf + 1024).unwrap_or(u32::MAX)
    }
}

impl Chain {
    fn none(generation: u64) -> Self {
        Self { generation, digest: Digest::default(), certificates: Arc::new([]) }
    }
}

const ALWAYS: RangeInclusive<i64> = i64::MIN..=i64::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_narrows_from_both_sides() {
        let wide = Window { from: 0, until: 100 };
        let late = Window { from: 50, until: 200 };
        assert_eq!(wide.and(late), Window { from: 50, until: 100 });
        assert_eq!(late.and(wide), wide.and(late));
    }

    #[test]
    fn a_refusal_for_time_alone_is_judged_again_when_time_has_moved() {
        let future = Distrust::NotYetValid { not_before: Some(100) };
        let future = Judgement::untrusted(Chain::none(0), None, future);
        assert!(future.holds_at(99) && !future.holds_at(100));
        let past = Distrust::Expired { not_after: Some(100) };
        let past = Judgement::untrusted(Chain::none(0), None, past);
        assert!(past.holds_at(101) && !past.holds_at(100));
        let stranger = Distrust::UnknownIssuer { issuer: String::new() };
        let stranger = Judgement::untrusted(Chain::none(0), None, stranger);
        assert!(stranger.holds_at(i64::MIN) && stranger.holds_at(i64::MAX));
    }
}
