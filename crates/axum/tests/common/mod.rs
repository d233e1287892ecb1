//! Policies, peers and requests for the tests.
#![allow(dead_code, reason = "each test program uses its part")]

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use http_body_util::BodyExt;
use portcullis_axum::core::{Connection, Peer};
use portcullis_axum::rule::{anyone, authenticated, role};
use portcullis_axum::{Authorizer, Certificate, Distrust, Identity, Policy, RoleMap};
use portcullis_pki::Authority;

/// `/` and `/static/..` for everybody, `/reports/..` for the authenticated, `/admin/..`, `/api/..`
/// and `/static/private/..` for alice.
pub(crate) fn auth() -> Authorizer {
    let policy = Policy::builder()
        .role("admin", [])
        .route("GET /", anyone())
        .route("GET /open", anyone())
        .route("GET /reports/{id}", authenticated())
        .route("* /admin/{*rest}", role("admin"))
        .route("* /api/{*rest}", role("admin"))
        .route("GET /static/{*rest}", anyone())
        .route("GET /static/private/{*rest}", role("admin"))
        .build()
        .unwrap();
    Authorizer::builder(policy).roles(RoleMap::new().name("alice", ["admin"]).unwrap()).build().unwrap()
}

pub(crate) fn verified(name: &str) -> Connection {
    let issued = Authority::new("Test CA").unwrap().client(name).issue().unwrap();
    let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
    Connection::assertion(Peer::Verified(Identity::assertion(certificate, "staff")))
}

pub(crate) fn untrusted() -> Connection {
    Connection::assertion(Peer::Untrusted { certificate: None, reason: Distrust::Revoked })
}

pub(crate) fn anonymous() -> Connection {
    Connection::assertion(Peer::Anonymous)
}

pub(crate) fn request(method: &str, target: &str, connection: &Connection) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(target)
        .header("host", "localhost")
        .extension(connection.clone())
        .body(Body::empty())
        .unwrap()
}

pub(crate) async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}
