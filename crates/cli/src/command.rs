//! The commands, one module each.

mod schema;

use clap::Subcommand;

use crate::outcome::{Failure, Outcome};
use crate::output::Output;

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the JSON Schema of a file, for editors
    Schema(schema::Arguments),
}

impl Command {
    pub(crate) fn run(self, output: &mut Output) -> Result<Outcome, Failure> {
        match self {
            Self::Schema(arguments) => schema::run(&arguments, output),
        }
    }
}
