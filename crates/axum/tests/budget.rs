//! What the guard costs a request that is let through (DESIGN, 7).

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::convert::Infallible;
use std::future::poll_fn;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Request;
use axum::response::Response;
use axum::routing::get;
use common::{auth, request, verified};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use portcullis_axum::core::Connection;
use portcullis_axum::guard;
use tokio::runtime::Runtime;
use tower::{Service, ServiceExt};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn router() -> Router {
    Router::new().route("/admin/{*rest}", get(async || "alice's page"))
}

const SHORT: &str = "/admin/users/7";

/// How often the heap is asked for memory while a request is answered, after some to warm up.
fn in_process<S>(app: &S) -> u64
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone,
{
    let runtime = runtime();
    let alice = verified("alice");
    let mut counted = 0;
    for _ in 0..3 {
        let (app, asked) = (app.clone(), request("GET", SHORT, &alice));
        let mut status = None;
        counted = allocation_counter::measure(|| {
            let response = runtime.block_on(app.oneshot(asked)).unwrap();
            status = Some(response.status());
        })
        .count_total;
        assert_eq!(status.unwrap(), 200);
    }
    counted
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Protocol {
    Http1,
    Http2,
}

/// The same for many requests on one connection of hyper, client and server together.
fn on_the_wire<S>(app: &S, protocol: Protocol, path: &str) -> u64
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let runtime = runtime();
    let _context = runtime.enter();
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (app, alice): (_, Connection) = (app.clone(), verified("alice"));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(alice.clone());
        app.clone().oneshot(request)
    });
    runtime.spawn(async move {
        auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(near), service).await
    });
    let mut client = runtime.block_on(Client::connect(far, protocol));
    let mut many = || {
        for _ in 0..REQUESTS {
            runtime.block_on(client.get(path));
        }
    };
    many();
    allocation_counter::measure(many).count_total
}

const REQUESTS: u64 = 100;

enum Client {
    Http1(hyper::client::conn::http1::SendRequest<Empty<Bytes>>),
    Http2(hyper::client::conn::http2::SendRequest<Empty<Bytes>>),
}

impl Client {
    async fn connect(stream: tokio::io::DuplexStream, protocol: Protocol) -> Self {
        let stream = TokioIo::new(stream);
        match protocol {
            Protocol::Http1 => {
                let (client, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
                tokio::spawn(connection);
                Self::Http1(client)
            }
            Protocol::Http2 => {
                let executor = TokioExecutor::new();
                let (client, connection) =
                    hyper::client::conn::http2::handshake(executor, stream).await.unwrap();
                tokio::spawn(connection);
                Self::Http2(client)
            }
        }
    }

    async fn get(&mut self, path: &str) {
        let request = Request::get(format!("https://localhost{path}")).header("host", "localhost");
        let request = request.body(Empty::new()).unwrap();
        let response = match self {
            Self::Http1(client) => {
                poll_fn(|cx| client.poll_ready(cx)).await.unwrap();
                client.send_request(request).await
            }
            Self::Http2(client) => {
                poll_fn(|cx| client.poll_ready(cx)).await.unwrap();
                client.send_request(request).await
            }
        };
        let response = response.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "alice's page");
    }
}

#[test]
fn an_admitted_request_costs_one_allocation_more() {
    assert_eq!(in_process(&guard(router(), auth())), in_process(&router()) + 1);
}

#[test]
fn it_does_so_on_the_wire_whatever_its_length() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for path in [SHORT.to_owned(), format!("/admin/{}", "long/".repeat(100))] {
            let (guarded, bare) = (guard(router(), auth()), router());
            let (guarded, bare) =
                (on_the_wire(&guarded, protocol, &path), on_the_wire(&bare, protocol, &path));
            // Buffers are made anew now and then, not always for the same request.
            let more = guarded - bare;
            assert!((95..=105).contains(&more), "{protocol:?} {} ({guarded} - {bare})", path.len());
        }
    }
}
