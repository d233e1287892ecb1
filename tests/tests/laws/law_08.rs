//! Law 8: denials tell operators, not clients.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

use actix_web::{App, test, web};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use portcullis_core::rule::role;
use portcullis_core::{Authorizer, Connection, Denial, DenialKind, Peer};
use tower::ServiceExt;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::{authorizer, verified};

thread_local! {
    /// What was logged on this thread, as JSON and as text.
    static LOGS: RefCell<[Vec<u8>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// One of the two logs of the thread that writes.
struct Log(usize);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGS.with_borrow_mut(|logs| logs[self.0].write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Listens for the whole process: subscribers of single threads miss events of call sites that
/// another thread is just about to register.
fn start_logging() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let json = fmt::layer().json().with_writer(|| Log(0));
        let text = fmt::layer().with_ansi(false).with_writer(|| Log(1));
        let denials = Targets::new().with_target("portcullis", tracing::Level::TRACE);
        tracing_subscriber::registry().with(json).with(text).with(denials).init();
    });
}

fn logged(number: usize) -> String {
    LOGS.with_borrow(|logs| String::from_utf8(logs[number].clone()).unwrap())
}

fn closed() -> Authorizer {
    authorizer(|policy| policy.route("GET /vault/{id}", role("admin").and(!role("suspended"))))
}

/// The client sees the id and the kind; the log has the same id, and everything else.
fn assert_told_apart(denial: &Denial, body: &str, log: &str) {
    assert_eq!(denial.kind(), DenialKind::Forbidden);
    let id = denial.id().to_string();
    let rule = denial.rule().unwrap().to_string();
    assert_eq!(denial.route().unwrap(), "GET /vault/{id}");
    assert!(body.contains(&id) && body.contains("forbidden"), "{body}");
    for secret in [rule.as_str(), "/vault", "vault", "bob", "suspended", "admin", "Engineering"] {
        assert!(!body.contains(secret), "the client is told `{secret}`: {body}");
    }
    let line =
        log.lines().find(|line| line.contains(&id)).unwrap_or_else(|| panic!("the id is in no event: {log}"));
    let event: serde_json::Value = serde_json::from_str(line).unwrap();
    let fields = &event["fields"];
    assert_eq!(fields["route"], "GET /vault/{id}", "{line}");
    assert_eq!(fields["rule"], rule, "{line}");
    assert_eq!(fields["name"], "bob", "{line}");
    assert!(fields["cause"].as_str().is_some_and(|cause| !cause.is_empty()), "{line}");
    assert!(fields["sha256"].as_str().is_some_and(|sha256| sha256.len() >= 64), "{line}");
}

#[tokio::test]
async fn law_8_axum_and_tower() {
    start_logging();
    let app = portcullis_axum::guard(Router::new().route("/vault/{id}", get(async || "gold")), closed());
    for accept in ["text/html", "application/problem+json"] {
        let request = http::Request::get("/vault/7").header("accept", accept).extension(verified("bob"));
        let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let denial = response.extensions().get::<Denial>().cloned().expect("the denial in the extensions");
        assert_eq!(response.status().as_u16(), denial.status());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert_told_apart(&denial, std::str::from_utf8(&body).unwrap(), &logged(0));
    }
}

#[actix_web::test]
async fn law_8_actix() {
    start_logging();
    let Some(bob) = verified("bob").peer(0).get().await.identity().cloned() else {
        panic!("bob is verified")
    };
    let app = App::new().route("/vault/{id}", web::get().to(async || "gold"));
    let app = app.wrap(portcullis_actix::Guard::assertion(closed(), Peer::Verified(bob)));
    let app = test::init_service(app).await;
    for accept in ["text/html", "application/problem+json"] {
        let request = test::TestRequest::with_uri("/vault/7").insert_header(("accept", accept)).to_request();
        let response = test::call_service(&app, request).await;
        let denial = response.response().extensions().get::<Denial>().cloned().expect("the denial");
        assert_eq!(response.status().as_u16(), denial.status());
        let body = test::read_body(response).await;
        assert_told_apart(&denial, std::str::from_utf8(&body).unwrap(), &logged(0));
    }
}

#[tokio::test]
async fn law_8_nothing_that_a_client_sends_breaks_a_line_of_the_log() {
    start_logging();
    let auth = closed();
    for client in
        ["hostile:inj_crlf", "hostile:rtl_cn", "hostile:inj_quote", "hostile:nul_cn", "hostile:san_crlf"]
    {
        let request = portcullis_core::Request::new("GET", "/vault/x%0ay");
        let denied = auth.authorize(&request, Some(&verified(client))).get().await;
        assert!(!denied.decision.is_allowed());
        let request = portcullis_core::Request::new("GET", "/vault/7");
        let denied = auth.authorize(&request, Some(&verified(client))).get().await;
        assert!(!denied.decision.is_allowed());
        let request = portcullis_core::Request::new("GET\r\nX", "/vault/\u{202e}\u{1b}[31m");
        let denied = auth.authorize(&request, Some(&Connection::assertion(Peer::Anonymous))).get().await;
        assert!(!denied.decision.is_allowed());
    }
    let text = logged(1);
    assert!(text.lines().count() >= 15, "{text}");
    for line in text.lines() {
        assert!(line.starts_with("20"), "a line that no event began: {line:?}");
        let odd = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{2028}';
        assert!(!line.contains(odd), "{line:?}");
    }
}
