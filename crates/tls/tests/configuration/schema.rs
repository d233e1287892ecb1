//! The JSON Schema, the README and the reader agree.

use portcullis_tls::Configuration;
use serde_json::Value;

use crate::{COMPLETE, EVERYTHING, LEAST, mistake, mistakes};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../schema/configuration-1.json")).unwrap()
}

fn json(text: &str) -> Value {
    toml::from_str(text).unwrap()
}

#[test]
fn the_schema_accepts_what_is_accepted_and_refuses_slips() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    let readme = include_str!("../../README.md").split("```toml\n").nth(1).unwrap();
    let example = readme.split("```").next().unwrap();
    for text in [EVERYTHING, LEAST, example, COMPLETE] {
        let is_known = cfg!(feature = "fetch") || text != COMPLETE;
        assert_eq!(is_known, Configuration::from_text("portcullis.toml", text).is_ok());
        let errors: Vec<_> = schema.iter_errors(&json(text)).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0]);
    }
    for (from, to) in [
        ("certificate =", "certifcate ="),
        ("[clients]", "[client]"),
        ("\"request\"", "\"if_given\""),
        ("\"1.3\"", "\"1.1\""),
        ("\"5s\"", "5"),
        ("\"5s\"", "\"5 s\""),
        ("label = \"staff\", ", ""),
        ("\"encoded-slash\"", "\"encoded-nul\""),
        ("\"https://partner.example\"", "\"*\""),
        ("64", "0"),
        ("[\"partners.pem\"]", "[]"),
        ("listen = \"127.0.0.1:8443\"", "listen = \"127.0.0.1\""),
        ("file = \"policy.toml\"", ""),
        ("{ env =", "{ enw ="),
        ("{ env = \"KEY_PASSPHRASE\" }", "\"hunter2\""),
        ("certificate = \"server.pem\"", ""),
        ("\"server.key\"", "\"server.p12\""),
        ("\"admin.key\"", "\"admin.p12\""),
        ("[\"admin.example.com\"]", "[]"),
        ("clients = { mode = \"require\"", "clients = { mode = \"demand\""),
        ("3072", "1024"),
        ("[\"spki:", "[\"key:"),
        ("pin_spki = [\"2c", "pin_spki = [\""),
        ("grace = \"1h\"", "grace = 3600"),
        ("lists = [\"staff.crl\"]", "list = [\"staff.crl\"]"),
        ("follow_files = false", "follow_files = \"no\""),
    ] {
        let text = EVERYTHING.replacen(from, to, 1);
        assert_ne!(text, EVERYTHING, "{from}");
        assert!(!schema.is_valid(&json(&text)), "the schema accepts {to}");
        mistakes(&text);
    }
}

/// The keys that a table of the configuration can have, as the reader lists them.
fn keys(text: &str) -> Vec<String> {
    let (_, _, _, help) = mistake(text);
    let list = help.strip_prefix("expected one of ").unwrap_or_else(|| panic!("{help}"));
    let mut keys: Vec<String> = list.split(", ").map(|key| key.trim_matches('`').to_owned()).collect();
    keys.sort();
    keys
}

#[test]
fn schema_readme_and_reader_know_the_same_keys() {
    let schema = schema();
    let readme = include_str!("../../README.md");
    let everything = json(COMPLETE);
    let has_fetch = cfg!(feature = "fetch");
    let readable = if has_fetch { COMPLETE } else { EVERYTHING };
    for (place, at, header) in [
        ("/properties", "", ""),
        ("/properties/server/properties", "/server", "[server]\n"),
        ("/$defs/clients/properties", "/clients", "[clients]\n"),
        ("/$defs/clients/properties/anchors/items/properties", "/clients/anchors/0", "anchors = [{ "),
        ("/$defs/clients/properties/revocation/properties", "/clients/revocation", "revocation = { "),
        ("/properties/site/items/properties", "/site/0", "[[site]]\n"),
        ("/properties/crl_fetch/items/properties", "/crl_fetch/0", "[[crl_fetch]]\n"),
        ("/properties/policy/properties", "/policy", "[policy]\n"),
        ("/properties/policy/properties/cross_site/properties", "/policy/cross_site", "cross_site = { "),
    ] {
        let properties = schema.pointer(place).unwrap().as_object().unwrap();
        let mut known: Vec<String> = properties.keys().cloned().collect();
        known.sort();
        let separator = if header.ends_with("{ ") { ", " } else { "\n" };
        let text = if header.is_empty() {
            format!("zzzzzzzzzzzz = 1\n{readable}")
        } else {
            readable.replacen(header, &format!("{header}zzzzzzzzzzzz = 1{separator}"), 1)
        };
        // Without the feature the whole section is a mistake, whatever is in it.
        if has_fetch || at != "/crl_fetch/0" {
            assert_eq!(keys(&text), known, "{place}");
        }
        for key in &known {
            assert!(readme.contains(&format!("`{key}`")), "the README does not tell of `{key}`");
            assert!(everything.pointer(&format!("{at}/{key}")).is_some(), "`{key}` is not tried");
        }
    }
}
