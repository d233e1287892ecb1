//! What the benchmarks have in common: callers and policies to decide about.

use portcullis_core::certificate::Certificate;
use portcullis_core::rule::{anyone, role, subject};
use portcullis_core::{Authorizer, Connection, Identity, Peer, Policy, RoleMap};
use portcullis_pki::{Authority, Issued, PkiError};

/// A client certificate of the usual size.
///
/// # Errors
///
/// When the random generator fails.
pub fn alice() -> Result<Issued, PkiError> {
    let authority = Authority::new("Bench CA")?;
    let client = authority.client("alice").email("alice@example.com").organization("Example");
    client.organizational_unit("Security").locality("Berlin").state("Berlin").country("DE").issue()
}

/// A connection whose peer is verified.
///
/// # Panics
///
/// When the certificate cannot be parsed.
#[must_use]
#[expect(clippy::expect_used, reason = "without a caller there is nothing to measure")]
pub fn connection(issued: &Issued) -> Connection {
    let certificate = Certificate::from_der(issued.certificate_der()).expect("the certificate is good");
    Connection::assertion(Peer::Verified(Identity::assertion(certificate, "staff")))
}

/// Three routes: open to anyone, to a role, and by facts of the certificate.
///
/// # Panics
///
/// Never, as the policy stands.
#[must_use]
#[expect(clippy::expect_used, reason = "without a policy there is nothing to measure")]
pub fn authorizer() -> Authorizer {
    use portcullis_core::certificate::AttributeType;

    let facts = subject(AttributeType::CN).eq("alice").and(subject(AttributeType::OU).contains("Security"));
    let policy = Policy::builder()
        .role("admin", [])
        .route("GET /open/{id}", anyone())
        .route("GET /role/{id}", role("admin"))
        .route("GET /facts/{id}", facts)
        .build()
        .expect("the policy is consistent");
    let roles = RoleMap::new().name("alice", ["admin"]).expect("the role name is good");
    Authorizer::builder(policy).roles(roles).build().expect("the role is defined")
}
