//! Law 1: only a proof makes an identity.

use portcullis_core::certificate::{AttributeType, Certificate};
use portcullis_core::rule::{anchor, authenticated, role, subject};
use portcullis_core::{Connection, Distrust, Identity, Peer, Provenance};
use portcullis_tests::fixtures::fixtures;

use crate::{authorizer, passes, verified};

#[test]
fn law_1_the_fields_of_an_untrusted_certificate_open_nothing() {
    let certificate = fixtures().unwrap().client("alice").unwrap();
    let certificate = Certificate::from_der(certificate.certificate_der()).unwrap();
    let auth = authorizer(|policy| {
        policy
            .route("GET /name", subject(AttributeType::CN).eq("alice"))
            .route("GET /not", !subject(AttributeType::CN).eq("mallory"))
            .route("GET /fingerprint", portcullis_core::rule::sha256(&certificate.sha256().to_string()))
            .route("GET /anchor", anchor("staff"))
            .route("GET /somebody", authenticated())
            .route("GET /admin", role("admin"))
    });
    let reason = Distrust::Expired { not_after: Some(0) };
    let untrusted = Connection::assertion(Peer::Untrusted { certificate: Some(certificate), reason });
    for path in ["/name", "/not", "/fingerprint", "/anchor", "/somebody", "/admin"] {
        // The same certificate, verified, shows that the rules are not simply false.
        assert!(passes(&auth, "GET", path, &verified("alice")), "{path}");
        assert!(!passes(&auth, "GET", path, &untrusted), "{path}");
    }
}

#[test]
fn law_1_an_assertion_can_be_told_from_a_proof() {
    let certificate = fixtures().unwrap().client("alice").unwrap();
    let certificate = Certificate::from_der(certificate.certificate_der()).unwrap();
    let identity = Identity::assertion(certificate, "staff");
    assert_eq!(*identity.provenance(), Provenance::Asserted);
    assert_eq!(identity.anchor().spki_sha256(), None);
}
