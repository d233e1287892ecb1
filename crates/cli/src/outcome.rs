//! How a command ends: the exit status is part of the interface.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::style::printable_lines;

/// How a command ended that could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is fine, or the request is allowed.
    Fine,
    /// The request is denied, or something was found.
    Finding,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What the user gave is no good: a file, a flag, a name.
    #[error("{0}")]
    Input(String),
    /// Something else went wrong: a disk, a network.
    #[error("{0}")]
    Other(String),
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Fine => 0,
            Outcome::Finding => 2,
        })
    }
}

impl Failure {
    /// The exit status.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Other(_) => 1,
            Self::Input(_) => 3,
        }
    }
}

/// Prints what clap has to say, which is help or a mistake in the flags.
pub(crate) fn of_usage(error: &clap::Error) -> ExitCode {
    // It repeats arguments as they are: its own colours are given up for those that play with a terminal.
    let is_harmless = std::env::args_os().all(|argument| {
        let argument = argument.to_string_lossy();
        printable_lines(&argument) == argument
    });
    // Nobody is left to tell if the terminal is gone.
    let _ = if is_harmless {
        error.print()
    } else {
        let text = error.to_string();
        writeln!(io::stderr().lock(), "{}", printable_lines(&text))
    };
    ExitCode::from(if error.use_stderr() { 3 } else { 0 })
}
