//! Policies from files: what they decide, and how several files become one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy exempts test functions, not what they call"
)]

use std::path::{Path, PathBuf};

use portcullis_core::certificate::Certificate;
use portcullis_core::policy::FieldType;
use portcullis_core::rule::Scope;
use portcullis_core::{Authorizer, Connection, Identity, Peer, Policy, Request, RoleMap};
use portcullis_pki::{Authority, LeafBuilder};
use proptest::prelude::*;
use proptest::sample::Index;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies").join(name)
}

fn caller(anchor: &str, leaf: impl FnOnce(&Authority) -> LeafBuilder<'_>) -> Connection {
    let authority = Authority::new("Test CA").unwrap();
    let issued = leaf(&authority).issue().unwrap();
    let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
    Connection::assertion(Peer::Verified(Identity::assertion(certificate, anchor)))
}

fn named(anchor: &str, name: &str) -> Connection {
    caller(anchor, |authority| authority.client(name))
}

/// Whether `METHOD /path` is allowed.
fn allows(auth: &Authorizer, connection: &Connection, request: &str) -> bool {
    let (method, path) = request.split_once(' ').unwrap();
    auth.decide(&Request::new(method, path), Some(connection)).is_allowed()
}

#[test]
fn the_example_of_the_manual_decides_as_it_says() {
    let policy = Policy::from_file(file("design.toml")).unwrap_or_else(|error| panic!("{error}"));
    let roles = RoleMap::new().name("mesh:spiffe://prod/ns/ops/sa/mod", ["suspended"]).unwrap();
    let auth = Authorizer::builder(policy.clone()).roles(roles).build().unwrap();
    let staff = |name: &str, email: &str, unit: &str| {
        caller("staff", |authority| authority.client(name).email(email).organizational_unit(unit))
    };
    let workload = |uri: &str| caller("mesh", |authority| authority.client("x").uri(uri));
    let nobody = Connection::assertion(Peer::Anonymous);
    let alice = staff("alice", "alice@example.com", "Security");
    let bob = staff("bob", "bob@example.com", "Kitchen");
    let moderator = workload("spiffe://prod/ns/ops/sa/mod");
    let other = workload("spiffe://prod/ns/ops/sa/other");

    for everybody in [&nobody, &alice, &bob, &moderator, &other] {
        assert!(allows(&auth, everybody, "GET /"));
        assert!(!allows(&auth, everybody, "POST /"));
        assert!(!allows(&auth, everybody, "GET /elsewhere"));
    }
    for path in ["GET /admin", "GET /admin/", "DELETE /admin/users/7"] {
        assert!(allows(&auth, &alice, path));
        for denied in [&nobody, &bob, &moderator, &other] {
            assert!(!allows(&auth, denied, path));
        }
    }
    assert!(allows(&auth, &bob, "GET /users/bob@example.com/inbox"), "his own");
    assert!(allows(&auth, &bob, "GET /users/alice@example.com/inbox"), "a moderator");
    assert!(allows(&auth, &alice, "GET /users/bob@example.com/inbox"), "an admin is a moderator");
    assert!(allows(&auth, &moderator, "GET /users/anybody/inbox"));
    assert!(!allows(&auth, &other, "GET /users/anybody/inbox"));
    // Names of two anchors never mix.
    let impostor = caller("mesh", |authority| {
        authority.client("alice").email("alice@example.com").organizational_unit("Security")
    });
    assert!(!allows(&auth, &impostor, "GET /admin"));

    let resource = policy.resource("document", "read").unwrap();
    assert_eq!(resource.resource_type().field("level"), Some(FieldType::Int));
    assert_eq!(resource.resource_type().fields().count(), 4);
    assert_eq!(resource.place().line(), 29);
    assert!(policy.resource("document", "write").is_none());
    assert!(policy.resource("documents", "read").is_none());
}

#[test]
fn a_condition_that_cannot_be_decided_denies_both_ways() {
    let policy = Policy::from_text(
        "policy.toml",
        r#"
            version = 1
            [roles.berlin]
            when = 'subject.L == "Berlin"'
            [roles.anywhere]
            includes = ["berlin"]
            when = 'has(subject.L)'
            [[route]]
            match = "GET /in"
            allow = 'role("berlin")'
            [[route]]
            match = "GET /out"
            allow = '!role("berlin")'
        "#,
    )
    .unwrap();
    let auth = Authorizer::builder(policy).build().unwrap();
    let berlin = caller("a", |authority| authority.client("x").locality("Berlin"));
    let paris = caller("a", |authority| authority.client("x").locality("Paris"));
    let nowhere = named("a", "x");
    for (who, inside, outside) in [(&berlin, true, false), (&paris, true, false), (&nowhere, false, false)] {
        assert_eq!(allows(&auth, who, "GET /in"), inside);
        assert_eq!(allows(&auth, who, "GET /out"), outside);
    }
}

#[test]
fn rust_and_text_give_roles_alike() {
    use portcullis_core::rule::{anchor, anyone, role};
    let build =
        |when| Policy::builder().role("staff", []).role_when("staff", when).route("GET /", role("staff"));
    let auth = Authorizer::builder(build(anchor("staff")).build().unwrap()).build().unwrap();
    assert!(allows(&auth, &named("staff", "x"), "GET /"));
    assert!(!allows(&auth, &named("partner", "x"), "GET /"));
    for beyond in [anyone(), role("staff"), anchor("staff").and(portcullis_core::rule::custom("x", |_| true))]
    {
        let error = build(beyond).build().unwrap_err().to_string();
        assert!(error.contains("the condition of the role `staff` reads"), "{error}");
    }
}

#[test]
fn ids_descriptions_and_places_are_kept() {
    let policy = Policy::from_text(
        "policy.toml",
        r#"version = 1
[roles.admin]
description = "who runs the place"
[[route]]
id = "home"
description = "the front door"
match = "GET /"
allow = "anyone"
[[route]]
match = "GET /a"
host = "Example.COM"
allow = 'role("admin")'
"#,
    )
    .unwrap();
    let routes: Vec<_> = policy.routes().collect();
    assert_eq!((routes[0].id(), routes[0].description()), ("home", Some("the front door")));
    assert_eq!((routes[1].id(), routes[1].host()), ("GET /a", Some("example.com")));
    assert_eq!(routes[1].place().to_string(), "policy.toml:10:9");
    let role = policy.roles().next().unwrap();
    assert_eq!(role.description(), Some("who runs the place"));
    assert_eq!(role.place().to_string(), "policy.toml:2:8");

    use portcullis_core::rule::anyone;
    let policy = Policy::builder().role("admin", []).role_description("admin", "x");
    let policy = policy.route("GET /", anyone()).route_id("home").route_description("y").build().unwrap();
    let route = policy.routes().next().unwrap();
    assert_eq!((route.id(), route.description()), ("home", Some("y")));
    assert!(route.place().to_string().starts_with(file!()), "{}", route.place());
    assert!(!route.place().is_in_policy_file());
    for stray in [Policy::builder().route_id("x"), Policy::builder().route_description("x")] {
        assert!(stray.build().unwrap_err().to_string().contains("is given to no route"));
    }
}

#[test]
fn custom_conditions_are_registered_by_name() {
    let text =
        |name: &str| format!("version = 1\n[[route]]\nmatch = 'GET /{{id}}'\nallow = 'custom(\"{name}\")'\n");
    let seven = |scope: &Scope<'_>| scope.param("id").as_deref() == Some("7");
    let loader = Policy::loader().custom("is seven", seven);
    let auth = Authorizer::builder(loader.text("p", &text("is seven")).unwrap()).build().unwrap();
    let nobody = Connection::assertion(Peer::Anonymous);
    assert!(allows(&auth, &nobody, "GET /7") && !allows(&auth, &nobody, "GET /8"));

    let error = loader.text("p", &text("is sven")).unwrap_err().to_string();
    assert!(error.contains("did you mean `is seven`?"), "{error}");
    let lenient = loader.clone().unregistered_custom();
    let auth = Authorizer::builder(lenient.text("p", &text("other")).unwrap()).build().unwrap();
    assert!(!allows(&auth, &nobody, "GET /7"), "a condition without a closure cannot be decided");
    let auth = Authorizer::builder(lenient.text("p", &text("is seven")).unwrap()).build().unwrap();
    assert!(allows(&auth, &nobody, "GET /7"));

    let twice = loader.custom("is seven", |_| true).custom("a\"b", |_| true);
    let error = twice.text("p", "version = 1").unwrap_err().to_string();
    assert!(error.contains("two closures have the name `is seven`"), "{error}");
    assert!(error.contains("cannot name a custom condition"), "{error}");
    assert_eq!(error.matches("policy_file.rs:").count(), 2, "{error}");
}

#[test]
fn included_files_become_one_policy() {
    let policy = Policy::from_file(file("include/main.toml")).unwrap_or_else(|error| panic!("{error}"));
    let mut routes: Vec<_> = policy.routes().map(ToString::to_string).collect();
    routes.sort();
    assert_eq!(routes, ["* /admin/{*rest}", "GET /", "GET /deep"]);
    let deep = policy.routes().find(|route| route.pattern().path() == "/deep").unwrap();
    assert!(deep.place().file().ends_with("deep.toml") && deep.place().line() == 4, "{}", deep.place());
    let auth = Authorizer::builder(policy).build().unwrap();
    assert!(allows(&auth, &named("staff", "alice"), "GET /admin/x"));
    assert!(!allows(&auth, &named("staff", "bob"), "GET /admin/x"));
}

/// The error of a file, with its folder left out.
fn error_of(name: &str) -> String {
    let path = file(name);
    let folder = path.parent().unwrap().display().to_string();
    Policy::from_file(&path).unwrap_err().to_string().replace(&format!("{folder}/"), "")
}

#[test]
fn files_that_do_not_fit_together_are_refused() {
    for (name, parts) in [
        (
            "circle-a.toml",
            &["files include each other in a circle, circle-a.toml > circle-b.toml > circle-a.toml"][..],
        ),
        ("self.toml", &["circle, self.toml > self.toml", "self.toml:2:12"]),
        ("twice.toml", &["`leaf.toml` is included twice (first at twice.toml:2:12)", "twice.toml:2:25"]),
        (
            "missing.toml",
            &[
                "`gone.toml` cannot be read: there is no such file",
                "`.` cannot be read: it is no file",
                "`binary.toml` cannot be read: it is no UTF-8 text, first in line 2",
            ],
        ),
        (
            "declared-twice.toml",
            &[
                "the role `admin` is defined twice (first at declared-twice.toml:7:8)",
                "`GET /reports/{number}` is for the same requests as `GET /reports/{id}`",
                "the other one is at declared-twice.toml:10:9",
                "the trust anchor `staff` is declared twice",
                "the first one is at declared-twice.toml:5:1",
                "other.toml:10:9",
            ],
        ),
        ("nothing.toml", &["nothing.toml: the policy cannot be read: there is no such file"]),
        ("", &["the policy cannot be read: it is no file"]),
    ] {
        let error = error_of(&format!("include/broken/{name}"));
        for part in parts {
            assert!(error.contains(part), "{part}\nis not in\n{error}");
        }
    }
}

#[cfg(unix)]
#[test]
fn what_never_ends_is_no_policy() {
    let error = Policy::from_file("/dev/zero").unwrap_err().to_string();
    assert_eq!(error, "/dev/zero: the policy cannot be read: it is no file");
}

#[test]
fn sizes_are_limited() {
    let long = format!("version = 1\n#{}", "x".repeat(33 << 20));
    let error = Policy::from_text("policy.toml", &long).unwrap_err().to_string();
    assert!(error.contains("policy.toml: it has more than 33554432 bytes"), "{error}");

    let folder = std::env::temp_dir().join(format!("portcullis-policy-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let names: Vec<_> = (0..70).map(|i| format!("\"{i}.toml\"")).collect();
    for i in 0..70 {
        std::fs::write(folder.join(format!("{i}.toml")), "version = 1\n").unwrap();
    }
    std::fs::write(folder.join("main.toml"), format!("version = 1\ninclude = [{}]\n", names.join(", ")))
        .unwrap();
    let error = Policy::from_file(folder.join("main.toml")).unwrap_err().to_string();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(error.contains("a policy has at most 65 files"), "{error}");
    assert_eq!(error.matches("error:").count(), 1, "{error}");
}

#[test]
fn of_very_many_mistakes_the_first_are_told() {
    let routes: String =
        (0..500).map(|i| format!("[[route]]\nmatch = \"GET /{i}\"\nallow = 'role(\"x\")'\n")).collect();
    let error = Policy::from_text("policy.toml", &format!("version = 1\n{routes}")).unwrap_err();
    assert_eq!(error.faults().len(), 100);
    assert!(error.to_string().ends_with("and 400 more mistakes"));
}

/// Blocks of a policy that may stand in any order.
const BLOCKS: [&str; 9] = [
    "[roles.user]\nmembers = ['bob']\n",
    "[roles.admin]\nincludes = ['user']\nmembers = ['alice']\n",
    "[roles.audit]\nwhen = 'subject.CN == \"carol\"'\n",
    "[[route]]\nmatch = 'GET /l1/l2/l3/{*rest}'\nallow = 'role(\"admin\")'\n",
    "[[route]]\nmatch = 'GET /l1/{*rest}'\nallow = 'anyone'\n",
    "[[route]]\nmatch = 'GET /l1/l2/{*rest}'\nallow = 'role(\"user\")'\n",
    "[[route]]\nmatch = 'GET /l1/{x}/l3'\nallow = 'role(\"audit\")'\n",
    "[[route]]\nmatch = '* /l1/l2/l3'\nallow = 'nobody'\n",
    "[[route]]\nmatch = 'POST /l1/l2/{x}'\nallow = 'authenticated'\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_never_matters(order in proptest::collection::vec(any::<Index>(), BLOCKS.len())) {
        let mut blocks = BLOCKS.to_vec();
        let shuffled: String = order.iter().map(|index| blocks.remove(index.index(blocks.len()))).collect();
        let load = |text: &str| Policy::from_text("p", &format!("version = 1\n{text}")).unwrap();
        let (one, other) = (load(&BLOCKS.concat()), load(&shuffled));
        prop_assert_eq!(one.digest(), other.digest());
        prop_assert!(one.diff(&other).is_empty());
        let sorted = |policy: &Policy| {
            let mut rows: Vec<_> = policy.matrix().to_string().lines().map(str::to_owned).collect();
            rows.sort();
            rows
        };
        prop_assert_eq!(sorted(&one), sorted(&other));
        let codes = |policy: &Policy| {
            let mut codes: Vec<_> = policy.lint().iter().map(|finding| finding.message().to_owned()).collect();
            codes.sort();
            codes
        };
        prop_assert_eq!(codes(&one), codes(&other));
    }
}
