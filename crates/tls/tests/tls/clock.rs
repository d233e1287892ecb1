//! Time that passes while a client is connected.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portcullis_core::{Distrust, Peer};
use portcullis_pki::Authority;
use portcullis_tls::{ClientAuth, TrustAnchors};

use crate::client::Client;
use crate::site::{Site, meet, now, word};

const HOUR: i64 = 3600;

fn time(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap())
}

#[tokio::test]
async fn a_certificate_expires_in_the_middle_of_a_connection() {
    let site = Site::new();
    let (start, end) = (now() - HOUR, now() + HOUR);
    let alice = site.authority.client("alice").valid(time(start), time(end)).issue().unwrap();
    let client = Client::with(&site.authority, &alice).config();
    for mode in [ClientAuth::require, ClientAuth::if_given, ClientAuth::request] {
        let outcome = meet(&site.acceptor(mode(site.anchors())), &client).await;
        let words: Vec<_> = [start, now(), end, end + 1, end + HOUR, end, start - 1, start]
            .map(|at| outcome.word_at(at))
            .into();
        let expected = [
            "verified",
            "verified",
            "verified",
            "expired",
            "expired",
            "verified",
            "not-yet-valid",
            "verified",
        ];
        assert_eq!(words, expected);
        let Peer::Untrusted { certificate, reason } = outcome.peer_at(end + 1) else { panic!() };
        assert_eq!(reason, Distrust::Expired { not_after: Some(end) });
        assert_eq!(certificate.unwrap().der(), alice.certificate_der());
        assert!(outcome.server.unwrap().handle().asks_again());
    }
}

#[tokio::test]
async fn an_issuer_expires_before_its_client() {
    let site = Site::new();
    let (start, end) = (now() - HOUR, now() + HOUR);
    let team = site.authority.intermediate_builder("Team CA").valid(time(start), time(end)).build().unwrap();
    let alice = team.client("alice").valid(time(start - HOUR), time(end + HOUR)).issue().unwrap();
    let acceptor = site.acceptor(ClientAuth::require(site.anchors()));
    let outcome = meet(&acceptor, &Client::with(&site.authority, &alice).config()).await;
    assert_eq!(outcome.word_at(end), "verified");
    assert_eq!(outcome.word_at(start), "verified");
    assert_eq!(outcome.word_at(start - 1), "not-yet-valid");
    // When an issuer is to blame, the connection is not looked at again: the client may come back.
    assert_eq!(outcome.word_at(start), "not-yet-valid");
    let outcome = meet(&acceptor, &Client::with(&site.authority, &alice).config()).await;
    let Peer::Untrusted { reason, .. } = outcome.peer_at(end + 1) else { panic!() };
    assert_eq!(reason, Distrust::Expired { not_after: None });
}

#[tokio::test]
async fn an_anchor_expires_too_and_another_one_of_its_name_takes_over() {
    let site = Site::new();
    let end = now() + HOUR;
    let old = Authority::builder("Staff CA").valid(time(now() - HOUR), time(end)).build().unwrap();
    let client = old.client("alice").valid(time(now() - HOUR), time(end + HOUR)).issue().unwrap();
    let client = Client::with(&site.authority, &client).config();
    let anchors = TrustAnchors::new().der("staff", old.certificate_der());
    let outcome = meet(&site.acceptor(ClientAuth::request(anchors.clone())), &client).await;
    assert_eq!(outcome.word_at(end), "verified");
    let Peer::Untrusted { reason, .. } = outcome.peer_at(end + 1) else { panic!() };
    assert_eq!(reason, Distrust::Expired { not_after: None });

    // One of the same name but another key changes nothing; that it is tried first neither.
    let new = Authority::new("Staff CA").unwrap();
    let both = TrustAnchors::new().der("staff", new.certificate_der()).der("staff", old.certificate_der());
    let outcome = meet(&site.acceptor(ClientAuth::request(both)), &client).await;
    assert_eq!(outcome.word_at(end), "verified");
    assert_eq!(outcome.word_at(end + 1), "expired");
}

#[tokio::test]
async fn a_certificate_becomes_valid_in_the_middle_of_a_connection() {
    let site = Site::new();
    let start = now() + HOUR;
    let alice = site.authority.client("alice").valid(time(start), time(start + HOUR)).issue().unwrap();
    let acceptor = site.acceptor(ClientAuth::request(site.anchors()));
    let outcome = meet(&acceptor, &Client::with(&site.authority, &alice).config()).await;
    let words = [now(), start - 1, start, start + HOUR, start + HOUR + 1].map(|at| outcome.word_at(at));
    assert_eq!(words, ["not-yet-valid", "not-yet-valid", "verified", "verified", "expired"]);
}

#[tokio::test]
async fn the_clock_of_the_configuration_counts() {
    let site = Site::new();
    let alice = site.authority.client("alice").issue().unwrap();
    let client = Client::with(&site.authority, &alice).config();
    let year = 365 * 24 * HOUR;
    for (offset, expected) in [(0, "verified"), (3 * year, "expired")] {
        let tls =
            site.builder().client_auth(ClientAuth::request(site.anchors())).clock(move || now() + offset);
        let outcome = meet(&tls.build().unwrap().acceptor(&[]), &client).await;
        // Whatever time the requests have.
        for request in [0, now(), now() + offset] {
            assert_eq!(outcome.word_at(request), expected);
        }
    }
    // Before 1970 nothing is valid: anchors are refused before anybody is let in.
    let tls = site.builder().client_auth(ClientAuth::request(site.anchors())).clock(|| -1).build();
    assert!(tls.unwrap_err().to_string().contains("is not valid yet"));
}

#[tokio::test]
async fn when_nothing_has_moved_the_identity_is_the_same_object() {
    let site = Site::new();
    let alice = site.authority.client("alice").issue().unwrap();
    let client = Client::with(&site.authority, &alice).config();
    let acceptor = site.acceptor(ClientAuth::require(site.anchors()));
    let pointer = |peer: Peer| std::ptr::from_ref(peer.identity().unwrap().certificate().der());
    let (first, second) = (meet(&acceptor, &client).await, meet(&acceptor, &client).await);
    assert_eq!(pointer(first.peer_at(now())), pointer(first.peer_at(now() + 1)));
    // Remembered from one connection to the next, too.
    assert_eq!(pointer(first.peer_at(now())), pointer(second.peer_at(now())));
    assert_eq!(word(&second.peer_at(now())), "verified");
}
