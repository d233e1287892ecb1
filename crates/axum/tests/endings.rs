//! What is under way ends when its certificate or its policy does, and nothing else ends with it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod common;
#[path = "common/live.rs"]
mod live;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use axum::routing::get;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use live::{Client, Mode, Pki, endless, soon};
use portcullis_axum::core::audit::AuditEvent;
use portcullis_axum::rule::{authenticated, nobody};
use portcullis_axum::tls::{Lifetime, Revocation, TlsListener};
use portcullis_axum::{Authorizer, Policy, ServerTls, guard, serve};
use portcullis_tower::Guard;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tower::ServiceExt;

const OFTEN: Duration = Duration::from_millis(50);

fn policy(is_open: bool) -> Policy {
    let policy = Policy::builder().route("GET /steady", authenticated());
    let rule = || if is_open { authenticated() } else { nobody() };
    policy.route("GET /events", rule()).route("GET /socket", rule()).build().unwrap()
}

#[derive(Clone, Copy, Debug)]
enum Server {
    Axum,
    /// The guard as a tower service under hyper, without anything of axum's own.
    Hyper,
}

impl Server {
    async fn start(self, tls: ServerTls, auth: &Authorizer) -> SocketAddr {
        let app = Router::new()
            .route("/events", get(async || endless()))
            .route("/steady", get(async || endless()))
            .route("/socket", get(echo));
        match self {
            Self::Axum => {
                let server = serve("127.0.0.1:0", tls, guard(app, auth.clone()));
                let server = server.recheck_every(OFTEN).bind().await.unwrap();
                let address = server.local_addr();
                tokio::spawn(server.into_future());
                address
            }
            Self::Hyper => {
                let acceptor = tls.acceptor(&[b"h2", b"http/1.1"]);
                let acceptor = acceptor.lifetime(Lifetime::default().recheck_every(OFTEN));
                let listener = TlsListener::bind("127.0.0.1:0", acceptor).await.unwrap();
                let address = listener.local_addr().unwrap();
                tokio::spawn(serve_by_hyper(listener, Guard::new(app, auth.clone())));
                address
            }
        }
    }
}

async fn serve_by_hyper(mut listener: TlsListener, guard: Guard<Router>) {
    loop {
        let (stream, connection) = listener.accept().await;
        let guard = guard.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(connection.handle().clone());
            guard.clone().oneshot(request)
        });
        tokio::spawn(async move {
            let builder = auto::Builder::new(TokioExecutor::new());
            let _cut = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
        });
    }
}

async fn echo(request: Request<Body>) -> Response {
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let (mut input, mut output) = tokio::io::split(TokioIo::new(upgraded.await.unwrap()));
        tokio::io::copy(&mut input, &mut output).await
    });
    let response = Response::builder().status(101).header("connection", "upgrade").header("upgrade", "echo");
    response.body(Body::empty()).unwrap()
}

/// An upgraded connection that echoes.
async fn socket(client: &Client, address: SocketAddr) -> TlsStream<TcpStream> {
    let mut stream = client.connect(address).await.unwrap();
    let head = b"GET /socket HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(stream.read_u8()).await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream.write_all(b"hello").await.unwrap();
    let mut echoed = [0; 5];
    soon(stream.read_exact(&mut echoed)).await.unwrap();
    assert_eq!(&echoed, b"hello");
    stream
}

#[tokio::test]
async fn a_policy_ends_streams_and_upgrades_and_leaves_the_others() {
    for server in [Server::Axum, Server::Hyper] {
        policy_ends(server).await;
    }
}

async fn policy_ends(server: Server) {
    let pki = Pki::new();
    let auth = Authorizer::builder(policy(true)).recheck_every(OFTEN).build().unwrap();
    let address = server.start(pki.server(Mode::Request), &auth).await;
    let mut http1 = pki.client(Some("alice"), "http/1.1").http1(address).await;
    let mut http2 = pki.client(Some("alice"), "h2").http2(address).await;
    let mut other = pki.client(Some("alice"), "http/1.1").http1(address).await;
    let one = http1.send("GET", "/events").await.unwrap().into_body();
    let two = http2.send("GET", "/events").await.unwrap().into_body();
    // On the connection of the one that will be reset, and on one of its own.
    let mut steady = http2.send("GET", "/steady").await.unwrap().into_body();
    let mut alone = other.send("GET", "/steady").await.unwrap().into_body();
    let mut socket = socket(&pki.client(Some("alice"), "http/1.1"), address).await;
    tokio::time::sleep(OFTEN * 3).await;

    auth.replace_policy(policy(false)).unwrap();
    let (one, two) = soon(async { tokio::join!(one.collect(), two.collect()) }).await;
    assert!(one.is_err() && two.is_err(), "not a clean end");
    assert!(!soon(socket.read(&mut [0; 8])).await.is_ok_and(|read| read > 0));
    for body in [&mut steady, &mut alone] {
        for _ in 0..20 {
            assert!(soon(body.frame()).await.unwrap().is_ok());
        }
    }
    assert_eq!(http2.send("GET", "/events").await.unwrap().status(), 403);
}

const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn lost_trust_ends_all_that_is_under_way_and_leaves_the_others() {
    for server in [Server::Axum, Server::Hyper] {
        for is_revoked in [true, false] {
            for guard_looks_every in [HOUR, OFTEN] {
                lost_trust_ends(server, is_revoked, guard_looks_every).await;
            }
        }
    }
}

/// Each denial is recorded once, whether the transport sees it first, or the guard.
async fn lost_trust_ends(server: Server, is_revoked: bool, guard_looks_every: Duration) {
    let pki = Pki::new();
    let (alice, bob) = (pki.issue_for(HOUR, "alice"), pki.issue_for(HOUR * 24, "bob"));
    let list = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(list.path(), pki.list(&[])).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let time = Arc::new(AtomicI64::new(now));
    let clock = Arc::clone(&time);
    let tls = pki.builder(Mode::Request).revocation(Revocation::crl_files([list.path()]));
    let tls = tls.clock(move || clock.load(SeqCst)).build().unwrap();
    let denied = Arc::<Mutex<Vec<String>>>::default();
    let noted = Arc::clone(&denied);
    let auth = Authorizer::builder(policy(true)).recheck_every(guard_looks_every);
    let auth = auth.audit(move |event: &AuditEvent<'_>| {
        if let Some(kind) = event.kind {
            let name = event.name.as_deref().unwrap_or("nobody");
            noted.lock().unwrap().push(format!("{} {} {name}", kind.name(), event.path));
        }
    });
    let auth = auth.build().unwrap();
    let address = server.start(tls.clone(), &auth).await;

    let (h1, h2) = ("http/1.1", "h2");
    let mut one = pki.client_with(Some(&alice), h1).http1(address).await;
    let mut two = pki.client_with(Some(&alice), h2).http2(address).await;
    let mut bobs = pki.client_with(Some(&bob), h2).http2(address).await;
    let bodies = [
        one.send("GET", "/events").await.unwrap().into_body(),
        two.send("GET", "/events").await.unwrap().into_body(),
        two.send("GET", "/steady").await.unwrap().into_body(),
    ];
    let mut steady = bobs.send("GET", "/steady").await.unwrap().into_body();
    let mut alices_socket = socket(&pki.client_with(Some(&alice), h1), address).await;
    let mut bobs_socket = socket(&pki.client_with(Some(&bob), h1), address).await;

    if is_revoked {
        std::fs::write(list.path(), pki.list(&[&alice])).unwrap();
        assert!(tls.reload().unwrap().revocation());
    } else {
        time.store(now + 2 * HOUR.as_secs() as i64, SeqCst);
    }
    for body in bodies {
        assert!(soon(body.collect()).await.is_err(), "not a clean end");
    }
    assert!(!soon(alices_socket.read(&mut [0; 8])).await.is_ok_and(|read| read > 0));

    for _ in 0..20 {
        assert!(soon(steady.frame()).await.unwrap().is_ok());
    }
    bobs_socket.write_all(b"still here").await.unwrap();
    assert_eq!(soon(bobs_socket.read(&mut [0; 16])).await.unwrap(), 10);
    let all = async {
        // The last one may be recorded after its client has seen the end.
        while denied.lock().unwrap().len() < 4 {
            tokio::time::sleep(OFTEN).await;
        }
        tokio::time::sleep(OFTEN * 4).await;
    };
    soon(all).await;
    assert!(auth.flush_audit(Duration::from_secs(5)));
    let mut denied = std::mem::take(&mut *denied.lock().unwrap());
    denied.sort();
    let expected = ["/events", "/events", "/socket", "/steady"];
    let expected = expected.map(|path| format!("certificate-untrusted {path} nobody"));
    assert_eq!(denied, expected, "{server:?} {is_revoked} {guard_looks_every:?}");
}
