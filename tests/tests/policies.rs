//! Policies that say what cannot be meant are no policies (FAULTS, A03, A06 and A09): whoever loads
//! one is told where the mistake is, and what to do.

#![expect(clippy::panic, reason = "helpers of tests fail by panicking")]

use portcullis_core::Policy;
use portcullis_core::rule::{Rule, all, any, anyone, nobody, role};

const ROUTE: &str = "[[route]]\nmatch = 'GET /'\nallow = 'anyone'\n";

/// The error of a policy file, from its second line on.
fn refused(rest: &str) -> String {
    let text = format!("version = 1\n{rest}");
    match Policy::from_text("policy.toml", &text) {
        Err(error) => error.to_string(),
        Ok(policy) => panic!("it is loaded: {policy:?}\n{text}"),
    }
}

/// The error names each of these, among them every place that the mistake has.
#[track_caller]
fn assert_refused(rest: &str, parts: &[&str]) {
    let error = refused(rest);
    for part in parts {
        assert!(error.contains(part), "no `{part}` in:\n{error}");
    }
}

#[test]
fn what_is_added_to_is_a_policy() {
    assert!(Policy::from_text("policy.toml", &format!("version = 1\n{ROUTE}")).is_ok());
}

#[test]
fn a03_nothing_is_not_everything() {
    for empty in [all([]), any([])] {
        let error = Policy::builder().route("GET /", empty).build().unwrap_err().to_string();
        assert!(error.contains("policies.rs"), "{error}");
    }
    let nothing: [Rule; 0] = [];
    assert!(
        Policy::builder().role("", []).route("GET /", anyone()).build().is_err(),
        "a role without a name"
    );
    assert!(Policy::builder().route("GET /", all(nothing).or(nobody())).build().is_err());
    for (rest, parts) in [
        ("[[route]]\nmatch = 'GET /'\nallow = ''\n", &["policy.toml:4:"][..]),
        ("[[route]]\nmatch = 'GET /'\n", &["policy.toml:2:", "allow"]),
        ("[[route]]\nallow = 'anyone'\n", &["policy.toml:2:", "match"]),
        ("[[route]]\nmatch = ''\nallow = 'anyone'\n", &["policy.toml:3:"]),
        ("[roles.'']\n", &["policy.toml:2:"]),
        ("[roles.user]\nwhen = ''\n", &["policy.toml:3:"]),
        ("[roles.user]\nmembers = ['']\n", &["policy.toml:3:"]),
        ("[roles.user]\n[[route]]\nmatch = 'GET /'\nallow = 'role(\"\")'\n", &["policy.toml:5:"]),
        ("[[route]]\nmatch = 'GET /'\nallow = 'request.method in []'\n", &["policy.toml:4:"]),
        ("[[route]]\nmatch = 'GET /'\nallow = 'true'\n", &["policy.toml:4:"]),
        ("[[route]]\nmatch = 'GET /'\nallow = '1 == 1'\n", &["policy.toml:4:"]),
        ("[anchors]\nstaff = {}\n", &["policy.toml:3:", "name"]),
    ] {
        assert_refused(rest, parts);
    }
}

#[test]
fn a06_two_rules_for_one_request_are_a_mistake_that_names_both() {
    let twice = |first: &str, second: &str| {
        assert_refused(
            &format!(
                "[[route]]\nmatch = '{first}'\nallow = 'anyone'\n[[route]]\nmatch = '{second}'\nallow = 'nobody'\n"
            ),
            &["policy.toml:3:", "policy.toml:6:"],
        );
    };
    twice("GET /admin/{*rest}", "GET /admin/{*rest}");
    twice("GET /users/{id}", "GET /users/{name}");
    twice("* /x", "* /x");

    let error = Policy::builder().route("GET /x", anyone()).route("GET /x", nobody()).build().unwrap_err();
    assert_eq!(error.to_string().matches("policies.rs:").count(), 2, "{error}");
}

#[test]
fn a06_a_pattern_that_no_request_fits_is_a_mistake() {
    for pattern in [
        "GET admin",
        "GET //admin",
        "GET /admin/../x",
        "GET /a%2fb",
        "GET /caf%C3%A9",
        "get /x",
        "GET /{a}{b}",
        "GET /{*rest}/x",
        "GET",
    ] {
        let text = format!("[[route]]\nmatch = '{pattern}'\nallow = 'anyone'\n");
        assert_refused(&text, &["policy.toml:3:"]);
    }
}

#[test]
fn a06_a_pattern_has_hosts_everywhere_or_nowhere() {
    let text = "[[route]]\nmatch = 'GET /x'\nhost = 'a.test'\nallow = 'anyone'\n[[route]]\nmatch = 'POST /x'\nallow = 'anyone'\n";
    assert_refused(text, &["policy.toml:3:", "policy.toml:7:"]);
}

#[test]
fn a09_roles_that_include_each_other_are_a_mistake() {
    assert_refused(&format!("[roles.a]\nincludes = ['a']\n{ROUTE}"), &["policy.toml:3:", "a > a"]);
    assert_refused(
        &format!(
            "[roles.a]\nincludes = ['b']\n[roles.b]\nincludes = ['c']\n[roles.c]\nincludes = ['a']\n{ROUTE}"
        ),
        &["policy.toml:", " > ", "circle"],
    );
    let circle = Policy::builder().role("a", ["b"]).role("b", ["a"]).route("GET /", anyone()).build();
    assert!(circle.unwrap_err().to_string().contains("policies.rs:"));
}

#[test]
fn a09_a_role_that_is_not_defined_is_a_mistake() {
    assert_refused(&format!("[roles.a]\nincludes = ['b']\n{ROUTE}"), &["policy.toml:3:", "`b`"]);
    assert_refused(
        "[roles.admin]\n[[route]]\nmatch = 'GET /'\nallow = 'role(\"admn\")'\n",
        &["policy.toml:5:", "did you mean `admin`?"],
    );
    assert_refused(
        "[roles.admin]\n[[route]]\nmatch = 'GET /'\nallow = '!role(\"suspended\")'\n",
        &["policy.toml:5:", "`suspended`"],
    );
    assert_refused(&format!("[roles.a]\n[roles.a]\n{ROUTE}"), &["policy.toml:3:"]);
    assert!(Policy::builder().route("GET /", role("admin").or(anyone())).build().is_err());
}
