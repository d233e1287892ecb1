//! Where results go: text for people or one JSON document, on standard output.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::arguments::Format;
use crate::outcome::Failure;
use crate::style::{printable_json, printable_lines};

/// Where results go.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format }
    }

    /// The form that was asked for.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Whether a program reads the results.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Prints a result: the text for people, or the value as JSON.
    pub(crate) fn result(&mut self, text: &str, value: &impl Serialize) -> Result<(), Failure> {
        match self.format {
            Format::Human | Format::Markdown | Format::Html => self.text(text),
            Format::Json => {
                let json = serde_json::to_string_pretty(value)
                    .map_err(|error| Failure::Other(format!("cannot write the result as JSON: {error}")))?;
                self.text(&printable_json(&json))
            }
        }
    }

    /// Prints what was done so far, for people only: JSON is one document at the end.
    pub(crate) fn progress(&mut self, text: &str) -> Result<(), Failure> {
        if self.format == Format::Human { self.text(text) } else { Ok(()) }
    }

    /// Prints text, whatever the format; colours only on a terminal.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        let end = if text.ends_with('\n') { "" } else { "\n" };
        match write!(out, "{text}{end}").and_then(|()| out.flush()) {
            // `portcullis .. | head` is no failure.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::Other(format!("cannot write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Tells why a command could not do its work.
    pub(crate) fn failure(&mut self, failure: &Failure) -> ExitCode {
        let line = match self.format {
            Format::Human | Format::Markdown | Format::Html => {
                format!("error: {}", printable_lines(&failure.to_string()))
            }
            Format::Json => printable_json(&serde_json::json!({ "error": failure.to_string() }).to_string()),
        };
        // Nobody is left to tell if the terminal is gone.
        let _ = writeln!(io::stderr().lock(), "{line}");
        ExitCode::from(failure.code())
    }
}
