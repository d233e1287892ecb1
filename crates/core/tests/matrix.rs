//! The table of who may pass where, held against what is decided.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy exempts test functions, not what they call"
)]

use std::path::Path;

use portcullis_core::certificate::Certificate;
use portcullis_core::policy::{Access, Caller};
use portcullis_core::{Authorizer, Connection, Identity, Peer, Policy, Request, RoleMap};
use portcullis_pki::Authority;
use proptest::prelude::*;
use proptest::sample::select;

#[test]
fn the_example_of_the_manual_as_a_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/design.toml");
    let matrix = Policy::from_file(path).unwrap().matrix();
    assert_eq!(
        matrix.to_string(),
        "\
route                    anonymous  authenticated  admin  auditor  moderator  suspended  user
GET /                    allow      allow          allow  allow    allow      allow      allow
* /admin/{*rest}         deny       deny           allow  deny     deny       deny       deny
GET /users/{name}/inbox  deny       depends        allow  depends  allow      depends    depends
"
    );
    assert_eq!(matrix.access("GET /", &Caller::Anonymous), Some(Access::Allow));
    assert_eq!(matrix.access("* /admin/{*rest}", &Caller::Role("admin".into())), Some(Access::Allow));
    assert_eq!(matrix.access("GET /nowhere", &Caller::Anonymous), None);
    assert_eq!(matrix.access("GET /", &Caller::Role("nobody".into())), None);
    assert_eq!(matrix.rows().count(), 3);
}

fn rule() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "anyone",
        "nobody",
        "authenticated",
        r#"role("admin")"#,
        r#"role("user")"#,
        r#"role("guest")"#,
        r#""admin" in principal.roles"#,
        r#"principal.roles.exists(r, r == "user")"#,
        "size(principal.roles) > 1",
        r#"subject.CN == "x""#,
        r#"subject.CN != "x""#,
        r#"subject.L == "Berlin""#,
        "has(subject.L)",
        r#"principal.name == params.id"#,
        r#"params.id == "7""#,
        r#"request.host == "a.test""#,
        r#"has(request.peer_ip) && cidr("10.0.0.0/8").containsIP(request.peer_ip)"#,
        r#"custom("yes")"#,
        r#"custom("no")"#,
        r#"custom("fails")"#,
        r#""x" in subject.all.OU"#,
        r#"anchor.label == "staff""#,
    ]);
    leaf.prop_map(String::from).prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a}) ? ({b}) : ({c})")),
        ]
    })
}

fn connection(name: &str) -> Connection {
    let issued = Authority::new("Test CA").unwrap().client(name).issue().unwrap();
    let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
    Connection::assertion(Peer::Verified(Identity::assertion(certificate, "staff")))
}

#[test]
fn whatever_the_table_says_is_what_is_decided() {
    let roles = RoleMap::new().name("admin", ["admin"]).unwrap();
    let roles = roles.name("user", ["user"]).unwrap().name("guest", ["guest"]).unwrap();
    let callers = [
        (Caller::Anonymous, Connection::assertion(Peer::Anonymous)),
        (Caller::Authenticated, connection("x")),
        (Caller::Role("admin".into()), connection("admin")),
        (Caller::Role("user".into()), connection("user")),
        (Caller::Role("guest".into()), connection("guest")),
    ];
    let loader = Policy::loader()
        .custom("yes", |_| true)
        .custom("no", |_| false)
        .custom("fails", |_| Err::<bool, _>("always"));
    let counts = std::cell::Cell::new([0; 3]);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(600));
    let run = runner.run(&rule(), |rule| {
        let text = format!(
            "version = 1\n[roles.user]\n[roles.guest]\n[roles.admin]\nincludes = ['user']\n\
             [[route]]\nmatch = 'GET /x/{{id}}'\nallow = '''{rule}'''\n"
        );
        // Some of these rules read nothing, which is refused.
        let Ok(policy) = loader.text("policy.toml", &text) else { return Ok(()) };
        let matrix = policy.matrix();
        let auth = Authorizer::builder(policy).roles(roles.clone()).build().unwrap();
        for (caller, connection) in &callers {
            let access = matrix.access("GET /x/{id}", caller).unwrap();
            let mut count = counts.get();
            count[access as usize] += 1;
            counts.set(count);
            for path in ["/x/7", "/x/admin", "/x/x"] {
                let request = Request::new("GET", path).with_host("a.test");
                let is_allowed = auth.decide(&request, Some(connection)).is_allowed();
                let fits = match access {
                    Access::Allow => is_allowed,
                    Access::Deny => !is_allowed,
                    Access::Depends => true,
                };
                prop_assert!(fits, "{rule}: {access} for {caller}, but allowed: {is_allowed}");
            }
        }
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
    assert!(counts.get().iter().all(|count| *count > 200), "each answer is tried: {:?}", counts.get());
}
