//! One test or more for each law of the design that the cases cannot show, named after it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod law_01;
mod law_02;
mod law_03;
mod law_04;
mod law_05;
mod law_08;
mod law_13;

use portcullis_core::certificate::Certificate;
use portcullis_core::policy::PolicyBuilder;
use portcullis_core::{Authorizer, Connection, Identity, Peer, Policy, Request};
use portcullis_tests::fixtures::fixtures;
use portcullis_tests::policy::{members, roles};

/// A person of the fixtures, verified.
fn verified(client: &str) -> Connection {
    let issued = fixtures().unwrap().client(client).unwrap();
    let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
    Connection::assertion(Peer::Verified(Identity::assertion(certificate, "staff")))
}

/// A policy with the usual roles and members.
fn authorizer(policy: impl FnOnce(PolicyBuilder) -> PolicyBuilder) -> Authorizer {
    let policy = policy(roles(Policy::builder())).build().unwrap();
    Authorizer::builder(policy).roles(members().unwrap()).build().unwrap()
}

/// Whether a request passes.
fn passes(auth: &Authorizer, method: &str, path: &str, connection: &Connection) -> bool {
    auth.decide(&Request::new(method, path), Some(connection)).is_allowed()
}
