//! What the guard adds to an axum request in process, beside the bare router.

#![expect(clippy::expect_used, reason = "a benchmark whose requests fail has nothing to measure")]

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use portcullis_axum::core::Connection;
use portcullis_axum::guard;
use tower::{Service, ServiceExt};

fn app() -> Router {
    let answer = || get(async || "ok");
    Router::new().route("/open/{id}", answer()).route("/role/{id}", answer()).route("/facts/{id}", answer())
}

/// Nothing here has to wait, so the first poll has the answer.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("no request waits for anything"),
    }
}

fn request(path: &str, connection: Option<&Connection>) -> Request<Body> {
    let mut request =
        Request::get(path).header("host", "localhost:8443").body(Body::empty()).expect("a good request");
    if let Some(connection) = connection {
        request.extensions_mut().insert(connection.clone());
    }
    request
}

fn middleware(c: &mut Criterion) {
    let connection = portcullis_benches::connection(&portcullis_benches::alice().expect("a certificate"));
    let mut group = c.benchmark_group("middleware");
    let mut run = |name: &str,
                   path: &str,
                   connection: Option<&Connection>,
                   call: &dyn Fn(Request<Body>) -> StatusCode| {
        assert_eq!(call(request(path, connection)), StatusCode::OK);
        group.bench_function(name, |b| {
            b.iter_batched(|| request(path, connection), |r| black_box(call(r)), BatchSize::SmallInput);
        });
    };
    let bare = app();
    let bare_call = |request: Request<Body>| now(bare.clone().oneshot(request)).expect("infallible").status();
    // The acceptor puts the handle there in any case: the difference to the guard is the guard's alone.
    run("bare axum", "/role/7", Some(&connection), &bare_call);
    run("bare axum again (control)", "/role/7", Some(&connection), &bare_call);
    let guarded = guard(app(), portcullis_benches::authorizer());
    let call = |request: Request<Body>| {
        let mut service = guarded.clone();
        now(ServiceExt::<Request<Body>>::ready(&mut service))
            .map(|s| now(s.call(request)))
            .expect("infallible")
            .expect("infallible")
            .status()
    };
    run("guarded, anyone", "/open/7", Some(&connection), &call);
    run("guarded, a role", "/role/7", Some(&connection), &call);
    run("guarded, certificate facts", "/facts/7", Some(&connection), &call);
    group.finish();
}

criterion_group!(benches, middleware);
criterion_main!(benches);
