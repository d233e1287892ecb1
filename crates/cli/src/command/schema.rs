//! `portcullis schema`: the JSON Schemas of the files, for editors.

use clap::ValueEnum;

use crate::outcome::{Failure, Outcome};
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Of which file
    #[arg(value_enum, default_value_t = File::Policy)]
    file: File,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum File {
    /// A policy
    Policy,
    /// An event of the audit log
    AuditEvent,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Outcome, Failure> {
    output.text(match arguments.file {
        File::Policy => portcullis_core::policy::SCHEMA,
        File::AuditEvent => portcullis_core::audit::SCHEMA,
    })?;
    Ok(Outcome::Fine)
}
