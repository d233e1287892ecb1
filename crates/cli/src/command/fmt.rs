//! `portcullis fmt`: puts a policy file in order, comments included.

mod layout;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::input;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;

/// Blanks around keys, values and the operators of rules are put in order; names, comments and the
/// order of everything stay. Included files are named by themselves.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The policy files; `-` reads standard input and prints the result
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Change nothing; exit with 2 if a file is not in order
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Outcome, Failure> {
    // All are read before the first is written.
    let mut changed = Vec::new();
    for path in &arguments.files {
        let before = input::text(path)?;
        let after = layout::format(&input::name(path), &before)?;
        if input::is_stdin(path) && !arguments.check {
            output.text(&after)?;
        } else if before != after {
            changed.push((path, after));
        }
    }
    if !arguments.check {
        changed.iter().try_for_each(|(path, text)| replace(path, text))?;
    }
    let names: Vec<String> = changed.iter().map(|(path, _)| input::name(path)).collect();
    let verb = if arguments.check { "is not in order" } else { "was put in order" };
    let text: String = names.iter().map(|name| format!("{name} {verb}\n")).collect();
    if !text.is_empty() || output.is_json() {
        output.result(&text, &json!({ "changed": names }))?;
    }
    Ok(if arguments.check && !changed.is_empty() { Outcome::Finding } else { Outcome::Fine })
}

/// Writes beside the file and renames, so that nobody ever reads half a policy.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    // A link stays a link.
    let write = || -> std::io::Result<()> {
        let target = fs::canonicalize(path)?;
        let folder = target.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().set_permissions(fs::metadata(&target)?.permissions())?;
        file.as_file().sync_all()?;
        file.persist(&target)?;
        Ok(())
    };
    write().map_err(|error| Failure::Other(format!("cannot write `{}`: {error}", path.display())))
}
