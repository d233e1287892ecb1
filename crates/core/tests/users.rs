//! Callers that tests make up, and the assertions about them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy exempts test functions, not what they call"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use portcullis_core::certificate::Certificate;
use portcullis_core::principal::TestPrincipal;
use portcullis_core::provider::Account;
use portcullis_core::{Authorizer, Connection, DenialKind, Identity, Peer, Policy, Principal, Request};
use portcullis_pki::Authority;

const POLICY: &str = r#"
version = 1

[anchors]
staff = { name = "subject.CN" }
mesh  = { name = "san.dns", prefix = "mesh:" }

[roles.user]
when = 'anchor.label == "staff"'
[roles.admin]
includes = ["user"]
members = ["alice"]
[roles.auditor]
when = '"Audit" in subject.all.OU'
[roles.suspended]

[[route]]
match = "GET /"
allow = "anyone"
[[route]]
match = "GET /me"
allow = "authenticated"
[[route]]
match = "GET /users/{name}"
allow = 'params.name == principal.name || role("admin")'
[[route]]
match = "GET /reports"
allow = 'role("user") && !role("suspended")'
[[route]]
match = "GET /books"
allow = 'role("auditor")'
[[route]]
match = "GET /berlin"
allow = 'subject.L == "Berlin"'
[[route]]
match = "GET /elsewhere"
allow = '!(subject.L == "Berlin")'
[[route]]
match = "GET /closed"
allow = "nobody"
[[route]]
match = "GET /internal"
host = "internal.test"
allow = 'role("admin")'
"#;

fn auth() -> Authorizer {
    Authorizer::builder(Policy::from_text("policy.toml", POLICY).unwrap()).build().unwrap()
}

fn certificate(name: &str) -> Certificate {
    let issued =
        Authority::new("Test CA").unwrap().client(name).organizational_unit("Audit").issue().unwrap();
    Certificate::from_der(issued.certificate_der()).unwrap()
}

fn message(fails: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(fails)).expect_err("it did not fail");
    panic.downcast_ref::<String>().expect("a message").clone()
}

#[test]
fn a_name_is_enough_for_rules_about_names_and_roles() {
    let auth = auth();
    let bob = Principal::test("bob").role("user").under(&auth);
    assert_eq!(bob.name(), Ok("bob"));
    assert!(bob.is_authenticated() && bob.identity().is_none());
    auth.assert_allows(&bob, "GET /");
    auth.assert_allows(&bob, "GET /me");
    auth.assert_allows(&bob, "GET /users/bob");
    auth.assert_allows(&bob, "HEAD /users/bob");
    auth.assert_allows(&bob, "GET /reports");
    auth.assert_denies(&bob, "GET /users/alice", DenialKind::Forbidden);
    auth.assert_denies(&bob, "GET /closed", DenialKind::Forbidden);
    auth.assert_denies(&bob, "GET /elsewhere/", DenialKind::NoRule);
    auth.assert_denies(&bob, "GET //me", DenialKind::Firewall);
}

#[test]
fn the_policy_gives_its_own_roles() {
    let auth = auth();
    let alice = Principal::test("alice").under(&auth);
    assert!(alice.has_role("admin") && alice.has_role("user") && !alice.has_role("suspended"));
    let audit = Principal::test("bob").certificate(certificate("bob")).anchor("staff").under(&auth);
    assert!(audit.has_role("auditor") && audit.has_role("user") && !audit.has_role("admin"));
    auth.assert_allows(&audit, "GET /books");
}

#[test]
fn without_a_certificate_what_reads_one_is_an_error() {
    let auth = auth();
    let bob = Principal::test("bob").under(&auth);
    for denied in ["GET /berlin", "GET /elsewhere", "GET /books", "GET /reports"] {
        auth.assert_denies(&bob, denied, DenialKind::Forbidden);
        let cause = auth.explain(&Request::try_from(denied).unwrap(), &bob).to_string();
        assert!(cause.contains("could not be decided"), "{cause}");
    }
    // What is given outright does not hang on the condition.
    auth.assert_allows(&Principal::test("bob").role("user").under(&auth), "GET /reports");
}

#[test]
fn roles_bring_what_they_include() {
    let auth = auth();
    let carol = Principal::test("carol").roles(["admin", "suspended"]).under(&auth);
    assert!(carol.has_role("user"));
    auth.assert_denies(&carol, "GET /reports", DenialKind::Forbidden);
    let explained = auth.explain(&Request::new("GET", "/reports"), &carol).to_string();
    assert!(explained.contains("admin: given by the test"), "{explained}");
    assert!(explained.contains("user: included by `admin`"), "{explained}");
}

#[test]
fn attributes_are_what_a_source_would_say() {
    let text = "version = 1\n[[route]]\nmatch = 'GET /'\nallow = 'principal.attributes.team == \"ops\"'\n";
    let auth = Authorizer::builder(Policy::from_text("policy.toml", text).unwrap()).build().unwrap();
    let bob = Principal::test("bob");
    auth.assert_allows(&bob.clone().attribute("team", "ops").under(&auth), "GET /");
    auth.assert_denies(&bob.clone().attribute("team", "sales").under(&auth), "GET /", DenialKind::Forbidden);
    auth.assert_denies(&bob.under(&auth), "GET /", DenialKind::Forbidden);
}

#[test]
fn a_host_is_asked_for_in_a_request() {
    let auth = auth();
    let alice = Principal::test("alice").under(&auth);
    auth.assert_allows(&alice, Request::new("GET", "/internal").with_host("internal.test"));
    auth.assert_denies(&alice, "GET /internal", DenialKind::NoRule);
}

#[test]
fn the_anonymous_are_nobody() {
    let auth = auth();
    let nobody = TestPrincipal::anonymous().under(&auth);
    assert!(!nobody.is_authenticated() && nobody.roles().is_empty());
    auth.assert_allows(&nobody, "GET /");
    auth.assert_denies(&nobody, "GET /me", DenialKind::CertificateRequired);
    let whoever = TestPrincipal::anonymous().certificate(certificate("dora")).anchor("staff").under(&auth);
    assert_eq!(whoever.name(), Ok("dora"));
}

#[test]
fn an_empty_policy_of_anchors_takes_any_label() {
    let policy = Policy::builder().route("GET /", portcullis_core::rule::anchor("test")).build().unwrap();
    let auth = Authorizer::builder(policy).build().unwrap();
    let bob = Principal::test("bob").certificate(certificate("bob"));
    auth.assert_allows(&bob.under(&auth), "GET /");
    auth.assert_denies(&bob.anchor("other").under(&auth), "GET /", DenialKind::Forbidden);
}

#[test]
fn callers_that_cannot_be_are_errors() {
    let auth = auth();
    let bob = || Principal::test("bob");
    for (caller, expected) in [
        (bob().role("admn"), "the role `admn` is not defined: did you mean `admin`?"),
        (bob().role(""), "the role `` is not defined: define it in the policy or correct the name"),
        (
            bob().roles(["user", "x\ny"]),
            r"the role `x\ny` is not defined: define it in the policy or correct the name",
        ),
        (
            Principal::test(""),
            "the name is empty, which no caller's is: give one, or ask for `TestPrincipal::anonymous()`",
        ),
        (
            bob().anchor("staff"),
            "a trust anchor is given, and no certificate that it could vouch for: give one with `certificate`",
        ),
        (
            TestPrincipal::anonymous().role("user"),
            "nobody without a name has roles or attributes: begin with `Principal::test(name)`",
        ),
        (
            TestPrincipal::anonymous().attribute("team", "ops"),
            "nobody without a name has roles or attributes: begin with `Principal::test(name)`",
        ),
        (
            bob().certificate(certificate("bob")),
            "the policy declares the trust anchors `mesh`, `staff`: choose one with `anchor`",
        ),
        (
            bob().certificate(certificate("mallory")).anchor("staff"),
            "under this policy the certificate names `mallory`, not `bob`",
        ),
        (
            bob().certificate(certificate("bob")).anchor("mesh"),
            "under this policy the certificate has no name: the certificate has no subject alternative name \
             of the kind `dns`, which names the caller",
        ),
        (
            bob().certificate(certificate("bob")).anchor("stuff"),
            "under this policy the certificate has no name: the policy has no entry for the trust anchor \
             `stuff`: add one that says which field names its callers",
        ),
    ] {
        assert_eq!(caller.try_under(&auth).unwrap_err().to_string(), expected);
        assert_eq!(message(|| drop(caller.under(&auth))), format!("no such caller: {expected}"));
    }
}

#[test]
fn the_sources_of_roles_are_not_asked() {
    let policy = Policy::from_text("policy.toml", POLICY).unwrap();
    let source = |_: Account<'_>| -> [&str; 1] { panic!("asked") };
    let auth = Authorizer::builder(policy).roles(source).build().unwrap();
    let bob = Principal::test("bob").certificate(certificate("bob")).anchor("staff").under(&auth);
    assert!(bob.roles().unavailable().is_none());
    auth.assert_denies(&bob, "GET /users/alice", DenialKind::Forbidden);
}

#[test]
fn a_replaced_policy_denies_who_was_made_under_the_old_one() {
    let auth = auth();
    let alice = Principal::test("alice").under(&auth);
    auth.replace_policy(Policy::from_text("policy.toml", POLICY).unwrap()).unwrap();
    auth.assert_denies(&alice, "GET /me", DenialKind::Unavailable);
    auth.assert_allows(&Principal::test("alice").under(&auth), "GET /me");
}

#[test]
fn assertions_that_fail_explain() {
    let auth = auth();
    let bob = Principal::test("bob").role("suspended").under(&auth);
    let text = message(|| auth.assert_allows(&bob, "GET /users/alice"));
    assert!(text.starts_with("it is not allowed:\n\ndeny (forbidden): GET /users/alice for bob\n"), "{text}");
    assert!(text.contains("route: GET /users/{name} (policy.toml:"), "{text}");
    assert!(text.contains("suspended: given by the test"), "{text}");
    assert!(text.contains("what would open it:\n  add `admin`"), "{text}");
    let text = message(|| auth.assert_denies(&bob, "GET /me", DenialKind::Forbidden));
    assert!(
        text.starts_with("it is allowed, not denied as `forbidden`:\n\nallow: GET /me for bob"),
        "{text}"
    );
    let text = message(|| auth.assert_denies(&bob, "GET /mee", DenialKind::Forbidden));
    assert!(text.starts_with("it is denied as `no-rule`, not as `forbidden`:\n\ndeny (no-rule)"), "{text}");
    let text = message(|| auth.assert_allows(&bob, "/me"));
    assert!(text.starts_with("`/me` is no request: write a method"), "{text}");
}

/// What is made up never comes in through a connection: a peer without a certificate stays nobody.
#[test]
fn requests_know_nothing_of_made_up_callers() {
    let auth = auth();
    let connection = Connection::assertion(Peer::Anonymous);
    let _ = Principal::test("alice").under(&auth);
    assert!(!auth.decide(&Request::new("GET", "/me"), Some(&connection)).is_allowed());
    let identity = Identity::assertion(certificate("bob"), "staff");
    let connection = Connection::assertion(Peer::Verified(identity));
    assert!(auth.decide(&Request::new("GET", "/me"), Some(&connection)).is_allowed());
}
