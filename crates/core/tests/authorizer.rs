//! From a request to a verdict: the connection, the firewall, the route, what is remembered, what is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy exempts test functions, not what they call"
)]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use portcullis_core::certificate::Certificate;
use portcullis_core::peer::live::Answer;
use portcullis_core::provider::{Account, Grants, ProviderError, RoleProvider};
use portcullis_core::request::CrossSite;
use portcullis_core::rule::{anyone, authenticated, role};
use portcullis_core::{
    Authorizer, Connection, ConnectionInfo, Decision, DenialKind, Identity, Live, Peer, Policy, Request,
    RoleMap,
};
use portcullis_pki::Authority;

fn alice() -> Peer {
    let issued = Authority::new("Test CA").unwrap().client("alice").issue().unwrap();
    Peer::Verified(Identity::assertion(Certificate::from_der(issued.certificate_der()).unwrap(), "staff"))
}

fn authorizer() -> Authorizer {
    let policy = Policy::builder()
        .role("admin", [])
        .route("GET /", anyone())
        .route("* /admin/{*rest}", role("admin"))
        .host_route("a.test", "GET /hosts", anyone())
        .host_route("b.test", "GET /hosts", role("admin"))
        .build()
        .unwrap();
    Authorizer::builder(policy).roles(RoleMap::new().name("alice", ["admin"]).unwrap()).build().unwrap()
}

fn kind(decision: &Decision) -> DenialKind {
    decision.denial().expect("denied").kind()
}

fn ready<T>(answer: Answer<T>) -> T {
    let mut future = Box::pin(answer.get());
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("no answer")
}

#[test]
fn a_missing_connection_is_a_loud_error_and_never_anonymous() {
    let decision = authorizer().decide(&Request::new("GET", "/"), None);
    assert_eq!(kind(&decision), DenialKind::Misconfigured);
    let denial = decision.denial().unwrap();
    assert_eq!(denial.status(), 500);
    assert!(denial.to_string().contains("bind_portcullis"), "{denial}");
}

#[test]
fn a_listener_without_certificates_opens_its_list_and_nothing_else() {
    let probes = Authorizer::without_certificates(["GET /health", "GET /metrics/{*rest}"]).unwrap();
    assert!(probes.decide(&Request::new("HEAD", "/health"), None).is_allowed());
    assert!(probes.decide(&Request::new("GET", "/metrics/"), None).is_allowed());
    assert_eq!(kind(&probes.decide(&Request::new("GET", "/"), None)), DenialKind::NoRule);
    assert_eq!(kind(&probes.decide(&Request::new("POST", "/health"), None)), DenialKind::NoRule);
    assert!(Authorizer::without_certificates(["GET health"]).is_err());
}

#[test]
fn the_firewall_comes_before_the_rules() {
    let auth = authorizer();
    let alice = Connection::assertion(alice());
    for path in ["//admin/", "/x/../admin/", "/%61dmin/", "/admin/%2e", "/admin;x", "/", ""] {
        let decision = auth.decide(&Request::new("GET", path), Some(&alice));
        if path == "/" {
            assert!(decision.is_allowed());
        } else {
            assert_eq!(kind(&decision), DenialKind::Firewall, "{path}");
        }
    }
}

#[test]
fn hosts_pick_the_rule_within_a_path() {
    let auth = authorizer();
    let nobody = Connection::assertion(Peer::Anonymous);
    let decide = |host| auth.decide(&Request::new("GET", "/hosts").with_host(host), Some(&nobody));
    assert!(decide(Some("A.test:8443")).is_allowed());
    assert_eq!(kind(&decide(Some("b.test"))), DenialKind::CertificateRequired);
    assert_eq!(kind(&decide(Some("c.test"))), DenialKind::NoRule);
    assert_eq!(kind(&decide(None)), DenialKind::NoRule);
}

#[test]
fn a_denial_says_little_to_the_client_and_all_to_the_operator() {
    let auth = authorizer();
    let bob = Connection::assertion(Peer::Anonymous);
    let request = Request::new("GET", "/admin/x");
    let decision = auth.decide(&request, Some(&bob));
    let denial = decision.denial().unwrap();
    assert_eq!(denial.route().as_deref(), Some("* /admin/{*rest}"));
    assert_eq!(denial.rule().unwrap().to_string(), r#"role("admin")"#);
    for accept in [None, Some("application/json")] {
        let rendered = denial.render(accept);
        assert_eq!(rendered.status, 403);
        assert!(rendered.body.contains(&denial.id().to_string()));
        assert!(!rendered.body.contains("role("), "{}", rendered.body);
        assert!(!rendered.body.contains("/admin"), "{}", rendered.body);
    }
    let problem: serde_json::Value =
        serde_json::from_str(&denial.render(Some("application/problem+json")).body).unwrap();
    assert_eq!(problem["type"], "urn:portcullis:denial:certificate-required");
    assert_eq!(problem["status"], 403);
}

#[test]
fn a_path_without_a_rule_is_suggested_once() {
    let auth = authorizer();
    let connection = Connection::assertion(alice());
    let request = Request::new("POST", "/reports/7");
    let first = auth.decide(&request, Some(&connection));
    let block = first.denial().unwrap().suggestion(&request).unwrap();
    assert_eq!(block, "[[route]]\nmatch = \"POST /reports/7\"\nallow = \"authenticated\"");
    let second = auth.decide(&request, Some(&connection));
    assert_eq!(second.denial().unwrap().suggestion(&request), None);
}

#[test]
fn status_401_only_on_request() {
    let policy = || Policy::builder().route("GET /", authenticated()).build().unwrap();
    let nobody = Connection::assertion(Peer::Anonymous);
    let status =
        |auth: &Authorizer| auth.decide(&Request::new("GET", "/"), Some(&nobody)).denial().unwrap().status();
    assert_eq!(status(&Authorizer::builder(policy()).build().unwrap()), 403);
    assert_eq!(status(&Authorizer::builder(policy()).unauthorized_status().build().unwrap()), 401);
}

/// Counts how often it is asked.
struct Counting(Arc<AtomicUsize>, bool);

impl RoleProvider for Counting {
    fn roles(&self, _: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Answer::Ready(Ok(Grants::from(["admin"])))
    }

    fn is_constant(&self) -> bool {
        self.1
    }
}

#[test]
fn only_constant_roles_are_remembered_for_the_connection() {
    for (constant, expected) in [(true, 1), (false, 5)] {
        let asked = Arc::new(AtomicUsize::new(0));
        let policy = Policy::builder().role("admin", []).route("GET /", role("admin")).build().unwrap();
        let source = Counting(Arc::clone(&asked), constant);
        let auth = Authorizer::builder(policy).roles(source).build().unwrap();
        let connection = Connection::assertion(alice());
        for _ in 0..5 {
            assert!(auth.decide(&Request::new("GET", "/"), Some(&connection)).is_allowed());
        }
        assert_eq!(asked.load(Ordering::Relaxed), expected);
    }
}

/// Says that it never changes, but cannot answer the first time.
struct FailsOnce(AtomicUsize);

impl RoleProvider for FailsOnce {
    fn roles(&self, _: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Ready(match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => Err(ProviderError::new("not there yet")),
            _ => Ok(Grants::from(["admin"])),
        })
    }

    fn is_constant(&self) -> bool {
        true
    }
}

#[test]
fn a_failure_of_a_constant_source_is_not_remembered() {
    let policy = Policy::builder().role("admin", []).route("GET /", role("admin")).build().unwrap();
    let auth = Authorizer::builder(policy).roles(FailsOnce(AtomicUsize::new(0))).build().unwrap();
    let connection = Connection::assertion(alice());
    let decide = || auth.decide(&Request::new("GET", "/"), Some(&connection));
    assert_eq!(kind(&decide()), DenialKind::Unavailable);
    assert!(decide().is_allowed());
}

#[test]
fn two_authorizers_on_one_connection_do_not_share_principals() {
    let policy = || Policy::builder().role("admin", []).route("GET /", role("admin")).build().unwrap();
    let with = Authorizer::builder(policy())
        .roles(RoleMap::new().name("alice", ["admin"]).unwrap())
        .build()
        .unwrap();
    let without = Authorizer::builder(policy()).build().unwrap();
    let connection = Connection::assertion(alice());
    for _ in 0..3 {
        assert!(with.decide(&Request::new("GET", "/"), Some(&connection)).is_allowed());
        assert!(!without.decide(&Request::new("GET", "/"), Some(&connection)).is_allowed());
    }
}

/// A peer that is verified until it is not.
struct Fading {
    peer: Peer,
    until: i64,
    info: ConnectionInfo,
}

impl Live for Fading {
    fn peer(&self, now: i64) -> Answer<Peer> {
        let peer = if now < self.until { self.peer.clone() } else { Peer::Anonymous };
        Answer::Pending(Box::pin(async move { peer }))
    }

    fn covers(&self, authority: Option<&str>) -> bool {
        authority != Some("other.test")
    }

    fn asks_again(&self) -> bool {
        true
    }

    fn close(&self) {}

    fn info(&self) -> &ConnectionInfo {
        &self.info
    }
}

#[test]
fn the_peer_is_asked_for_on_each_request_and_may_have_to_wait() {
    let auth = authorizer();
    let connection = Connection::new(Fading { peer: alice(), until: 100, info: ConnectionInfo::default() });
    let verdict =
        |now| ready(auth.authorize(&Request::new("GET", "/admin/").with_time(now), Some(&connection)));
    assert!(verdict(99).decision.is_allowed());
    let denied = verdict(100).decision;
    assert_eq!(kind(&denied), DenialKind::CertificateRequired);
    assert!(denied.denial().unwrap().closes_connection(), "so that the client is asked again");
    assert!(verdict(99).decision.is_allowed());
}

#[test]
fn a_host_of_another_configuration_is_misdirected() {
    let connection = Connection::new(Fading { peer: alice(), until: 100, info: ConnectionInfo::default() });
    let request = Request::new("GET", "/").with_host("other.test");
    let verdict = ready(authorizer().authorize(&request, Some(&connection)));
    assert_eq!(verdict.decision.denial().unwrap().status(), 421);
}

/// A connection that serves the trusted only, and a peer who is no longer.
struct Lapsed(Peer, ConnectionInfo);

impl Live for Lapsed {
    fn peer(&self, _now: i64) -> Answer<Peer> {
        Answer::Ready(self.0.clone())
    }

    fn admits(&self, peer: &Peer) -> bool {
        peer.identity().is_some()
    }

    fn asks_again(&self) -> bool {
        true
    }

    fn close(&self) {}

    fn info(&self) -> &ConnectionInfo {
        &self.1
    }
}

#[test]
fn who_has_lost_their_trust_is_refused_even_where_anyone_may_go_in() {
    let policy = Policy::builder().route("GET /", anyone()).build().unwrap();
    let auth = Authorizer::builder(policy).build().unwrap();
    let request = Request::new("GET", "/");
    let revoked = Peer::Untrusted { certificate: None, reason: portcullis_core::Distrust::Revoked };
    for (peer, expected) in [
        (alice(), None),
        (Peer::Anonymous, Some(DenialKind::CertificateRequired)),
        (revoked, Some(DenialKind::CertificateUntrusted)),
    ] {
        let connection = Connection::new(Lapsed(peer, ConnectionInfo::default()));
        let found = ready(auth.authorize(&request, Some(&connection))).decision;
        assert_eq!(found.denial().map(|denial| denial.kind()), expected);
        assert!(found.denial().is_none_or(|denial| denial.closes_connection()));
        let at_once = auth.decide(&request, Some(&connection));
        assert_eq!(at_once.denial().map(|denial| denial.kind()), expected);
    }
}

#[test]
fn slash_variants_need_one_rule() {
    let error =
        Policy::builder().route("GET /a", anyone()).route("GET /a/", authenticated()).build().unwrap_err();
    assert!(error.to_string().contains("differ by a slash only"), "{error}");
    assert!(Policy::builder().route("GET /a", anyone()).route("GET /a/", anyone()).build().is_ok());
}

#[test]
fn build_errors_name_both_places() {
    let error = Policy::builder()
        .route("GET /a/{x}", anyone())
        .route("GET /a/{y}", authenticated())
        .route("nonsense", anyone())
        .build()
        .unwrap_err();
    let text = error.to_string();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert_eq!(text.matches("authorizer.rs:").count(), 3, "{text}");
}

#[test]
fn another_site_may_not_send_what_changes_something() {
    let policy = Policy::builder().route("* /{*all}", anyone()).build().unwrap();
    let auth = Authorizer::builder(policy).cross_site(CrossSite::new()).build().unwrap();
    assert!(auth.reads_headers());
    let nobody = Connection::assertion(Peer::Anonymous);
    let decide = |method, site| {
        let request = Request::new(method, "/transfer").with_host("own.test").with_fetch_site(site);
        auth.decide(&request, Some(&nobody))
    };
    assert!(decide("POST", Some("same-origin")).is_allowed());
    assert!(decide("GET", Some("cross-site")).is_allowed());
    let denied = decide("POST", Some("cross-site"));
    assert_eq!((kind(&denied), denied.denial().unwrap().status()), (DenialKind::CrossSite, 403));
}
