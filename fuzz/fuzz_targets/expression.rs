//! The text of a rule, as an operator or a generator may write it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portcullis_core::certificate::Certificate;
use portcullis_core::principal::TestPrincipal;
use portcullis_core::rule::RuleError;
use portcullis_core::{Authorizer, Policy, Principal, Request, Rule};

const CERTIFICATE: &[u8] = include_bytes!("../seeds/certificate/client");

static CALLER: LazyLock<Certificate> =
    LazyLock::new(|| Certificate::from_der(CERTIFICATE).expect("the seed"));

fuzz_target!(|text: &str| {
    match Rule::parse(text) {
        Ok(rule) => sound(&rule),
        Err(error) => told(text, &error),
    }
});

fn told(text: &str, error: &RuleError) {
    assert!(!error.diagnostics().is_empty());
    for diagnostic in error.diagnostics() {
        assert!(diagnostic.span().start <= diagnostic.span().end && diagnostic.span().end <= text.len());
        assert!(!diagnostic.message().is_empty());
    }
    assert!(error.to_string().starts_with("error: "));
}

fn sound(rule: &Rule) {
    let printed = rule.to_string();
    let again =
        Rule::parse(&printed).unwrap_or_else(|error| panic!("`{printed}` cannot be read again: {error}"));
    assert_eq!(again, *rule, "{printed}");
    assert_eq!(again.to_string(), printed);

    let mut policy = Policy::builder();
    for role in rule.roles_mentioned() {
        policy = policy.role(role, []);
    }
    // The rest that a rule can name is not there: then it is refused, with a reason.
    let policy = match policy.route("* /{name}/{id}", rule.clone()).build() {
        Ok(policy) => policy,
        Err(error) => return assert!(!error.faults().is_empty()),
    };
    let _ = (policy.lint(), policy.matrix());
    let auth = Authorizer::builder(policy).build().expect("no source has roles");
    let alice = Principal::test("alice");
    let request = Request::new("GET", "/alice/7").with_time(1_800_000_000);
    for caller in [
        TestPrincipal::anonymous(),
        alice.clone(),
        alice.clone().roles(rule.roles_mentioned()),
        TestPrincipal::anonymous().certificate(CALLER.clone()),
    ] {
        let principal = caller.under(&auth);
        let decided = auth.decide_for(&request, &principal).is_allowed();
        let explanation = auth.explain(&request, &principal);
        assert_eq!(explanation.is_allowed(), decided, "{explanation}");
        let whole = explanation.route.as_ref().expect("the only route").rule.outcome.name();
        assert_eq!(decided, whole == "true", "{explanation}");
    }
}
