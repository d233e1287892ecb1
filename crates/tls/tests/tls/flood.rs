//! Clients that want to keep the server busy.

use std::time::{Duration, Instant};

use portcullis_pki::Authority;
use portcullis_tls::ClientAuth;

use crate::client::Client;
use crate::site::{Site, meet};

/// Authorities of the anchor's name that could each have issued the next one: webpki tries all
/// orders of them, and checks signatures at each turn.
fn maze(size: usize) -> Vec<Vec<u8>> {
    (0..size).map(|_| Authority::new("Example CA").unwrap().certificate_der().to_vec()).collect()
}

#[tokio::test]
async fn a_maze_of_issuers_is_not_entered() {
    let site = Site::new();
    let acceptor = site.acceptor(ClientAuth::request(site.anchors()));
    let lost = Authority::new("Example CA").unwrap().client("alice").issue().unwrap();
    for (size, expected) in [(2, "bad-signature"), (3, "too-long"), (5, "too-long"), (100, "too-long")] {
        let chain = [lost.chain_der().to_vec(), maze(size)].concat();
        let client = Client::with(&site.authority, &lost.clone().presenting(chain)).config();
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(meet(&acceptor, &client).await.word(), expected, "{size}");
        }
        // Without limits ten of them take a hundred signatures and 200,000 steps: seconds, in this build.
        assert!(start.elapsed() < Duration::from_secs(2), "{size}: {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn the_same_certificate_many_times_counts_once() {
    let site = Site::new();
    let acceptor = site.acceptor(ClientAuth::require(site.anchors()));
    let team = site.authority.intermediate("Team CA").unwrap();
    let alice = team.client("alice").issue().unwrap();
    let intermediate = alice.chain_der()[1].clone();
    let root = site.authority.certificate_der().to_vec();
    let chain = std::iter::once(alice.certificate_der().to_vec())
        .chain((0..30).flat_map(|_| [intermediate.clone(), alice.certificate_der().to_vec(), root.clone()]));
    let client = Client::with(&site.authority, &alice.clone().presenting(chain)).config();
    assert_eq!(meet(&acceptor, &client).await.word(), "verified");
}

#[tokio::test]
async fn more_than_a_message_holds_is_refused_by_the_protocol() {
    let site = Site::new();
    let acceptor = site.acceptor(ClientAuth::request(site.anchors()));
    for name in ["big70k", "junk100"] {
        let issued = site.authority.hostile(name).unwrap();
        let outcome = meet(&acceptor, &Client::with(&site.authority, &issued).config()).await;
        assert_ne!(outcome.word(), "verified", "{outcome:?}");
    }
}
