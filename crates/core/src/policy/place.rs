//! Where a part of a policy was declared.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// Where a part of a policy was declared: a line of a policy file, or of the program.
#[derive(Clone, PartialEq, Eq)]
pub struct Place(Kind);

// Each route keeps one, so it is kept small.
#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Program(&'static Location<'static>),
    PolicyFile { name: Arc<Box<str>>, line: u32, column: u32 },
}

impl Place {
    pub(super) fn in_program(location: &'static Location<'static>) -> Self {
        Self(Kind::Program(location))
    }

    /// A place in a policy file; line 0 is the file as a whole.
    pub(super) fn in_file(name: Arc<Box<str>>, line: u32, column: u32) -> Self {
        Self(Kind::PolicyFile { name, line, column })
    }

    /// The file, as it was named when the policy was loaded or the program compiled.
    #[must_use]
    pub fn file(&self) -> &str {
        match &self.0 {
            Kind::Program(location) => location.file(),
            Kind::PolicyFile { name, .. } => name,
        }
    }

    /// The line, the first being 1; 0 for a file that could not be read.
    #[must_use]
    pub fn line(&self) -> u32 {
        match &self.0 {
            Kind::Program(location) => location.line(),
            Kind::PolicyFile { line, .. } => *line,
        }
    }

    /// The character of the line, the first being 1.
    #[must_use]
    pub fn column(&self) -> u32 {
        match &self.0 {
            Kind::Program(location) => location.column(),
            Kind::PolicyFile { column, .. } => *column,
        }
    }

    /// Whether it is a line of a policy file, not of the program.
    #[must_use]
    pub fn is_in_policy_file(&self) -> bool {
        matches!(self.0, Kind::PolicyFile { .. })
    }
}

/// `policy.toml:12:9` for a policy file, `src/main.rs:12` for the program.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Program(location) => write!(f, "{}:{}", location.file(), location.line()),
            Kind::PolicyFile { name, line: 0, .. } => f.write_str(name),
            Kind::PolicyFile { name, line, column } => write!(f, "{name}:{line}:{column}"),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
