//! How long an answer counts.

use super::{World, time, verdict_at};
use crate::client::Client;
use crate::site::{meet, now};

#[tokio::test]
async fn an_answer_is_remembered_and_then_asked_for_again() {
    let world = World::new();
    let start = now();
    world.responder.answers(world.answer().next_update(time(start + 3600)).sign().unwrap());
    let acceptor = world.acceptor(world.settings());
    let connection = world.connect(&acceptor).await;
    assert_eq!(verdict_at(&connection, start).await, "verified");
    assert_eq!(verdict_at(&connection, start + 600).await, "verified");
    let other = world.connect(&acceptor).await;
    assert_eq!(verdict_at(&other, start).await, "verified");
    assert_eq!(world.responder.asked(), 1);
    assert_eq!(verdict_at(&connection, start + 601).await, "verified");
    assert_eq!(world.responder.asked(), 2);
    // Nobody answers: the last answer counts as long as it says itself.
    world.responder.says(Vec::new());
    assert_eq!(verdict_at(&connection, start + 1300).await, "verified");
    assert_eq!(world.responder.asked(), 3);
    assert_eq!(verdict_at(&connection, start + 1304).await, "verified");
    assert_eq!(world.responder.asked(), 3);
    assert_eq!(verdict_at(&connection, start + 3599).await, "verified");
    assert_eq!(world.responder.asked(), 4);
    assert!(verdict_at(&connection, start + 3600).await.contains("cannot be asked"));
}

#[tokio::test]
async fn a_failure_is_over_after_a_moment() {
    let world = World::new();
    let start = now();
    world.responder.says(Vec::new());
    let connection = world.connect(&world.acceptor(world.settings())).await;
    assert!(verdict_at(&connection, start).await.contains("cannot be asked"));
    world.responder.answers(world.answer().sign().unwrap());
    assert!(verdict_at(&connection, start + 4).await.contains("cannot be asked"));
    assert_eq!(verdict_at(&connection, start + 5).await, "verified");
}

#[tokio::test]
async fn nobody_brings_the_revoked_back_with_an_old_answer() {
    let world = World::new();
    let start = now();
    let old = world.answer().sign().unwrap();
    world.responder.answers(old.clone());
    let acceptor = world.acceptor(world.settings());
    let connection = world.connect(&acceptor).await;
    assert_eq!(verdict_at(&connection, start).await, "verified");
    world.responder.answers(world.answer().revoked().this_update(time(start)).sign().unwrap());
    assert_eq!(verdict_at(&connection, start + 601).await, "revoked");
    world.responder.answers(old);
    for later in [602, 2000, 10_000] {
        assert_eq!(verdict_at(&connection, start + later).await, "revoked");
        let client = Client::with(&world.site.authority, &world.alice).config();
        let other = meet(&acceptor, &client).await;
        assert_eq!(other.word_at(start + later), "!revoked");
    }
    assert_eq!(world.responder.asked(), 2);
}

#[tokio::test]
async fn a_nonce_keeps_old_answers_away() {
    let world = World::new();
    let replayed = world.answer().sign().unwrap();
    assert!(world.verdict(world.settings().nonce(), replayed).await.contains("no nonce"));
    let other = world.answer().nonce(&[1; 32]).sign().unwrap();
    assert!(world.verdict(world.settings().nonce(), other).await.contains("another question"));
    // Whoever did not ask for a nonce does not mind one.
    let other = world.answer().nonce(&[1; 32]).sign().unwrap();
    assert_eq!(world.verdict(world.settings(), other).await, "verified");

    let issuer = world.site.authority.certificate_der().to_vec();
    let key = world.site.authority.key_pem().unwrap();
    let alice = world.alice.certificate_der().to_vec();
    let pkcs8 = pkcs8(&key);
    world.responder.does(move |request| {
        let authority = portcullis_pki::Authority::from_der(vec![issuer.clone()], &pkcs8).unwrap();
        let oid = [0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2];
        let at = request.windows(oid.len()).position(|bytes| bytes == oid).unwrap() + oid.len();
        // Two octet strings, one in the other.
        let nonce = &request[at + 4..at + 36];
        let answer = portcullis_pki::OcspAnswer::about(&alice, &authority).unwrap().nonce(nonce);
        Some(super::responder::ok(&answer.sign().unwrap()))
    });
    let connection = world.connect(&world.acceptor(world.settings().nonce())).await;
    assert_eq!(verdict_at(&connection, now()).await, "verified");
}

/// The DER of a private key in PEM.
fn pkcs8(pem: &str) -> Vec<u8> {
    use portcullis_tls::rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
    PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap().secret_pkcs8_der().to_vec()
}
