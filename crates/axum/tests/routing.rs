//! Whatever the router does with a path, the rule of that path has decided.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, get};
use common::{anonymous, auth, request, text, verified};
use portcullis_axum::core::peer::live::Answer;
use portcullis_axum::core::provider::{Account, Grants, ProviderError};
use portcullis_axum::{Authorizer, Denial, DenialKind, RoleProvider, guard};
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// An application with handlers in every corner, which counts how often one of them ran.
fn app(ran: &Arc<AtomicUsize>) -> Router {
    let handler = || {
        let ran = Arc::clone(ran);
        any(move || async move {
            ran.fetch_add(1, Ordering::SeqCst);
            "secret"
        })
    };
    let inner = Router::new().route("/secret", handler()).nest("/deep", Router::new().route("/x", handler()));
    Router::new()
        .route("/", get(async || "home"))
        .route("/admin", handler())
        .route("/admin/", handler())
        .route("/admin/{id}", handler())
        .nest("/api", inner)
        .merge(Router::new().route("/merged", handler()))
        .nest_service("/mounted", handler())
        .fallback_service(handler())
}

#[tokio::test]
async fn no_spelling_of_a_path_opens_it() {
    let ran = Arc::new(AtomicUsize::new(0));
    let app = guard(app(&ran), auth());
    for target in [
        "/admin",
        "/admin/",
        "/admin//",
        "//admin",
        "///admin",
        "/./admin",
        "/x/../admin",
        "/%61dmin",
        "/%2561dmin",
        "/admin%2f7",
        "/admin%2F7",
        "/admin%5c7",
        "/admin/7%00",
        "/admin/%0a",
        "/admin/%ff",
        "/admin;x",
        "/admin%3bx",
        "/x/..;/admin",
        "/admin%20",
        "/admin/%20",
        "/ADMIN",
        "/admin/7?x=1",
        "/admin?",
        "/admin%3fx",
        "/%2e/admin",
        "/x/%2e%2e/admin",
        "/api/secret",
        "/api//secret",
        "/%61pi/secret",
        "/api%2fsecret",
        "/api/deep/x",
        "/api/../api/secret",
        "/merged",
        "/mounted",
        "/mounted/x",
        "/unknown",
        "/unknown/deeper",
        "http://evil.example/admin",
        "https://localhost/admin",
        "*",
    ] {
        for method in ["GET", "HEAD", "POST", "OPTIONS", "FOO", "get", "TRACE"] {
            let response = app.clone().oneshot(request(method, target, &anonymous())).await.unwrap();
            let denial = response.extensions().get::<Denial>().unwrap_or_else(|| panic!("{method} {target}"));
            assert_eq!(response.status().as_u16(), denial.status(), "{method} {target}");
            assert!(matches!(denial.status(), 400 | 403), "{method} {target}: {denial}");
        }
    }
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn who_may_gets_through_nests_and_merges() {
    let ran = Arc::new(AtomicUsize::new(0));
    let app = guard(app(&ran), auth());
    let alice = verified("alice");
    for (count, target) in ["/admin", "/admin/", "/admin/7", "/api/secret", "/api/deep/x"].iter().enumerate()
    {
        let response = app.clone().oneshot(request("GET", target, &alice)).await.unwrap();
        assert_eq!((response.status(), ran.load(Ordering::SeqCst)), (StatusCode::OK, count + 1), "{target}");
    }
    // What the policy does not name is closed to her as well: mounts, merged routes, the fallback.
    for target in ["/merged", "/mounted", "/mounted/x", "/unknown"] {
        let response = app.clone().oneshot(request("GET", target, &alice)).await.unwrap();
        assert_eq!(response.extensions().get::<Denial>().unwrap().kind(), DenialKind::NoRule, "{target}");
    }
    let bob = verified("bob");
    let response = app.oneshot(request("GET", "/api/secret", &bob)).await.unwrap();
    assert_eq!(response.extensions().get::<Denial>().unwrap().kind(), DenialKind::Forbidden);
    assert_eq!(ran.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn head_goes_where_get_may() {
    let app = guard(app(&Arc::default()), auth());
    for (target, status) in [("/", StatusCode::OK), ("/admin", StatusCode::FORBIDDEN)] {
        let response = app.clone().oneshot(request("HEAD", target, &anonymous())).await.unwrap();
        assert_eq!(response.status(), status);
        let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
        assert!(length > 0);
        assert_eq!(text(response).await, "", "{target}");
    }
}

#[tokio::test]
async fn a_file_server_hands_out_no_private_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("private")).unwrap();
    std::fs::write(folder.path().join("private/x.txt"), "secret").unwrap();
    std::fs::write(folder.path().join("pub.txt"), "public").unwrap();
    let files = Router::new().nest_service("/static", ServeDir::new(folder.path()));
    let app = guard(files, auth());

    for target in [
        "/static/private/x.txt",
        "/static/%70rivate/x.txt",
        "/static//private/x.txt",
        "/static/./private/x.txt",
        "/static/%2e/private/x.txt",
        "/static/private%2fx.txt",
        "/static/private%2Fx.txt",
        "/static/private/x.txt/",
        "/static/pub.txt/../private/x.txt",
        "/static/a/..%2fprivate/x.txt",
        "/static/private%5cx.txt",
        "/static/private;/x.txt",
        "/%73tatic/private/x.txt",
        "//static/private/x.txt",
        "/static/private//x.txt",
        "/static/private/%78.txt",
    ] {
        let response = app.clone().oneshot(request("GET", target, &anonymous())).await.unwrap();
        assert!(matches!(response.status().as_u16(), 400 | 403), "{target} {}", response.status());
        assert!(!text(response).await.contains("secret"), "{target}");
    }
    let response = app.clone().oneshot(request("GET", "/static/pub.txt", &anonymous())).await.unwrap();
    assert_eq!(text(response).await, "public");
    let response = app.oneshot(request("GET", "/static/private/x.txt", &verified("alice"))).await.unwrap();
    assert_eq!(text(response).await, "secret");
}

/// A database of roles that takes its time, and is down at times.
struct Database(&'static str);

impl RoleProvider for Database {
    fn roles(&self, account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        let (state, is_alice) = (self.0, account.name == "alice");
        Answer::Pending(Box::pin(async move {
            tokio::task::yield_now().await;
            match state {
                "up" if is_alice => Ok(Grants::from(["admin"])),
                "up" => Ok(Grants::default()),
                "down" => Err(ProviderError::new("no route to host")),
                other => Err(ProviderError::new(other)),
            }
        }))
    }
}

#[tokio::test]
async fn roles_that_have_to_be_asked_for_decide_as_well() {
    let ask = |state: &'static str, name: &'static str| async move {
        let policy = auth().policy().clone();
        let auth = Authorizer::builder(policy).roles(Database(state)).build().unwrap();
        let app = guard(app(&Arc::default()), auth);
        app.oneshot(request("GET", "/admin", &verified(name))).await.unwrap().status().as_u16()
    };
    assert_eq!(ask("up", "alice").await, 200);
    assert_eq!(ask("up", "bob").await, 403);
    assert_eq!(ask("down", "alice").await, 503);
}
