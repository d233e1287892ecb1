//! What is under way ends when its certificate or its policy does, and nothing else ends with it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod common;
#[path = "common/live.rs"]
mod live;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use live::{Mode, Pki, endless, soon};
use portcullis_axum::rule::{authenticated, nobody};
use portcullis_axum::{Authorizer, Policy, guard, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const OFTEN: Duration = Duration::from_millis(50);

fn policy(is_open: bool) -> Policy {
    let policy = Policy::builder().route("GET /steady", authenticated());
    let rule = || if is_open { authenticated() } else { nobody() };
    policy.route("GET /events", rule()).route("GET /socket", rule()).build().unwrap()
}

/// A server, and the authorizer whose policy a test replaces.
async fn start(pki: &Pki) -> (SocketAddr, Authorizer) {
    let auth = Authorizer::builder(policy(true)).recheck_every(OFTEN).build().unwrap();
    let app = Router::new()
        .route("/events", get(async || endless()))
        .route("/steady", get(async || endless()))
        .route("/socket", get(echo));
    let server = serve("127.0.0.1:0", pki.server(Mode::Request), guard(app, auth.clone()));
    let server = server.recheck_every(OFTEN).bind().await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.into_future());
    (address, auth)
}

async fn echo(request: Request) -> Response {
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let (mut input, mut output) = tokio::io::split(TokioIo::new(upgraded.await.unwrap()));
        tokio::io::copy(&mut input, &mut output).await
    });
    let response = Response::builder().status(101).header("connection", "upgrade").header("upgrade", "echo");
    response.body(Body::empty()).unwrap()
}

async fn socket(pki: &Pki, address: SocketAddr) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut stream = pki.client(Some("alice"), "http/1.1").connect(address).await.unwrap();
    let head = b"GET /socket HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(stream.read_u8()).await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

#[tokio::test]
async fn a_policy_ends_streams_and_upgrades_and_leaves_the_others() {
    let pki = Pki::new();
    let (address, auth) = start(&pki).await;
    let mut http1 = pki.client(Some("alice"), "http/1.1").http1(address).await;
    let mut http2 = pki.client(Some("alice"), "h2").http2(address).await;
    let mut other = pki.client(Some("alice"), "http/1.1").http1(address).await;
    let one = http1.send("GET", "/events").await.unwrap().into_body();
    let two = http2.send("GET", "/events").await.unwrap().into_body();
    // On the connection of the one that will be reset, and on one of its own.
    let mut steady = http2.send("GET", "/steady").await.unwrap().into_body();
    let mut alone = other.send("GET", "/steady").await.unwrap().into_body();
    let mut socket = socket(&pki, address).await;
    tokio::time::sleep(OFTEN * 3).await;
    socket.write_all(b"hello").await.unwrap();
    let mut echoed = [0; 5];
    soon(socket.read_exact(&mut echoed)).await.unwrap();
    assert_eq!(&echoed, b"hello");

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
