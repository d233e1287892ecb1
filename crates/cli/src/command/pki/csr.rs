//! `pki csr sign`: certificates for keys that others keep.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use portcullis_core::Certificate;
use portcullis_pki::{Kind, LeafBuilder, SigningRequest, Slot, Store};
use serde::Serialize;

use super::issue::{DAYS, host};
use super::report::Made;
use super::settings::{self, Names, Signer, Validity};
use super::{failure, open};
use crate::{input, outcome::Failure, output::Output};

/// More than any request needs.
const LONGEST: u64 = 256 * 1024;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Issue a certificate for the key of a request, and take nothing else from it unless allowed
    Sign(Sign),
}

#[derive(Debug, clap::Args)]
struct Sign {
    /// The request: PKCS#10 in PEM or DER, or SPKAC; `-` is standard input
    file: PathBuf,
    /// The name of the certificate's file, and the common name; that of the request's file unless given
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Issue a certificate for a server, instead of a client
    #[arg(long)]
    server: bool,
    /// Take the subject from the request
    #[arg(long, conflicts_with = "subject")]
    allow_subject: bool,
    /// Take the alternative names from the request
    #[arg(long)]
    allow_san: bool,
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    validity: Validity,
    #[command(flatten)]
    signer: Signer,
    /// Overwrite a certificate of the same name
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Report {
    made: Vec<Made>,
    /// What the request asked for and did not get.
    ignored: Vec<&'static str>,
}

pub(super) fn run(arguments: &Arguments, folder: &Path, output: &mut Output) -> Result<(), Failure> {
    let Command::Sign(arguments) = &arguments.command;
    let request = SigningRequest::read(&read(&arguments.file)?).map_err(failure)?;
    let mut store = open(folder)?;
    let kind = if arguments.server { Kind::Server } else { Kind::Client };
    let name = arguments.name()?;
    let slot = Slot::new(kind, &name).map_err(failure)?;
    if !arguments.force {
        store.check_free(&slot).map_err(failure)?;
    }
    // the file of another key would not fit the certificate
    if store.has_key(&slot) {
        let reason =
            format!("`{slot}` has a key here, which is not the one of the request: choose another name");
        return Err(Failure::Input(reason));
    }
    refuse_revoked(&store, &slot, &request)?;
    let issuer = arguments.signer.slot(&store)?;
    let (from, to) = arguments.validity.ends(DAYS)?;
    settings::check_end(&store, issuer.as_ref(), to)?;
    let authority = arguments.signer.authority(&store, issuer.as_ref())?;

    let (common, attributes) = arguments.names.subject(&name)?;
    let mut builder = match (kind, arguments.allow_san) {
        (Kind::Server, false) => host(&authority, &name, &[]).common_name(&common),
        (Kind::Server, true) => authority.server_unnamed(&common),
        _ => authority.client(&common).subject_as_alternative_name(),
    };
    for (kind, value) in &attributes {
        builder = builder.attribute(kind, value);
    }
    if arguments.allow_san {
        builder = request.names().iter().cloned().fold(builder, LeafBuilder::alternative_name);
    }
    let asked = request.subject().filter(|subject| !subject.relative_names().is_empty());
    if arguments.allow_subject {
        let subject =
            asked.ok_or_else(|| Failure::Input("the request has no subject to allow".to_owned()))?;
        builder = builder.subject_name(subject.clone());
    }
    let chain = arguments.names.alternative(builder).valid(from, to).sign(&request).map_err(failure)?;
    store.add_certificate(&slot, issuer.as_ref(), &chain, arguments.force).map_err(failure)?;

    let mut ignored = Vec::new();
    if asked.is_some() && !arguments.allow_subject {
        ignored.push("subject");
    }
    if !request.names().is_empty() && !arguments.allow_san {
        ignored.push("alternative names");
    }
    let made: Vec<Made> = Made::new(&store, &slot, None).into_iter().collect();
    let mut text: String = made.iter().map(Made::text).collect();
    if !ignored.is_empty() {
        text.push_str(&format!(
            "  not taken from the request: {} (--allow-subject, --allow-san)\n",
            ignored.join(", ")
        ));
    }
    text.push_str("next: give the file to whoever has the key\n");
    output.result(&text, &Report { made, ignored })
}

/// What was revoked is not revived: the same key would be good again.
fn refuse_revoked(store: &Store, slot: &Slot, request: &SigningRequest) -> Result<(), Failure> {
    if store.latest(slot).is_none_or(|entry| entry.revoked().is_none()) {
        return Ok(());
    }
    let old = store.certificate_der(slot).map_err(failure)?;
    let is_another = Certificate::from_der(&old).is_ok_and(|old| old.spki_der() != request.public_key_der());
    if is_another {
        return Ok(());
    }
    let reason = format!("`{slot}` is revoked, and the key of the request with it: have a new key made");
    Err(Failure::Input(reason))
}

impl Sign {
    /// The operator's word: nothing that the request says.
    fn name(&self) -> Result<String, Failure> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        let stem = if input::is_stdin(&self.file) { None } else { self.file.file_stem() };
        let name = stem.and_then(|stem| stem.to_str()).map(ToOwned::to_owned);
        name.ok_or_else(|| {
            let file = input::name(&self.file);
            Failure::Input(format!("`{file}` has no name to give the certificate: give one with `--name`"))
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::Input(format!("`{}`: {error}", path.display()));
    let mut content = Vec::new();
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(failed)?)
    };
    source.take(LONGEST + 1).read_to_end(&mut content).map_err(failed)?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > LONGEST {
        return Err(Failure::Input(format!("`{}` is too long for a request", path.display())));
    }
    Ok(content)
}
