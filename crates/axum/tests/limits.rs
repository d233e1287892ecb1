//! How many connections there are, how long they last, and how the server ends.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod common;
#[path = "common/live.rs"]
mod live;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use common::auth;
use hyper_util::rt::TokioIo;
use live::{Mode, Pki, endless, soon, text};
use portcullis_axum::{Guarded, Serve, ServeError, guard, serve, serve_plain};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const SHORT: Duration = Duration::from_millis(500);
/// Long enough for a handshake and a request on a busy machine.
const AGE: Duration = Duration::from_secs(1);

fn app() -> Guarded {
    let app = Router::new()
        .route("/", get(async || "home"))
        .route(
            "/admin/slow",
            get(async || {
                tokio::time::sleep(SHORT).await;
                "done"
            }),
        )
        .route("/admin/endless", get(async || endless()))
        .route("/admin/stuck", get(async || std::future::pending::<()>().await))
        .route("/admin/echo", get(echo));
    guard(app, auth())
}

/// Upgrades the connection and sends back what comes.
async fn echo(request: Request) -> Response {
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let (mut input, mut output) = tokio::io::split(TokioIo::new(upgraded.await.unwrap()));
        tokio::io::copy(&mut input, &mut output).await
    });
    let response = Response::builder().status(101).header("connection", "upgrade").header("upgrade", "echo");
    response.body(Body::empty()).unwrap()
}

struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }
}

async fn start(pki: &Pki, limit: Duration, set: impl FnOnce(Serve<Guarded>) -> Serve<Guarded>) -> Running {
    let (stop, stopped) = oneshot::channel();
    let server = serve("127.0.0.1:0", pki.server(Mode::Request), app());
    let server = set(server).graceful_shutdown(async move { stopped.await.unwrap_or(()) }, limit);
    let server = server.bind().await.unwrap();
    Running { address: server.local_addr(), stop: Some(stop), ended: tokio::spawn(server.into_future()) }
}

#[tokio::test]
async fn a_graceful_end_lets_requests_finish() {
    let pki = Pki::new();
    let mut server = start(&pki, Duration::from_secs(10), |server| server).await;
    let client = pki.client(Some("alice"), "http/1.1");
    let mut idle = client.http1(server.address).await;
    assert_eq!(text(idle.send("GET", "/").await.unwrap()).await.unwrap(), "home");
    let mut http1 = client.http1(server.address).await;
    let mut http2 = pki.client(Some("alice"), "h2").http2(server.address).await;
    let half_open = TcpStream::connect(server.address).await.unwrap();
    let slow = async { tokio::join!(http1.send("GET", "/admin/slow"), http2.send("GET", "/admin/slow")) };
    let stop = async {
        tokio::time::sleep(SHORT / 3).await;
        server.stop();
    };
    let ((one, two), ()) = tokio::join!(slow, stop);
    assert_eq!(text(one.unwrap()).await.unwrap(), "done");
    assert_eq!(text(two.unwrap()).await.unwrap(), "done");
    soon(server.ended).await.unwrap().unwrap();
    soon(idle.ended).await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
    drop(half_open);
}

#[tokio::test]
async fn a_graceful_end_has_a_limit() {
    let pki = Pki::new();
    let mut server = start(&pki, SHORT, |server| server).await;
    let mut http1 = pki.client(Some("alice"), "http/1.1").http1(server.address).await;
    let response = http1.send("GET", "/admin/endless").await.unwrap();
    let begin = Instant::now();
    server.stop();
    let (body, ended) = tokio::join!(text(response), soon(server.ended));
    ended.unwrap().unwrap();
    assert!(body.is_err());
    assert!(begin.elapsed() >= SHORT, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn dropping_the_server_ends_its_connections() {
    let pki = Pki::new();
    let server = start(&pki, SHORT, |server| server).await;
    let mut http1 = pki.client(Some("alice"), "http/1.1").http1(server.address).await;
    let response = http1.send("GET", "/admin/endless").await.unwrap();
    let mut upgraded = upgrade(&pki, server.address).await;
    server.ended.abort();
    assert!(soon(text(response)).await.is_err());
    assert!(is_cut(&mut upgraded).await);
}

#[tokio::test]
async fn no_more_connections_than_allowed() {
    let pki = Pki::new();
    let server = start(&pki, SHORT, |server| server.connection_limit(2)).await;
    let client = pki.client(Some("alice"), "http/1.1");
    let mut first = client.http1(server.address).await;
    let upgraded = upgrade(&pki, server.address).await;
    assert_eq!(text(first.send("GET", "/").await.unwrap()).await.unwrap(), "home");

    let third = client.connect(server.address);
    let mut third = std::pin::pin!(third);
    assert!(tokio::time::timeout(SHORT, &mut third).await.is_err(), "an upgraded connection keeps its place");
    drop(upgraded);
    soon(third).await.unwrap();

    let fourth = client.http1(server.address);
    drop(first);
    assert_eq!(text(soon(fourth).await.send("GET", "/").await.unwrap()).await.unwrap(), "home");
}

#[tokio::test]
async fn a_failed_handshake_gives_its_place_back() {
    let pki = Pki::new();
    let server = start(&pki, SHORT, |server| server.connection_limit(1)).await;
    for _ in 0..3 {
        let mut plain = TcpStream::connect(server.address).await.unwrap();
        plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        soon(plain.read_to_end(&mut Vec::new())).await.unwrap();
        drop(TcpStream::connect(server.address).await.unwrap());
    }
    let mut alice = soon(pki.client(Some("alice"), "http/1.1").http1(server.address)).await;
    assert_eq!(text(alice.send("GET", "/").await.unwrap()).await.unwrap(), "home");
}

#[tokio::test]
async fn an_idle_connection_ends_by_age_gracefully() {
    let pki = Pki::new();
    let server = start(&pki, SHORT, |server| server.max_connection_age(AGE)).await;
    let begin = Instant::now();
    let mut http1 = pki.client(Some("alice"), "http/1.1").http1(server.address).await;
    assert_eq!(text(http1.send("GET", "/").await.unwrap()).await.unwrap(), "home");
    let mut http2 = pki.client(Some("alice"), "h2").http2(server.address).await;
    assert_eq!(text(http2.send("GET", "/").await.unwrap()).await.unwrap(), "home");
    soon(http1.ended).await.unwrap().unwrap();
    soon(http2.ended).await.unwrap().unwrap();
    assert!(begin.elapsed() >= AGE, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn what_does_not_end_by_age_is_cut() {
    let pki = Pki::new();
    let server = start(&pki, SHORT, |server| server.max_connection_age(AGE)).await;
    let begin = Instant::now();
    let mut http1 = pki.client(Some("alice"), "http/1.1").http1(server.address).await;
    let one = http1.send("GET", "/admin/endless").await.unwrap();
    let mut http2 = pki.client(Some("alice"), "h2").http2(server.address).await;
    let two = http2.send("GET", "/admin/endless").await.unwrap();
    let mut stuck = pki.client(Some("alice"), "http/1.1").http1(server.address).await;
    let mut upgraded = upgrade(&pki, server.address).await;
    let (one, two, stuck) =
        soon(async { tokio::join!(text(one), text(two), stuck.send("GET", "/admin/stuck")) }).await;
    assert!(one.is_err() && two.is_err() && stuck.is_err());
    assert!(is_cut(&mut upgraded).await);
    assert!(begin.elapsed() >= AGE * 2, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn slow_senders_are_cut_off() {
    let pki = Pki::new();
    let server = start(&pki, SHORT, |server| server.header_read_timeout(SHORT)).await;
    for (protocol, beginning) in [
        ("http/1.1", &b""[..]),
        ("http/1.1", b"GET / HTT"),
        ("http/1.1", b"GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: "),
        ("h2", b""),
        ("h2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ] {
        let begin = Instant::now();
        let mut stream = pki.client(Some("alice"), protocol).connect(server.address).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        let _however_it_ends = soon(stream.read_to_end(&mut Vec::new())).await;
        assert!(begin.elapsed() >= SHORT, "{protocol} {:?}", begin.elapsed());
    }
    // Who has sent a request in time is not cut off while it is being answered.
    let mut alice = pki.client(Some("alice"), "http/1.1").http1(server.address).await;
    assert_eq!(text(alice.send("GET", "/admin/slow").await.unwrap()).await.unwrap(), "done");
}

#[tokio::test]
async fn limits_of_zero_are_refused() {
    let zero = Duration::ZERO;
    for (server, limit) in [
        (serve_plain("127.0.0.1:0", app()).connection_limit(0), "connection_limit"),
        (serve_plain("127.0.0.1:0", app()).header_read_timeout(zero), "header_read_timeout"),
        (serve_plain("127.0.0.1:0", app()).max_connection_age(zero), "max_connection_age"),
    ] {
        let expected = format!("`{limit}` of zero lets nobody in: leave it out or give a larger one");
        assert_eq!(server.await.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn the_bound_address_is_told() {
    let (tell, told) = oneshot::channel();
    let server = serve_plain("127.0.0.1:0", app()).on_bound(move |address| tell.send(address).unwrap());
    let running = tokio::spawn(server.into_future());
    assert_ne!(soon(told).await.unwrap().port(), 0);
    running.abort();
}

type Stream = tokio_rustls::client::TlsStream<TcpStream>;

async fn upgrade(pki: &Pki, address: SocketAddr) -> Stream {
    let mut stream = pki.client(Some("alice"), "http/1.1").connect(address).await.unwrap();
    let request =
        b"GET /admin/echo HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    stream.write_all(request).await.unwrap();
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

async fn is_cut(stream: &mut Stream) -> bool {
    let end = soon(stream.read(&mut [0; 8])).await;
    end.map_or(true, |read| read == 0)
}
