//! Loading the policy that a command is about.

use std::path::Path;

use portcullis_core::policy::ResourceRule;
use portcullis_core::{Authorizer, Policy};
use serde_json::{Value, json};

use crate::input;
use crate::outcome::Failure;

/// Loads a policy; custom conditions belong to the program, and stay open here.
pub(crate) fn load(path: &Path) -> Result<Policy, Failure> {
    let loader = Policy::loader().unregistered_custom();
    let policy = if input::is_stdin(path) {
        loader.text("standard input", &input::text(path)?)
    } else {
        loader.file(path)
    };
    policy.map_err(|error| {
        Failure::Input(format!("the policy `{}` cannot be used\n\n{error}", input::name(path)))
    })
}

/// An authorizer that knows of the policy and nothing else.
pub(crate) fn authorizer(policy: Policy) -> Result<Authorizer, Failure> {
    Authorizer::builder(policy).build().map_err(|error| Failure::Other(error.to_string()))
}

/// The rules that no request alone answers, in a line for people; nothing if there are none.
pub(crate) fn told_resources(policy: &Policy) -> Option<String> {
    let told = |rule: &ResourceRule| format!("`{}` of `{}`", rule.action(), rule.resource_type().name());
    let rules: Vec<_> = policy.resources().map(told).collect();
    (!rules.is_empty()).then(|| {
        format!(
            "the rules of `[[resource]]` are not among these, as the program asks them of each thing: {}",
            rules.join(", ")
        )
    })
}

/// The same rules, for programs.
pub(crate) fn value_of_resources(policy: &Policy) -> Value {
    let value = |rule: &ResourceRule| {
        json!({
            "type": rule.resource_type().name(),
            "action": rule.action(),
            "place": rule.place().to_string(),
            "rule": rule.rule().to_string(),
        })
    };
    policy.resources().map(value).collect()
}
