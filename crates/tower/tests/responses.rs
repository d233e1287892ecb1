//! The form of refusals, and the end of connections.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod common;

use common::{Asking, Body, Inner, auth, request, text, untrusted, verified};
use http::{Request, Response, StatusCode, Version};
use portcullis_core::{Connection, Denial, DenialKind, Peer};
use portcullis_tower::{Admission, AskAgain, GrpcStatus, Guard, GuardedBody};
use tower::ServiceExt;

fn nothing<B>(_: Request<B>) -> Response<Body> {
    Response::new(Body::default())
}

#[tokio::test]
async fn the_client_chooses_the_form() {
    let nobody = Connection::assertion(Peer::Anonymous);
    for (accept, kind, begin) in [
        ("text/html", "text/html; charset=utf-8", "<!doctype html>"),
        ("application/json", "application/problem+json", "{"),
        ("*/*", "text/html; charset=utf-8", "<!doctype html>"),
    ] {
        let mut asked = request("GET", "/admin", &nobody);
        asked.headers_mut().insert("accept", accept.parse().unwrap());
        let response = Guard::new(Inner::new(nothing), auth()).oneshot(asked).await.unwrap();
        assert_eq!(response.headers()["content-type"], kind);
        let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
        let body = text(response).await;
        assert!(body.starts_with(begin), "{body}");
        assert_eq!(body.len(), length);
    }
}

#[tokio::test]
async fn a_response_to_head_has_the_length_and_no_body() {
    let nobody = Connection::assertion(Peer::Anonymous);
    let guard = Guard::new(Inner::new(nothing), auth());
    let get = guard.clone().oneshot(request("GET", "/admin", &nobody)).await.unwrap();
    let head = guard.oneshot(request("HEAD", "/admin", &nobody)).await.unwrap();
    assert_eq!(head.status(), StatusCode::FORBIDDEN);
    assert_eq!(head.headers()["content-length"], get.headers()["content-length"]);
    assert_eq!(text(head).await, "");
}

#[tokio::test]
async fn grpc_calls_get_a_grpc_status() {
    let anonymous = Connection::assertion(Peer::Anonymous);
    let bob = Connection::assertion(verified("bob"));
    for (who, status, kind) in [(&anonymous, "16", "certificate-required"), (&bob, "7", "forbidden")] {
        let mut asked = request("POST", "/admin/Call", who);
        asked.headers_mut().insert("content-type", "application/grpc+proto".parse().unwrap());
        let response = Guard::new(Inner::new(nothing), auth()).oneshot(asked).await.unwrap();
        check_grpc(response, status, kind).await;

        let asked = request("POST", "/admin/Call", who);
        let guard = Guard::new(Inner::new(nothing), auth()).renderer(GrpcStatus);
        check_grpc(guard.oneshot(asked).await.unwrap(), status, kind).await;
    }
}

async fn check_grpc(response: Response<GuardedBody<Body>>, status: &str, kind: &str) {
    let denial = response.extensions().get::<Denial>().unwrap().clone();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/grpc");
    assert_eq!(response.headers()["grpc-status"], status);
    assert_eq!(response.headers()["grpc-message"], format!("{kind} ({})", denial.id()));
    assert_eq!(text(response).await, "");
}

#[tokio::test]
async fn a_certificate_denial_ends_the_connection() {
    for (peer, target, version, closed, header) in [
        (Peer::Anonymous, "/admin", Version::HTTP_11, 1, Some("close")),
        (Peer::Anonymous, "/admin", Version::HTTP_10, 1, Some("close")),
        (untrusted(), "/admin", Version::HTTP_11, 1, Some("close")),
        (Peer::Anonymous, "/admin", Version::HTTP_2, 1, None),
        (Peer::Anonymous, "/unknown", Version::HTTP_11, 0, None),
        (verified("bob"), "/admin", Version::HTTP_11, 0, None),
    ] {
        let asking = Asking::new(peer.clone());
        let mut asked = request("GET", target, &asking.handle);
        *asked.version_mut() = version;
        let response = Guard::new(Inner::new(nothing), auth()).oneshot(asked).await.unwrap();
        let label = format!("{peer:?} {target} {version:?}");
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{label}");
        assert_eq!(asking.closed(), closed, "{label}");
        let found = response.headers().get("connection").map(|value| value.to_str().unwrap());
        assert_eq!(found, header, "{label}");
    }
}

#[tokio::test]
async fn a_handler_can_have_its_caller_asked_again() {
    let inner = |_: Request<Body>| {
        let mut response = Response::new(Body::from("import your certificate"));
        response.extensions_mut().insert(AskAgain);
        response
    };
    let asking = Asking::new(Peer::Anonymous);
    let guard = Guard::new(Inner::new(inner), auth());
    let response = guard.clone().oneshot(request("GET", "/", &asking.handle)).await.unwrap();
    assert_eq!((response.status(), asking.closed()), (StatusCode::OK, 1));
    assert_eq!(response.headers()["connection"], "close");

    // On a connection that would not be asked again, closing is of no use.
    let fixed = Connection::assertion(Peer::Anonymous);
    let response = guard.oneshot(request("GET", "/", &fixed)).await.unwrap();
    assert!(response.headers().get("connection").is_none());
}

#[tokio::test]
async fn a_handler_can_refuse_as_the_guard_does() {
    let inner = |request: Request<Body>| {
        let parts = request.into_parts().0;
        let refusal = Admission::of(&parts.extensions).unwrap().refuse(&parts);
        let mut response = Response::new(Body::from("dropped"));
        response.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        response.extensions_mut().insert(refusal);
        response
    };
    let asking = Asking::new(Peer::Anonymous);
    let response =
        Guard::new(Inner::new(inner), auth()).oneshot(request("GET", "/", &asking.handle)).await.unwrap();
    assert_eq!((response.status(), asking.closed()), (StatusCode::FORBIDDEN, 1));
    assert!(response.headers().get("content-encoding").is_none());
    let denial = response.extensions().get::<Denial>().unwrap().clone();
    assert_eq!(denial.kind(), DenialKind::CertificateRequired);
    assert!(text(response).await.contains(&denial.id().to_string()));

    let own =
        Guard::new(Inner::new(inner), auth()).renderer(|denial: &Denial, parts: &http::request::Parts| {
            Response::new(Body::from(format!("{} {}", denial.kind(), parts.uri)))
        });
    let response = own.oneshot(request("GET", "/", &asking.handle)).await.unwrap();
    assert_eq!(text(response).await, "certificate-required /");
}
