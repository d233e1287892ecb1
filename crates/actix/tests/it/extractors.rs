//! What handlers get, and what happens where they cannot get it.

use crate::common::{auth, get, get_with, send, untrusted, verified};
use actix_web::http::header;
use actix_web::{App, HttpRequest, HttpResponse, test, web};
use portcullis_actix::core::{Connection as CoreConnection, Peer as CorePeer};
use portcullis_actix::{Admission, Authorizer, Caller, Connection, DenialKind, Guard, Peer, Rejection};

async fn who(peer: Peer) -> String {
    match peer {
        Peer::Verified(identity) => format!("verified {}", identity.certificate().subject()),
        Peer::Untrusted { reason, .. } => format!("untrusted {}", reason.code()),
        Peer::Anonymous => "anonymous".into(),
    }
}

async fn name(caller: Caller) -> String {
    assert_eq!(caller.identity().certificate(), caller.certificate());
    assert!(caller.principal().is_authenticated());
    format!(
        "{} admin={} {:?}",
        caller.name(),
        caller.has_role("admin"),
        caller.roles().names().collect::<Vec<_>>()
    )
}

async fn perhaps(caller: Option<Caller>) -> String {
    caller.map_or_else(|| "nobody".into(), |caller| caller.name().to_owned())
}

async fn outcome(caller: Result<Caller, Rejection>) -> String {
    format!("{:?}", caller.map(|caller| caller.name().to_owned()).map_err(|rejection| rejection.kind()))
}

async fn between(request: HttpRequest) -> String {
    let admission = Admission::of(&request).unwrap();
    format!("{:?} {}", admission.principal().name(), admission.authorizer().policy().routes().count())
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/open/who", web::get().to(who))
        .route("/open/name", web::get().to(name))
        .route("/open/perhaps", web::get().to(perhaps))
        .route("/open/outcome", web::get().to(outcome))
        .route("/open/between", web::get().to(between))
        .route("/open/connection", web::get().to(async |c: Connection| format!("{:?}", c.info().resumed)))
        .route("/open/optional", web::get().to(async |c: Option<Connection>| c.is_some().to_string()));
}

macro_rules! app {
    ($guard:expr) => {
        test::init_service(App::new().configure(routes).wrap($guard)).await
    };
}

#[actix_web::test]
async fn a_verified_caller_is_known_by_all_extractors() {
    let app = app!(Guard::assertion(auth(), verified("alice")));
    assert_eq!(send(&app, get("/open/who")).await.body, "verified CN=alice");
    assert!(send(&app, get("/open/name")).await.body.starts_with("alice admin=true"));
    assert_eq!(send(&app, get("/open/perhaps")).await.body, "alice");
    assert_eq!(send(&app, get("/open/outcome")).await.body, r#"Ok("alice")"#);
    assert_eq!(send(&app, get("/open/between")).await.body, r#"Ok("alice") 7"#);
    assert_eq!(send(&app, get("/open/connection")).await.body, "false");
    assert_eq!(send(&app, get("/open/optional")).await.body, "true");
}

#[actix_web::test]
async fn others_are_a_peer_and_no_caller() {
    for (peer, word, kind) in [
        (CorePeer::Anonymous, "anonymous", DenialKind::CertificateRequired),
        (untrusted("alice"), "untrusted revoked", DenialKind::CertificateUntrusted),
    ] {
        let app = app!(Guard::assertion(auth(), peer));
        assert_eq!(send(&app, get("/open/who")).await.body, word);
        assert_eq!(send(&app, get("/open/perhaps")).await.body, "nobody");
        assert_eq!(send(&app, get("/open/outcome")).await.body, "Err(CallerRequired)");

        let refused = send(&app, get_with("/open/name", "accept", "application/json")).await;
        assert_eq!((refused.status, refused.kind()), (403, Some(kind)));
        assert_eq!(refused.headers.get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
        let denial = refused.denial.unwrap();
        assert!(denial.to_string().contains("the handler needs an authenticated caller"), "{denial}");
    }
}

#[actix_web::test]
async fn a_verified_peer_without_a_name_is_no_caller() {
    let nameless = portcullis_pki::Authority::new("Test CA").unwrap().hostile("dup_cn").unwrap();
    let certificate = portcullis_actix::Certificate::from_der(nameless.certificate_der()).unwrap();
    let identity = portcullis_actix::Identity::assertion(certificate, "staff");
    let app = app!(Guard::assertion(auth(), Peer::Verified(identity)));
    assert!(send(&app, get("/open/who")).await.body.starts_with("verified "));
    assert_eq!(send(&app, get("/open/perhaps")).await.body, "nobody");
    assert_eq!(send(&app, get("/open/name")).await.kind(), Some(DenialKind::Forbidden));
}

#[actix_web::test]
async fn a_handlers_refusal_wears_the_applications_own_page() {
    let guard = Guard::assertion(auth(), CorePeer::Anonymous)
        .denied(|denial, _| HttpResponse::Unauthorized().body(format!("own page: {}", denial.kind())));
    let refused = send(&app!(guard), get("/open/name")).await;
    assert_eq!((refused.status, refused.body.as_str()), (401, "own page: certificate-required"));
    assert!(refused.denial.is_some());
}

#[actix_web::test]
async fn a_forgotten_guard_is_loud() {
    let app = test::init_service(App::new().configure(routes)).await;
    for target in ["/open/who", "/open/name", "/open/connection"] {
        let outcome = send(&app, get(target)).await;
        assert_eq!(outcome.status, 500, "{target}");
        assert!(outcome.body.contains("Guard::new(auth)"), "{target}: {}", outcome.body);
    }
    assert_eq!(send(&app, get("/open/outcome")).await.body, "Err(GuardMissing)");
    assert_eq!(send(&app, get("/open/perhaps")).await.body, "nobody");
}

#[actix_web::test]
async fn a_connection_in_the_requests_extensions_is_nobodys() {
    let app = test::init_service(App::new().configure(routes)).await;
    let request = crate::common::get_holding("/open/who", CoreConnection::assertion(verified("alice")));
    assert_eq!(test::call_service(&app, request).await.status(), 500);
}

#[actix_web::test]
async fn a_listener_without_connections_has_none_to_show() {
    let auth = Authorizer::without_certificates(["GET /open/{*rest}"]).unwrap();
    let app = app!(Guard::new(auth));
    assert_eq!(send(&app, get("/open/who")).await.body, "anonymous");
    assert_eq!(send(&app, get("/open/optional")).await.body, "false");
    let missing = send(&app, get("/open/connection")).await;
    assert_eq!(missing.status, 500);
    assert!(missing.body.contains("bind_portcullis"), "{}", missing.body);
}

#[actix_web::test]
async fn peers_convert_both_ways() {
    for peer in [CorePeer::Anonymous, untrusted("alice"), verified("alice")] {
        let there = Peer::from(peer.clone());
        assert_eq!(CorePeer::from(there).name(), peer.name());
    }
}
