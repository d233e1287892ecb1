//! Sources of roles that have to be asked.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::time::Duration;

use common::{Body, Inner, policy, request, text, verified};
use http::{Request, Response, StatusCode};
use portcullis_core::peer::live::Answer;
use portcullis_core::provider::{Account, Grants, ProviderError};
use portcullis_core::{Authorizer, Connection, Denial, DenialKind, Peer, RoleProvider};
use portcullis_tower::{Admission, Guard};
use tokio::time::Instant;
use tower::{Service, ServiceExt};

/// Knows after a while.
struct Slow(fn(&str) -> Result<Grants, ProviderError>);

impl RoleProvider for Slow {
    fn roles(&self, account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        let (answer, name) = (self.0, account.name.to_owned());
        Answer::Pending(Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            answer(&name)
        }))
    }
}

fn auth(answer: fn(&str) -> Result<Grants, ProviderError>) -> Authorizer {
    Authorizer::builder(policy()).roles(Slow(answer)).build().unwrap()
}

fn roles<B>(request: Request<B>) -> Response<Body> {
    let principal = Admission::of(request.extensions()).unwrap().principal();
    Response::new(Body::from(principal.roles().names().collect::<Vec<_>>().join(",")))
}

#[tokio::test]
async fn the_answer_is_waited_for() {
    let auth = auth(|name| Ok(if name == "alice" { Grants::from(["admin"]) } else { Grants::default() }));
    let inner = Inner::new(roles);
    let guard = Guard::new(inner.clone(), auth);
    let alice = Connection::assertion(verified("alice"));
    let response = guard.clone().oneshot(request("GET", "/admin/x", &alice)).await.unwrap();
    assert_eq!(text(response).await, "admin");

    let bob = Connection::assertion(verified("bob"));
    let response = guard.oneshot(request("GET", "/admin/x", &bob)).await.unwrap();
    assert_eq!(response.extensions().get::<Denial>().unwrap().kind(), DenialKind::Forbidden);
    assert_eq!((response.status(), inner.calls()), (StatusCode::FORBIDDEN, 1));
}

#[tokio::test]
async fn a_source_that_fails_denies_with_503() {
    let guard = Guard::new(Inner::new(roles), auth(|_| Err(ProviderError::new("the database is down"))));
    let alice = Connection::assertion(verified("alice"));
    let response = guard.clone().oneshot(request("GET", "/admin/x", &alice)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let denial = response.extensions().get::<Denial>().unwrap().clone();
    assert!(denial.to_string().contains("the database is down"), "{denial}");
    assert!(!text(response).await.contains("database"));

    // What needs no role is open all the same.
    let response = guard.oneshot(request("GET", "/reports/7", &alice)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_source_that_panics_denies() {
    let panics = |_: Account<'_>| -> [&'static str; 1] { panic!("a bug in the source") };
    let auth = Authorizer::builder(policy()).roles(panics).build().unwrap();
    let alice = Connection::assertion(verified("alice"));
    let inner = Inner::new(roles);
    let response = Guard::new(inner.clone(), auth).oneshot(request("GET", "/admin/x", &alice)).await.unwrap();
    assert_eq!((response.status(), inner.calls()), (StatusCode::SERVICE_UNAVAILABLE, 0));
}

#[tokio::test]
async fn the_service_that_was_ready_is_the_one_that_is_called() {
    let inner = Inner::new(roles);
    let limited = tower::limit::ConcurrencyLimit::new(inner.clone(), 1);
    let mut guard = Guard::new(limited, auth(|_| Ok(Grants::from(["admin"]))));
    let alice = Connection::assertion(verified("alice"));
    for calls in 1..=3 {
        // A clone that was never polled ready would panic here, and a lost permit would hang.
        let response = guard.ready().await.unwrap().call(request("GET", "/admin/x", &alice));
        assert_eq!(response.await.unwrap().status(), StatusCode::OK);
        assert_eq!(inner.calls(), calls);
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_never_reaches_the_service() {
    let inner = Inner::new(roles);
    let guard = Guard::new(inner.clone(), auth(|_| Ok(Grants::from(["admin"]))));
    let alice = Connection::assertion(verified("alice"));
    let response = guard.oneshot(request("GET", "/admin/x", &alice));
    assert!(tokio::time::timeout(Duration::from_millis(1), response).await.is_err());
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(inner.calls(), 0);
}

/// Never knows.
struct Hangs;

impl RoleProvider for Hangs {
    fn roles(&self, _: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Pending(Box::pin(std::future::pending()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_denies_at_the_limit() {
    let limit = Duration::from_secs(3);
    let auth = Authorizer::builder(policy()).roles(Hangs).source_limit(limit).build().unwrap();
    let inner = Inner::new(roles);
    let guard = Guard::new(inner.clone(), auth);
    let alice = Connection::assertion(verified("alice"));
    let begun = Instant::now();
    let response = guard.clone().oneshot(request("GET", "/admin/x", &alice)).await.unwrap();
    assert_at(begun, limit);
    assert_eq!((response.status(), inner.calls()), (StatusCode::SERVICE_UNAVAILABLE, 0));
    let denial = response.extensions().get::<Denial>().unwrap();
    assert_eq!(denial.kind(), DenialKind::Unavailable);
    assert!(denial.to_string().contains("source 1: it did not answer within 3 s"), "{denial}");

    // What needs no role is open all the same, after the same time.
    for target in ["/", "/reports/7"] {
        let begun = Instant::now();
        let response = guard.clone().oneshot(request("GET", target, &alice)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{target}");
        assert_at(begun, limit);
    }

    // Whom no source is asked about does not wait.
    let nobody = Connection::assertion(Peer::Anonymous);
    let begun = Instant::now();
    let response = guard.oneshot(request("GET", "/", &nobody)).await.unwrap();
    assert_eq!((response.status(), begun.elapsed()), (StatusCode::OK, Duration::ZERO));
}

/// That it is so long after the beginning, as exactly as the runtime tells the time.
#[track_caller]
fn assert_at(begun: Instant, limit: Duration) {
    let elapsed = begun.elapsed();
    assert!((limit..=limit + Duration::from_millis(1)).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_answers_is_not_held_up_by_the_limit() {
    let auth = auth(|_| Ok(Grants::from(["admin"])));
    let alice = Connection::assertion(verified("alice"));
    let begun = Instant::now();
    let response = Guard::new(Inner::new(roles), auth).oneshot(request("GET", "/admin/x", &alice)).await;
    assert_eq!(text(response.unwrap()).await, "admin");
    assert_at(begun, Duration::from_millis(5));
}

#[tokio::test(start_paused = true)]
async fn a_good_source_beside_one_that_hangs_counts() {
    let slow = Slow(|_| Ok(Grants::from(["admin"])));
    let auth = Authorizer::builder(policy()).roles(Hangs).roles(slow).build().unwrap();
    let alice = Connection::assertion(verified("alice"));
    let begun = Instant::now();
    let response = Guard::new(Inner::new(roles), auth).oneshot(request("GET", "/admin/x", &alice)).await;
    assert_eq!(text(response.unwrap()).await, "admin");
    assert_at(begun, Duration::from_secs(10));
}

/// Is always busy, and so uses up the turns that tokio gives a task.
struct Busy;

impl RoleProvider for Busy {
    fn roles(&self, _: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Pending(Box::pin(async {
            loop {
                tokio::task::consume_budget().await;
            }
        }))
    }
}

#[tokio::test]
async fn a_source_that_is_always_busy_does_not_stop_the_clock() {
    let limit = Duration::from_millis(20);
    let auth = Authorizer::builder(policy()).roles(Busy).source_limit(limit).build().unwrap();
    let alice = Connection::assertion(verified("alice"));
    let response = Guard::new(Inner::new(roles), auth).oneshot(request("GET", "/admin/x", &alice));
    let response = tokio::time::timeout(Duration::from_secs(60), response).await.expect("in time").unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_source_that_panics_while_it_waits_denies() {
    let panics = Slow(|_| panic!("a bug in the source"));
    let auth = Authorizer::builder(policy()).roles(panics).build().unwrap();
    let alice = Connection::assertion(verified("alice"));
    let guard = Guard::new(Inner::new(roles), auth);
    let response = guard.clone().oneshot(request("GET", "/admin/x", &alice)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let denial = response.extensions().get::<Denial>().unwrap();
    assert!(denial.to_string().contains("source 1: it panicked"), "{denial}");
    let response = guard.oneshot(request("GET", "/", &alice)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}
