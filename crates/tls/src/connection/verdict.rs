//! Who the peer of one connection is, at any time.

use std::sync::Arc;

use arc_swap::ArcSwap;
use portcullis_core::peer::live::Answer;
use portcullis_core::{Distrust, Peer};

use crate::clock::Clock;
use crate::judge::Judgement;
use crate::server::Trust;

/// The verdict on one peer, made anew whenever it does not hold.
pub(super) struct Verdict {
    pub(super) trust: Arc<Trust>,
    pub(super) clock: Clock,
    pub(super) site: usize,
    pub(super) judgement: ArcSwap<Judgement>,
}

/// If trust is replaced so often while a responder is asked, there is no verdict.
const MOST_ROUNDS: usize = 4;

impl Verdict {
    /// Who the peer is at the time given; pending while a responder is asked.
    pub(super) fn peer(self: &Arc<Self>, now: i64) -> Answer<Peer> {
        let now = self.clock.or(now);
        let judgement = self.judgement.load();
        if judgement.generation() == self.trust.generation() && judgement.holds_at(now) {
            return Answer::Ready(judgement.peer().clone());
        }
        // In place: the limits of a chain bound a search to a few signatures, which take about as long as
        // it would to hand it to another thread. Most verdicts are remembered from another connection.
        let anew = self.trust.load().judge_again(self.site, &judgement, now);
        if anew.inquiry().is_some() {
            return Answer::Pending(Box::pin(self.clone().ask(anew, now)));
        }
        Answer::Ready(self.found(anew))
    }

    /// Asks what is left to be asked, under the trust that is in force when the answer is there.
    async fn ask(self: Arc<Self>, mut judgement: Arc<Judgement>, now: i64) -> Peer {
        for _ in 0..MOST_ROUNDS {
            let Some(inquiry) = judgement.inquiry() else { return self.found(judgement) };
            let standing = inquiry.clone().ask(now).await;
            let settled = Arc::new(judgement.settled(standing));
            if settled.generation() == self.trust.generation() {
                return self.found(settled);
            }
            judgement = self.trust.load().judge_again(self.site, &settled, now);
        }
        let detail = "trust was replaced again and again while its responder was asked".to_owned();
        let certificate = judgement.peer().identity().map(|identity| identity.certificate().clone());
        Peer::Untrusted { certificate, reason: Distrust::RevocationUnknown { detail } }
    }

    fn found(&self, judgement: Arc<Judgement>) -> Peer {
        let peer = judgement.peer().clone();
        self.judgement.store(judgement);
        peer
    }
}
