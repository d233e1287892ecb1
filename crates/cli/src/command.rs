//! The commands, one module each.

mod doctor;
mod pki;
mod schema;

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
    /// Print the JSON Schema of a file, for editors
    Schema(schema::Arguments),
}

impl Command {
    pub(crate) fn run(self, output: &mut Output) -> Result<Outcome, Failure> {
        match self {
            Self::Pki(arguments) => pki::run(&arguments, output),
            Self::Doctor(arguments) => doctor::run(&arguments, output),
            Self::Schema(arguments) => schema::run(&arguments, output),
        }
    }
}
