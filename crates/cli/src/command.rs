//! The commands, one module each.

mod check;
mod completions;
mod diff;
mod doctor;
mod fmt;
mod inspect;
mod lint;
mod matrix;
mod pki;
mod schema;
mod test;
mod who;

use clap::Subcommand;

use crate::outcome::{Failure, Outcome};
use crate::output::Output;

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make certificates for development: an authority, servers, clients, revocation lists
    Pki(pki::Arguments),
    /// Connect to a server, and say in one sentence why a client certificate does not get through
    Doctor(doctor::Arguments),
    /// Show what a certificate, a chain, a bundle, a request or a revocation list says, and what is wrong with it
    Inspect(inspect::Arguments),
    /// Decide a request: allowed or denied, and by which line of the policy
    Check(check::Check),
    /// Decide a request and tell why, or find the event of a denial in an audit log
    Explain(check::Explain),
    /// Tell who may do something: which roles, and who of all that are known
    Who(who::Who),
    /// Tell what a caller may do
    Can(who::Can),
    /// Tell what is probably wrong with a policy
    Lint(lint::Arguments),
    /// Show who may pass where: routes and roles as a table
    Matrix(matrix::Arguments),
    /// Tell what changes for whom between two policies
    Diff(diff::Arguments),
    /// Run a table of tests against a policy, and tell what they cover
    Test(test::Arguments),
    /// Put policy files in order
    Fmt(fmt::Arguments),
    /// Print what a shell needs to complete the command line
    Completions(completions::Arguments),
    /// Print the JSON Schema of a file, for editors
    Schema(schema::Arguments),
}

impl Command {
    pub(crate) fn run(self, output: &mut Output) -> Result<Outcome, Failure> {
        match self {
            Self::Pki(arguments) => pki::run(&arguments, output),
            Self::Doctor(arguments) => doctor::run(&arguments, output),
            Self::Inspect(arguments) => inspect::run(&arguments, output),
            Self::Check(arguments) => check::check(&arguments, output),
            Self::Explain(arguments) => check::explain(&arguments, output),
            Self::Who(arguments) => who::who(&arguments, output),
            Self::Can(arguments) => who::can(&arguments, output),
            Self::Lint(arguments) => lint::run(&arguments, output),
            Self::Matrix(arguments) => matrix::run(&arguments, output),
            Self::Diff(arguments) => diff::run(&arguments, output),
            Self::Test(arguments) => test::run(&arguments, output),
            Self::Fmt(arguments) => fmt::run(&arguments, output),
            Self::Completions(arguments) => completions::run(&arguments, output),
            Self::Schema(arguments) => schema::run(&arguments, output),
        }
    }
}
