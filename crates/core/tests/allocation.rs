//! From a request to a decision nothing is allocated.

#![allow(clippy::unwrap_used, reason = "clippy exempts test functions, not what they call")]

use allocation_counter::measure;
use portcullis_core::audit::{Audit, AuditEvent};
use portcullis_core::authorizer::AuthorizerBuilder;
use portcullis_core::certificate::{AttributeType, Certificate};
use portcullis_core::rule::{role, subject};
use portcullis_core::{Authorizer, Connection, Identity, Peer, Policy, Request, RoleMap};
use portcullis_pki::Authority;

fn builder() -> AuthorizerBuilder {
    let policy = Policy::builder()
        .role("user", [])
        .role("admin", ["user"])
        .route("GET /admin/{*rest}", role("admin"))
        .route("GET /security/{id}", subject(AttributeType::OU).eq("Security").and(!role("admin")))
        .build()
        .unwrap();
    let roles = RoleMap::new().name("alice", ["admin"]).unwrap().name("bob", ["user"]).unwrap();
    Authorizer::builder(policy).roles(roles)
}

fn connection(name: &str) -> Connection {
    let issued =
        Authority::new("Test CA").unwrap().client(name).organizational_unit("Security").issue().unwrap();
    let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
    Connection::assertion(Peer::Verified(Identity::assertion(certificate, "staff")))
}

#[test]
fn an_allow_that_no_sink_wants_allocates_nothing() {
    for (sample, most) in [(0, 0), (1, 4)] {
        let audit = Audit::to(|_: &AuditEvent<'_>| {}).sample_allows(sample);
        let (auth, alice) = (builder().audit(audit).build().unwrap(), connection("alice"));
        let request = Request::new("GET", "/admin/users/7").with_host("localhost:8443");
        assert!(auth.decide(&request, Some(&alice)).is_allowed());
        let verdict = measure(|| drop(auth.authorize(&request, Some(&alice))));
        assert!(verdict.count_total <= most, "{} of {most}", verdict.count_total);
        assert_eq!(verdict.count_total > 0, sample > 0, "the event itself is not free");
    }
}

#[test]
fn deciding_allocates_nothing() {
    let counted = measure(|| drop(std::hint::black_box(vec![1_u8; 100])));
    assert_eq!(counted.count_total, 1, "the counter counts");

    let (auth, alice, bob) = (builder().build().unwrap(), connection("alice"), connection("bob"));
    for (connection, path, allowed) in [
        (&alice, "/admin/users/7", true),
        (&bob, "/admin/users/7", false),
        (&bob, "/security/7", true),
        (&alice, "/security/7", false),
    ] {
        let request = Request::new("GET", path).with_host("localhost:8443");
        // The first request of a connection finds the roles and remembers them.
        assert_eq!(auth.decide(&request, Some(connection)).is_allowed(), allowed, "{path}");

        let mut decided = None;
        let decision = measure(|| decided = Some(auth.decide(&request, Some(connection)).is_allowed()));
        assert_eq!((decided, decision.count_total), (Some(allowed), 0), "decide {path}");

        // A denial has a series of its own for each route, whose label has to be made.
        if cfg!(feature = "metrics") && !allowed {
            continue;
        }
        let verdict = measure(|| drop(auth.authorize(&request, Some(connection))));
        assert_eq!(verdict.count_total, 0, "authorize {path}");
    }
}
