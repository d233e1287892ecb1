//! What operators are told of real requests: logs, audit files and metrics, on every adapter
//! (FAULTS, O07 and O10).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod log;
mod series;

use std::net::SocketAddr;
use std::sync::Arc;

use portcullis_core::Authorizer;
use portcullis_tests::adapter::actix::Actix;
use portcullis_tests::adapter::axum::Axum;
use portcullis_tests::adapter::tower::Tower;
use portcullis_tests::adapter::{Listener, Running};
use portcullis_tests::bench::{self, Bench, Key};
use portcullis_tests::case::{Http, Mode, Shape, Tls};
use portcullis_tests::client::{Received, Sent, h1, h2_raw, tls};
use portcullis_tests::fixtures::fixtures;

/// Log and metrics are those of the process, so one test listens at a time.
static LISTENING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn benches() -> [Bench; 3] {
    [Bench::new::<Axum>(), Bench::new::<Actix>(), Bench::new::<Tower>()]
}

async fn serve(bench: &Bench, auth: &Authorizer) -> Running {
    let tls = bench::tls(&Key::of_mode(Mode::Request)).unwrap().unwrap().build().unwrap();
    bench.fresh(auth.clone(), Listener::Tls(tls), Shape::Standard).await.unwrap()
}

/// Sends one request on a connection of its own; `None` if the framework ends it without a response.
async fn ask(
    address: SocketAddr,
    client: &str,
    http: Http,
    (method, target): (&[u8], &[u8]),
    headers: &[(&str, &[u8])],
) -> Option<Received> {
    let credentials = fixtures().unwrap().credentials(client, None, true).unwrap();
    let config = tls::config(credentials.as_ref(), http, Tls::Three).unwrap();
    let stream = tls::connect(address, Arc::new(config)).await.unwrap();
    let host = if http == Http::One { "host" } else { ":authority" };
    let mut sent =
        Sent::new(method, target).header(host, "localhost").header("accept", "application/problem+json");
    for (name, value) in headers {
        sent = sent.header(name, *value);
    }
    match http {
        Http::One => h1::Connection::new(stream).send(&sent).await.ok(),
        Http::Two => h2_raw::send(stream, &sent).await.ok(),
        _ => panic!("another version of HTTP"),
    }
}
