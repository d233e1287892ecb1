//! Sources of roles that have to be asked.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::time::Duration;

use common::{Body, Inner, policy, request, text, verified};
use http::{Request, Response, StatusCode};
use portcullis_core::peer::live::Answer;
use portcullis_core::provider::{Account, Grants, ProviderError};
use portcullis_core::{Authorizer, Connection, Denial, DenialKind, RoleProvider};
use portcullis_tower::{Admission, Guard};
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
