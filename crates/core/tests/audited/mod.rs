//! Callers, connections and sinks for the tests of the audit trail.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "shared by tests, each of which needs a part"
)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use portcullis_core::audit::AuditEvent;
use portcullis_core::certificate::Certificate;
use portcullis_core::peer::live::Answer;
use portcullis_core::rule::{anyone, authenticated, nobody, role};
use portcullis_core::{
    Anchor, Authorizer, Connection, ConnectionInfo, Decision, Identity, Live, Peer, Policy, Provenance,
    Request, RoleMap, Verdict,
};
use portcullis_pki::Authority;

pub(crate) fn certificate(name: &str) -> Certificate {
    let issued =
        Authority::new("Test CA").unwrap().client(name).organizational_unit("Security").issue().unwrap();
    Certificate::from_der(issued.certificate_der()).unwrap()
}

pub(crate) fn peer(name: &str) -> Peer {
    Peer::Verified(Identity::assertion(certificate(name), "staff"))
}

pub(crate) fn policy() -> Policy {
    Policy::builder()
        .role("user", [])
        .role("admin", ["user"])
        .route("GET /", anyone())
        .route("GET /me", authenticated())
        .route("* /admin/{*rest}", role("admin"))
        .route("GET /closed", nobody())
        .build()
        .unwrap()
}

pub(crate) fn roles() -> RoleMap {
    RoleMap::new().name("alice", ["admin"]).unwrap()
}

/// A connection of which everything is known.
pub(crate) struct Known {
    pub(crate) peer: Peer,
    pub(crate) info: ConnectionInfo,
}

impl Known {
    pub(crate) fn connection(peer: Peer) -> Connection {
        let mut info = ConnectionInfo::default();
        info.peer_address = Some(SocketAddr::from(([192, 0, 2, 7], 51234)));
        Connection::new(Self { peer, info })
    }
}

impl Live for Known {
    fn peer(&self, _now: i64) -> Answer<Peer> {
        Answer::Ready(self.peer.clone())
    }

    fn covers(&self, authority: Option<&str>) -> bool {
        authority != Some("other.test")
    }

    fn trust_generation(&self) -> Option<u64> {
        Some(3)
    }

    fn close(&self) {}

    fn info(&self) -> &ConnectionInfo {
        &self.info
    }
}

pub(crate) fn forwarded(name: &str, by: &str) -> Peer {
    let provenance = Provenance::Forwarded { by: by.into() };
    Peer::Verified(Identity::vouched(certificate(name), Anchor::new("staff", None), provenance))
}

/// The events of one sink as JSON.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    pub(crate) fn sink(&self) -> impl FnMut(&AuditEvent<'_>) + Send + 'static {
        let events = Arc::clone(&self.0);
        move |event| events.lock().unwrap().push(event.to_json())
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(crate) fn ready<T>(answer: Answer<T>) -> T {
    let mut future = Box::pin(answer.get());
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        if let Poll::Ready(value) = Future::poll(future.as_mut(), &mut context) {
            return value;
        }
    }
    panic!("no answer")
}

pub(crate) fn verdict(auth: &Authorizer, request: &Request<'_>, connection: &Connection) -> Verdict {
    ready(auth.authorize(request, Some(connection)))
}

pub(crate) fn decide(auth: &Authorizer, method: &str, path: &str, connection: &Connection) -> Decision {
    verdict(auth, &Request::new(method, path), connection).decision
}
