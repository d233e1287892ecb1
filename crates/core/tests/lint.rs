//! What is found in policies that load, and what is not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy exempts test functions, not what they call"
)]

use portcullis_core::Policy;
use portcullis_core::policy::{Finding, Level};

/// The roles and anchors that the cases take for granted; nothing is found in them.
const BASE: &str = r#"version = 1
[anchors]
staff = { name = "san.email" }
mesh = { name = "spiffe.id", prefix = "mesh:" }
[roles.user]
members = ["bob@example.com"]
[roles.admin]
includes = ["user"]
members = ["alice@example.com", "mesh:spiffe://prod/ns/ops"]
[[route]]
match = "GET /base"
allow = 'role("admin")'
[[route]]
match = "GET /base/user"
allow = 'role("user")'
"#;

fn lint(text: &str) -> Vec<Finding> {
    let loader = Policy::loader().unregistered_custom();
    let policy =
        loader.text("policy.toml", &format!("{BASE}{text}")).unwrap_or_else(|error| panic!("{error}"));
    policy.lint()
}

fn route(pattern: &str, allow: &str) -> String {
    format!("[[route]]\nmatch = '{pattern}'\nallow = '''{allow}'''\n")
}

/// Checks that exactly these are found: level, code, and a part of the message.
fn check(text: &str, expected: &[(Level, &str, &str)]) {
    let findings = lint(text);
    let codes: Vec<_> = findings.iter().map(|finding| (finding.level(), finding.code())).collect();
    let wanted: Vec<_> = expected.iter().map(|(level, code, _)| (*level, *code)).collect();
    let all: String = findings.iter().map(|finding| format!("{finding}\n")).collect();
    assert_eq!(codes, wanted, "{text}\n{all}");
    for (finding, (_, _, part)) in findings.iter().zip(expected) {
        assert!(finding.message().contains(part), "{part}\nis not in\n{finding}");
        assert!(!finding.remedy().is_empty() && finding.place().is_in_policy_file());
    }
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    check("", &[]);
    for allow in [
        "anyone",
        "authenticated",
        r#"subject.CN == "alice" || subject.CN == "bob""#,
        r#"subject.CN.matches("^[a-z]+$")"#,
        r#"issuer.CN == "CA" && anchor.label == "staff""#,
        r#"request.method == "GET" ? role("admin") : role("user")"#,
        r#"role("admin") && request.peer_ip in ["10.0.0.1", "10.0.0.2"]"#,
    ] {
        check(&route("GET /x", allow), &[]);
    }
}

#[test]
fn rules_that_say_nothing_are_found() {
    use Level::{Error, Warn};
    for (allow, level, code) in [
        (r#"subject.CN == "a" && subject.CN == "b""#, Error, "never-allows"),
        (r#"subject.CN == "a" && subject.CN.startsWith("b")"#, Error, "never-allows"),
        (r#"subject.CN == "a" && subject.CN in ["b", "c"]"#, Error, "never-allows"),
        (r#"subject.CN == "a" && !(subject.CN == "a")"#, Error, "never-allows"),
        (r#"subject.CN == "a" && subject.CN != "a""#, Error, "never-allows"),
        (r#"role("admin") && !role("user")"#, Error, "never-allows"),
        (r#"nobody && role("user")"#, Error, "never-allows"),
        (r#"role("user") && !authenticated"#, Error, "never-allows"),
        ("anyone || authenticated", Error, "always-allows"),
        ("authenticated || !authenticated", Error, "always-allows"),
        (r#"request.method == "GET" || request.method != "GET""#, Error, "always-allows"),
        (r#"subject.CN == "a" || subject.CN != "a""#, Warn, "same-for-all-verified"),
        (r#"authenticated || role("user")"#, Warn, "same-for-all-verified"),
        (r#"role("user") || subject.CN == "a" && subject.CN == "b""#, Warn, "dead-part"),
        (r#"role("user") || nobody && authenticated"#, Warn, "dead-part"),
    ] {
        let findings = lint(&route("GET /x", allow));
        let found: Vec<_> = findings.iter().filter(|finding| finding.code() != "negated-role").collect();
        assert_eq!(found.len(), 1, "{allow}: {findings:?}");
        let found = found.first().unwrap();
        assert_eq!((found.level(), found.code()), (level, code), "{found}");
        assert_eq!(found.place().to_string(), "policy.toml:17:9");
    }
}

#[test]
fn details_of_rules_are_found() {
    use Level::{Note, Warn};
    check(
        &route("GET /x", r#"subject.CN.matches("^a|b$") && custom("x")"#),
        &[
            (Warn, "unanchored-regex", "`^a|b$` need not fit the whole text"),
            (Warn, "unregistered-custom", r#"no closure is registered for `custom("x")`"#),
        ],
    );
    check(
        &route("GET /x", r#"issuer.CN == "CA""#),
        &[(Warn, "issuer-without-anchor", "believes the issuer")],
    );
    check(
        &route("GET /x", r#""CA" in issuer.all.OU"#),
        &[(Warn, "issuer-without-anchor", "believes the issuer")],
    );
    check(
        &route("GET /x", r#"authenticated && !role("user")"#),
        &[(Note, "negated-role", "keeps out callers with the role `user`")],
    );
    check(
        &route("GET /x", r#"role("user") ? subject.CN == "a" : subject.CN == "b""#),
        &[(Note, "negated-role", "`user`")],
    );
    let shared =
        format!("{}{}", route("GET /x", r#"issuer.CN == "CA""#), route("GET /y", r#"issuer.CN == "CA""#));
    check(&shared, &[(Warn, "issuer-without-anchor", "the rule of `GET /x` and 1 more")]);
    let resource = "[[resource]]\ntype = 'page'\naction = 'read'\nallow = 'subject.CN.matches(\"a\")'\n";
    check(resource, &[(Warn, "unanchored-regex", "the rule of `read page`")]);
}

#[test]
fn conditions_of_roles_are_looked_at() {
    use Level::{Error, Warn};
    let role = |when: &str| format!("[roles.x]\nincludes = [\"user\"]\nwhen = '''{when}'''\n");
    let anchored = |when: &str| role(&format!(r#"anchor.label == "staff" && {when}"#));
    check(&anchored(r#"subject.CN == "a""#), &[]);
    check(&role(r#"subject.CN == "a""#), &[(Warn, "condition-without-anchor", "asks for none of the 2")]);
    let sha256 = "0".repeat(64);
    check(&role(&format!("cert.sha256 == \"{sha256}\"")), &[]);
    check(
        &role(r#"anchor.label == "staff" && anchor.label == "mesh""#),
        &[(Error, "condition-never-holds", "the condition of the role `x` can never hold")],
    );
    check(
        &role(r#"anchor.label == "staff" || anchor.label != "staff""#),
        &[(Warn, "condition-always-holds", "holds for every certificate")],
    );
    check(
        &anchored(r#"subject.CN.matches("a")"#),
        &[(Warn, "unanchored-regex", "the condition of the role `x`")],
    );
}

#[test]
fn roles_and_members_are_looked_at() {
    use Level::{Note, Warn};
    check(
        "[roles.idle]\n",
        &[
            (Note, "role-without-source", "nothing in the policy gives the role `idle`"),
            (Note, "unused-role", "no rule asks for the role `idle`"),
        ],
    );
    check("[roles.boss]\nincludes = ['admin']\nmembers = ['a@b']\n", &[]);
    let listed = format!("[roles.idle]\nmembers = ['a@b']\n{}", route("GET /x", "size(principal.roles) > 1"));
    check(&listed, &[]);
    check(
        "[roles.boss]\nincludes = ['admin']\nmembers = ['alice', 'spiffe://prod/a', 'mesh:a@b', 'mesh:spiffe://prod', 'a@b', 'a@b']\n",
        &[
            (Warn, "member-cannot-match", "`alice` is a member of `boss`, but no caller can have this name"),
            (Warn, "member-cannot-match", "`spiffe://prod/a`"),
            (Warn, "member-cannot-match", "`mesh:a@b`"),
            (Warn, "member-cannot-match", "`mesh:spiffe://prod`"),
            (Note, "repeated-member", "`a@b` is listed twice"),
        ],
    );
}

#[test]
fn holes_between_routes_are_found() {
    use Level::{Note, Warn};
    let both = |a: &str, b: &str| format!("{a}{b}");
    check(
        &both(&route("GET /x", r#"role("admin")"#), &route("* /x", "authenticated")),
        &[(
            Warn,
            "method-hole",
            "`* /x` is open to more callers than `GET /x`, first to verified callers without",
        )],
    );
    check(&both(&route("GET /x", "authenticated"), &route("* /x", r#"role("admin")"#)), &[]);
    check(&both(&route("GET /x", "anyone"), &route("POST /x", r#"subject.CN == "a""#)), &[]);
    check(
        &both(&route("GET /f/secret", r#"role("admin")"#), &route("GET /f/{*rest}", "authenticated")),
        &[(Warn, "open-below", "`GET /f/{*rest}` opens everything below `/f/secret` to verified callers")],
    );
    let mended = format!(
        "{}{}{}",
        route("GET /f/secret", r#"role("admin")"#),
        route("GET /f/secret/{*rest}", r#"role("admin")"#),
        route("GET /f/{*rest}", "authenticated")
    );
    check(&mended, &[]);
    check(
        &both(&route("GET /f/x", "authenticated"), &route("* /f/{*rest}", "authenticated")),
        &[(Note, "shadowed-methods", "`* /f/{*rest}` opens methods that `/f/x` does not have")],
    );
    check(&route("GET /x", "nobody"), &[(Note, "closed-anyway", "`GET /x` is for nobody")]);
    check(&both(&route("GET /f/x", "nobody"), &route("GET /f/{y}", "authenticated")), &[]);
    let hosts = |a: &str, b: &str| {
        format!("{}host = 'a.test'\n{}host = 'b.test'\n", route("GET /x", a), route("* /x", b))
    };
    check(&hosts(r#"role("admin")"#, "anyone"), &[]);
}

#[test]
fn a_finding_is_one_line() {
    let findings = lint(&route("GET /x", "nobody"));
    let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        ["policy.toml:17:9: note[closed-anyway]: `GET /x` is for nobody, and no wider route opens it: \
          leave it out, unless it is there as a reminder: what no route opens is closed"]
    );
}
