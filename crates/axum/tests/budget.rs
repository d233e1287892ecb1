//! What the guard costs a request that is let through (DESIGN, 7).

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use axum::routing::get;
use common::{auth, request, verified};
use portcullis_axum::guard;
use std::convert::Infallible;
use tower::{Service, ServiceExt};

/// How often the heap is asked for memory while a request is answered, after some to warm up.
fn allocations<S>(app: &S) -> u64
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone,
{
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let alice = verified("alice");
    let mut counted = 0;
    for _ in 0..3 {
        let (app, asked) = (app.clone(), request("GET", "/admin/users/7", &alice));
        // From the wire, all parts of a head share the buffer that it was read into. What is made of
        // text does so once it has been cloned.
        let _buffer = (asked.uri().clone(), asked.headers().clone());
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

#[test]
fn an_admitted_request_costs_one_allocation_more() {
    let bare = Router::new().route("/admin/users/7", get(async || "alice's page"));
    let guarded = guard(bare.clone(), auth());
    assert_eq!(allocations(&guarded), allocations(&bare) + 1);
}
