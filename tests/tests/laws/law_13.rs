//! Law 13: features add, never change; no provider is installed for the whole process.

use std::sync::Arc;

use portcullis_tests::adapter::Listener;
use portcullis_tests::adapter::actix::Actix;
use portcullis_tests::adapter::axum::Axum;
use portcullis_tests::adapter::tower::Tower;
use portcullis_tests::bench::{self, Bench, Key};
use portcullis_tests::case::{Http, Mode, Shape, Tls};
use portcullis_tests::client::{Sent, h1, tls};
use portcullis_tests::fixtures::fixtures;
use portcullis_tests::policy;
use rustls::crypto::{CryptoProvider, aws_lc_rs, ring};

/// Both providers are compiled in here, which makes rustls' own shortcuts panic.
#[tokio::test(flavor = "multi_thread")]
async fn law_13_both_providers_serve_and_neither_is_installed() {
    assert!(CryptoProvider::get_default().is_none(), "something installed a provider before");
    for bench in [Bench::new::<Tower>(), Bench::new::<Axum>(), Bench::new::<Actix>()] {
        for provider in [None, Some(ring::default_provider()), Some(aws_lc_rs::default_provider())] {
            for version in Tls::ALL {
                let mut builder = bench::tls(&Key::of_mode(Mode::Require)).unwrap().unwrap();
                if let Some(provider) = provider.clone() {
                    builder = builder.provider(Arc::new(provider));
                }
                let listener = Listener::Tls(builder.build().unwrap());
                let auth = policy::authorizer("standard").unwrap();
                let server = bench.fresh(auth, listener, Shape::Standard).await.unwrap();

                let alice = fixtures().unwrap().credentials("alice", None, true).unwrap();
                let config = tls::config(alice.as_ref(), Http::One, version).unwrap();
                let stream = tls::connect(server.address, Arc::new(config)).await.unwrap();
                let request = Sent::new("GET", "/admin/").header("host", "localhost");
                let received = h1::Connection::new(stream).send(&request).await.unwrap();
                assert_eq!(received.status, Some(200), "{} {version}: {received:?}", bench.adapter);
                (server.stop)().await;
            }
        }
    }
    assert!(CryptoProvider::get_default().is_none(), "something installed a provider for everybody");
}
