//! The application without TLS: who sees which page.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use example_axum::{app, denied};
use portcullis_axum::core::{Connection, Peer};
use portcullis_axum::{Certificate, Distrust, Identity, guard};
use portcullis_pki::Authority;
use tower::ServiceExt;

fn verified(name: &str) -> Peer {
    let authority = Authority::new("Test CA").unwrap();
    let client = authority.client(name).email("a@example.com").organization("Example");
    let client = client.organizational_unit("Security").locality("Berlin").state("Berlin").country("DE");
    let certificate = Certificate::from_der(client.issue().unwrap().certificate_der()).unwrap();
    Peer::Verified(Identity::assertion(certificate, "clients"))
}

async fn get(peer: Peer, path: &str) -> (StatusCode, String) {
    let app = guard(app(), example_shared::authorizer().unwrap()).denied(denied);
    let request = Request::get(path).extension(Connection::assertion(peer)).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.into()).unwrap())
}

#[tokio::test]
async fn the_authorized_page_shows_the_subject_and_the_roles() {
    let (status, page) = get(verified("alice"), "/").await;
    assert_eq!(status, StatusCode::OK);
    for part in
        ["Authorized", "alice", "a@example.com", "Example", "Security", "Berlin", "DE", "admin", "user"]
    {
        assert!(page.contains(part), "`{part}` is missing in {page}");
    }
}

#[tokio::test]
async fn the_unauthorized_page_says_why_and_what_to_do() {
    let (status, page) = get(Peer::Anonymous, "/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Unauthorized") && page.contains(".p12"));
    let reason = Distrust::UnknownIssuer { issuer: "CN=<b>Mallory</b> CA".into() };
    let (_, page) = get(Peer::Untrusted { certificate: None, reason }, "/").await;
    assert!(page.contains("Unauthorized") && page.contains("unknown issuer"));
    assert!(!page.contains("<b>Mallory"), "what a certificate says is escaped");
}

#[tokio::test]
async fn whoami_answers_everybody() {
    let (_, body) = get(verified("bob"), "/whoami").await;
    for part in
        [r#""peer":"verified""#, r#""name":"bob""#, r#""roles":["user"]"#, r#""provenance":"asserted""#]
    {
        assert!(body.contains(part), "`{part}` is missing in {body}");
    }
    let (status, body) = get(Peer::Anonymous, "/whoami").await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains(r#""peer":"anonymous""#) && body.contains(r#""name":null"#));
}

#[tokio::test]
async fn each_route_is_open_to_whom_the_policy_says() {
    for (path, nobody, bob, alice) in [
        ("/", 200, 200, 200),
        ("/health", 200, 200, 200),
        ("/static/style.css", 200, 200, 200),
        ("/reports/7", 403, 200, 200),
        ("/admin/", 403, 403, 200),
        ("/admin/users/7", 403, 403, 200),
        ("/static/private/notes.txt", 403, 403, 200),
        ("/nothing", 403, 403, 403),
    ] {
        for (peer, expected) in
            [(Peer::Anonymous, nobody), (verified("bob"), bob), (verified("alice"), alice)]
        {
            let name = peer.name();
            assert_eq!(get(peer, path).await.0.as_u16(), expected, "{path} as {name}");
        }
    }
}
