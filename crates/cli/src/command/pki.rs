//! `portcullis pki`: an authority for development, and the certificates it issues.

mod authority;
mod csr;
mod issue;
mod list;
mod p12;
mod renew;
mod report;
mod reset;
mod revoke;
mod settings;
mod subject;

use std::path::{Path, PathBuf};

use portcullis_pki::{PkiError, Store, StoreError};

use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::style::printable;

/// Make certificates for development: an authority, servers, clients, revocation lists
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder of the certificates
    #[arg(long, value_name = "FOLDER", global = true, default_value = "./pki")]
    dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make an authority, and a server certificate on request
    Init(authority::Init),
    /// Issue a certificate for a server
    Server(issue::Server),
    /// Issue a certificate for a client
    Client(issue::Client),
    /// Make an authority below the root, to issue with `--issuer`
    Intermediate(authority::Intermediate),
    /// Issue a certificate once more, with a new validity
    Renew(renew::Arguments),
    /// Revoke the certificates of a name, and sign the revocation lists
    Revoke(revoke::Revoke),
    /// Sign the revocation lists anew, before they run out
    Crl(revoke::Crl),
    /// List what was issued
    List,
    /// Make a PKCS#12 bundle of a certificate and its key, to import into a browser
    P12(p12::Arguments),
    /// Work with signing requests
    Csr(csr::Arguments),
    /// Delete the authority and everything it issued
    Reset(reset::Arguments),
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Outcome, Failure> {
    let folder = plain(&arguments.dir);
    let shown = folder.display().to_string();
    // Its name stands in all that is printed, and in the commands to copy.
    if printable(&shown) != shown {
        let reason = "has control characters in its name: choose another folder";
        return Err(Failure::Input(format!("`{}` {reason}", printable(&shown))));
    }
    match &arguments.command {
        Command::Init(arguments) => authority::init(arguments, folder, output),
        Command::Server(arguments) => issue::server(arguments, &mut open(folder)?, output),
        Command::Client(arguments) => issue::client(arguments, &mut open(folder)?, output),
        Command::Intermediate(arguments) => authority::intermediate(arguments, &mut open(folder)?, output),
        Command::Renew(arguments) => renew::run(arguments, &mut open(folder)?, output),
        Command::Revoke(arguments) => revoke::revoke(arguments, &mut open(folder)?, output),
        Command::Crl(arguments) => revoke::crl(arguments, &open(folder)?, output),
        Command::List => list::run(&open(folder)?, output),
        Command::P12(arguments) => p12::run(arguments, &open(folder)?, output),
        Command::Csr(arguments) => csr::run(arguments, folder, output),
        Command::Reset(arguments) => reset::run(arguments, open(folder)?, output),
    }
    .map(|()| Outcome::Fine)
}

fn open(folder: &Path) -> Result<Store, Failure> {
    Store::open(folder).map_err(failure)
}

/// Without the `./` in front, which only makes the lines to copy longer.
fn plain(folder: &Path) -> &Path {
    match folder.strip_prefix(".") {
        Ok(rest) if rest != Path::new("") => rest,
        _ => folder,
    }
}

/// Tells what the user can set right from what the machine has to.
fn failure(error: impl Into<StoreError>) -> Failure {
    let error = error.into();
    let input = match &error {
        StoreError::Damaged { .. } => false,
        StoreError::Pki(error) => !matches!(
            error,
            PkiError::Io { .. } | PkiError::Random { .. } | PkiError::Encoding { .. } | PkiError::Key { .. }
        ),
        _ => true,
    };
    if input { Failure::Input(error.to_string()) } else { Failure::Other(error.to_string()) }
}
