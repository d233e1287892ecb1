//! Coverage: what counts as reached, what does not, and that an assertion about it can fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy exempts test functions, not what they call"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_core::certificate::Certificate;
use portcullis_core::coverage::{Counts, Coverage};
use portcullis_core::principal::TestPrincipal;
use portcullis_core::rule::{anyone, nobody, role};
use portcullis_core::{Authorizer, Connection, DenialKind, Identity, Peer, Policy, Principal, Request};
use portcullis_pki::Authority;

const POLICY: &str = r#"version = 1
[anchors]
staff = { name = "subject.CN" }
[roles.user]
[roles.admin]
includes = ["user"]
[roles.auditor]
when = 'anchor.label == "staff" && "Audit" in subject.all.OU'
[[route]]
match = "GET /"
allow = "anyone"
[[route]]
match = "GET /closed"
allow = "nobody"
[[route]]
match = "GET /users/{name}"
allow = 'params.name == principal.name || role("admin")'
[[route]]
match = "GET /books"
allow = 'role("auditor")'
"#;

fn covered() -> (Authorizer, Coverage) {
    let coverage = Coverage::new();
    let policy = Policy::from_text("policy.toml", POLICY).unwrap();
    (Authorizer::builder(policy).coverage(&coverage).build().unwrap(), coverage)
}

fn gaps(coverage: &Coverage) -> Vec<String> {
    coverage.report().gaps().iter().map(ToString::to_string).collect()
}

fn certificate(name: &str, unit: &str) -> Certificate {
    let issued = Authority::new("Test CA").unwrap().client(name).organizational_unit(unit).issue().unwrap();
    Certificate::from_der(issued.certificate_der()).unwrap()
}

fn counts(coverage: &Coverage, subject: &str) -> (u64, u64, u64) {
    let report = coverage.report();
    let rule = report.rules.iter().find(|rule| rule.subject.to_string() == subject).unwrap();
    let Counts { as_true, as_false, as_error, .. } = rule.counts;
    (as_true, as_false, as_error)
}

fn message(fails: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(fails)).expect_err("it did not fail");
    panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref().copied()).unwrap().into()
}

#[test]
fn everything_is_missing_before_anything_is_asked() {
    let (_, coverage) = covered();
    assert_eq!(
        gaps(&coverage),
        [
            "policy.toml:7:8: role `auditor`: no certificate brought it",
            "policy.toml:7:8: role `auditor`: every certificate brought it",
            r#"policy.toml:7:8: role `auditor`: `anchor.label == "staff"` was never true"#,
            r#"policy.toml:7:8: role `auditor`: `anchor.label == "staff"` was never false"#,
            r#"policy.toml:7:8: role `auditor`: `"Audit" in subject.all.OU` was never true"#,
            r#"policy.toml:7:8: role `auditor`: `"Audit" in subject.all.OU` was never false"#,
            "policy.toml:10:9: GET /: it never let anybody in",
            "policy.toml:13:9: GET /closed: it never denied anybody",
            "policy.toml:16:9: GET /users/{name}: it never let anybody in",
            "policy.toml:16:9: GET /users/{name}: it never denied anybody",
            "policy.toml:16:9: GET /users/{name}: `params.name == principal.name` was never true",
            "policy.toml:16:9: GET /users/{name}: `params.name == principal.name` was never false",
            r#"policy.toml:16:9: GET /users/{name}: `role("admin")` was never true"#,
            r#"policy.toml:16:9: GET /users/{name}: `role("admin")` was never false"#,
            "policy.toml:19:9: GET /books: it never let anybody in",
            "policy.toml:19:9: GET /books: it never denied anybody",
        ]
    );
    assert_eq!((coverage.report().goals(), coverage.report().reached()), (16, 0));
}

#[test]
fn what_is_settled_by_another_condition_is_not_reached() {
    let (auth, coverage) = covered();
    let alice = Principal::test("alice").role("admin").under(&auth);
    auth.assert_allows(&alice, "GET /users/alice");
    let report = coverage.report();
    let route = report.rules.iter().find(|rule| rule.subject.to_string() == "GET /users/{name}").unwrap();
    let counts: Vec<String> = route.conditions.iter().map(|condition| condition.counts.to_string()).collect();
    assert_eq!(counts, ["true 1, false 0, error 0", "true 0, false 0, error 0"]);
    auth.assert_allows(&alice, "GET /users/bob");
    auth.assert_denies(&Principal::test("bob").under(&auth), "GET /users/alice", DenialKind::Forbidden);
    assert!(!gaps(&coverage).iter().any(|gap| gap.contains("/users/")), "{}", coverage.report());
}

#[test]
fn an_error_denies_but_is_not_false() {
    let (auth, coverage) = covered();
    auth.assert_denies(
        &TestPrincipal::anonymous().under(&auth),
        "GET /users/x",
        DenialKind::CertificateRequired,
    );
    assert_eq!(counts(&coverage, "GET /users/{name}"), (0, 0, 1));
    let gaps = gaps(&coverage);
    assert!(
        !gaps.contains(&"policy.toml:16:9: GET /users/{name}: it never denied anybody".into()),
        "{gaps:?}"
    );
    assert!(
        gaps.iter().any(|gap| gap.contains("`params.name == principal.name` was never false")),
        "{gaps:?}"
    );
}

#[test]
fn conditions_that_give_roles_are_watched() {
    let (auth, coverage) = covered();
    let auditor = Principal::test("a").certificate(certificate("a", "Audit")).under(&auth);
    auth.assert_allows(&auditor, "GET /books");
    assert_eq!(counts(&coverage, "role `auditor`"), (1, 0, 0));
    let other = Principal::test("b").certificate(certificate("b", "Sales")).under(&auth);
    auth.assert_denies(&other, "GET /books", DenialKind::Forbidden);
    assert_eq!(counts(&coverage, "role `auditor`"), (1, 1, 0));
    // A made-up caller without a certificate shows nothing about conditions on certificates.
    auth.assert_denies(&Principal::test("c").under(&auth), "GET /books", DenialKind::Forbidden);
    auth.assert_denies(
        &TestPrincipal::anonymous().under(&auth),
        "GET /books",
        DenialKind::CertificateRequired,
    );
    assert_eq!(counts(&coverage, "role `auditor`"), (1, 1, 0));
}

#[test]
fn every_way_to_decide_is_watched() {
    let (auth, coverage) = covered();
    let nobody = Connection::assertion(Peer::Anonymous);
    let request = Request::new("GET", "/");
    assert!(auth.decide(&request, Some(&nobody)).is_allowed());
    let portcullis_core::peer::live::Answer::Ready(verdict) = auth.authorize(&request, Some(&nobody)) else {
        panic!("nothing to wait for")
    };
    assert!(verdict.decision.is_allowed());
    assert_eq!(counts(&coverage, "GET /"), (2, 0, 0));
    let identity = Identity::assertion(certificate("a", "Audit"), "staff");
    assert!(
        auth.decide(&Request::new("GET", "/books"), Some(&Connection::assertion(Peer::Verified(identity))))
            .is_allowed()
    );
    assert_eq!(counts(&coverage, "GET /books"), (1, 0, 0));
}

#[test]
fn explanations_candidates_and_refused_requests_are_not_counted() {
    let (auth, coverage) = covered();
    auth.set_candidate(Policy::builder().route("GET /new", anyone()).build().unwrap()).unwrap();
    let bob = Principal::test("bob").under(&auth);
    let explanation = auth.explain(&Request::new("GET", "/users/alice"), &bob);
    assert!(!explanation.openings.sets.is_empty());
    auth.assert_denies(&bob, "GET //", DenialKind::Firewall);
    auth.assert_denies(&bob, "GET /new", DenialKind::NoRule);
    assert_eq!(coverage.report().reached(), 0, "{}", coverage.report());
}

#[test]
fn a_replaced_policy_is_covered_too() {
    let (auth, coverage) = covered();
    auth.assert_allows(&Principal::test("bob").under(&auth), "GET /");
    let goals = coverage.report().goals();
    auth.replace_policy(Policy::from_text("policy.toml", &POLICY.replace("/books", "/ledgers")).unwrap())
        .unwrap();
    assert_eq!(coverage.report().goals(), goals + 2);
    auth.assert_allows(&Principal::test("bob").under(&auth), "GET /");
    assert_eq!(counts(&coverage, "GET /"), (2, 0, 0));
}

#[test]
fn authorizers_of_one_policy_share_what_they_reach() {
    let coverage = Coverage::new();
    let policy = || Policy::builder().role("a", []).route("GET /a", role("a")).build().unwrap();
    let auth = || Authorizer::builder(policy()).coverage(&coverage).build().unwrap();
    let (one, two) = (auth(), auth());
    one.assert_allows(&Principal::test("x").role("a").under(&one), "GET /a");
    assert_eq!(coverage.report().share(), 0.5);
    two.assert_denies(&Principal::test("x").under(&two), "GET /a", DenialKind::Forbidden);
    coverage.assert_at_least(1.0);
}

#[test]
fn an_assertion_fails_with_what_is_missing() {
    let (auth, coverage) = covered();
    auth.assert_allows(&Principal::test("bob").under(&auth), "GET /");
    coverage.assert_at_least(0.0);
    coverage.assert_at_least(1.0 / 16.0);
    let text = message(|| coverage.assert_at_least(0.07));
    assert!(text.starts_with("6.2 % are covered, not 7.0 %\n\n1 of 16 outcomes reached\n"), "{text}");
    assert!(text.contains("GET / (policy.toml:10:9)\n  anyone: true 1, false 0, error 0\n"), "{text}");
    assert!(text.contains("not reached:\n  policy.toml:7:8: role `auditor`: no certificate"), "{text}");
    for share in [f64::NAN, -0.1, 1.1, 90.0, f64::INFINITY] {
        let text = message(|| coverage.assert_at_least(share));
        assert!(text.starts_with("a share is between 0.0 and 1.0"), "{text}");
    }
}

#[test]
fn what_was_never_attached_covers_nothing() {
    let coverage = Coverage::new();
    let text = message(|| coverage.assert_at_least(0.0));
    assert!(text.starts_with("there is nothing to cover: attach the coverage"), "{text}");
    let empty = Policy::builder().build().unwrap();
    let _auth = Authorizer::builder(empty).coverage(&coverage).build().unwrap();
    assert!(message(|| coverage.assert_at_least(0.0)).starts_with("there is nothing to cover"));
    assert!(coverage.report().share() < 0.1);
}

#[test]
fn constant_rules_have_one_outcome_only() {
    let coverage = Coverage::new();
    let policy = Policy::builder().route("GET /", anyone()).route("GET /closed", nobody()).build().unwrap();
    let auth = Authorizer::builder(policy).coverage(&coverage).build().unwrap();
    let bob = Principal::test("bob").under(&auth);
    auth.assert_allows(&bob, "GET /");
    auth.assert_denies(&bob, "GET /closed", DenialKind::Forbidden);
    coverage.assert_at_least(1.0);
}

/// A closure that decides something itself must not wait for itself.
#[test]
fn closures_may_decide() {
    let coverage = Coverage::new();
    let inner = Authorizer::builder(Policy::builder().route("GET /", anyone()).build().unwrap());
    let inner = inner.coverage(&coverage).build().unwrap();
    let calls = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&calls);
    let asks = portcullis_core::rule::custom("asks", move |scope| {
        counted.fetch_add(1, Ordering::Relaxed);
        let nobody = Connection::assertion(Peer::Anonymous);
        inner.decide(&Request::new("GET", "/"), Some(&nobody)).is_allowed()
            && scope.principal().is_authenticated()
    });
    let outer = Policy::builder().route("GET /outer", asks).build().unwrap();
    let outer = Authorizer::builder(outer).coverage(&coverage).build().unwrap();
    outer.assert_allows(&Principal::test("bob").under(&outer), "GET /outer");
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    assert_eq!(counts(&coverage, "GET /"), (2, 0, 0));
}

#[test]
fn threads_lose_nothing() {
    let (auth, coverage) = covered();
    let bob = Principal::test("bob").under(&auth);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..250).for_each(|_| auth.assert_allows(&bob, "GET /")));
        }
    });
    assert_eq!(counts(&coverage, "GET /"), (1000, 0, 0));
}
