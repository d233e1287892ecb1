//! Connections and services for the tests of the guard.
#![allow(dead_code, reason = "each test program uses its part")]

use std::convert::Infallible;
use std::future::Ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use portcullis_core::peer::live::Answer;
use portcullis_core::rule::{anyone, authenticated, role};
use portcullis_core::{
    Authorizer, Certificate, Connection, ConnectionInfo, Distrust, Identity, Live, Peer, Policy, RoleMap,
};
use portcullis_pki::Authority;
use tower::Service;

pub(crate) type Body = Full<Bytes>;

/// `/` for everybody, `/reports/..` for the authenticated, `/admin/..` for alice.
pub(crate) fn policy() -> Policy {
    Policy::builder()
        .role("admin", [])
        .route("GET /", anyone())
        .route("GET /reports/{id}", authenticated())
        .route("* /admin/{*rest}", role("admin"))
        .build()
        .unwrap()
}

pub(crate) fn auth() -> Authorizer {
    let roles = RoleMap::new().name("alice", ["admin"]).unwrap();
    Authorizer::builder(policy()).roles(roles).build().unwrap()
}

pub(crate) fn verified(name: &str) -> Peer {
    let issued = Authority::new("Test CA").unwrap().client(name).issue().unwrap();
    let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
    Peer::Verified(Identity::assertion(certificate, "staff"))
}

pub(crate) fn untrusted() -> Peer {
    Peer::Untrusted { certificate: None, reason: Distrust::Revoked }
}

/// A connection that asks again, and counts how often it was told to close.
#[derive(Clone)]
pub(crate) struct Asking {
    pub(crate) handle: Connection,
    closed: Arc<AtomicUsize>,
}

impl Asking {
    pub(crate) fn new(peer: Peer) -> Self {
        let closed = Arc::new(AtomicUsize::new(0));
        let live = AskingLive { peer, info: ConnectionInfo::default(), closed: Arc::clone(&closed) };
        Self { handle: Connection::new(live), closed }
    }

    pub(crate) fn closed(&self) -> usize {
        self.closed.load(Ordering::SeqCst)
    }
}

struct AskingLive {
    peer: Peer,
    info: ConnectionInfo,
    closed: Arc<AtomicUsize>,
}

impl Live for AskingLive {
    fn peer(&self, _now: i64) -> Answer<Peer> {
        Answer::Ready(self.peer.clone())
    }

    fn asks_again(&self) -> bool {
        true
    }

    fn close(&self) {
        self.closed.fetch_add(1, Ordering::SeqCst);
    }

    fn info(&self) -> &ConnectionInfo {
        &self.info
    }
}

/// Answers with what `respond` makes of the request, and counts its calls.
#[derive(Clone)]
pub(crate) struct Inner<F> {
    respond: F,
    calls: Arc<AtomicUsize>,
}

impl<F> Inner<F> {
    pub(crate) fn new(respond: F) -> Self {
        Self { respond, calls: Arc::default() }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl<F, B> Service<Request<B>> for Inner<F>
where
    F: Fn(Request<B>) -> Response<Body>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.calls.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok((self.respond)(request)))
    }
}

pub(crate) fn request(method: &str, target: &str, connection: &Connection) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(target)
        .header("host", "localhost")
        .extension(connection.clone())
        .body(Body::default())
        .unwrap()
}

pub(crate) async fn text<B>(response: Response<B>) -> String
where
    B: BodyExt<Data = Bytes, Error: std::fmt::Debug>,
{
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}
