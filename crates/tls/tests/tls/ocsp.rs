//! Clients about whom a responder is asked.

mod counts;
mod openssl;
mod responder;
mod signers;
mod times;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portcullis_core::{Distrust, Peer};
use portcullis_pki::{Issued, OcspAnswer};
use portcullis_tls::{ClientAuth, OcspResponder, Revocation, TlsAcceptor, TlsConnection};

use self::responder::Responder;
use crate::client::Client;
use crate::site::{Site, meet, now};

/// A site, a client, and a responder that says what it is told.
struct World {
    site: Site,
    alice: Issued,
    responder: Responder,
}

impl World {
    fn new() -> Self {
        let site = Site::new();
        let alice = site.authority.client("alice").issue().unwrap();
        Self { site, alice, responder: Responder::new() }
    }

    fn settings(&self) -> OcspResponder {
        OcspResponder::new("staff", self.responder.url())
    }

    fn acceptor(&self, settings: OcspResponder) -> TlsAcceptor {
        self.acceptor_with(Revocation::ocsp_responders([settings]))
    }

    fn acceptor_with(&self, revocation: Revocation) -> TlsAcceptor {
        self.site.acceptor(ClientAuth::require(self.site.anchors()).revocation(revocation))
    }

    /// That she is good, to be changed and signed.
    fn answer(&self) -> OcspAnswer<'_> {
        OcspAnswer::about(self.alice.certificate_der(), &self.site.authority).unwrap()
    }

    async fn connect(&self, acceptor: &TlsAcceptor) -> TlsConnection {
        connect(&self.site, acceptor, &self.alice).await
    }

    /// What becomes of her first request if the responder answers like this.
    async fn verdict(&self, settings: OcspResponder, answer: Vec<u8>) -> String {
        self.responder.answers(answer);
        let connection = self.connect(&self.acceptor(settings)).await;
        verdict_at(&connection, now()).await
    }
}

/// The handshake comes to its end whatever the responder says.
async fn connect(site: &Site, acceptor: &TlsAcceptor, client: &Issued) -> TlsConnection {
    let outcome = meet(acceptor, &Client::with(&site.authority, client).config()).await;
    assert_eq!(outcome.client.answer, Ok(()));
    outcome.server.unwrap()
}

/// `verified`, or why the peer is not trusted.
async fn verdict_at(connection: &TlsConnection, at: i64) -> String {
    match connection.handle().peer(at).get().await {
        Peer::Untrusted { reason: Distrust::RevocationUnknown { detail }, certificate } => {
            assert!(certificate.is_some());
            detail
        }
        Peer::Untrusted { reason, .. } => reason.code().to_owned(),
        peer => peer.name().to_owned(),
    }
}

fn time(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap())
}

#[tokio::test]
async fn what_the_responder_says_is_done() {
    let world = World::new();
    let bob = world.site.authority.client("bob").issue().unwrap();
    let other = portcullis_pki::Authority::new("Example CA").unwrap();
    let (now, day) = (now(), 24 * 3600);
    let sign = |answer: OcspAnswer<'_>| answer.sign().unwrap();
    let good = sign(world.answer());
    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    let about = |issued: &Issued, issuer| OcspAnswer::about(issued.certificate_der(), issuer).unwrap().sign();
    let critical = portcullis_pki::Extension::new(portcullis_pki::Oid::UNKNOWN_EXTENSION, true, [5, 0]);
    let elsewhere = OcspAnswer::about(world.alice.certificate_der(), &other).unwrap();
    let table = [
        (good.clone(), "verified"),
        (sign(world.answer().sha256()), "verified"),
        (sign(world.answer().revoked()), "revoked"),
        (sign(world.answer().revoked().next_update(time(now - 1))), "revoked"),
        (sign(world.answer().unknown()), "does not know it"),
        (OcspAnswer::failure(1), "does not understand"),
        (OcspAnswer::failure(2), "has failed"),
        (OcspAnswer::failure(3), "try later"),
        (OcspAnswer::failure(4), "cannot be read"),
        (OcspAnswer::failure(5), "wants questions to be signed"),
        (OcspAnswer::failure(6), "does not answer for its issuer"),
        (OcspAnswer::failure(0), "cannot be read"),
        (sign(world.answer().this_update(time(now - 2 * day)).next_update(time(now - day))), "out of date"),
        (sign(world.answer().next_update(time(now))), "out of date"),
        (sign(world.answer().no_next_update()), "verified"),
        (sign(world.answer().this_update(time(now - 3600)).no_next_update()), "out of date"),
        (sign(world.answer().this_update(time(now + 3600))), "of the future"),
        (sign(world.answer().revoked().this_update(time(now + 3600))), "of the future"),
        (sign(world.answer().this_update(time(now + 60))), "verified"),
        (sign(world.answer().extension(critical)), "critical extension"),
        (sign(world.answer().signed_by(&other)), "neither its issuer"),
        (sign(elsewhere.clone()), "neither its issuer"),
        (sign(elsewhere.signed_by(&world.site.authority)), "about another certificate"),
        (about(&bob, &world.site.authority).unwrap(), "about another certificate"),
        (forged, "neither its issuer"),
        (good[..good.len() - 1].to_vec(), "cannot be read"),
        ([&good[..], b"!"].concat(), "cannot be read"),
        (b"<html>not here</html>".to_vec(), "cannot be read"),
        (Vec::new(), "cannot be read"),
        (vec![0; 1024 * 1024], "too large"),
        ([&good[..], &vec![0; 64 * 1024]].concat(), "too large"),
    ];
    for (number, (answer, expected)) in table.into_iter().enumerate() {
        let said = world.verdict(world.settings(), answer.clone()).await;
        assert!(said.contains(expected), "{number}: {expected}: {said}");
        // By option whoever is not known to be revoked gets in.
        let expected = if said == "revoked" { "revoked" } else { "verified" };
        assert_eq!(world.verdict(world.settings().danger_soft_fail(), answer).await, expected, "{number}");
    }
}

#[tokio::test]
async fn a_responder_that_is_none_lets_nobody_in() {
    let world = World::new();
    let table = [
        (&b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"[..], "cannot be asked"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "cannot be asked"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", "elsewhere"),
        (b"no http at all\r\n\r\n", "cannot be asked"),
        (b"", "cannot be asked"),
    ];
    for (raw, expected) in table {
        world.responder.says(raw.to_vec());
        let connection = world.connect(&world.acceptor(world.settings())).await;
        let said = verdict_at(&connection, now()).await;
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // Nobody listens there any longer.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let acceptor = world.acceptor(OcspResponder::new("staff", format!("http://{closed}/")));
    let connection = world.connect(&acceptor).await;
    assert!(verdict_at(&connection, now()).await.contains("cannot be asked"));
}

#[test]
fn settings_that_would_ask_nobody_are_refused() {
    let world = World::new();
    let refused = |responders: Vec<OcspResponder>| {
        let asked = ClientAuth::require(world.site.anchors());
        let asked = asked.revocation(Revocation::ocsp_responders(responders));
        world.site.builder().client_auth(asked).build().unwrap_err().to_string()
    };
    let url = "http://127.0.0.1:1/";
    let table = [
        (vec![], "no revocation lists"),
        (vec![OcspResponder::new("stuff", url)], "`stuff`"),
        (vec![OcspResponder::new("staff", url), OcspResponder::new("staff", url)], "another one"),
        (vec![OcspResponder::new("staff", "ldap://x")], "only `http` and `https`"),
        (vec![OcspResponder::new("staff", "https://x")], "give the authorities"),
        (vec![OcspResponder::new("staff", url).concurrent(0)], "never asked"),
        (vec![OcspResponder::new("staff", url).timeout(Duration::ZERO)], "never asked"),
        (vec![OcspResponder::new("staff", "http://joe:secret@x/")], "leave them out"),
    ];
    for (responders, expected) in table {
        let error = refused(responders);
        assert!(error.contains(expected) && !error.contains("secret"), "{expected}: {error}");
    }
    let shown = format!("{:?}", OcspResponder::new("staff", "http://joe:secret@x/"));
    assert!(shown.contains("staff") && !shown.contains("secret"), "{shown}");
}
