//! Reads a policy file and those that it includes.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::{self, Mistake};
use super::section::{self, Declared};
use super::text::{Text, origin};
use crate::policy::report::{Origin, Report, Source};

/// More than any policy needs; 200,000 routes fit in.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
const MOST_FILES: usize = 65;
/// One slip makes a parser stumble again and again.
const MOST_SYNTAX_ERRORS: usize = 5;

/// A file that is still to be read.
struct Wanted {
    path: PathBuf,
    /// Who includes it, and where.
    by: Option<(usize, Origin)>,
}

/// A file that was found.
struct Found {
    /// The one real path, whatever way led to it.
    real: PathBuf,
    by: Option<(usize, Origin)>,
}

/// Everything that the file and the files that it includes declare.
pub(super) fn file(path: &Path, report: &mut Report) -> Declared {
    let mut declared = Declared::default();
    let mut found: Vec<Found> = Vec::new();
    let mut wanted = std::collections::VecDeque::from([Wanted { path: path.to_owned(), by: None }]);
    while let Some(Wanted { path, by }) = wanted.pop_front() {
        if let Some((_, origin)) = by.filter(|_| found.len() == MOST_FILES) {
            report.add(origin, format!("a policy has at most {MOST_FILES} files: join some of them"));
            break;
        }
        report.add_path(&path);
        let (real, text) = match read(&path) {
            Ok(read) => read,
            Err(reason) => {
                add_unreadable(&path, by.map(|(_, origin)| origin), &reason, report);
                continue;
            }
        };
        if let Some(earlier) = found.iter().position(|file| file.real == real) {
            add_repeated(&found, earlier, by, report);
            continue;
        }
        let number = found.len();
        found.push(Found { real, by });
        for include in parse(&path.display().to_string(), text, &mut declared, report) {
            let folder = path.parent().unwrap_or(Path::new(""));
            wanted.push_back(Wanted {
                path: folder.join(&*include.value),
                by: Some((number, include.origin())),
            });
        }
    }
    declared
}

/// Everything that a text declares; it cannot include files, as nobody knows relative to what.
pub(super) fn text(name: &str, text: &str, report: &mut Report) -> Declared {
    let mut declared = Declared::default();
    if text.len() as u64 > MOST_BYTES {
        report.add_file(name, format!("it has more than {MOST_BYTES} bytes: split it"));
        return declared;
    }
    for include in parse(name, text.to_owned(), &mut declared, report) {
        report.add_with_help(
            include.origin(),
            "a policy that is given as text cannot include files",
            "load it from a file, so that the path is relative to something",
        );
    }
    declared
}

/// Reads one file into `declared`; gives what it includes.
fn parse(name: &str, text: String, declared: &mut Declared, report: &mut Report) -> Vec<Text> {
    let text: Arc<str> = text.into();
    let number = report.add_source(Source::new(name, Arc::clone(&text)));
    match document::parse(&text) {
        Ok(table) => section::document(&table, number, declared, report),
        // The picture of a mistake would show the key.
        Err(_) if text.contains("-----BEGIN ") => {
            report
                .add_file(name, "this is PEM text, such as a key, and no policy: check which file is which");
            Vec::new()
        }
        Err(mistakes) => {
            // What else is wrong can only be guessed at.
            add_syntax_errors(&mistakes, number, report);
            Vec::new()
        }
    }
}

fn add_syntax_errors(mistakes: &[Mistake], file: u16, report: &mut Report) {
    for Mistake { span, message, first } in mistakes.iter().take(MOST_SYNTAX_ERRORS) {
        let help = match first {
            Some(first) => {
                let first = report.place(origin(file, *first));
                format!("the first one is at {first}; each key and each table can be there once")
            }
            None => "see <https://toml.io> for how values, keys and tables are written".into(),
        };
        report.add_with_help(origin(file, *span), message, help);
    }
}

fn read(path: &Path) -> Result<(PathBuf, String), String> {
    let told = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "permission is denied".to_owned(),
        _ => error.to_string(),
    };
    let real = path.canonicalize().map_err(told)?;
    let metadata = real.metadata().map_err(told)?;
    // Asked before it is opened: opening a pipe could wait for ever.
    if !metadata.is_file() {
        return Err("it is no file".into());
    }
    let mut bytes = Vec::new();
    let file = File::open(&real).map_err(told)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("it has more than {MOST_BYTES} bytes: split it"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok((real, text)),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let line = error.as_bytes().iter().take(valid).filter(|byte| **byte == b'\n').count() + 1;
            Err(format!("it is no UTF-8 text, first in line {line}: save it as UTF-8"))
        }
    }
}

fn add_unreadable(path: &Path, by: Option<Origin>, reason: &str, report: &mut Report) {
    let path = path.display().to_string();
    match by {
        Some(origin) => report.add(origin, format!("`{}` cannot be read: {reason}", path.escape_debug())),
        None => report.add_file(&path, format!("the policy cannot be read: {reason}")),
    }
}

fn add_repeated(found: &[Found], earlier: usize, by: Option<(usize, Origin)>, report: &mut Report) {
    let Some((includer, origin)) = by else { return };
    let ancestors = std::iter::successors(Some(includer), |number| Some(found.get(*number)?.by?.0));
    let mut path: Vec<usize> = ancestors.collect();
    let name = |number: &usize| report.source_name(*number);
    match path.iter().position(|number| *number == earlier) {
        Some(end) => {
            path.truncate(end + 1);
            path.reverse();
            let path: Vec<_> = path.iter().chain([&earlier]).map(name).collect();
            let path = path.join(" > ");
            report.add(origin, format!("files include each other in a circle, {path}: remove one inclusion"));
        }
        None => {
            let first = found.get(earlier).and_then(|file| file.by).map(|(_, origin)| report.place(origin));
            let first = first.map(|place| format!(" (first at {place})")).unwrap_or_default();
            let message = format!("`{}` is included twice{first}: include it once", name(&earlier));
            report.add(origin, message);
        }
    }
}
