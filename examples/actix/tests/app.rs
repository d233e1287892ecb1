//! The application without TLS: who sees which page.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use actix_web::{App, test};
use example_actix::{app, denied};
use portcullis_actix::core::Peer;
use portcullis_actix::{Certificate, Distrust, Guard, Identity};
use portcullis_pki::Authority;

fn verified(name: &str) -> Peer {
    let authority = Authority::new("Test CA").unwrap();
    let client = authority.client(name).email("a@example.com").organization("Example");
    let certificate = Certificate::from_der(client.issue().unwrap().certificate_der()).unwrap();
    Peer::Verified(Identity::assertion(certificate, "clients"))
}

async fn get(peer: Peer, path: &str) -> (u16, String) {
    let guard = Guard::assertion(example_shared::authorizer().unwrap(), peer).denied(denied);
    let app = test::init_service(App::new().configure(app).wrap(guard)).await;
    let response = test::call_service(&app, test::TestRequest::with_uri(path).to_request()).await;
    let status = response.status().as_u16();
    (status, String::from_utf8(test::read_body(response).await.into()).unwrap())
}

#[actix_web::test]
async fn the_pages_say_who_and_why() {
    let (status, page) = get(verified("alice"), "/").await;
    assert_eq!(status, 200);
    for part in ["Authorized", "alice", "a@example.com", "Example", "admin", "user"] {
        assert!(page.contains(part), "`{part}` is missing in {page}");
    }
    let (status, page) = get(Peer::Anonymous, "/").await;
    assert!(status == 200 && page.contains("Unauthorized") && page.contains(".p12"));
    let reason = Distrust::UnknownIssuer { issuer: "CN=<b>Mallory</b> CA".into() };
    let (_, page) = get(Peer::Untrusted { certificate: None, reason }, "/").await;
    assert!(page.contains("unknown issuer") && !page.contains("<b>Mallory"));
    let (_, body) = get(Peer::Anonymous, "/whoami").await;
    assert!(body.contains(r#""peer":"anonymous""#) && body.contains(r#""name":null"#));
}

#[actix_web::test]
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
            assert_eq!(get(peer, path).await.0, expected, "{path} as {name}");
        }
    }
}
