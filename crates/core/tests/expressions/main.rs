//! Which texts are rules, which are not and why, and what rules come to.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod decide;

use portcullis_core::rule::{self, role};
use portcullis_core::{Policy, Rule};
use proptest::prelude::*;

fn parse(text: &str) -> Rule {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn texts_that_are_rules() {
    for (text, printed) in [
        ("anyone", "anyone"),
        ("nobody()", "nobody"),
        ("role('admin') && !role(\"suspended\")", "role(\"admin\") && !role(\"suspended\")"),
        (
            "subject.CN == 'alice' && 'Security' in subject.all.OU",
            "subject.CN == \"alice\" && \"Security\" in subject.all.OU",
        ),
        ("params.name == principal.name || role('m')", "params.name == principal.name || role(\"m\")"),
        ("(role('a') && role('b')) || role('c')", "role(\"a\") && role(\"b\") || role(\"c\")"),
        ("(role('a') ? 'x' : 'y') == subject.CN", "(role(\"a\") ? \"x\" : \"y\") == subject.CN"),
        ("san.dns.exists(d, d.endsWith('.example.com'))", "san.dns.exists(d, d.endsWith(\".example.com\"))"),
        (
            "san.uri.all(u, san.dns.exists(d, u.contains(d)))",
            "san.uri.all(u, san.dns.exists(d, u.contains(d)))",
        ),
        ("san.dns.size() >= -3 && size(subject.CN) < 0x40", "size(san.dns) >= -3 && size(subject.CN) < 64"),
        (
            "cidr('10.0.0.0/8').containsIP(request.peer_ip)",
            "cidr(\"10.0.0.0/8\").containsIP(request.peer_ip)",
        ),
        ("request.peer_ip == '::FFFF:10.0.0.1'", "request.peer_ip == \"10.0.0.1\""),
        (
            "request.time < timestamp('2027-01-31T00:00:00+01:00')",
            "request.time < timestamp(\"2027-01-30T23:00:00Z\")",
        ),
        ("cert.not_after > request.time", "cert.not_after > request.time"),
        ("cert.serial in ['00:C0:FF:EE', '-1']", "cert.serial in [\"c0ffee\", \"-01\"]"),
        ("'1.3.6.1.5.5.7.3.2' in cert.eku", "\"clientAuth\" in cert.eku"),
        ("request.path.matches(r'^/a/[0-9]+$')", "request.path.matches(\"^/a/[0-9]+$\")"),
        ("subject.`1.2.840.1` == 'x'", "subject.`1.2.840.1` == \"x\""),
        ("has(subject.CN) && !has(spiffe.id)", "has(subject.CN) && !has(spiffe.id)"),
        (
            "spiffe.trust_domain == 'prod' && spiffe.path.startsWith('/ns/')",
            "spiffe.trust_domain == \"prod\" && spiffe.path.startsWith(\"/ns/\")",
        ),
        (
            "principal.roles.exists(r, r.startsWith('team-'))",
            "principal.roles.exists(r, r.startsWith(\"team-\"))",
        ),
        ("principal.attributes.department == 'x'", "principal.attributes.department == \"x\""),
        ("request.method in [\"GET\", \"HEAD\",]", "request.method in [\"GET\", \"HEAD\"]"),
        ("// why\nrole('a') // who\n  || role('b')", "role(\"a\") || role(\"b\")"),
        ("role('a')\r\n\t&& role('b')", "role(\"a\") && role(\"b\")"),
        ("custom('office hours')", "custom(\"office hours\")"),
    ] {
        assert_eq!(parse(text).to_string(), printed, "{text}");
        assert_eq!(parse(printed), parse(text), "{text}");
    }
}

/// Each text of the file is refused for exactly the reasons that stand below it.
#[test]
fn texts_that_are_no_rules() {
    let mut count = 0;
    for block in include_str!("refused.txt").split("\n\n").filter(|block| !block.starts_with('#')) {
        let mut lines = block.lines();
        let text = lines.next().unwrap().replace("\\n", "\n");
        let expected: Vec<_> = lines.map(|line| line.trim_start().to_owned()).collect();
        let error = match Rule::parse(&text) {
            Ok(rule) => panic!("{text} is read as {rule}"),
            Err(error) => error,
        };
        let told = error.diagnostics().iter().map(|mistake| match text.get(mistake.span()).unwrap() {
            "" => format!("(end) -- {mistake}"),
            part => format!("{part} -- {mistake}"),
        });
        assert_eq!(told.collect::<Vec<_>>(), expected, "{text}");
        count += 1;
    }
    assert!(count > 120, "{count} texts");
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let text = "role(\"admin\") &&\n  subject.cn == 3 || request.hots == \"über\"";
    let expected = "\
error: `subject` has no field `cn`
 --> rule:2:11
  |
2 |   subject.cn == 3 || request.hots == \"über\"
  |           ^^
  |
  = help: did you mean `subject.CN`?
error: `request` has no field `hots`
 --> rule:2:30
  |
2 |   subject.cn == 3 || request.hots == \"über\"
  |                              ^^^^
  |
  = help: did you mean `request.host`?";
    let error = Rule::parse(text).unwrap_err();
    assert_eq!(error.to_string(), expected);

    let file = format!("[[route]]\nmatch = \"GET /\"\nallow = '''{text}'''\n");
    let offset = file.find("role").unwrap();
    let picture = error.diagnostics()[1].render("policy.toml", &file, |at| offset + at);
    assert!(picture.contains("--> policy.toml:4:30\n"), "{picture}");
    // A place that is not there is no reason to fall over.
    for wrong in [usize::MAX, file.len(), file.find('ü').unwrap() + 1] {
        assert!(error.diagnostics()[0].render("f", &file, |_| wrong).contains("has no field `cn`"));
    }
    assert!(error.diagnostics()[0].render("f", "", |at| at).contains("has no field `cn`"));
}

/// A parser that recurses without a bound would end the process.
#[test]
fn depth_and_length_are_bounded() {
    for part in [
        "!",
        "(",
        "[",
        "a.",
        "a(",
        "a.b(",
        "-",
        "anyone?",
        "anyone?anyone:",
        "size(",
        "anyone&&",
        "\"",
        "1==",
    ] {
        let text = part.repeat(20_000);
        let error = Rule::parse(&text).unwrap_err();
        assert!(error.to_string().contains("at most 4096 bytes"), "{error:.200}");
        assert!(Rule::parse(text.get(..4096).unwrap()).is_err(), "as much as may be, {part}");
    }
    let nested = |levels| format!("{}anyone{}", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(parse(&nested(32)), rule::anyone());
    let error = Rule::parse(&nested(33)).unwrap_err();
    assert!(error.to_string().contains("nested more than 32 deep"), "{error}");
    let negated = |levels| format!("{}anyone", "!".repeat(levels));
    assert!(Rule::parse(&negated(32)).is_ok() && Rule::parse(&negated(33)).is_err());
}

#[test]
fn the_length_of_chains_is_no_depth() {
    for operator in ["&&", "||"] {
        let text = vec!["role('a')"; 4096 / 11].join(operator);
        assert_eq!(parse(&text).roles_mentioned(), ["a"]);
    }
    let list = format!("subject.CN in [{}]", "'a',".repeat(1000));
    assert!(Rule::parse(&list).is_ok());
}

#[test]
fn rules_of_functions_that_nest_too_deeply_are_refused_by_the_policy() {
    let build = |rule| Policy::builder().role("a", []).route("GET /", rule).build();
    let mut nested = role("a");
    for level in 0..40 {
        if Rule::parse(&nested.to_string()).is_err() {
            let error = build(nested).unwrap_err().to_string();
            assert!(error.contains("nested more than 32 deep"), "{error}");
            return;
        }
        assert_eq!(parse(&nested.to_string()), nested, "{level}");
        assert!(build(nested.clone()).is_ok(), "{level}");
        nested = if level % 2 == 0 { !nested } else { nested.and(rule::authenticated()).or(rule::nobody()) };
    }
    panic!("no limit was met");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_fall_over(text in "\\PC{0,60}") {
        check_total(&text)?;
    }

    #[test]
    fn no_sequence_of_tokens_makes_it_fall_over(tokens in tokens(), separator in "| ") {
        check_total(&tokens.join(&separator))?;
    }
}

fn tokens() -> impl Strategy<Value = Vec<&'static str>> {
    let tokens = vec![
        "(",
        ")",
        "[",
        "]",
        "!",
        "-",
        "&&",
        "||",
        "==",
        "<",
        "in",
        "?",
        ":",
        ",",
        ".",
        "subject",
        "all",
        "CN",
        "role",
        "\"a\"",
        "'",
        "r\"",
        "0x1",
        "1",
        "true",
        "size",
        "exists",
        "x",
        "san",
        "dns",
        "has",
        "`a`",
        "//",
        "\n",
        "cidr",
        "containsIP",
        "matches",
        "\\",
        "é",
        "\u{202e}",
    ];
    proptest::collection::vec(proptest::sample::select(tokens), 0..40)
}

/// Reading gives a rule that is read again, or mistakes that lie in the text.
fn check_total(text: &str) -> Result<(), TestCaseError> {
    match Rule::parse(text) {
        Ok(rule) => prop_assert_eq!(Rule::parse(&rule.to_string()).unwrap(), rule),
        Err(error) => {
            prop_assert!(!error.diagnostics().is_empty());
            for mistake in error.diagnostics() {
                prop_assert!(text.get(mistake.span()).is_some(), "{:?} is no part of {:?}", mistake, text);
            }
            prop_assert!(error.to_string().starts_with("error: "));
        }
    }
    Ok(())
}
