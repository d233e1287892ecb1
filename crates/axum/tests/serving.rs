//! Real clients, real certificates: who they are, on HTTP/1.1 and HTTP/2.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod common;
#[path = "common/live.rs"]
mod live;

use std::net::SocketAddr;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use common::auth;
use live::{Mode, Pki, soon, text};
use portcullis_axum::{AskAgain, Authorizer, Caller, Connection, Peer, guard, serve, serve_plain};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn home(peer: Peer, connection: Connection) -> String {
    let who = match peer {
        Peer::Verified(who) => format!("verified {}", who.certificate().subject()),
        Peer::Untrusted { reason, .. } => format!("untrusted {}", reason.code()),
        Peer::Anonymous => "anonymous".into(),
    };
    format!("{who} {} {}", connection.tls_version().unwrap(), connection.is_resumed())
}

fn app() -> Router {
    Router::new()
        .route("/", get(home))
        .route("/open", get(async || (Extension(AskAgain), "import your certificate")))
        .route("/reports/{id}", get(async |caller: Caller| caller.name().to_owned()))
}

/// A server for the length of a test.
async fn start(pki: &Pki, mode: Mode) -> SocketAddr {
    let server = serve("127.0.0.1:0", pki.server(mode), guard(app(), auth())).bind().await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.into_future());
    address
}

#[tokio::test]
async fn the_caller_is_the_one_who_holds_the_certificate() {
    let pki = Pki::new();
    let address = start(&pki, Mode::Request).await;
    let client = pki.client(Some("alice"), "http/1.1");
    for resumed in [false, true] {
        let mut http1 = client.http1(address).await;
        for _ in 0..2 {
            let home = text(http1.send("GET", "/").await.unwrap()).await.unwrap();
            assert_eq!(home, format!("verified CN=alice TLSv1.3 {resumed}"));
        }
        assert_eq!(text(http1.send("GET", "/reports/7").await.unwrap()).await.unwrap(), "alice");
    }
    let mut http2 = pki.client(Some("alice"), "h2").http2(address).await;
    assert_eq!(text(http2.send("GET", "/reports/7").await.unwrap()).await.unwrap(), "alice");
    let forbidden = http2.send("GET", "/unknown").await.unwrap();
    assert_eq!(forbidden.status(), 403);
    // The connection is of use to her still.
    assert_eq!(text(http2.send("GET", "/reports/7").await.unwrap()).await.unwrap(), "alice");
}

#[tokio::test]
async fn an_anonymous_client_gets_the_page_and_a_new_connection() {
    let pki = Pki::new();
    let address = start(&pki, Mode::Request).await;
    for path in ["/reports/7", "/open"] {
        let mut http1 = pki.client(None, "http/1.1").http1(address).await;
        let response = http1.send("GET", path).await.unwrap();
        assert_eq!(response.headers()["connection"], "close", "{path}");
        assert!(text(response).await.unwrap().contains("certificate"), "{path}");
        soon(http1.ended).await.unwrap().unwrap();

        let mut http2 = pki.client(None, "h2").http2(address).await;
        let response = http2.send("GET", path).await.unwrap();
        assert!(!response.headers().contains_key("connection"), "{path}");
        assert!(text(response).await.unwrap().contains("certificate"), "{path}");
        soon(http2.ended).await.unwrap().unwrap();
    }
    // What is open to everybody keeps its connection.
    let mut http1 = pki.client(None, "http/1.1").http1(address).await;
    for _ in 0..2 {
        let response = http1.send("GET", "/").await.unwrap();
        assert_eq!(text(response).await.unwrap(), "anonymous TLSv1.3 false");
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_told_why() {
    let (pki, other) = (Pki::new(), Pki::named("Other CA"));
    let address = start(&pki, Mode::Request).await;
    // It trusts the server, and shows a certificate that the server does not trust.
    let client = pki.client_of(&other, "mallory", "http/1.1");
    let mut http1 = client.http1(address).await;
    assert_eq!(
        text(http1.send("GET", "/").await.unwrap()).await.unwrap(),
        "untrusted unknown-issuer TLSv1.3 false"
    );
    let response = http1.send("GET", "/reports/7").await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["connection"]),
        (403, &"close".parse().unwrap())
    );
    let page = text(response).await.unwrap();
    assert!(page.contains("certificate-untrusted") && !page.contains("unknown-issuer"), "{page}");
}

#[tokio::test]
async fn no_certificate_where_one_is_required_never_reaches_http() {
    let pki = Pki::new();
    let address = start(&pki, Mode::Require).await;
    let stream = pki.client(None, "http/1.1").connect(address).await;
    // In TLS 1.3 the client believes that it has succeeded until it reads.
    let refused = match stream {
        Err(_) => true,
        Ok(mut stream) => soon(stream.read(&mut [0; 8])).await.is_err(),
    };
    assert!(refused);
    let mut alice = pki.client(Some("alice"), "h2").http2(address).await;
    assert_eq!(text(alice.send("GET", "/reports/7").await.unwrap()).await.unwrap(), "alice");
}

#[tokio::test]
async fn a_certificate_that_expires_in_the_middle_opens_nothing_more() {
    let pki = Pki::new();
    let valid = Duration::from_secs(3);
    let mut connections = Vec::new();
    for mode in [Mode::Request, Mode::Require] {
        let address = start(&pki, mode).await;
        let mut http1 = pki.client_for(valid, "alice", "http/1.1").http1(address).await;
        let mut http2 = pki.client_for(valid, "alice", "h2").http2(address).await;
        assert_eq!(text(http1.send("GET", "/reports/7").await.unwrap()).await.unwrap(), "alice");
        assert_eq!(text(http2.send("GET", "/reports/7").await.unwrap()).await.unwrap(), "alice");
        connections.push((http1, http2));
    }

    tokio::time::sleep(valid + Duration::from_secs(1)).await;
    for (mut http1, mut http2) in connections {
        for response in [http1.send("GET", "/reports/7").await, http2.send("GET", "/reports/7").await] {
            let response = response.unwrap();
            assert_eq!(response.status(), 403);
            assert!(text(response).await.unwrap().contains("certificate-untrusted"));
        }
        // So that a renewed certificate can be shown.
        soon(http1.ended).await.unwrap().unwrap();
        soon(http2.ended).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_listener_that_asks_for_no_certificate_knows_nobody() {
    let pki = Pki::new();
    let address = start(&pki, Mode::NoCertificates).await;
    let mut http1 = pki.client(Some("alice"), "http/1.1").http1(address).await;
    assert_eq!(text(http1.send("GET", "/").await.unwrap()).await.unwrap(), "anonymous TLSv1.3 false");
    let response = http1.send("GET", "/reports/7").await.unwrap();
    // Closing would not help: a new connection is not asked either.
    assert_eq!(response.status(), 403);
    assert!(!response.headers().contains_key("connection"));
}

#[tokio::test]
async fn a_response_to_head_has_no_body_on_http2_either() {
    let pki = Pki::new();
    let address = start(&pki, Mode::Request).await;
    let mut alice = pki.client(Some("alice"), "h2").http2(address).await;
    let response = alice.send("HEAD", "/unknown").await.unwrap();
    assert_eq!(response.status(), 403);
    assert_ne!(response.headers()["content-length"], "0");
    assert_eq!(text(response).await.unwrap(), "");
    assert_eq!(text(alice.send("GET", "/reports/7").await.unwrap()).await.unwrap(), "alice");
}

#[tokio::test]
async fn probes_have_a_plain_port_of_their_own() {
    let health = Router::new().route("/health", get(async || "fine")).route("/other", get(async || "open?"));
    let auth = Authorizer::without_certificates(["GET /health"]).unwrap();
    let server = serve_plain("127.0.0.1:0", guard(health, auth)).bind().await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.into_future());
    assert!(plain(address, "/health").await.starts_with("HTTP/1.1 200"));
    assert!(plain(address, "/other").await.starts_with("HTTP/1.1 403"));

    // An authorizer that expects certificates, on a port that cannot have any.
    let server = serve_plain("127.0.0.1:0", guard(app(), common::auth())).bind().await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.into_future());
    assert!(plain(address, "/").await.starts_with("HTTP/1.1 500"));
}

async fn plain(address: SocketAddr, path: &str) -> String {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    soon(tcp.read_to_string(&mut response)).await.unwrap();
    response
}

#[tokio::test]
async fn silent_clients_keep_nobody_waiting() {
    let pki = Pki::new();
    let address = start(&pki, Mode::Request).await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let alice = pki.client(Some("alice"), "http/1.1");
    let asked =
        async { text(alice.http1(address).await.send("GET", "/reports/7").await.unwrap()).await.unwrap() };
    assert_eq!(tokio::time::timeout(Duration::from_secs(2), asked).await.unwrap(), "alice");
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_told_so() {
    let pki = Pki::new();
    let address = start(&pki, Mode::Request).await;
    let response = plain(address, "/").await;
    assert!(response.starts_with("HTTP/1.1 400"), "{response}");
}

#[tokio::test]
async fn two_hosts_are_refused_before_anything_else() {
    let pki = Pki::new();
    let address = start(&pki, Mode::Request).await;
    let mut stream = pki.client(Some("alice"), "http/1.1").connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nhost: other\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut response = Vec::new();
    let _without_close_notify = soon(stream.read_to_end(&mut response)).await;
    assert!(response.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&response));
}
