//! What reaches the inner service, and what the others are told.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod common;

use common::{Asking, Body, Inner, auth, request, text, untrusted, verified};
use http::{Request, Response, StatusCode};
use portcullis_core::{Connection, Denial, DenialKind, Peer};
use portcullis_tower::{Admission, Guard, GuardLayer};
use tower::{Layer, Service, ServiceExt};

fn name<B>(request: Request<B>) -> Response<Body> {
    let principal = Admission::of(request.extensions()).expect("the guard let it through").principal();
    Response::new(Body::from(principal.name().unwrap_or("nobody").to_owned()))
}

#[tokio::test]
async fn each_gets_as_far_as_the_policy_says() {
    let alice = Connection::assertion(verified("alice"));
    let bob = Connection::assertion(verified("bob"));
    let nobody = Connection::assertion(Peer::Anonymous);
    let stranger = Connection::assertion(untrusted());
    for (who, method, target, expected) in [
        (&nobody, "GET", "/", Ok("nobody")),
        (&nobody, "HEAD", "/", Ok("nobody")),
        (&nobody, "POST", "/", Err(DenialKind::NoRule)),
        (&nobody, "GET", "/reports/7", Err(DenialKind::CertificateRequired)),
        (&stranger, "GET", "/", Ok("nobody")),
        (&stranger, "GET", "/reports/7", Err(DenialKind::CertificateUntrusted)),
        (&bob, "GET", "/reports/7", Ok("bob")),
        (&bob, "GET", "/admin", Err(DenialKind::Forbidden)),
        (&alice, "DELETE", "/admin/users/7", Ok("alice")),
        (&alice, "GET", "/unknown", Err(DenialKind::NoRule)),
        (&alice, "GET", "//admin", Err(DenialKind::Firewall)),
        (&alice, "GET", "/admin/..%2fx", Err(DenialKind::Firewall)),
        (&alice, "GET", "https://evil.example/admin", Err(DenialKind::Firewall)),
    ] {
        let inner = Inner::new(name);
        let response = Guard::new(inner.clone(), auth()).oneshot(request(method, target, who)).await.unwrap();
        let label = format!("{method} {target} expecting {expected:?}");
        match expected {
            Ok(name) => {
                assert_eq!((response.status(), inner.calls()), (StatusCode::OK, 1), "{label}");
                assert!(response.extensions().get::<Denial>().is_none(), "{label}");
                assert_eq!(text(response).await, name, "{label}");
            }
            Err(kind) => {
                let denial = response.extensions().get::<Denial>().expect(&label).clone();
                assert_eq!((denial.kind(), inner.calls()), (kind, 0), "{label}");
                assert_eq!(response.status().as_u16(), denial.status(), "{label}");
                assert_eq!(response.headers()["cache-control"], "no-store", "{label}");
                assert_eq!(response.headers()["vary"], "accept", "{label}");
                assert!(response.headers().get("connection").is_none(), "{label}");
                assert!(text(response).await.contains(&denial.id().to_string()), "{label}");
            }
        }
    }
}

#[tokio::test]
async fn a_missing_connection_is_a_failure_and_not_somebody_anonymous() {
    let inner = Inner::new(name);
    let asked = Request::get("/").body(Body::default()).unwrap();
    let response = Guard::new(inner.clone(), auth()).oneshot(asked).await.unwrap();
    assert_eq!((response.status(), inner.calls()), (StatusCode::INTERNAL_SERVER_ERROR, 0));
    let denial = response.extensions().get::<Denial>().unwrap();
    assert!(denial.to_string().contains("without a connection identity"), "{denial}");
}

#[tokio::test]
async fn a_listener_without_certificates_needs_no_connection() {
    let auth = portcullis_core::Authorizer::without_certificates(["GET /health"]).unwrap();
    let guard = Guard::new(Inner::new(name), auth);
    let ask = |target: &str| guard.clone().oneshot(Request::get(target).body(Body::default()).unwrap());
    assert_eq!(ask("/health").await.unwrap().status(), StatusCode::OK);
    assert_eq!(ask("/admin").await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_principal_of_somebody_else_is_never_taken() {
    let portcullis_core::peer::live::Answer::Ready(alice) = auth().principal(verified("alice")) else {
        panic!("the roles are a map")
    };
    let nobody = Connection::assertion(Peer::Anonymous);

    // Smuggled in before the guard: as a principal, and as the admission of an earlier request.
    let earlier = std::sync::Arc::new(std::sync::Mutex::new(None));
    let kept = std::sync::Arc::clone(&earlier);
    let keep = Inner::new(move |request: Request<Body>| {
        *kept.lock().unwrap() = Admission::of(request.extensions()).cloned();
        Response::new(Body::default())
    });
    let admin = request("GET", "/admin", &Connection::assertion(verified("alice")));
    Guard::new(keep, auth()).oneshot(admin).await.unwrap();
    let earlier = earlier.lock().unwrap().take().expect("alice was admitted");

    for target in ["/", "/admin"] {
        let mut asked = request("GET", target, &nobody);
        asked.extensions_mut().insert(alice.clone());
        asked.extensions_mut().insert(earlier.clone());
        let response = Guard::new(Inner::new(name), auth()).oneshot(asked).await.unwrap();
        if target == "/" {
            assert_eq!(text(response).await, "nobody");
        } else {
            assert_eq!(response.status(), StatusCode::FORBIDDEN);
        }
    }
}

#[tokio::test]
async fn an_own_page_is_taken_as_it_is() {
    let layer = GuardLayer::new(auth()).denied(|denial, request| {
        let text = format!("{} {} {}", denial.kind(), request.method, request.uri.path());
        Response::builder().status(418).header("x-own", "yes").body(Body::from(text)).unwrap()
    });
    let asking = Asking::new(Peer::Anonymous);
    let guard = layer.layer(Inner::new(name));
    let response = guard.oneshot(request("GET", "/reports/7", &asking.handle)).await.unwrap();
    assert_eq!((response.status().as_u16(), asking.closed()), (418, 1));
    assert_eq!(response.headers()["x-own"], "yes");
    assert_eq!(response.headers()["connection"], "close");
    assert!(response.headers().get("cache-control").is_none());
    assert_eq!(response.extensions().get::<Denial>().unwrap().kind(), DenialKind::CertificateRequired);
    assert_eq!(text(response).await, "certificate-required GET /reports/7");
}

#[tokio::test]
async fn errors_of_the_inner_service_pass() {
    let inner = tower::service_fn(|_: Request<Body>| async { Err::<Response<Body>, _>("broken") });
    let asked = request("GET", "/", &Connection::assertion(Peer::Anonymous));
    assert_eq!(Guard::new(inner, auth()).oneshot(asked).await.unwrap_err(), "broken");
}

#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    let inner = tower::service_fn(|_: Request<Body>| async { Ok::<_, &str>(Response::new(Body::default())) });
    let limited = tower::limit::ConcurrencyLimit::new(inner, 1);
    let mut guard = Guard::new(limited, auth());
    let asked = || request("GET", "/", &Connection::assertion(Peer::Anonymous));
    let first = guard.ready().await.unwrap().call(asked());
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(20), guard.ready()).await;
    assert!(waiting.is_err(), "the one place is taken");
    assert_eq!(first.await.unwrap().status(), StatusCode::OK);
    assert_eq!(guard.ready().await.unwrap().call(asked()).await.unwrap().status(), StatusCode::OK);
}
