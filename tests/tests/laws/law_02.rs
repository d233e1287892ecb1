//! Law 2: no rule, no entry; the order of declaration never matters; never a wider pattern.

use portcullis_core::rule::{Rule, all, any, any_role, anyone, nobody, role};
use portcullis_core::{Authorizer, Connection, Peer, Policy};
use portcullis_tests::policy::{members, roles, routes};
use proptest::prelude::*;

use crate::{authorizer, passes, verified};

fn built(routes: &[(String, Rule)]) -> Authorizer {
    let policy =
        routes.iter().fold(roles(Policy::builder()), |p, (pattern, rule)| p.route(pattern, rule.clone()));
    Authorizer::builder(policy.build().unwrap()).roles(members().unwrap()).build().unwrap()
}

#[test]
fn law_2_what_no_rule_names_is_closed() {
    let auth = Authorizer::builder(Policy::builder().build().unwrap()).build().unwrap();
    for path in ["/", "/a", "/admin", "/health", "/favicon.ico"] {
        assert!(!passes(&auth, "GET", path, &verified("alice")), "{path}");
        assert!(!passes(&auth, "OPTIONS", path, &verified("alice")), "{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn law_2_the_order_of_declaration_never_matters(
        shuffled in Just(routes()).prop_shuffle(),
        paths in prop::collection::vec(path(), 20),
        method in prop::sample::select(vec!["GET", "HEAD", "POST", "DELETE", "QUERY", "OPTIONS"]),
    ) {
        let own = |routes: Vec<(&str, Rule)>| routes.into_iter().map(|(p, r)| (p.to_owned(), r)).collect::<Vec<_>>();
        let (ordered, shuffled) = (built(&own(routes())), built(&own(shuffled)));
        let clients = [verified("alice"), verified("bob"), verified("dave"), Connection::assertion(Peer::Anonymous)];
        for path in paths.iter().map(String::as_str).chain(KNOWN) {
            for client in &clients {
                prop_assert_eq!(
                    passes(&ordered, method, path, client),
                    passes(&shuffled, method, path, client),
                    "{} {}", method, path
                );
            }
        }
    }

    #[test]
    fn law_2_a_path_never_falls_through_to_a_wider_pattern(
        narrow in prop::collection::btree_set(pattern(), 1..6),
        path in prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..4),
        method in prop::sample::select(vec!["GET", "POST", "DELETE"]),
    ) {
        let narrow = distinct(narrow);
        let mut routes: Vec<(String, Rule)> =
            narrow.iter().map(|pattern| (format!("PUT {}", text(pattern)), nobody())).collect();
        routes.push(("* /{*rest}".into(), anyone()));
        let auth = built(&routes);
        let target = format!("/{}", path.join("/"));
        let fits = narrow.iter().any(|pattern| fits(pattern, &path));
        let entered = passes(&auth, method, &target, &Connection::assertion(Peer::Anonymous));
        prop_assert_eq!(entered, !fits, "{} among {:?}", target, routes);
    }
}

const KNOWN: [&str; 8] = [
    "/",
    "/admin",
    "/admin/",
    "/admin/x/y",
    "/reports/7",
    "/files/private/x",
    "/users/bob/inbox",
    "/api/secret",
];

fn path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec![
        "admin", "reports", "api", "secret", "files", "private", "users", "bob", "inbox", "7", "items", "v1",
        "x", "",
    ]);
    prop::collection::vec(segment, 0..5).prop_map(|segments| format!("/{}", segments.join("/")))
}

/// A segment of a pattern: a literal, or a parameter.
type Pattern = Vec<Option<&'static str>>;

fn pattern() -> impl Strategy<Value = Pattern> {
    prop::collection::vec(prop::sample::select(vec![Some("a"), Some("b"), None]), 1..4)
}

/// Patterns of one shape and the same literals would be one pattern, declared twice.
fn distinct(patterns: std::collections::BTreeSet<Pattern>) -> Vec<Pattern> {
    patterns.into_iter().collect()
}

fn text(pattern: &Pattern) -> String {
    let segment = |(at, segment): (usize, &Option<&str>)| match segment {
        Some(literal) => format!("/{literal}"),
        None => format!("/{{p{at}}}"),
    };
    pattern.iter().enumerate().map(segment).collect()
}

fn fits(pattern: &Pattern, path: &[&str]) -> bool {
    let one =
        |(expected, actual): (&Option<&str>, &&str)| expected.is_none_or(|expected| expected == *actual);
    pattern.len() == path.len() && pattern.iter().zip(path).all(one)
}

#[test]
fn law_2_a_named_method_is_not_widened_by_a_star() {
    let auth = authorizer(|policy| policy.route("GET /x", role("admin")).route("* /x", anyone()));
    let nobody = Connection::assertion(Peer::Anonymous);
    assert!(!passes(&auth, "GET", "/x", &nobody) && !passes(&auth, "HEAD", "/x", &nobody));
    assert!(passes(&auth, "POST", "/x", &nobody));
}

#[test]
fn law_2_mistakes_are_build_errors_that_name_the_place() {
    let error =
        |policy: fn(portcullis_core::policy::PolicyBuilder) -> portcullis_core::policy::PolicyBuilder| {
            policy(roles(Policy::builder())).build().expect_err("a mistake").to_string()
        };
    let mistakes = [
        ("GET /a", error(|p| p.route("GET /a", anyone()).route("GET /a", nobody()))),
        ("/a/{y}", error(|p| p.route("GET /a/{x}", anyone()).route("GET /a/{y}", nobody()))),
        ("owner", error(|p| p.route("GET /a", role("owner")))),
        ("all", error(|p| p.route("GET /a", all([])))),
        ("any", error(|p| p.route("GET /a", any([])))),
        ("any", error(|p| p.route("GET /a", any_role([""; 0])))),
        ("alpha", error(|p| p.role("alpha", ["beta"]).role("beta", ["alpha"]))),
        ("alpha", error(|p| p.role("alpha", ["alpha"]))),
        ("alpha", error(|p| p.role("alpha", ["nowhere"]))),
        ("/a/", error(|p| p.route("GET /a", anyone()).route("GET /a/", nobody()))),
    ];
    for (what, message) in mistakes {
        assert!(message.contains(what), "`{what}` is not named: {message}");
        assert!(message.contains("law_02.rs:"), "the place is not named: {message}");
    }
}

#[test]
fn law_2_patterns_that_look_right_and_match_nothing_are_build_errors() {
    // FAULTS P13.
    for pattern in [
        "**",
        "admin/**",
        "",
        " ",
        "GET",
        "/admin",
        "GET admin",
        "GET  /admin",
        "GET /admin/{",
        "GET /admin/}",
        "GET /admin/**",
        "GET /admin/*",
        "GET /{*rest}/x",
        "GET /:id",
        "GET /a//b",
        "GET /a/../b",
        "GET /a?x=1",
        "get /admin",
        "GET /admin#x",
        "GET /%61dmin",
        "GET /{x}{y}",
        "GET /{}",
        "GET /a/{x}/{x}",
        "GET http://a.test/",
    ] {
        let built = Policy::builder().route(pattern, anyone()).build();
        let message = built.err().unwrap_or_else(|| panic!("`{pattern}` was accepted")).to_string();
        assert!(message.contains(&format!("`{pattern}`")), "{message}");
    }
}
