//! A candidate policy sees everything, tells what it would do, and does nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy exempts test functions, not what they call"
)]

mod audited;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use audited::{Known, decide, peer, policy, roles, verdict};
use portcullis_core::authorizer::{AuthorizerError, Difference};
use portcullis_core::certificate::AttributeType;
use portcullis_core::peer::live::Answer;
use portcullis_core::principal::NameField;
use portcullis_core::provider::{Account, Grants, ProviderError, RoleProvider};
use portcullis_core::rule::{anyone, authenticated, custom, nobody, role, subject};
use portcullis_core::{Authorizer, Peer, Policy, Request};

fn counts(auth: &Authorizer) -> (u64, u64) {
    let differences = auth.candidate_differences().unwrap();
    (differences.opened, differences.closed)
}

#[test]
fn differences_are_counted_by_route_and_change_nothing() {
    let auth = Authorizer::builder(policy()).roles(roles()).build().unwrap();
    assert_eq!(auth.candidate_differences(), None);
    let candidate = Policy::builder()
        .role("user", [])
        .role("admin", ["user"])
        .route("GET /", authenticated())
        .route("GET /me", anyone())
        .route("* /admin/{*rest}", role("user"))
        .route("GET /new/{x}", anyone())
        .build()
        .unwrap();
    let (alice, nobody) = (Known::connection(peer("alice")), Known::connection(Peer::Anonymous));
    let requests = ["/", "/me", "/admin/x", "/closed", "/new/1", "/new/2", "/nowhere", "//", "/new/%61"];
    let outcomes = || -> Vec<_> {
        let connections = [&alice, &nobody];
        let pairs = requests.iter().flat_map(|path| connections.map(|connection| (path, connection)));
        pairs
            .map(|(path, connection)| decide(&auth, "GET", path, connection).denial().map(|d| d.kind()))
            .collect()
    };
    let before = outcomes();
    auth.set_candidate(candidate.clone()).unwrap();
    assert_eq!(auth.candidate().unwrap().digest(), candidate.digest());
    assert_eq!(outcomes(), before, "a candidate neither opens nor closes");
    let differences = auth.candidate_differences().unwrap();
    let routes: Vec<_> =
        differences.routes.iter().map(|r| (r.route.as_str(), r.difference, r.count)).collect();
    assert_eq!(
        routes,
        [
            ("GET /me", Difference::Opens, 1),
            ("GET /new/{x}", Difference::Opens, 4),
            ("GET /", Difference::Closes, 1),
        ]
    );
    assert_eq!((differences.opened, differences.closed), (5, 1));
    auth.clear_candidate();
    assert_eq!(outcomes(), before);
    assert!(auth.candidate().is_none() && auth.candidate_differences().is_none());
}

/// Says that everybody is an `operator`, sometimes after a while, and counts how often it is asked.
struct Source(Arc<AtomicUsize>, bool);

impl RoleProvider for Source {
    fn roles(&self, _: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let grants = Ok(Grants::from(["operator"]));
        if self.1 { Answer::Pending(Box::pin(async { grants })) } else { Answer::Ready(grants) }
    }
}

#[test]
fn a_role_that_only_the_candidate_has_is_given_by_the_same_answers() {
    for pending in [false, true] {
        let asked = Arc::new(AtomicUsize::new(0));
        let source = Source(Arc::clone(&asked), pending);
        let policy = Policy::builder().route("GET /ops", nobody()).build().unwrap();
        let auth = Authorizer::builder(policy).roles(source).build().unwrap();
        let connection = Known::connection(peer("alice"));
        let candidate = Policy::builder()
            .role("staff", [])
            .role("operator", ["staff"])
            .route("GET /ops", role("staff"))
            .build()
            .unwrap();
        assert!(!decide(&auth, "GET", "/ops", &connection).is_allowed());
        auth.set_candidate(candidate).unwrap();
        let verdict = verdict(&auth, &Request::new("GET", "/ops"), &connection);
        assert!(!verdict.decision.is_allowed());
        assert!(verdict.principal.unwrap().roles().is_empty(), "handlers see the roles in force");
        assert_eq!(counts(&auth), (1, 0));
        assert_eq!(asked.load(Ordering::Relaxed), 2, "one question for each request");
    }
}

#[test]
fn remembered_principals_are_no_obstacle() {
    let auth = Authorizer::builder(policy()).roles(roles()).build().unwrap();
    let alice = Known::connection(peer("alice"));
    assert!(decide(&auth, "GET", "/admin/", &alice).is_allowed());
    for round in 1..=2 {
        auth.set_candidate(
            Policy::builder().role("admin", []).route("GET /admin/{*rest}", !role("admin")).build().unwrap(),
        )
        .unwrap();
        for n in 1..=3 {
            assert!(decide(&auth, "GET", "/admin/", &alice).is_allowed());
            assert_eq!(counts(&auth), (0, n), "round {round}");
        }
        auth.clear_candidate();
        assert!(decide(&auth, "GET", "/admin/", &alice).is_allowed());
    }
}

#[test]
fn the_candidate_names_callers_by_its_own_anchors() {
    let by_ou = || Policy::builder().anchor("staff", NameField::Subject(AttributeType::OU));
    let enforced =
        Policy::builder().role("chief", []).members("chief", ["alice"]).route("GET /", role("chief"));
    let auth = Authorizer::builder(enforced.build().unwrap()).build().unwrap();
    let alice = Known::connection(peer("alice"));
    let candidate = by_ou().role("chief", []).members("chief", ["Security"]).route("GET /", role("chief"));
    auth.set_candidate(candidate.build().unwrap()).unwrap();
    assert!(decide(&auth, "GET", "/", &alice).is_allowed());
    assert_eq!(counts(&auth), (0, 0), "both know their member");
    let candidate = by_ou().role("chief", []).members("chief", ["alice"]).route("GET /", role("chief"));
    auth.set_candidate(candidate.build().unwrap()).unwrap();
    assert!(decide(&auth, "GET", "/", &alice).is_allowed());
    assert_eq!(counts(&auth), (0, 1));
}

#[test]
fn roles_by_condition_are_those_of_the_candidate() {
    let base = || Policy::builder().role("guard", []).route("GET /", role("guard"));
    let when = |unit| subject(AttributeType::OU).eq(unit);
    let auth =
        Authorizer::builder(base().role_when("guard", when("Security")).build().unwrap()).build().unwrap();
    auth.set_candidate(base().role_when("guard", when("Sales")).build().unwrap()).unwrap();
    assert!(decide(&auth, "GET", "/", &Known::connection(peer("alice"))).is_allowed());
    assert_eq!(counts(&auth), (0, 1));
}

/// The sources were not asked, so what they would have said cannot open anything on paper, either.
#[test]
fn roles_are_unknown_where_the_policy_in_force_has_no_name() {
    let unnamed =
        || Policy::builder().anchor("staff", NameField::Subject(AttributeType::L)).role("admin", []);
    let enforced = unnamed().route("GET /", role("admin")).route("GET /me", authenticated()).build().unwrap();
    let auth = Authorizer::builder(enforced).roles(roles()).build().unwrap();
    let named = Policy::builder().role("admin", []).role("suspended", []);
    let named = named.route("GET /", !role("suspended")).route("GET /me", authenticated()).build().unwrap();
    auth.set_candidate(named).unwrap();
    let alice = Known::connection(peer("alice"));
    assert!(!decide(&auth, "GET", "/", &alice).is_allowed());
    assert_eq!(counts(&auth), (0, 0), "nobody asked whether alice is suspended");
    assert!(!decide(&auth, "GET", "/me", &alice).is_allowed());
    assert_eq!(counts(&auth), (1, 0), "the candidate has a name for alice");
}

#[test]
fn errors_and_panics_of_the_candidate_stay_on_paper() {
    let auth = Authorizer::builder(policy()).roles(roles()).build().unwrap();
    let alice = Known::connection(peer("alice"));
    let candidate = Policy::builder()
        .route("GET /", custom("explodes", |_| -> bool { panic!("a condition that panics") }))
        .route("GET /me", subject(AttributeType::L).eq("nowhere"))
        .role("admin", [])
        .build()
        .unwrap();
    auth.set_candidate(candidate).unwrap();
    assert!(decide(&auth, "GET", "/", &alice).is_allowed());
    assert!(decide(&auth, "GET", "/me", &alice).is_allowed());
    assert_eq!(counts(&auth), (0, 2));
}

#[test]
fn a_candidate_must_be_fit_to_be_put_in_force() {
    let auth = Authorizer::builder(policy()).roles(roles()).build().unwrap();
    let unfit = Policy::builder().route("GET /", anyone()).build().unwrap();
    assert_eq!(auth.set_candidate(unfit).unwrap_err(), AuthorizerError::UnknownRole { role: "admin".into() });
    assert!(auth.candidate().is_none());
}

#[test]
fn a_reload_keeps_the_candidate_and_counts_anew() {
    let auth = Authorizer::builder(policy()).roles(roles()).build().unwrap();
    let alice = Known::connection(peer("alice"));
    let candidate = || Policy::builder().role("admin", []).route("GET /me", nobody()).build().unwrap();
    auth.set_candidate(candidate()).unwrap();
    assert!(decide(&auth, "GET", "/", &alice).is_allowed());
    assert_eq!(counts(&auth), (0, 1));
    auth.replace_policy(policy()).unwrap();
    assert_eq!(counts(&auth), (0, 0));
    assert!(decide(&auth, "GET", "/me", &alice).is_allowed());
    assert_eq!(counts(&auth), (0, 1));
    auth.replace_policy(candidate()).unwrap();
    assert!(!decide(&auth, "GET", "/me", &alice).is_allowed());
    assert!(!decide(&auth, "GET", "/", &alice).is_allowed());
    assert_eq!(counts(&auth), (0, 0), "now both are the same");
}

#[test]
fn setting_and_clearing_under_load_disturbs_no_request() {
    let auth = Authorizer::builder(policy()).roles(roles()).build().unwrap();
    let candidate =
        || Policy::builder().role("admin", []).route("* /admin/{*rest}", nobody()).build().unwrap();
    let alice = Known::connection(peer("alice"));
    std::thread::scope(|scope| {
        let requests = scope.spawn(|| {
            for _ in 0..2000 {
                assert!(decide(&auth, "GET", "/admin/", &alice).is_allowed());
                assert!(decide(&auth, "GET", "/", &alice).is_allowed());
                assert!(!decide(&auth, "GET", "/closed", &alice).is_allowed());
            }
        });
        while !requests.is_finished() {
            auth.set_candidate(candidate()).unwrap();
            auth.replace_policy(policy()).unwrap();
            assert!(auth.candidate().is_some(), "a reload keeps the candidate");
            auth.clear_candidate();
        }
    });
    auth.set_candidate(candidate()).unwrap();
    assert!(decide(&auth, "GET", "/admin/", &alice).is_allowed());
    assert_eq!(counts(&auth), (0, 1));
}
