//! Why a configuration could not be used.

use std::fmt;
use std::path::Path;

use portcullis_core::rule::Diagnostic;

use crate::TlsError;

/// More mistakes than anybody reads at once.
const MOST_SHOWN: usize = 100;

/// Why a configuration could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// The file cannot be read.
    #[error("the configuration `{file}` cannot be read: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// What hinders.
        reason: String,
    },
    /// What it says is wrong.
    #[error("{}", pictures(mistakes))]
    Mistakes {
        /// The file.
        file: String,
        /// The first hundred, in the order of the file.
        mistakes: Vec<ConfigurationMistake>,
    },
    /// A file with names to advertise cannot be used.
    #[error("the names to advertise in `{file}` cannot be used: {reason}")]
    Advertised {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A revocation list is not there, and cannot be fetched.
    #[cfg(feature = "fetch")]
    #[error(transparent)]
    CrlFetch(#[from] crate::CrlFetchError),
    /// What it says is right, but the server cannot be set up by it.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl ConfigurationError {
    pub(super) fn mistakes(path: &Path, text: &str, mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|diagnostic| diagnostic.span().start);
        let file = path.display().to_string();
        let mistakes = diagnostics.into_iter().take(MOST_SHOWN).map(|diagnostic| {
            let before = text.get(..diagnostic.span().start).unwrap_or(text);
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            ConfigurationMistake {
                picture: diagnostic.render(&file, text, |at| at),
                line: before.matches('\n').count() + 1,
                column: before.get(line_start..).map_or(0, |line| line.chars().count()) + 1,
                diagnostic,
            }
        });
        Self::Mistakes { mistakes: mistakes.collect(), file }
    }
}

fn pictures(mistakes: &[ConfigurationMistake]) -> String {
    let pictures: Vec<_> = mistakes.iter().map(|mistake| mistake.picture.as_str()).collect();
    pictures.join("\n\n")
}

/// One mistake in a configuration. It displays as a picture of its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationMistake {
    diagnostic: Diagnostic,
    picture: String,
    line: usize,
    column: usize,
}

impl ConfigurationMistake {
    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        self.diagnostic.message()
    }

    /// What to do, if there is advice.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.diagnostic.advice()
    }

    /// The line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The character of the line, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for ConfigurationMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.picture)
    }
}
