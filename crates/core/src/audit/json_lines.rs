//! A file with one JSON object on each line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{AuditEvent, AuditSink};

/// Appends audit events to a file, one JSON object on each line (<https://jsonlines.org>).
///
/// A file that is moved away, as `logrotate` does, is created anew with the next event. It is made
/// readable to its owner and group only; an existing file keeps its permissions.
///
/// # Examples
///
/// ```
/// use portcullis_core::audit::{Audit, JsonLines};
/// use portcullis_core::rule::anyone;
/// use portcullis_core::{Authorizer, Policy};
///
/// # let path = std::env::temp_dir().join(format!("portcullis-audit-{}.jsonl", std::process::id()));
/// let policy = Policy::builder().route("GET /", anyone()).build()?;
/// let auth = Authorizer::builder(policy)
///     .audit(Audit::to(JsonLines::to(&path)?).sample_allows(100))
///     .build()?;
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JsonLines {
    path: PathBuf,
    file: File,
    waiting: Vec<u8>,
    /// The last write may have ended in the middle of a line.
    torn: bool,
}

/// The file for audit events cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JsonLinesError {
    /// It cannot be opened.
    #[error(
        "the audit file `{}` cannot be opened: {reason}; create its folder, or let this user write there",
        path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
}

impl JsonLines {
    /// Opens the file, or creates it.
    ///
    /// # Errors
    ///
    /// [`JsonLinesError`] when the file cannot be opened for appending.
    pub fn to(path: impl Into<PathBuf>) -> Result<Self, JsonLinesError> {
        let path = path.into();
        match open(&path) {
            Ok(file) => {
                // A program that died may have left half a line.
                let torn = !ends_a_line(&path);
                Ok(Self { path, file, waiting: Vec::new(), torn })
            }
            Err(reason) => Err(JsonLinesError::Open { path, reason }),
        }
    }

    fn write(&mut self) -> io::Result<()> {
        if !is_same_file(&self.path, &self.file) {
            self.file = open(&self.path)?;
            self.torn = false;
        }
        if std::mem::replace(&mut self.torn, true) {
            self.file.write_all(b"\n")?;
        }
        self.file.write_all(&self.waiting)?;
        self.torn = false;
        Ok(())
    }
}

impl AuditSink for JsonLines {
    fn record(&mut self, event: &AuditEvent<'_>) -> io::Result<()> {
        writeln!(self.waiting, "{}", event.to_json())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.write();
        // What could not be written has been counted; keeping it would fill the memory.
        self.waiting.clear();
        written
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options.open(path)
}

/// Whether the file is empty or ends with a line's end; what cannot be read is left alone.
fn ends_a_line(path: &Path) -> bool {
    let last = || -> io::Result<u8> {
        // Only a plain file has an end to look at; reading from a pipe would wait.
        if !fs::metadata(path)?.is_file() {
            return Ok(b'\n');
        }
        let (mut file, mut last) = (File::open(path)?, [b'\n']);
        if file.seek(SeekFrom::End(-1)).is_ok() {
            file.read_exact(&mut last)?;
        }
        Ok(u8::from_be_bytes(last))
    };
    last().map_or(true, |last| last == b'\n')
}

#[cfg(unix)]
fn is_same_file(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;

    match (fs::metadata(path), file.metadata()) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same_file(path: &Path, _file: &File) -> bool {
    fs::exists(path).unwrap_or(false)
}
