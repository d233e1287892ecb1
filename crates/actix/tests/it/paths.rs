//! The path that is authorised is the path that is routed, however it is spelled or rewritten.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{auth, get, get_with, ran, routes, send, verified};
use actix_web::dev::{Service, ServiceRequest};
use actix_web::http::{Method, Uri};
use actix_web::middleware::NormalizePath;
use actix_web::{App, test, web};
use portcullis_actix::core::Peer as CorePeer;
use portcullis_actix::rule::{anyone, role};
use portcullis_actix::{Authorizer, DenialKind, Guard, Peer, Policy};

/// Spellings of protected paths that some router, proxy or file server reads as the path itself.
const SPELLINGS: &[&str] = &[
    "/%61dmin",
    "/%61%64%6D%69%6E",
    "/%61pi/secret",
    "//admin",
    "/api//secret",
    "/admin//",
    "/x/../admin",
    "/./admin",
    "/%2e/admin",
    "/x/%2e%2e/admin",
    "/x/..;/admin",
    "/admin;x=1",
    "/admin%3bx",
    "/admin%00",
    "/%2561dmin",
    "/api%2fsecret",
    "/api%5csecret",
    "/api\\secret",
    "/admin/%0a",
    "/admin/a%0d",
    "/admin/%ff",
    "/admin/%c0%ae%c0%ae",
    "/admin/%zz",
    "/open/..%2fadmin",
    "/open/../admin",
    "/open//admin",
    "/open/%2e%2e/admin",
    "/open/a%2fb",
    "admin",
    "*",
    "http://evil.example",
];

#[actix_web::test]
async fn no_spelling_reaches_a_handler() {
    let alice =
        test::init_service(App::new().configure(routes).wrap(Guard::assertion(auth(), verified("alice"))))
            .await;
    for target in SPELLINGS.iter().filter(|target| target.parse::<Uri>().is_ok()) {
        let outcome = send(&alice, get_with(target, "host", "localhost")).await;
        assert_eq!(outcome.kind(), Some(DenialKind::Firewall), "{target}: {outcome:?}");
        assert_eq!((outcome.handler, outcome.status), (None, 400), "{target}");
    }
}

#[actix_web::test]
async fn what_stays_after_the_firewall_means_the_same_to_the_router() {
    let alice =
        test::init_service(App::new().configure(routes).wrap(Guard::assertion(auth(), verified("alice"))))
            .await;
    for (target, handler) in [
        ("/admin", "admin"),
        ("/admin?x=//../", "admin"),
        ("/admin?", "admin"),
        ("/admin#x", "admin"),
        ("/admin/caf%C3%A9", "admin"),
        ("/admin/a%20b", "admin"),
        ("/admin/a%40b", "admin"),
        ("http://localhost/admin", "admin"),
    ] {
        let outcome = send(&alice, get_with(target, "host", "localhost:80")).await;
        let foreign = target.starts_with("http:");
        if foreign {
            assert_eq!(outcome.kind(), Some(DenialKind::Firewall), "port 80 is not 443: {outcome:?}");
        } else {
            assert_eq!(outcome.handler.as_deref(), Some(handler), "{target}: {outcome:?}");
        }
    }
}

#[actix_web::test]
async fn an_absolute_target_must_name_the_same_host() {
    let alice =
        test::init_service(App::new().configure(routes).wrap(Guard::assertion(auth(), verified("alice"))))
            .await;
    let same = send(&alice, get_with("https://localhost/admin", "host", "localhost:443")).await;
    assert_eq!(same.handler.as_deref(), Some("admin"));
    let other = send(&alice, get_with("https://localhost/admin", "host", "evil.example")).await;
    assert_eq!(other.kind(), Some(DenialKind::Firewall));
    let user = send(&alice, get_with("https://alice@localhost/admin", "host", "localhost")).await;
    assert_eq!(user.kind(), Some(DenialKind::Firewall));
}

#[actix_web::test]
async fn normalising_outside_the_guard_is_seen_by_it() {
    // The middleware that is wrapped last runs first.
    let app = |peer| {
        let guard = Guard::assertion(auth(), peer);
        test::init_service(App::new().configure(routes).wrap(guard).wrap(NormalizePath::trim()))
    };
    let (anonymous, alice) = (app(CorePeer::Anonymous).await, app(verified("alice")).await);
    for target in ["//admin", "/admin/", "/admin//", "/api//secret", "/api/secret/"] {
        let outcome = send(&anonymous, get(target)).await;
        assert_eq!(
            (outcome.kind(), outcome.handler),
            (Some(DenialKind::CertificateRequired), None),
            "{target}"
        );
        assert!(send(&alice, get(target)).await.handler.is_some(), "{target}");
    }
    for target in ["/%61dmin", "/x/../admin", "/admin;x"] {
        assert_eq!(send(&alice, get(target)).await.kind(), Some(DenialKind::Firewall), "{target}");
    }
}

#[actix_web::test]
async fn normalising_inside_the_guard_opens_nothing() {
    let app = |peer| {
        let guard = Guard::assertion(auth(), peer);
        test::init_service(App::new().configure(routes).wrap(NormalizePath::trim()).wrap(guard))
    };
    let (anonymous, alice) = (app(CorePeer::Anonymous).await, app(verified("alice")).await);
    for target in ["//admin", "/admin//", "/api//secret"] {
        assert_eq!(send(&alice, get(target)).await.kind(), Some(DenialKind::Firewall), "{target}");
    }
    assert_eq!(send(&anonymous, get("/admin/")).await.kind(), Some(DenialKind::CertificateRequired));
    let trimmed = send(&alice, get("/admin/")).await;
    assert_eq!(trimmed.handler.as_deref(), Some("admin"), "both spellings have the same rule: {trimmed:?}");
}

/// Sends a request elsewhere, as a rewriting middleware does.
fn rewrite(mut request: ServiceRequest, target: &'static str) -> ServiceRequest {
    let uri = Uri::from_static(target);
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
    request
}

#[actix_web::test]
async fn a_request_that_was_rewritten_inside_is_judged_again() {
    let runs = Arc::new(AtomicUsize::new(0));
    let app = |peer| {
        let count = Arc::clone(&runs);
        let handler = move |_: Peer| {
            count.fetch_add(1, Ordering::Relaxed);
            async { ran("admin") }
        };
        test::init_service(
            App::new()
                .route("/admin", web::get().to(handler))
                .wrap_fn(|request, application| application.call(rewrite(request, "/admin")))
                .wrap(Guard::assertion(auth(), peer)),
        )
    };
    for (peer, kind) in
        [(CorePeer::Anonymous, DenialKind::CertificateRequired), (verified("bob"), DenialKind::Forbidden)]
    {
        let outcome = send(&app(peer).await, get("/open/x")).await;
        assert_eq!((outcome.kind(), outcome.handler, outcome.status), (Some(kind), None, 403));
    }
    assert_eq!(runs.load(Ordering::Relaxed), 0, "no handler that asks who is there has run");

    let outcome = send(&app(verified("alice")).await, get("/open/x")).await;
    assert_eq!(outcome.handler.as_deref(), Some("admin"), "who may both, may both: {outcome:?}");
}

#[actix_web::test]
async fn a_rewritten_request_leaks_nothing_even_without_extractors() {
    let app = test::init_service(
        App::new()
            .route("/admin", web::get().to(async || ran("admin")))
            .wrap_fn(|request, application| application.call(rewrite(request, "/admin")))
            .wrap(Guard::assertion(auth(), CorePeer::Anonymous)),
    )
    .await;
    let outcome = send(&app, get("/open/x")).await;
    assert_eq!((outcome.kind(), outcome.status), (Some(DenialKind::CertificateRequired), 403), "{outcome:?}");
    assert!(!outcome.body.contains("admin ran"), "{}", outcome.body);
}

#[actix_web::test]
async fn a_method_that_was_replaced_inside_is_judged_again() {
    let app = test::init_service(
        App::new()
            .route("/reports/{id}", web::delete().to(async || ran("remove")))
            .wrap_fn(|mut request, application| {
                request.head_mut().method = Method::DELETE;
                application.call(request)
            })
            .wrap(Guard::assertion(auth(), verified("bob"))),
    )
    .await;
    let outcome = send(&app, get("/reports/1")).await;
    assert_eq!((outcome.kind(), outcome.handler), (Some(DenialKind::NoRule), None));
}

#[actix_web::test]
async fn a_uri_that_the_router_does_not_follow_decides_nothing() {
    let app = test::init_service(
        App::new().configure(routes).wrap(Guard::assertion(auth(), CorePeer::Anonymous)).wrap_fn(
            |mut request, application| {
                // Looks harmless to whoever reads it, but the router still has the old one.
                request.head_mut().uri = Uri::from_static("/open/x");
                application.call(request)
            },
        ),
    )
    .await;
    let outcome = send(&app, get("/admin")).await;
    assert_eq!((outcome.kind(), outcome.handler), (Some(DenialKind::CertificateRequired), None));
}

#[actix_web::test]
async fn scopes_within_scopes_hide_no_prefix() {
    let app = |peer| {
        let inner = web::scope("/v1").route("/secret", web::get().to(async || ran("secret")));
        let guard = Guard::assertion(auth(), peer);
        test::init_service(
            App::new().service(web::scope("/api").service(inner)).configure(routes).wrap(guard),
        )
    };
    let bob = send(&app(verified("bob")).await, get("/api/v1/secret")).await;
    assert_eq!((bob.kind(), bob.handler), (Some(DenialKind::Forbidden), None));
    let alice = send(&app(verified("alice")).await, get("/api/v1/secret")).await;
    assert_eq!(alice.handler.as_deref(), Some("secret"));
}

#[actix_web::test]
async fn a_protected_folder_below_an_open_one_stays_shut() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("private")).unwrap();
    std::fs::write(folder.path().join("pub.txt"), "for all").unwrap();
    std::fs::write(folder.path().join("private/x.txt"), "TOP SECRET").unwrap();
    let app = |peer| {
        let files = actix_files::Files::new("/static", folder.path());
        test::init_service(App::new().service(files).wrap(Guard::assertion(auth(), peer)))
    };
    let bob = app(verified("bob")).await;
    assert_eq!(send(&bob, get("/static/pub.txt")).await.body, "for all");
    for target in [
        "/static/private/x.txt",
        "/static/%70rivate/x.txt",
        "/static//private/x.txt",
        "/static/./private/x.txt",
        "/static/%2e/private/x.txt",
        "/static/private%2fx.txt",
        "/static/private%5cx.txt",
        "/static/private/x.txt/",
        "/static/pub.txt/../private/x.txt",
        "/%73tatic/private/x.txt",
        "/static/PRIVATE/x.txt",
        "/static/private%00/x.txt",
    ] {
        let outcome = send(&bob, get(target)).await;
        assert!(!outcome.body.contains("TOP SECRET"), "{target}: {outcome:?}");
        assert!(outcome.denial.is_some() || outcome.status == 404, "{target}: {outcome:?}");
    }
    let alice = app(verified("alice")).await;
    assert_eq!(send(&alice, get("/static/private/x.txt")).await.body, "TOP SECRET");
}

#[actix_web::test]
async fn an_encoded_plus_is_not_the_literal_that_the_router_does_not_see() {
    // actix decodes every escape before it routes, but `%2B`, `%2F` and `%25`.
    let policy = Policy::builder()
        .role("admin", [])
        .route("GET /a+b", anyone())
        .route("GET /{name}", role("admin"))
        .build()
        .unwrap();
    let auth = Authorizer::builder(policy).build().unwrap();
    let app = test::init_service(
        App::new()
            .route("/a+b", web::get().to(async || ran("literal")))
            .route("/{name}", web::get().to(async || ran("parameter")))
            .wrap(Guard::assertion(auth, CorePeer::Anonymous)),
    )
    .await;
    assert_eq!(send(&app, get("/a+b")).await.handler.as_deref(), Some("literal"));
    for target in ["/a%2Bb", "/a%2bb", "/c%2Bd"] {
        let outcome = send(&app, get(target)).await;
        assert!(outcome.denial.is_some() && outcome.handler.is_none(), "{target}: {outcome:?}");
    }
}
