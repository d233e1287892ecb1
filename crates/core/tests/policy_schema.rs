//! The JSON Schema of policy files: what editors check while a policy is written.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy exempts test functions, not what they call"
)]

use std::path::Path;

use jsonschema::Validator;
use portcullis_core::Policy;
use serde_json::Value;

fn schema() -> Value {
    serde_json::from_str(include_str!("../schema/policy-1.json")).unwrap()
}

fn validator() -> Validator {
    jsonschema::draft7::new(&schema()).unwrap()
}

/// The document as JSON; `None` if it is no TOML.
fn json(text: &str) -> Option<Value> {
    toml::from_str(text).ok()
}

fn example() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/design.toml");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn it_is_a_schema_and_accepts_the_examples() {
    assert!(jsonschema::draft7::meta::is_valid(&schema()));
    let validator = validator();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/include");
    let included = ["main.toml", "roles.toml", "more/routes.toml", "deep.toml"];
    let included = included.map(|name| std::fs::read_to_string(folder.join(name)).unwrap());
    for text in included.iter().chain([&example()]) {
        let errors: Vec<_> =
            validator.iter_errors(&json(text).unwrap()).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{text}");
    }
}

#[test]
fn it_refuses_what_a_typist_gets_wrong() {
    let validator = validator();
    let text = example();
    for (right, wrong) in [
        ("version = 1", "version = 2"),
        ("version = 1", "version = \"1\""),
        ("version = 1", "vresion = 1"),
        ("[anchors]", "[anchor]"),
        ("[roles.user]", "[role.user]"),
        ("[[route]]", "[[routes]]"),
        ("[[resource]]", "[[resources]]"),
        ("name = \"san.email\"", "nmae = \"san.email\""),
        ("name = \"san.email\"", "name = \"email\""),
        ("name = \"san.email\"", "name = \"subject.cn\""),
        ("prefix", "prefixes"),
        ("when ", "wehn "),
        ("includes", "include"),
        ("members", "member"),
        ("members  = [", "members  = [7, "),
        ("match = \"GET /\"", "match = \"/\""),
        ("match = \"GET /\"", "match = \"get /\""),
        ("match = \"GET /\"", "path = \"GET /\""),
        ("allow = \"anyone\"", "allow = true"),
        ("allow = \"anyone\"", "allow = \"\""),
        ("allow = \"anyone\"", ""),
        ("action =", "actions ="),
        ("\"bool\"", "\"boolean\""),
        ("fields = { id", "fields = { \"i d\""),
    ] {
        assert!(text.contains(right), "{right}");
        let mistaken = json(&text.replacen(right, wrong, 1)).unwrap();
        assert!(!validator.is_valid(&mistaken), "{wrong}");
    }
}

/// Whatever loads, fits: the schema must not complain where the loader does not.
#[test]
fn it_refuses_nothing_that_loads() {
    let validator = validator();
    let mut count = 0;
    let hostile = include_str!("policies/hostile.txt");
    let policies = hostile.split("\n=== ").filter_map(|case| Some(case.split_once('\n')?.1));
    for policy in policies.map(|case| case.split("---\n").next().unwrap_or_default()) {
        for right in ["allow = \"authenticated\"", "match = \"GET /x/{id}\"", "when = 'has(subject.CN)'"] {
            let key = right.split(' ').next().unwrap_or_default();
            let mended: String = policy
                .lines()
                .map(|line| if line.starts_with(key) { right } else { line })
                .fold(String::new(), |text, line| text + line + "\n");
            if Policy::from_text("policy.toml", &mended).is_ok() {
                assert!(validator.is_valid(&json(&mended).unwrap()), "{mended}");
                count += 1;
            }
        }
    }
    assert!(count > 10, "{count}");
}
