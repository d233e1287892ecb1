//! What is said of every kind of mistake in a policy file, word by word.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy exempts test functions, not what they call")]

use std::fmt::Write;
use std::panic::catch_unwind;

use portcullis_core::Policy;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policies/hostile.txt");

struct Case<'t> {
    name: &'t str,
    policy: &'t str,
    expected: &'t str,
}

fn cases(text: &str) -> (&str, Vec<Case<'_>>) {
    let (preface, cases) = text.split_once("=== ").unwrap();
    let case = |text| {
        let (name, rest): (&str, &str) = str::split_once(text, '\n').unwrap_or((text, ""));
        let (policy, expected) = rest.split_once("---\n").unwrap_or((rest, ""));
        Case { name, policy, expected }
    };
    (preface, cases.split("\n=== ").map(case).collect())
}

fn refusal(case: &Case<'_>) -> String {
    match Policy::from_text("policy.toml", case.policy) {
        Ok(_) => format!("`{}` was accepted", case.name),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_mistake_is_refused_with_its_message() {
    let text = std::fs::read_to_string(FILE).unwrap();
    let (preface, cases) = cases(&text);
    assert!(cases.len() >= 60, "{}", cases.len());
    let said: Vec<_> = cases.iter().map(refusal).collect();
    if std::env::var_os("BLESS").is_some() {
        let mut blessed = preface.to_owned();
        for (case, said) in cases.iter().zip(&said) {
            let newline = if case.policy.ends_with('\n') || case.policy.is_empty() { "" } else { "\n" };
            write!(blessed, "=== {}\n{}{newline}---\n{said}\n", case.name, case.policy).unwrap();
        }
        std::fs::write(FILE, blessed).unwrap();
        return;
    }
    for (case, said) in cases.iter().zip(&said) {
        assert_eq!(said.trim_end(), case.expected.trim_end(), "\n{}:\n{said}\n", case.name);
    }
}

#[test]
fn a_message_is_written_as_all_are() {
    let text = std::fs::read_to_string(FILE).unwrap();
    for case in &cases(&text).1 {
        let error = Policy::from_text("policy.toml", case.policy).expect_err(case.name);
        for fault in error.faults() {
            let message = fault.message();
            assert!(!message.starts_with(char::is_uppercase) || message.starts_with("TOML"), "{message}");
            assert!(!message.ends_with('.'), "{message}");
            assert!(!message.chars().any(char::is_control), "{message:?}");
            assert_eq!(fault.place().file(), "policy.toml");
            assert!(fault.place().line() >= 1);
        }
        let places: Vec<_> =
            error.faults().iter().map(|fault| (fault.place().line(), fault.place().column())).collect();
        assert!(places.is_sorted(), "{}: {places:?}", case.name);
    }
}

/// Every beginning of every case, and every case with a byte more or another byte, is an answer too.
#[test]
fn nothing_panics() {
    let text = std::fs::read_to_string(FILE).unwrap();
    for case in &cases(&text).1 {
        let policy = case.policy;
        let cuts = (0..policy.len()).filter(|at| policy.is_char_boundary(*at));
        for cut in cuts {
            let (before, behind) = policy.split_at(cut);
            for text in [before.to_owned(), format!("{before}\"{behind}"), format!("{before}[{behind}")] {
                let answer = catch_unwind(|| Policy::from_text("policy.toml", &text).map(drop));
                assert!(answer.is_ok(), "{text}");
            }
        }
    }
}
