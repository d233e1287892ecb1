//! Law 5: HEAD is covered by GET; any other method must be named.

use portcullis_core::rule::{anyone, role};
use portcullis_core::{Connection, Peer};

use crate::{authorizer, passes};

const METHODS: [&str; 14] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "QUERY", "PROPFIND",
    "LOCK", "FOO", "M-SEARCH",
];

#[test]
fn law_5_get_covers_head_and_nothing_else() {
    let auth = authorizer(|policy| policy.route("GET /x", anyone()));
    let nobody = Connection::assertion(Peer::Anonymous);
    for method in METHODS {
        let covered = ["GET", "HEAD"].contains(&method);
        assert_eq!(passes(&auth, method, "/x", &nobody), covered, "{method}");
    }
}

#[test]
fn law_5_every_other_method_covers_itself_alone() {
    let nobody = Connection::assertion(Peer::Anonymous);
    for named in METHODS.into_iter().filter(|method| *method != "GET") {
        let auth = authorizer(|policy| policy.route(&format!("{named} /x"), anyone()));
        for method in METHODS {
            assert_eq!(
                passes(&auth, method, "/x", &nobody),
                method == named,
                "{method} where {named} is named"
            );
        }
    }
}

#[test]
fn law_5_a_rule_for_head_is_not_widened_by_the_one_for_get() {
    let auth = authorizer(|policy| policy.route("GET /x", anyone()).route("HEAD /x", role("admin")));
    let nobody = Connection::assertion(Peer::Anonymous);
    assert!(passes(&auth, "GET", "/x", &nobody) && !passes(&auth, "HEAD", "/x", &nobody));
}
