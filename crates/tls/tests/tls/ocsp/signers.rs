//! Who may sign an answer.

use portcullis_pki::{Authority, Extension, Issued, Oid};
use portcullis_tls::Revocation;

use super::{World, connect, time, verdict_at};
use crate::site::now;

/// A certificate for a responder, with these purposes.
fn delegate(authority: &Authority, purposes: &[Oid], is_unchecked: bool, expires_in: i64) -> Issued {
    let subject = portcullis_pki::DistinguishedName::common_name("responder");
    let mut certificate = portcullis_pki::RawCertificate::new(subject)
        .valid(time(now() - 3600), time(now() + expires_in))
        .extension(Extension::extended_key_usage(purposes));
    if is_unchecked {
        certificate = certificate.extension(Extension::new(Oid::OCSP_NO_CHECK, false, [5, 0]));
    }
    certificate.issue(authority).unwrap()
}

#[tokio::test]
async fn the_issuer_may_have_somebody_else_sign() {
    let world = World::new();
    let (own, other) = (&world.site.authority, Authority::new("Example CA").unwrap());
    let below = own.intermediate("Team CA").unwrap();
    let signing = [Oid::OCSP_SIGNING];
    let plain = Oid::CLIENT_AUTH;
    let table = [
        (delegate(own, &signing, true, 60), "verified"),
        (delegate(own, &[plain.clone(), Oid::OCSP_SIGNING], true, 60), "verified"),
        (delegate(own, &signing, false, 60), "nothing says"),
        (delegate(own, &[plain], true, 60), "has not made"),
        (delegate(own, &[Oid::ANY_EXTENDED_KEY_USAGE], true, 60), "has not made"),
        (delegate(own, &signing, true, -60), "not for now"),
        (delegate(&other, &signing, true, 60), "has not made"),
        (delegate(&below, &signing, true, 60), "has not made"),
        (world.site.authority.client("mallory").issue().unwrap(), "has not made"),
    ];
    for (number, (responder, expected)) in table.iter().enumerate() {
        let answer = world.answer().delegated_to(responder).sign().unwrap();
        let said = world.verdict(world.settings(), answer).await;
        assert!(said.contains(expected), "{number}: {expected}: {said}");
        // Nobody but those who may sign can have somebody refused as revoked, either.
        let answer = world.answer().revoked().delegated_to(responder).sign().unwrap();
        let said = world.verdict(world.settings(), answer).await;
        assert_eq!(said == "revoked", *expected == "verified", "{number}: {said}");
    }
}

#[tokio::test]
async fn a_list_tells_whether_the_responder_is_revoked() {
    let world = World::new();
    for is_unchecked in [true, false] {
        let responder = delegate(&world.site.authority, &[Oid::OCSP_SIGNING], is_unchecked, 60);
        let revoked = portcullis_pki::Revoked::certificate(responder.certificate_der()).unwrap();
        let list = || world.site.authority.revocation_list();
        world.responder.answers(world.answer().delegated_to(&responder).sign().unwrap());
        let with = |list: portcullis_pki::RevocationListBuilder<'_>| {
            let list = list.sign().unwrap();
            world.acceptor_with(Revocation::ocsp_responders([world.settings()]).crl_der(list.der()))
        };
        let connection = world.connect(&with(list())).await;
        assert_eq!(verdict_at(&connection, now()).await, "verified");
        let connection = world.connect(&with(list().revoke(revoked))).await;
        assert!(verdict_at(&connection, now()).await.contains("is revoked"));
        let denied = format!("sha256:{}", hex(responder.certificate_der()));
        let revocation = Revocation::ocsp_responders([world.settings()]).deny(denied.parse().unwrap());
        let connection = world.connect(&world.acceptor_with(revocation)).await;
        assert!(verdict_at(&connection, now()).await.contains("is blocked"));
    }
}

fn hex(der: &[u8]) -> String {
    portcullis_core::Certificate::from_der(der).unwrap().sha256().to_string()
}

#[tokio::test]
async fn the_issuer_is_the_one_on_the_path() {
    let world = World::new();
    let team = world.site.authority.intermediate("Team CA").unwrap();
    let bob = team.client("bob").issue().unwrap();
    let about = || portcullis_pki::OcspAnswer::about(bob.certificate_der(), &team).unwrap();
    for (answer, expected) in [
        (about(), "verified"),
        (about().revoked(), "revoked"),
        (about().signed_by(&world.site.authority), "neither its issuer"),
    ] {
        world.responder.answers(answer.sign().unwrap());
        let acceptor = world.acceptor(world.settings());
        let connection = connect(&world.site, &acceptor, &bob).await;
        let said = verdict_at(&connection, now()).await;
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[tokio::test]
async fn whoever_is_on_a_list_is_not_asked_about() {
    let world = World::new();
    world.responder.answers(world.answer().sign().unwrap());
    let revoked = portcullis_pki::Revoked::certificate(world.alice.certificate_der()).unwrap();
    let list = world.site.authority.revocation_list().revoke(revoked).sign().unwrap();
    let trust = portcullis_tls::ClientAuth::request(world.site.anchors());
    let revocation = Revocation::ocsp_responders([world.settings()]).crl_der(list.der());
    let acceptor = world.site.acceptor(trust.revocation(revocation));
    let connection = connect(&world.site, &acceptor, &world.alice).await;
    assert_eq!(verdict_at(&connection, now()).await, "revoked");
    assert_eq!(world.responder.asked(), 0);
}
