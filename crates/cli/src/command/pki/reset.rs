//! `pki reset`: the end of an authority.

use std::io::{self, BufRead, IsTerminal, Write};

use portcullis_pki::Store;
use serde_json::json;

use super::failure;
use crate::{outcome::Failure, output::Output};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, store: Store, output: &mut Output) -> Result<(), Failure> {
    let folder = store.folder().to_owned();
    let count = store.entries().len();
    if !arguments.yes {
        confirm(&format!(
            "delete the authority in `{}` and all that it issued, {count} certificates?",
            folder.display()
        ))?;
    }
    store.reset().map_err(failure)?;
    let text = format!(
        "deleted the certificates in {}\nnext: remove the authority from the browsers that trust it; portcullis pki init makes a new one\n",
        folder.display()
    );
    output.result(&text, &json!({ "deleted": folder, "certificates": count }))
}

fn confirm(question: &str) -> Result<(), Failure> {
    let refused = |reason: &str| Failure::Input(format!("nothing was deleted: {reason}"));
    if !io::stdin().is_terminal() {
        return Err(refused("nobody can be asked; give --yes"));
    }
    let mut err = io::stderr().lock();
    write!(err, "{question} [yes/no] ")
        .and_then(|()| err.flush())
        .map_err(|error| refused(&error.to_string()))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|error| refused(&error.to_string()))?;
    if answer.trim() == "yes" { Ok(()) } else { Err(refused("the answer was not `yes`")) }
}
