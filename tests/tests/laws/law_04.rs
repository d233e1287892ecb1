//! Law 4: the path that is authorised is the path that is routed.

use std::cell::RefCell;

use actix_web::{App, HttpResponse, test, web};
use axum::Router;
use axum::routing::any as every_method;
use portcullis_core::rule::custom;
use portcullis_core::{Authorizer, Connection, Peer, Policy};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tower::ServiceExt;

/// The pattern for the policy, for axum and for actix-web.
const ROUTES: [(&str, &str, &str); 8] = [
    ("/", "/", "/"),
    ("/admin", "/admin", "/admin"),
    ("/admin/{id}", "/admin/{id}", "/admin/{id}"),
    ("/admin/{id}/edit", "/admin/{id}/edit", "/admin/{id}/edit"),
    ("/admin/new/edit", "/admin/new/edit", "/admin/new/edit"),
    ("/files/{*rest}", "/files/{*rest}", "/files/{rest:.+}"),
    ("/caf\u{e9}", "/caf%C3%A9", "/caf\u{e9}"),
    ("/api/items/{id}", "/api/items/{id}", "/api/items/{id}"),
];

thread_local! {
    /// The pattern and the parameter that the rule of the last request saw.
    static JUDGED: RefCell<Option<(&'static str, Option<String>)>> = const { RefCell::new(None) };
}

/// Every rule lets in, and notes that it was the one that was asked.
fn authorizer() -> Authorizer {
    let mut policy = Policy::builder();
    for (pattern, ..) in ROUTES {
        let rule = custom(pattern.trim_matches('"'), move |scope| {
            let param = scope.param("id").or_else(|| scope.param("rest")).map(Into::into);
            JUDGED.set(Some((pattern, param)));
            true
        });
        policy = policy.route(&format!("* {pattern}"), rule);
    }
    Authorizer::builder(policy.build().unwrap()).build().unwrap()
}

/// Paths of what routers, file servers and proxies are known to disagree about.
fn paths() -> Vec<String> {
    let part = prop::sample::select(vec![
        "admin",
        "new",
        "edit",
        "files",
        "caf%C3%A9",
        "caf%c3%a9",
        "api",
        "items",
        "7",
        "a%20b",
        "%61dmin",
        "..",
        ".",
        "%2e%2e",
        "",
        "",
        ";x",
        "%2f",
        "%5c",
        "%00",
        "%25",
        "%ff",
        "%zz",
        "a.b",
        "a%2Cb",
        "ADMIN",
        "%E2%82%AC",
        "+",
        "~",
        "a:b",
        "@",
        "%40",
        "$&'()*,=",
        "%24",
        "%3F",
        "%23",
        "%0a",
        "x%",
        "{id}",
        "%7Bid%7D",
        "*",
        "rest",
    ]);
    let path = (prop::collection::vec(part, 0..5), any::<bool>())
        .prop_map(|(parts, slash)| format!("/{}{}", parts.join("/"), if slash { "/" } else { "" }));
    let mut runner = TestRunner::deterministic();
    (0..20_000).map(|_| path.new_tree(&mut runner).unwrap().current()).collect()
}

fn compare(path: &str, ran: Option<(&str, Option<String>)>) -> bool {
    let judged = JUDGED.take();
    let Some((handler, param)) = ran else { return false };
    let (pattern, seen) = judged.unwrap_or_else(|| panic!("`{path}`: {handler} ran, and no rule was asked"));
    assert_eq!(handler, pattern, "`{path}`: the rule of another route decided");
    assert_eq!(param, seen, "`{path}`: rule and handler see different parameters");
    true
}

#[tokio::test]
async fn law_4_axum_runs_the_handler_whose_rule_decided() {
    let mut router = Router::new();
    for (pattern, route, _) in ROUTES {
        router = router.route(
            route,
            every_method(
                async move |params: axum::extract::RawPathParams, request: axum::extract::Request| {
                    drop(request);
                    let param = params.iter().next().map(|(_, value)| value.to_owned());
                    serde_json::to_string(&(pattern, param)).unwrap()
                },
            ),
        );
    }
    let app = portcullis_axum::guard(router, authorizer());
    let mut compared = 0;
    for path in paths() {
        let Ok(uri) = path.parse::<http::Uri>() else { continue };
        let nobody = Connection::assertion(Peer::Anonymous);
        let request = http::Request::get(uri).extension(nobody).body(axum::body::Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let ran = response.status().is_success();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let ran: Option<(String, Option<String>)> = ran.then(|| serde_json::from_slice(&body).unwrap());
        compared +=
            usize::from(compare(&path, ran.as_ref().map(|(handler, param)| (&**handler, param.clone()))));
    }
    assert!(compared > 500, "only {compared} requests reached a handler");
}

#[actix_web::test]
async fn law_4_actix_runs_the_handler_whose_rule_decided() {
    let mut app = App::new();
    for (pattern, _, route) in ROUTES {
        app = app.route(
            route,
            web::to(move |params: web::Path<Vec<String>>| async move {
                HttpResponse::Ok().json((pattern, params.into_inner().pop()))
            }),
        );
    }
    let app = app.wrap(portcullis_actix::Guard::assertion(authorizer(), Peer::Anonymous));
    let app = test::init_service(app).await;
    let mut compared = 0;
    for path in paths() {
        if path.parse::<actix_web::http::Uri>().is_err() {
            continue;
        }
        let request = test::TestRequest::with_uri(&path).to_request();
        let response = test::call_service(&app, request).await;
        let ran = response.status().is_success();
        let body = test::read_body(response).await;
        let ran: Option<(String, Option<String>)> = ran.then(|| serde_json::from_slice(&body).unwrap());
        compared +=
            usize::from(compare(&path, ran.as_ref().map(|(handler, param)| (&**handler, param.clone()))));
    }
    assert!(compared > 500, "only {compared} requests reached a handler");
}
