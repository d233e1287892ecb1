//! What stands on the command line.

use clap::{Parser, ValueEnum};

use crate::command::Command;
use crate::outcome::Failure;

/// Client-certificate identity and authorization, from the command line.
///
/// Exit status: 0 fine or allowed, 1 failure, 2 denied or something found, 3 invalid input.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// How to print results
    #[arg(long, value_enum, global = true, default_value_t = Format::Human)]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// What the parser cannot know: which command can print in which form.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let is_for_matrix = matches!(self.format, Format::Markdown | Format::Html);
        if is_for_matrix && !matches!(self.command, Command::Matrix(_)) {
            let message =
                "only `portcullis matrix` prints markdown or HTML: choose `--format human` or `json`";
            return Err(Failure::Input(message.into()));
        }
        Ok(())
    }
}

/// How to print results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for people
    #[value(alias = "table")]
    Human,
    /// One JSON document
    Json,
    /// A table for documents; `matrix` only
    Markdown,
    /// One page with a filter; `matrix` only
    Html,
}
