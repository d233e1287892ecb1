//! Explanations: what they say, and that they never disagree with the decision.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use portcullis_core::certificate::Certificate;
use portcullis_core::explain::RoleChange;
use portcullis_core::peer::live::Answer;
use portcullis_core::provider::Account;
use portcullis_core::rule::{Outcome, custom, role};
use portcullis_core::{Authorizer, Identity, Peer, Policy, Principal, Request, RoleMap, Rule};
use portcullis_pki::Authority;
use proptest::prelude::*;

fn peer(name: &str) -> Peer {
    let issued = Authority::new("Test CA").unwrap().client(name).issue().unwrap();
    Peer::Verified(Identity::assertion(Certificate::from_der(issued.certificate_der()).unwrap(), "staff"))
}

fn principal(auth: &Authorizer, peer: Peer) -> Principal {
    match auth.principal(peer) {
        Answer::Ready(principal) => principal,
        Answer::Pending(_) => panic!("no source has to wait"),
    }
}

fn authorizer(rule: Rule, granted: &[&str]) -> Authorizer {
    let policy = Policy::builder()
        .role("a", ["b"])
        .role("b", [])
        .role("c", [])
        .role("d", ["c"])
        .members("c", ["carol"])
        .route("GET /x/{id}", rule)
        .build()
        .unwrap();
    let granted: Vec<String> = granted.iter().map(ToString::to_string).collect();
    Authorizer::builder(policy).roles(move |_: Account<'_>| granted.clone()).build().unwrap()
}

#[test]
fn each_part_has_its_outcome() {
    let rule = Rule::parse(r#"role("a") && subject.L == "Berlin" || params.id == "7" || role("c")"#).unwrap();
    let auth = authorizer(rule, &["a"]);
    let explanation = auth.explain(&Request::new("GET", "/x/7"), &principal(&auth, peer("alice")));
    assert!(explanation.is_allowed());
    let route = explanation.route.as_ref().unwrap();
    assert_eq!(route.pattern, "GET /x/{id}");
    assert!(route.place.contains("explain.rs:"), "{}", route.place);
    let outcomes: Vec<&str> = route.rule.parts.iter().map(|part| part.outcome.name()).collect();
    assert_eq!(outcomes, ["error", "true", "not-reached"]);
    assert_eq!(
        explanation.to_string().lines().skip(2).map(str::trim).take(9).collect::<Vec<_>>(),
        [
            "rule:",
            r#"true  role("a") && subject.L == "Berlin" || params.id == "7" || role("c")"#,
            r#"error: an attribute that the rule reads is absent  role("a") && subject.L == "Berlin""#,
            r#"true  role("a")"#,
            r#"error: an attribute that the rule reads is absent  subject.L == "Berlin""#,
            "error: an attribute that the rule reads is absent  subject.L",
            r#"true  params.id == "7""#,
            r#""7"  params.id"#,
            r#"not reached  role("c")"#,
        ]
    );
}

#[test]
fn roles_say_where_they_came_from() {
    let auth = authorizer(role("a"), &["d"]);
    let explanation = auth.explain(&Request::new("GET", "/x/7"), &principal(&auth, peer("carol")));
    let text = explanation.to_string();
    assert!(text.contains("c: listed as a member, included by `d`"), "{text}");
    assert!(text.contains("d: given by source 1"), "{text}");
}

#[test]
fn what_would_open_it() {
    let rule = Rule::parse(r#"(role("a") || role("c") && role("b")) && !role("d")"#).unwrap();
    for (granted, expected) in [
        (&[][..], &[&["add `a`"][..], &["add `b`", "add `c`"]][..]),
        (&["b"], &[&["add `a`"], &["add `c`"]]),
        // losing `d` also loses the `c` that it includes
        (&["d"], &[&["add `a`", "remove `d`"], &["add `b`", "add `c`", "remove `d`"]]),
        (&["a"], &[&["add `d`"], &["remove `a`"]]),
    ] {
        let auth = authorizer(rule.clone(), granted);
        let explanation = auth.explain(&Request::new("GET", "/x/7"), &principal(&auth, peer("alice")));
        let mut sets: Vec<Vec<String>> = explanation
            .openings
            .sets
            .iter()
            .map(|set| set.iter().map(ToString::to_string).collect())
            .collect();
        sets.sort();
        assert_eq!(sets, expected, "{granted:?}\n{explanation}");
        assert!(explanation.openings.is_complete);
    }
}

#[test]
fn a_search_that_cannot_be_complete_says_so() {
    let auth = authorizer(custom("c", |scope| scope.principal().has_role("c")), &[]);
    let explanation = auth.explain(&Request::new("GET", "/x/7"), &principal(&auth, peer("alice")));
    assert!(!explanation.openings.is_complete);

    let mut policy = Policy::builder();
    let names: Vec<String> = (0..20).map(|i| format!("r{i}")).collect();
    for name in &names {
        policy = policy.role(name, []);
    }
    let all = portcullis_core::rule::all(names.iter().map(|name| role(name)));
    let auth = Authorizer::builder(policy.route("GET /x/{id}", all).build().unwrap()).build().unwrap();
    let explanation = auth.explain(&Request::new("GET", "/x/7"), &principal(&auth, peer("alice")));
    assert!(explanation.openings.sets.is_empty() && !explanation.openings.is_complete);
}

#[test]
fn those_without_a_certificate_are_told_of_no_roles() {
    let auth = authorizer(role("a"), &["a"]);
    let explanation = auth.explain(&Request::new("GET", "/x/7"), &principal(&auth, Peer::Anonymous));
    assert!(!explanation.is_allowed() && explanation.openings.sets.is_empty());
}

#[test]
fn requests_without_a_route_are_explained_and_leave_no_trace() {
    let auth = authorizer(role("a"), &[]);
    let alice = principal(&auth, peer("alice"));
    for path in ["/y", "//x/7", "/x/%37"] {
        let request = Request::new("GET", path);
        let explanation = auth.explain(&request, &alice);
        assert!(explanation.route.is_none(), "{path}");
        assert!(!explanation.is_allowed());
    }
    let request = Request::new("GET", "/y");
    let decision = auth.decide_for(&request, &alice);
    assert!(decision.denial().unwrap().suggestion(&request).is_some(), "the explanation did not use it up");
}

#[test]
fn json_has_everything() {
    let auth = authorizer(Rule::parse(r#"role("a") ? true : params.id == "7""#).unwrap(), &[]);
    let json = auth.explain(&Request::new("GET", "/x/8"), &principal(&auth, peer("alice"))).to_json();
    assert_eq!(json["decision"], "deny");
    assert_eq!(json["kind"], "forbidden");
    assert_eq!(json["route"]["rule"]["parts"][0]["outcome"], "false");
    assert_eq!(json["openings"]["sets"][0][0]["add"], "a");
}

fn rule() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(|name| format!("role(\"{name}\")")),
        prop::sample::select(vec!["a", "c"]).prop_map(|name| format!("\"{name}\" in principal.roles")),
        Just("authenticated".to_owned()),
        Just("subject.CN == \"alice\"".to_owned()),
        Just("subject.L == \"Berlin\"".to_owned()),
        Just("params.id == \"7\"".to_owned()),
        Just("principal.roles.exists(r, r == \"b\")".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" && "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" || "))),
            inner.clone().prop_map(|part| format!("!({part})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

fn granted() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(vec!["a", "b", "c", "d"], 0..=4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_explanation_equals_the_decision(text in rule(), granted in granted()) {
        let auth = authorizer(Rule::parse(&text).unwrap(), &granted);
        let alice = principal(&auth, peer("alice"));
        let request = Request::new("GET", "/x/7");
        let explanation = auth.explain(&request, &alice);
        prop_assert_eq!(explanation.is_allowed(), auth.decide_for(&request, &alice).is_allowed());
        let outcome = &explanation.route.as_ref().unwrap().rule.outcome;
        prop_assert_eq!(explanation.is_allowed(), *outcome == Outcome::True);
    }

    #[test]
    fn an_opening_opens(text in rule(), granted in granted()) {
        let rule = Rule::parse(&text).unwrap();
        let auth = authorizer(rule.clone(), &granted);
        let alice = principal(&auth, peer("alice"));
        let request = Request::new("GET", "/x/7");
        let explanation = auth.explain(&request, &alice);
        for set in &explanation.openings.sets {
            let mut roles: Vec<String> = granted.iter().map(ToString::to_string).collect();
            for change in set {
                match change {
                    RoleChange::Add(role) => roles.push(role.clone()),
                    RoleChange::Remove(lost) => {
                        let goes = |role: &str| role == lost || matches!((role, lost.as_str()), ("a", "b") | ("d", "c"));
                        roles.retain(|role| !goes(role));
                    }
                }
            }
            let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
            let changed = authorizer(rule.clone(), &roles);
            let decision = changed.decide_for(&request, &principal(&changed, peer("alice")));
            prop_assert_eq!(decision.is_allowed(), !explanation.is_allowed(), "{:?} in {}", set, explanation);
        }
    }

    #[test]
    fn another_role_never_closes_a_monotone_rule(text in rule(), granted in granted(), more in granted()) {
        let rule = Rule::parse(&text).unwrap();
        prop_assume!(rule.is_monotone_in_roles());
        let allowed = |roles: &[&str]| {
            let auth = authorizer(rule.clone(), roles);
            auth.decide_for(&Request::new("GET", "/x/7"), &principal(&auth, peer("alice"))).is_allowed()
        };
        let union: Vec<&str> = granted.iter().chain(&more).copied().collect();
        prop_assert!(!allowed(&granted) || allowed(&union));
    }

    #[test]
    fn the_order_of_routes_and_roles_is_irrelevant(seed in any::<u64>(), path in "/[ab]/[0-9]{0,2}") {
        let routes = [
            ("GET /a/{x}", r#"role("a")"#),
            ("GET /a/1", r#"role("b")"#),
            ("* /{x}/{y}", r#"role("c")"#),
            ("* /{*rest}", "anyone"),
            ("GET /b/{*rest}", r#"role("d")"#),
        ];
        let build = |shift: usize| {
            let mut policy = Policy::builder();
            for name in ["a", "b", "c", "d"].iter().cycle().skip(shift % 4).take(4) {
                policy = policy.role(name, []);
            }
            for (pattern, rule) in routes.iter().cycle().skip(shift % 5).take(5) {
                policy = policy.route(pattern, Rule::parse(rule).unwrap());
            }
            let roles = RoleMap::new().name("alice", ["b", "d"]).unwrap();
            Authorizer::builder(policy.build().unwrap()).roles(roles).build().unwrap()
        };
        let decide = |auth: &Authorizer| {
            auth.decide_for(&Request::new("GET", &path), &principal(auth, peer("alice"))).is_allowed()
        };
        let shift = usize::try_from(seed % 20).unwrap();
        prop_assert_eq!(decide(&build(0)), decide(&build(shift)));
    }
}
