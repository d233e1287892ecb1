//! What handlers learn, and what is said when they cannot.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod common;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{Html, Response};
use axum::routing::get;
use axum::{Extension, Router};
use common::{anonymous, auth, request, text, untrusted, verified};
use portcullis_axum::core::peer::live::Answer;
use portcullis_axum::core::{self, ConnectionInfo, Live};
use portcullis_axum::{AskAgain, Caller, Connection, Denial, DenialKind, Peer, guard};
use tower::ServiceExt;

async fn caller(caller: Caller) -> String {
    let roles: Vec<_> = caller.roles().names().collect();
    assert_eq!(caller.has_role("admin"), roles == ["admin"]);
    assert_eq!(caller.principal().name().unwrap(), caller.name());
    format!(
        "{} [{}] {} by {}",
        caller.name(),
        roles.join(","),
        caller.certificate().subject(),
        caller.identity().anchor().label()
    )
}

async fn optional(caller: Option<Caller>) -> String {
    caller.map_or("nobody".into(), |caller| caller.name().to_owned())
}

async fn peer(peer: Peer) -> String {
    match peer {
        Peer::Verified(who) => format!("verified {}", who.certificate().subject()),
        Peer::Untrusted { reason, .. } => format!("untrusted {}", reason.code()),
        Peer::Anonymous => "anonymous".into(),
    }
}

async fn get_from(app: Router, connection: &core::Connection) -> Response {
    guard(app, auth()).oneshot(request("GET", "/open", connection)).await.unwrap()
}

#[tokio::test]
async fn handlers_learn_who_asks() {
    let app = |handler| Router::new().route("/open", handler);
    for (handler, who, expected) in [
        (get(caller), verified("alice"), "alice [admin] CN=alice by staff"),
        (get(caller), verified("bob"), "bob [] CN=bob by staff"),
        (get(optional), verified("bob"), "bob"),
        (get(optional), anonymous(), "nobody"),
        (get(optional), untrusted(), "nobody"),
        (get(peer), verified("bob"), "verified CN=bob"),
        (get(peer), anonymous(), "anonymous"),
        (get(peer), untrusted(), "untrusted revoked"),
    ] {
        let response = get_from(app(handler), &who).await;
        assert_eq!((response.status(), text(response).await.as_str()), (StatusCode::OK, expected));
    }
}

#[tokio::test]
async fn a_caller_on_an_open_route_is_a_denial_like_any_other() {
    let app = Router::new().route("/open", get(caller));
    for (who, kind) in
        [(anonymous(), DenialKind::CertificateRequired), (untrusted(), DenialKind::CertificateUntrusted)]
    {
        let mut asked = request("GET", "/open", &who);
        asked.headers_mut().insert("accept", "application/json".parse().unwrap());
        let response = guard(app.clone(), auth()).oneshot(asked).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let denial = response.extensions().get::<Denial>().unwrap().clone();
        assert_eq!(denial.kind(), kind);
        assert!(text(response).await.contains(&denial.id().to_string()));
    }
    // By the application's own page, too.
    let own = guard(app, auth()).denied(|denial, request| {
        (StatusCode::IM_A_TEAPOT, format!("{} {}", denial.kind(), request.uri.path()))
    });
    let response = own.oneshot(request("GET", "/open", &anonymous())).await.unwrap();
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(text(response).await, "certificate-required /open");
}

#[tokio::test]
async fn a_forgotten_guard_is_a_loud_failure() {
    for handler in [get(caller), get(optional), get(peer)] {
        let app: Router = Router::new().route("/open", handler);
        let response = app.oneshot(request("GET", "/open", &verified("alice"))).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(text(response).await.contains("wrap the finished router in `guard(app, auth)`"));
    }
}

#[tokio::test]
async fn a_forgotten_connection_is_a_loud_failure() {
    let app = Router::new().route("/open", get(caller));
    let asked = Request::get("/open").body(axum::body::Body::empty()).unwrap();
    let response = guard(app, auth()).oneshot(asked).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let denial = response.extensions().get::<Denial>().unwrap();
    assert_eq!(denial.kind(), DenialKind::Misconfigured);
    assert!(denial.to_string().contains("serve the application through portcullis"), "{denial}");
}

#[tokio::test]
async fn what_an_inner_layer_inserts_is_not_believed() {
    let Answer::Ready(alice) = auth().principal(verified("alice").peer(0).get().await) else {
        panic!("the roles are a map")
    };
    async fn forge(mut request: Request, next: Next) -> Response {
        let connection = verified("alice");
        let forged = auth().principal(connection.peer(0).get().await).get().await;
        request.extensions_mut().insert(forged);
        request.extensions_mut().insert(connection);
        next.run(request).await
    }
    assert_eq!(alice.name().unwrap(), "alice");
    for (handler, expected) in [(get(optional), "nobody"), (get(peer), "anonymous")] {
        let app = Router::new().route("/open", handler).layer(from_fn(forge)).layer(Extension(alice.clone()));
        assert_eq!(text(get_from(app, &anonymous()).await).await, expected);
    }
}

#[tokio::test]
async fn a_layer_that_loses_the_extensions_opens_nothing() {
    async fn rebuild(request: Request, next: Next) -> Response {
        let (parts, body) = request.into_parts();
        next.run(Request::builder().uri(parts.uri).body(body).unwrap()).await
    }
    let app = Router::new().route("/open", get(caller)).layer(from_fn(rebuild));
    assert_eq!(get_from(app, &verified("alice")).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn an_own_page_answers_every_denial_and_has_no_body_for_head() {
    let app = Router::new().route("/open", get(async || "open"));
    let app = guard(app, auth()).denied(|denial, _| {
        let status = StatusCode::from_u16(denial.status()).unwrap();
        (status, Html(format!("<h1>{}</h1>", denial.kind())))
    });
    for (method, target, status, page) in [
        ("GET", "/reports/7", 403, "<h1>certificate-required</h1>"),
        ("GET", "//open", 400, "<h1>firewall</h1>"),
        ("GET", "/unknown", 403, "<h1>no-rule</h1>"),
        ("HEAD", "/unknown", 403, ""),
    ] {
        let response = app.clone().oneshot(request(method, target, &anonymous())).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert!(response.extensions().get::<Denial>().is_some());
        if method == "HEAD" {
            assert_eq!(response.headers()["content-length"], "16");
        }
        assert_eq!(text(response).await, page, "{method} {target}");
    }
}

/// A connection that is asked again when it is made anew.
struct Asking(ConnectionInfo);

impl Live for Asking {
    fn peer(&self, _now: i64) -> Answer<core::Peer> {
        Answer::Ready(core::Peer::Anonymous)
    }
    fn asks_again(&self) -> bool {
        true
    }
    fn close(&self) {}
    fn info(&self) -> &ConnectionInfo {
        &self.0
    }
}

#[tokio::test]
async fn a_page_that_wants_a_certificate_ends_the_connection() {
    let app = Router::new()
        .route("/open", get(async || (Extension(AskAgain), Html("import your certificate, then reload"))));
    let asking = core::Connection::new(Asking(ConnectionInfo::default()));
    let response = get_from(app.clone(), &asking).await;
    assert_eq!(
        (response.status(), response.headers()["connection"].to_str().unwrap()),
        (StatusCode::OK, "close")
    );
    assert!(!get_from(app, &anonymous()).await.headers().contains_key("connection"));
}

#[tokio::test]
async fn facts_of_the_connection_are_there() {
    async fn about(connection: Connection) -> String {
        format!(
            "{} {} {} {}",
            connection.peer_address().unwrap(),
            connection.tls_version().unwrap(),
            connection.is_resumed(),
            connection.server_name().unwrap()
        )
    }
    let mut info = ConnectionInfo::default();
    info.peer_address = Some("192.0.2.7:5000".parse().unwrap());
    info.tls_version = Some("TLSv1.3");
    info.server_name = Some("a.test".into());
    let connection = core::Connection::new(Asking(info));
    let response = get_from(Router::new().route("/open", get(about)), &connection).await;
    assert_eq!(text(response).await, "192.0.2.7:5000 TLSv1.3 false a.test");

    let bare: Router = Router::new().route("/", get(about));
    let response = bare.oneshot(Request::get("/").body(axum::body::Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(text(response).await.contains("serve the application with `portcullis_axum::serve`"));
}

#[test]
fn the_two_peers_convert() {
    let there: Peer = core::Peer::Anonymous.into();
    assert!(matches!(core::Peer::from(there), core::Peer::Anonymous));
    let reason = core::Distrust::Revoked;
    let there: Peer = core::Peer::Untrusted { certificate: None, reason }.into();
    assert!(matches!(core::Peer::from(there), core::Peer::Untrusted { reason: core::Distrust::Revoked, .. }));
}
