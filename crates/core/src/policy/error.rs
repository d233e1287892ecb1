//! Everything that is wrong with a policy.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Place;

/// Everything that is wrong with a policy.
///
/// For a policy file, each mistake is shown with a picture of its place, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    faults: Vec<PolicyFault>,
    more: usize,
    files: Vec<PathBuf>,
}

impl PolicyError {
    pub(super) fn new(faults: Vec<PolicyFault>, more: usize, files: Vec<PathBuf>) -> Self {
        Self { faults, more, files }
    }

    /// The mistakes; of very many, only the first are kept.
    #[must_use]
    pub fn faults(&self) -> &[PolicyFault] {
        &self.faults
    }

    /// The files that were or should have been read: a change of any of them may mend the policy.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            match i {
                0 => {}
                _ if fault.picture.is_some() => f.write_str("\n\n")?,
                _ => f.write_str("\n")?,
            }
            fault.fmt(f)?;
        }
        if self.more > 0 {
            write!(f, "\n\nand {} more mistakes", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {}

/// One mistake in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFault {
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) picture: Option<String>,
}

impl PolicyFault {
    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, if the message does not say so itself.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Where it is: in a policy file, or in the program that built the policy.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}

/// One line for the program, a picture of several lines for a policy file.
impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(picture) = &self.picture {
            return f.write_str(picture);
        }
        write!(f, "{}: {}", self.place, self.message)?;
        match &self.help {
            Some(help) => write!(f, ": {help}"),
            None => Ok(()),
        }
    }
}
