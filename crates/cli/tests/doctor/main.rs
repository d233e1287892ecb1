//! `portcullis doctor` against servers and clients that are set up wrongly, each named by its cause.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail by panicking")]

mod bench;
mod clients;
mod listening;
mod openssl;
mod policies;
mod servers;
mod wires;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::bench::Setup;

/// A set-up, the code that doctor must give it, and words of its sentence.
struct Row {
    name: &'static str,
    code: &'static str,
    sentence: &'static str,
    setup: fn() -> Setup,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for row in [wires::ROWS, servers::ROWS, clients::ROWS, policies::ROWS].into_iter().flatten() {
        trials.push(Trial::test(row.name, move || check(row)));
    }
    for row in openssl::ROWS {
        let trial = Trial::test(format!("openssl: {}", row.name), move || check(row));
        trials.push(trial.with_ignored_flag(!openssl::is_there()));
    }
    for (name, test) in listening::TESTS {
        trials.push(Trial::test(*name, move || test().map_err(Failed::from)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn check(row: &Row) -> Result<(), Failed> {
    let seen = (row.setup)().visit();
    if seen.code != row.code {
        return Err(format!("expected `{}`, got `{}`: {}", row.code, seen.code, seen.text).into());
    }
    if !seen.sentence.contains(row.sentence) {
        return Err(format!("`{}` is not in `{}`", row.sentence, seen.sentence).into());
    }
    // Warnings and what is fine leave the status at zero.
    let expected =
        if ["fine", "client-not-named", "not-asked", "client-no-purpose", "not-found"].contains(&row.code) {
            0
        } else {
            2
        };
    if seen.status != expected {
        return Err(format!("the status is {}, not {expected}", seen.status).into());
    }
    Ok(())
}
