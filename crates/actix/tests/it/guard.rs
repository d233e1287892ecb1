//! The guard in process: who passes, what a refusal looks like, what cannot be smuggled in.

use std::time::Duration;

use crate::common::{
    Outcome, auth, get, get_holding, get_with, handler, ran, routes, send, untrusted, verified,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{App, HttpResponse, http::header, test, web};
use portcullis_actix::core::peer::live::Answer;
use portcullis_actix::core::provider::{Account, Grants, ProviderError, RoleProvider};
use portcullis_actix::core::{Connection, Peer};
use portcullis_actix::rule::{anyone, role};
use portcullis_actix::{Authorizer, Denial, DenialKind, Guard, Policy, Principal};

macro_rules! app {
    ($guard:expr) => {
        test::init_service(App::new().configure(routes).wrap($guard)).await
    };
}

fn passed(outcome: &Outcome) -> Option<&str> {
    assert!(outcome.denial.is_none(), "{outcome:?}");
    outcome.handler.as_deref()
}

fn refused(outcome: &Outcome) -> DenialKind {
    assert_eq!(outcome.handler, None, "{outcome:?}");
    let denial = outcome.denial.as_ref().unwrap();
    assert_eq!(denial.status(), outcome.status);
    assert!(outcome.body.contains(&denial.id().to_string()), "{outcome:?}");
    denial.kind()
}

#[actix_web::test]
async fn everybody_gets_what_the_policy_says() {
    let anonymous = app!(Guard::assertion(auth(), Peer::Anonymous));
    assert_eq!(passed(&send(&anonymous, get("/")).await), Some("home"));
    assert_eq!(refused(&send(&anonymous, get("/reports/1")).await), DenialKind::CertificateRequired);
    assert_eq!(refused(&send(&anonymous, get("/admin")).await), DenialKind::CertificateRequired);

    let revoked = app!(Guard::assertion(auth(), untrusted("alice")));
    assert_eq!(passed(&send(&revoked, get("/")).await), Some("home"));
    assert_eq!(refused(&send(&revoked, get("/admin")).await), DenialKind::CertificateUntrusted);

    let bob = app!(Guard::assertion(auth(), verified("bob")));
    assert_eq!(passed(&send(&bob, get("/reports/1")).await), Some("report"));
    assert_eq!(refused(&send(&bob, get("/admin")).await), DenialKind::Forbidden);

    let alice = app!(Guard::assertion(auth(), verified("alice")));
    assert_eq!(passed(&send(&alice, get("/admin/users/7")).await), Some("admin"));
    assert_eq!(passed(&send(&alice, get("/api/secret")).await), Some("secret"));
}

#[actix_web::test]
async fn what_no_rule_names_is_closed() {
    let alice = app!(Guard::assertion(auth(), verified("alice")));
    for target in ["/unknown", "/ADMIN", "/reports", "/reports/1/2", "/dashboard.rsc"] {
        assert_eq!(refused(&send(&alice, get(target)).await), DenialKind::NoRule, "{target}");
    }
    assert_eq!(
        passed(&send(&alice, get("/api/unknown")).await),
        Some("fallback"),
        "the rule opens the scope, the default service answers"
    );
}

#[actix_web::test]
async fn a_get_rule_covers_head_and_nothing_else() {
    let bob = app!(Guard::assertion(auth(), verified("bob")));
    let head = send(&bob, get("/reports/1").method(Method::HEAD)).await;
    assert!(head.denial.is_none(), "actix may answer what it likes, but it was let through: {head:?}");
    for method in ["POST", "DELETE", "OPTIONS", "TRACE", "QUERY", "FOO"] {
        let request = get("/reports/1").method(Method::from_bytes(method.as_bytes()).unwrap());
        assert_eq!(refused(&send(&bob, request).await), DenialKind::NoRule, "{method}");
    }
    let lower = get("/reports/1").method(Method::from_bytes(b"get").unwrap());
    assert_eq!(refused(&send(&bob, lower).await), DenialKind::Firewall);
    let disguised = get_with("/reports/1", "x-http-method-override", "GET").method(Method::POST);
    assert_eq!(refused(&send(&bob, disguised).await), DenialKind::NoRule);
}

#[actix_web::test]
async fn a_refusal_is_told_in_the_form_that_the_client_prefers() {
    let anonymous = app!(Guard::assertion(auth(), Peer::Anonymous));
    let page = send(&anonymous, get("/admin")).await;
    assert_eq!(page.headers.get(header::CONTENT_TYPE).unwrap(), "text/html; charset=utf-8");
    assert_eq!(page.headers.get(header::CACHE_CONTROL).unwrap(), "no-store");
    assert_eq!(page.headers.get(header::VARY).unwrap(), "accept");
    assert!(page.body.contains("Import your certificate"), "{}", page.body);

    let problem = send(&anonymous, get_with("/admin", "accept", "application/problem+json")).await;
    assert_eq!(problem.headers.get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
    assert!(problem.body.contains("urn:portcullis:denial:certificate-required"), "{}", problem.body);
    assert!(!problem.body.contains("admin"), "neither rule nor role is told: {}", problem.body);
}

#[actix_web::test]
async fn an_own_page_is_taken_as_it_is() {
    let guard = Guard::assertion(auth(), Peer::Anonymous).denied(|denial, request| {
        HttpResponse::ImATeapot().insert_header((header::CACHE_CONTROL, "private")).body(format!(
            "{} at {}",
            denial.kind(),
            request.path()
        ))
    });
    let outcome = send(&app!(guard), get("/admin")).await;
    assert_eq!(outcome.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(outcome.body, "certificate-required at /admin");
    assert_eq!(outcome.headers.get(header::CACHE_CONTROL).unwrap(), "private");
    assert_eq!(outcome.headers.get(header::VARY), None);
    assert_eq!(outcome.kind(), Some(DenialKind::CertificateRequired));
}

#[actix_web::test]
async fn a_listener_that_knows_no_connections_serves_nobody() {
    let app = app!(Guard::new(auth()));
    for target in ["/", "/admin", "/unknown"] {
        let outcome = send(&app, get(target)).await;
        assert_eq!(refused(&outcome), DenialKind::Misconfigured, "{target}");
        assert_eq!(outcome.status, 500);
        assert!(outcome.denial.unwrap().to_string().contains("bind_portcullis"));
    }
}

#[actix_web::test]
async fn a_listener_for_probes_serves_what_it_is_given() {
    let app = app!(Guard::new(Authorizer::without_certificates(["GET /open/{*rest}"]).unwrap()));
    assert_eq!(passed(&send(&app, get("/open/health")).await), Some("open"));
    assert_eq!(refused(&send(&app, get("/admin")).await), DenialKind::NoRule);
}

#[actix_web::test]
async fn what_a_request_carries_is_never_believed() {
    let Answer::Ready(alice) = auth().principal(verified("alice")) else { panic!("nothing to wait for") };
    assert!(alice.has_role("admin"));

    let anonymous = app!(Guard::assertion(auth(), Peer::Anonymous));
    let smuggled = test::call_service(&anonymous, get_holding::<Principal>("/admin", alice)).await;
    assert_eq!(smuggled.status(), StatusCode::FORBIDDEN);

    let unbound = app!(Guard::new(auth()));
    let asserted = Connection::assertion(verified("alice"));
    let smuggled = test::call_service(&unbound, get_holding("/admin", asserted)).await;
    assert_eq!(smuggled.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(handler(smuggled.headers()), None);
}

/// Answers after a while, and fails for `mallory`.
struct Directory;

impl RoleProvider for Directory {
    fn roles(&self, account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        let name = account.name.to_owned();
        Answer::Pending(Box::pin(async move {
            actix_web::rt::task::yield_now().await;
            match name.as_str() {
                "alice" => Ok(Grants::from(["admin"])),
                "mallory" => Err(ProviderError::new("the directory is down")),
                _ => Ok(Grants::default()),
            }
        }))
    }
}

#[actix_web::test]
async fn a_slow_source_of_roles_is_waited_for() {
    let policy = || {
        Policy::builder()
            .role("admin", [])
            .route("GET /admin", role("admin"))
            .route("GET /reports/{id}", !role("admin"))
            .build()
            .unwrap()
    };
    let app = |peer| {
        let auth = Authorizer::builder(policy()).roles(Directory).build().unwrap();
        test::init_service(App::new().configure(routes).wrap(Guard::assertion(auth, peer)))
    };
    let alice = app(verified("alice")).await;
    assert_eq!(passed(&send(&alice, get("/admin")).await), Some("admin"));
    assert_eq!(refused(&send(&alice, get("/reports/1")).await), DenialKind::Forbidden);

    let bob = app(verified("bob")).await;
    assert_eq!(refused(&send(&bob, get("/admin")).await), DenialKind::Forbidden);
    assert_eq!(passed(&send(&bob, get("/reports/1")).await), Some("report"));

    let mallory = app(verified("mallory")).await;
    for target in ["/admin", "/reports/1"] {
        let outcome = send(&mallory, get(target)).await;
        assert_eq!(refused(&outcome), DenialKind::Unavailable, "{target}");
        assert_eq!(outcome.status, 503);
        assert!(!outcome.body.contains("directory"), "{}", outcome.body);
    }
}

#[actix_web::test]
async fn a_source_of_roles_that_panics_opens_nothing() {
    let policy = Policy::builder().role("admin", []).route("GET /admin", !role("admin")).build().unwrap();
    let panics = |_: Account<'_>| -> Vec<String> { panic!("missed a case") };
    let auth = Authorizer::builder(policy).roles(panics).build().unwrap();
    let outcome = send(&app!(Guard::assertion(auth, verified("alice"))), get("/admin")).await;
    assert_eq!(refused(&outcome), DenialKind::Unavailable);
}

/// Answers after a second; panics for `bob`, and never answers for `carol`.
struct Database;

impl RoleProvider for Database {
    fn roles(&self, account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        let name = account.name.to_owned();
        Answer::Pending(Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_ne!(name, "bob", "a bug in the source");
            if name == "carol" { std::future::pending().await } else { Ok(Grants::from(["admin"])) }
        }))
    }
}

#[actix_web::test]
async fn a_source_of_roles_that_hangs_or_panics_denies_in_time() {
    tokio::time::pause();
    let policy = Policy::builder()
        .role("admin", [])
        .route("GET /", anyone())
        .route("GET /admin", role("admin"))
        .route("GET /reports/{id}", !role("admin"))
        .build()
        .unwrap();
    let limit = Duration::from_secs(3);
    let auth = Authorizer::builder(policy).roles(Database).source_limit(limit).build().unwrap();
    for (name, seconds, cause) in [
        ("alice", 1, None),
        ("bob", 1, Some("source 1: it panicked")),
        ("carol", 3, Some("source 1: it did not answer within 3 s")),
    ] {
        let app = app!(Guard::assertion(auth.clone(), verified(name)));
        let begun = tokio::time::Instant::now();
        assert_eq!(passed(&send(&app, get("/")).await), Some("home"), "{name}");
        let (elapsed, expected) = (begun.elapsed(), Duration::from_secs(seconds));
        assert!((expected..=expected + Duration::from_millis(1)).contains(&elapsed), "{name}: {elapsed:?}");

        let Some(cause) = cause else {
            assert_eq!(passed(&send(&app, get("/admin")).await), Some("admin"));
            continue;
        };
        for target in ["/admin", "/reports/1"] {
            let outcome = send(&app, get(target)).await;
            assert_eq!(
                (refused(&outcome), outcome.status),
                (DenialKind::Unavailable, 503),
                "{name} {target}"
            );
            let denial = outcome.denial.unwrap().to_string();
            assert!(denial.contains(cause), "{denial}");
            assert!(!outcome.body.contains("source"), "{}", outcome.body);
        }
    }
}

#[actix_web::test]
async fn one_guard_serves_all_workers() {
    fn is_shareable<T: Clone + Send + Sync>(_: &T) {}
    let guard = Guard::assertion(auth(), Peer::Anonymous).denied(|_, _| HttpResponse::NotFound().finish());
    is_shareable(&guard);
    for _ in 0..2 {
        assert_eq!(send(&app!(guard.clone()), get("/admin")).await.status, 404);
    }
    assert!(!format!("{guard:?}").is_empty());
}

#[actix_web::test]
async fn a_guard_around_a_scope_sees_the_whole_path() {
    let app = test::init_service(
        App::new()
            .service(
                web::scope("/admin")
                    .wrap(Guard::assertion(auth(), Peer::Anonymous))
                    .route("/users", web::get().to(async || ran("users"))),
            )
            .route("/beside", web::get().to(async || ran("beside"))),
    )
    .await;
    assert_eq!(refused(&send(&app, get("/admin/users")).await), DenialKind::CertificateRequired);
    assert_eq!(passed(&send(&app, get("/beside")).await), Some("beside"), "as its documentation warns");
}

#[actix_web::test]
async fn the_denial_names_nobody_to_the_client() {
    let bob = app!(Guard::assertion(auth(), verified("bob")));
    let outcome = send(&bob, get("/admin")).await;
    let denial: &Denial = outcome.denial.as_ref().unwrap();
    assert_eq!(denial.principal().unwrap().name(), Ok("bob"));
    assert_eq!(denial.route().as_deref(), Some("* /admin/{*rest}"));
    for secret in ["bob", "admin", "role"] {
        assert!(!outcome.body.contains(secret), "{secret}: {}", outcome.body);
    }
}
