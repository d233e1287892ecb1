//! What rules make of callers, and what happens when they cannot be decided.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

use portcullis_core::certificate::{AttributeType, Certificate, SanKind};
use portcullis_core::peer::live::Answer;
use portcullis_core::principal::NameField;
use portcullis_core::provider::{Account, Grants, ProviderError, RoleProvider};
use portcullis_core::rule::{
    Fault, all, anchor, any, any_role, anyone, authenticated, custom, nobody, role, san, sha256, subject,
};
use portcullis_core::{
    Authorizer, Connection, Decision, Denial, DenialKind, Distrust, Identity, Peer, Policy, Request, RoleMap,
    Rule,
};
use portcullis_pki::{Authority, Issued};

fn issued(name: &str) -> Issued {
    let authority = Authority::new("Test CA").unwrap();
    authority
        .client(name)
        .email(&format!("{name}@example.com"))
        .organizational_unit("Security")
        .issue()
        .unwrap()
}

fn verified(issued: &Issued) -> Peer {
    let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
    Peer::Verified(Identity::assertion(certificate, "staff"))
}

fn untrusted() -> Peer {
    Peer::Untrusted { certificate: None, reason: Distrust::Revoked }
}

/// Decides a request to a policy with this rule alone; the roles `admin` and `suspended` exist.
fn decide(rule: Rule, peer: &Peer) -> Decision {
    let policy = Policy::builder().role("admin", ["user"]).role("user", []).role("suspended", []);
    let policy = policy.route("GET /x/{id}", rule).build().unwrap();
    let roles = RoleMap::new().name("alice", ["admin"]).unwrap();
    let auth = Authorizer::builder(policy).roles(roles).build().unwrap();
    auth.decide(&Request::new("GET", "/x/7%20a"), Some(&Connection::assertion(peer.clone())))
}

fn kind(decision: &Decision) -> Option<DenialKind> {
    decision.denial().map(Denial::kind)
}

#[test]
fn each_peer_gets_the_kind_of_denial_that_helps() {
    let alice = verified(&issued("alice"));
    let bob = verified(&issued("bob"));
    for (peer, expected) in [
        (&Peer::Anonymous, Some(DenialKind::CertificateRequired)),
        (&untrusted(), Some(DenialKind::CertificateUntrusted)),
        (&bob, Some(DenialKind::Forbidden)),
        (&alice, None),
    ] {
        assert_eq!(kind(&decide(role("admin"), peer)), expected, "{peer:?}");
    }
    assert_eq!(
        kind(&decide(nobody(), &Peer::Anonymous)),
        Some(DenialKind::Forbidden),
        "no certificate would help"
    );
    assert!(decide(anyone(), &untrusted()).is_allowed());
}

#[test]
fn roles_include_others() {
    let alice = verified(&issued("alice"));
    assert!(decide(role("user"), &alice).is_allowed());
    assert!(decide(any_role(["suspended", "user"]), &alice).is_allowed());
    assert!(!decide(role("suspended"), &alice).is_allowed());
    assert!(decide(role("admin").and(!role("suspended")), &alice).is_allowed());
}

#[test]
fn facts_of_the_certificate() {
    let issued = issued("alice");
    let alice = verified(&issued);
    let fingerprint = Certificate::from_der(issued.certificate_der()).unwrap().sha256().to_string();
    for (rule, expected) in [
        (subject(AttributeType::CN).eq("alice"), true),
        (subject(AttributeType::CN).eq("Alice"), false),
        (subject(AttributeType::CN).starts_with("al"), true),
        (subject(AttributeType::CN).ends_with("al"), false),
        (subject(AttributeType::CN).is_one_of(["bob", "alice"]), true),
        (subject(AttributeType::OU).contains("Security"), true),
        (subject(AttributeType::OU).contains("security"), false),
        (subject(AttributeType::L).exists(), false),
        (!subject(AttributeType::L).exists(), true),
        (san(SanKind::Email).contains("alice@example.com"), true),
        (san(SanKind::Dns).contains("alice@example.com"), false),
        (san(SanKind::Uri).exists(), false),
        (anchor("staff"), true),
        (anchor("partners"), false),
        (sha256(&fingerprint.to_uppercase()), true),
        (authenticated(), true),
    ] {
        let text = rule.to_string();
        assert_eq!(decide(rule, &alice).is_allowed(), expected, "{text}");
    }
}

#[test]
fn an_absent_or_repeated_attribute_denies_under_negation_too() {
    let alice = verified(&issued("alice"));
    let rule = subject(AttributeType::L).eq("Berlin");
    assert!(!decide(rule.clone(), &alice).is_allowed());
    assert!(!decide(!rule.clone(), &alice).is_allowed());
    assert!(decide(rule.or(role("admin")), &alice).is_allowed(), "the other side settles it");

    let authority = Authority::new("Test CA").unwrap();
    let twice = authority.client("carol").organizational_unit("a").organizational_unit("b").issue().unwrap();
    let carol = verified(&twice);
    assert!(!decide(!subject(AttributeType::OU).eq("x"), &carol).is_allowed());
    assert!(decide(subject(AttributeType::OU).contains("b"), &carol).is_allowed());
}

#[test]
fn nobody_else_has_facts() {
    for peer in [Peer::Anonymous, untrusted()] {
        assert!(!decide(subject(AttributeType::CN).exists(), &peer).is_allowed());
        assert!(!decide(!subject(AttributeType::CN).eq("x"), &peer).is_allowed());
        assert!(!decide(!anchor("staff"), &peer).is_allowed());
    }
}

#[test]
fn a_caller_without_a_usable_name_is_nobody() {
    let authority = Authority::new("Test CA").unwrap();
    for name in ["dup_cn", "nul_cn", "t61_cn", "badutf8_cn", "empty_dn"] {
        let peer = verified(&authority.hostile(name).unwrap());
        assert!(!decide(authenticated(), &peer).is_allowed(), "{name}");
        assert!(!decide(!authenticated(), &peer).is_allowed(), "{name}");
        assert!(decide(anyone(), &peer).is_allowed(), "{name}");
    }
}

#[test]
fn chains_and_empty_chains() {
    let alice = verified(&issued("alice"));
    assert!(decide(all([role("admin"), authenticated()]), &alice).is_allowed());
    assert!(!decide(all([role("admin"), nobody()]), &alice).is_allowed());
    assert!(decide(any([nobody(), role("admin")]), &alice).is_allowed());
    for empty in [all([]), any([]), any_role::<&str>([]), !all([])] {
        let error = Policy::builder().route("GET /", empty).build().unwrap_err().to_string();
        assert!(error.contains("rules.rs:") && error.contains("of no rules"), "{error}");
    }
}

#[test]
fn a_rule_that_compares_with_nothing_is_a_build_error() {
    for rule in [
        subject(AttributeType::CN).eq(""),
        subject(AttributeType::CN).is_one_of::<&str>([]),
        san(SanKind::Dns).contains(""),
        anchor(""),
        sha256("abc"),
        role(""),
        custom("", |_| true),
    ] {
        assert!(Policy::builder().route("GET /", rule).build().is_err());
    }
}

#[test]
fn custom_conditions_see_the_request_and_may_fail() {
    let alice = verified(&issued("alice"));
    assert!(decide(custom("id", |scope| scope.param("id").as_deref() == Some("7 a")), &alice).is_allowed());
    assert!(decide(custom("path", |scope| scope.request().path() == "/x/7%20a"), &alice).is_allowed());
    let failing = custom("fails", |_| Err::<bool, _>("no database"));
    assert!(!decide(failing.clone(), &alice).is_allowed());
    assert!(!decide(!failing, &alice).is_allowed());
    let panicking = custom("panics", |scope| -> bool { panic!("on {}", scope.request().path()) });
    assert!(!decide(!panicking, &alice).is_allowed());
}

struct Down;
impl RoleProvider for Down {
    fn roles(&self, _: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Ready(Err(ProviderError::new("connection refused")))
    }
}

struct Broken;
impl RoleProvider for Broken {
    fn roles(&self, _: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        panic!("bug")
    }
}

#[test]
fn a_failed_source_denies_what_needs_it_and_nothing_else() {
    let alice = Connection::assertion(verified(&issued("alice")));
    let policy = || {
        Policy::builder()
            .role("admin", [])
            .role("suspended", [])
            .route("GET /", anyone())
            .route("GET /known", role("admin"))
            .route("GET /unknown", !role("suspended"))
            .build()
            .unwrap()
    };
    let known = || RoleMap::new().name("alice", ["admin"]).unwrap();
    for auth in [
        Authorizer::builder(policy()).roles(known()).roles(Down).build().unwrap(),
        Authorizer::builder(policy()).roles(Broken).roles(known()).build().unwrap(),
    ] {
        let decide = |path| auth.decide(&Request::new("GET", path), Some(&alice));
        assert!(decide("/").is_allowed());
        assert!(decide("/known").is_allowed(), "another source gives it");
        let denied = decide("/unknown");
        assert_eq!(kind(&denied), Some(DenialKind::Unavailable));
        assert_eq!(denied.denial().unwrap().status(), 503);
        assert!(!denied.denial().unwrap().render(None).body.contains("connection refused"));
    }
}

#[test]
fn a_role_that_the_policy_does_not_define_is_a_build_error() {
    let policy = Policy::builder().role("admin", []).route("GET /", role("admin")).build().unwrap();
    let roles = RoleMap::new().name("alice", ["admn"]).unwrap();
    let error = Authorizer::builder(policy).roles(roles).build().unwrap_err();
    assert!(error.to_string().contains("`admn`"), "{error}");
}

#[test]
fn every_way_of_the_role_map() {
    let issued = issued("alice");
    let fingerprint = Certificate::from_der(issued.certificate_der()).unwrap().sha256().to_string();
    let maps = [
        RoleMap::new().name("alice", ["r"]),
        RoleMap::new().sha256(&fingerprint, ["r"]),
        RoleMap::new().subject(AttributeType::OU, "Security", ["r"]),
        RoleMap::new().san(SanKind::Email, "alice@example.com", ["r"]),
    ];
    for map in maps {
        let policy = Policy::builder().role("r", []).route("GET /", role("r")).build().unwrap();
        let auth = Authorizer::builder(policy).roles(map.unwrap()).build().unwrap();
        let decide = |peer| auth.decide(&Request::new("GET", "/"), Some(&Connection::assertion(peer)));
        assert!(decide(verified(&issued)).is_allowed());
        let mallory = Authority::new("Test CA").unwrap().client("mallory").issue().unwrap();
        assert!(!decide(verified(&mallory)).is_allowed());
        assert!(!decide(Peer::Anonymous).is_allowed());
    }
}

#[test]
fn a_name_that_no_certificate_can_have_is_no_entry() {
    assert!(RoleMap::new().san(SanKind::Dns, "a b", ["r"]).is_err());
    assert!(RoleMap::new().san(SanKind::Dns, "", ["r"]).is_err());
    let authority = Authority::new("Test CA").unwrap();
    let peer = verified(&authority.client("host").dns("Build.Example").issue().unwrap());
    let policy = Policy::builder().role("r", []).route("GET /", role("r")).build().unwrap();
    let roles = RoleMap::new().san(SanKind::Dns, "BUILD.example", ["r"]).unwrap();
    let auth = Authorizer::builder(policy).roles(roles).build().unwrap();
    assert!(auth.decide(&Request::new("GET", "/"), Some(&Connection::assertion(peer))).is_allowed());
}

#[test]
fn roles_by_closure() {
    let policy = Policy::builder().role("r", []).route("GET /", role("r")).build().unwrap();
    let by_name = |account: Account<'_>| account.name.starts_with("al").then_some("r");
    let auth = Authorizer::builder(policy).roles(by_name).build().unwrap();
    let decide =
        |name| auth.decide(&Request::new("GET", "/"), Some(&Connection::assertion(verified(&issued(name)))));
    assert!(decide("alice").is_allowed());
    assert!(!decide("bob").is_allowed());
}

#[test]
fn names_of_two_anchors_never_mix() {
    let certificate = Certificate::from_der(issued("mesh:bob").certificate_der()).unwrap();
    let peer = |label: &str| Peer::Verified(Identity::assertion(certificate.clone(), label));
    let builder = Policy::builder()
        .anchor("staff", NameField::default())
        .anchor_with_prefix("mesh", NameField::San(SanKind::Email), "mesh:")
        .route("GET /", authenticated());
    let auth = Authorizer::builder(builder.build().unwrap()).build().unwrap();
    let name = |label: &str| {
        let Answer::Ready(principal) = auth.principal(peer(label)) else { panic!("no source has to wait") };
        principal.name().map(String::from).map_err(ToString::to_string)
    };
    assert_eq!(name("mesh").unwrap(), "mesh:mesh:bob@example.com");
    assert!(name("staff").unwrap_err().contains("belongs to the trust anchor `mesh`"));
    assert!(name("other").unwrap_err().contains("no entry for the trust anchor `other`"));

    let alike = Policy::builder().anchor("a", NameField::default()).anchor("b", NameField::default()).build();
    assert!(alike.unwrap_err().to_string().contains("give each its own prefix"));
}

#[test]
fn two_listeners_with_different_anchors_do_not_lend_names() {
    let policy = || Policy::builder().role("admin", []).route("GET /", role("admin")).build().unwrap();
    let roles = RoleMap::new().name("alice", ["admin"]).unwrap();
    let auth = Authorizer::builder(policy()).roles(roles).build().unwrap();
    let alice = |label: &str| {
        let certificate = Certificate::from_der(issued("alice").certificate_der()).unwrap();
        Connection::assertion(Peer::Verified(Identity::assertion(certificate, label)))
    };
    let allowed = |label: &str| auth.decide(&Request::new("GET", "/"), Some(&alice(label))).is_allowed();
    assert!(allowed("staff"));
    assert!(!allowed("devices"), "whoever that authority calls alice is not the staff's alice");
    auth.replace_policy(policy()).unwrap();
    assert!(!allowed("devices"), "nor after a reload");
    assert!(allowed("staff"));
}

#[test]
fn rules_print_as_policy_text() {
    for (rule, text) in [
        (role("a").and(role("b")).and(role("c")), r#"role("a") && role("b") && role("c")"#),
        (role("a").and(role("b").or(role("c"))), r#"role("a") && (role("b") || role("c"))"#),
        (!(role("a").or(authenticated())), r#"!(role("a") || authenticated)"#),
        (!subject(AttributeType::CN).eq("a\"b"), r#"!(subject.CN == "a\"b")"#),
        (subject(AttributeType::OU).contains("x"), r#""x" in subject.all.OU"#),
        (san(SanKind::Email).contains("x@y"), r#""x@y" in san.email"#),
        (anchor("staff"), r#"anchor.label == "staff""#),
        (custom("office hours", |_| true), r#"custom("office hours")"#),
    ] {
        assert_eq!(rule.to_string(), text);
    }
}

#[test]
fn a_provider_fault_wins_over_others() {
    let alice = Connection::assertion(verified(&issued("alice")));
    let policy = Policy::builder()
        .role("r", [])
        .route("GET /", subject(AttributeType::L).eq("x").or(role("r")))
        .build()
        .unwrap();
    let auth = Authorizer::builder(policy).roles(Down).build().unwrap();
    assert_eq!(kind(&auth.decide(&Request::new("GET", "/"), Some(&alice))), Some(DenialKind::Unavailable));
    assert!(Fault::Unavailable.is_unavailable() && !Fault::Absent.is_unavailable());
}

#[test]
fn a_path_parameter_that_the_pattern_lacks_is_a_build_error() {
    let rule = || Rule::parse("params.name == principal.name").unwrap();
    assert!(Policy::builder().route("GET /users/{name}", rule()).build().is_ok());
    let error = Policy::builder().route("GET /users/{nmae}", rule()).build().unwrap_err().to_string();
    assert!(error.contains("the route has no path parameter `name`: did you mean `params.nmae`?"), "{error}");
}

#[test]
fn sources_may_say_more_of_a_caller_than_roles() {
    let alice = Connection::assertion(verified(&issued("alice")));
    let rule = Rule::parse(r#"principal.attributes.department == "sales""#).unwrap();
    let denied_or_allowed = |first: Option<&'static str>, second: Option<&'static str>, down: bool| {
        let policy =
            Policy::builder().route("GET /", rule.clone()).route("GET /not", !rule.clone()).build().unwrap();
        let source = |department: Option<&'static str>| {
            move |_: Account<'_>| {
                department.map_or_else(Grants::default, |d| Grants::default().attribute("department", d))
            }
        };
        let auth = Authorizer::builder(policy).roles(source(first)).roles(source(second));
        let auth = if down { auth.roles(Down) } else { auth };
        let auth = auth.build().unwrap();
        ["/", "/not"].map(|path| kind(&auth.decide(&Request::new("GET", path), Some(&alice))))
    };
    let (forbidden, unavailable) = (Some(DenialKind::Forbidden), Some(DenialKind::Unavailable));
    assert_eq!(denied_or_allowed(Some("sales"), None, false), [None, forbidden]);
    assert_eq!(denied_or_allowed(Some("it"), None, false), [forbidden, None]);
    assert_eq!(denied_or_allowed(Some("sales"), Some("sales"), false), [None, forbidden]);
    assert_eq!(
        denied_or_allowed(Some("sales"), None, true),
        [unavailable, unavailable],
        "it might contradict"
    );
    assert_eq!(
        denied_or_allowed(Some("sales"), Some("it"), false),
        [forbidden, forbidden],
        "they contradict each other"
    );
    assert_eq!(denied_or_allowed(None, None, false), [forbidden, forbidden]);
    assert_eq!(denied_or_allowed(None, None, true), [unavailable, unavailable]);
}
