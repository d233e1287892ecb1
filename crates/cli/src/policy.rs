//! Loading the policy that a command is about.

use std::path::Path;

use portcullis_core::{Authorizer, Policy};

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
