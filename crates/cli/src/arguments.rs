//! What stands on the command line.

use clap::{Parser, ValueEnum};

use crate::command::Command;

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

/// How to print results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for people
    Human,
    /// One JSON document
    Json,
}
