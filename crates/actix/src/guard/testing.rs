//! A connection whose peer changes its mind, for unit tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use portcullis_core::peer::live::Answer;
use portcullis_core::rule::anyone;
use portcullis_core::{
    Authorizer, Certificate, Connection, ConnectionInfo, Distrust, Identity, Live, Peer, Policy,
};
use portcullis_pki::Authority;

use super::{Gate, Guard};

/// What a test can turn while the connection lives.
#[derive(Clone)]
pub(crate) struct Fake(Arc<State>);

struct State {
    identity: Identity,
    is_revoked: AtomicBool,
    is_judged: AtomicBool,
    takes: Option<Duration>,
    info: ConnectionInfo,
}

impl Fake {
    /// A verified peer whose later judgements take so long, or no time.
    pub(crate) fn new(takes: Option<Duration>) -> Self {
        let alice = Authority::new("Test CA").unwrap().client("alice").issue().unwrap();
        let certificate = Certificate::from_der(alice.certificate_der()).unwrap();
        let identity = Identity::assertion(certificate, "staff");
        Self(Arc::new(State {
            identity,
            is_revoked: false.into(),
            is_judged: false.into(),
            takes,
            info: ConnectionInfo::default(),
        }))
    }

    pub(crate) fn revoke(&self) {
        self.0.is_revoked.store(true, Relaxed);
    }

    /// A guard that lets everybody in, on a connection with this peer.
    pub(crate) fn guard(&self) -> Guard {
        self.auth_and_guard().1
    }

    pub(crate) fn auth_and_guard(&self) -> (Authorizer, Guard) {
        let policy = Policy::builder().route("GET /", anyone()).build().unwrap();
        let auth = Authorizer::builder(policy).build().unwrap();
        let asserted = Some(Connection::new(self.clone()));
        (auth.clone(), Guard(Gate { auth, asserted, render: None }))
    }

    fn now(&self) -> Peer {
        if self.0.is_revoked.load(Relaxed) {
            Peer::Untrusted { certificate: None, reason: Distrust::Revoked }
        } else {
            Peer::Verified(self.0.identity.clone())
        }
    }
}

impl Live for Fake {
    fn peer(&self, _now: i64) -> Answer<Peer> {
        // The first judgement is that of the request; the guard would not trust a peer that is late.
        let is_first = !self.0.is_judged.swap(true, Relaxed);
        let Some(takes) = self.0.takes.filter(|_| !is_first) else { return Answer::Ready(self.now()) };
        let fake = self.clone();
        Answer::Pending(Box::pin(async move {
            actix_web::rt::time::sleep(takes).await;
            fake.now()
        }))
    }

    fn asks_again(&self) -> bool {
        true
    }

    fn close(&self) {}

    fn info(&self) -> &ConnectionInfo {
        &self.0.info
    }
}
