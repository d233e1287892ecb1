//! Crypto providers, passed in or built in.

use std::sync::Arc;

use portcullis_pki::KeyAlgorithm;
use portcullis_tls::ClientAuth;
use portcullis_tls::rustls::crypto::{CryptoProvider, aws_lc_rs, ring};
use portcullis_tls::rustls::version::TLS13;

use crate::client::{Client, VERSIONS};
use crate::site::{Site, meet};

#[tokio::test]
async fn both_providers_serve_both_kinds_of_clients() {
    let site = Site::new();
    let providers = [Arc::new(aws_lc_rs::default_provider()), Arc::new(ring::default_provider())];
    let keys = [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa2048, KeyAlgorithm::Ed25519];
    let clients = keys.map(|key| site.authority.client("alice").key(key).issue().unwrap());
    for server in &providers {
        let tls = site.builder().provider(server.clone()).client_auth(ClientAuth::require(site.anchors()));
        let acceptor = tls.build().unwrap().acceptor(&[]);
        for theirs in &providers {
            for issued in &clients {
                for version in VERSIONS {
                    let client = Client::with(&site.authority, issued).provider(theirs.clone());
                    let outcome = meet(&acceptor, &client.version(version).config()).await;
                    assert_eq!(outcome.word(), "verified", "{outcome:?}");
                }
            }
        }
    }
    // An application that wants another one for itself is not in our way.
    assert!(CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn odd_certificates_prove_possession_with_both_providers() {
    let site = Site::new();
    for server in [aws_lc_rs::default_provider(), ring::default_provider()] {
        let tls = site.builder().provider(Arc::new(server)).client_auth(ClientAuth::request(site.anchors()));
        let acceptor = tls.build().unwrap().acceptor(&[]);
        for (name, expected) in [("v1", "version"), ("crit_ext", "critical-extension")] {
            let issued = site.authority.hostile(name).unwrap();
            for version in VERSIONS {
                let client = Client::with(&site.authority, &issued).version(version).config();
                assert_eq!(meet(&acceptor, &client).await.word(), expected);
            }
        }
    }
}

#[tokio::test]
async fn tls_1_2_can_be_left_out() {
    let site = Site::new();
    let tls = site.builder().versions([&TLS13]).build().unwrap();
    let [old, new] = VERSIONS.map(|version| Client::anonymous(&site.authority).version(version).config());
    assert_eq!(meet(&tls.acceptor(&[]), &old).await.word(), "!protocol");
    assert_eq!(meet(&tls.acceptor(&[]), &new).await.word(), "anonymous");
    let error = site.builder().versions([]).build().unwrap_err().to_string();
    assert!(
        error.starts_with("these protocol versions cannot be used with this crypto provider: "),
        "{error}"
    );
}

#[test]
fn zero_is_no_limit() {
    let site = Site::new();
    let error = site.builder().concurrent_handshakes(0).build().unwrap_err().to_string();
    assert_eq!(error, "`concurrent_handshakes` must be more than zero: leave it out for the default");
    let error = site.builder().handshakes_per_peer(0).build().unwrap_err().to_string();
    assert_eq!(error, "`handshakes_per_peer` must be more than zero: leave it out for the default");
    let error = site.builder().handshake_timeout(std::time::Duration::ZERO).build().unwrap_err().to_string();
    assert_eq!(error, "`handshake_timeout` must be more than zero: leave it out for the default");
    assert!(site.builder().concurrent_handshakes(usize::MAX).build().is_ok());
}
