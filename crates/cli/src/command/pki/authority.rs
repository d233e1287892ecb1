//! `pki init` and `pki intermediate`.

use std::path::Path;

use portcullis_pki::{Authority, KeyAlgorithm, Kind, Slot, Store};
use serde::Serialize;

use super::failure;
use super::issue::host;
use super::report::Made;
use super::settings::{self, Key, Signer, Validity};
use crate::{outcome::Failure, output::Output, passphrase};

const TEN_YEARS: u32 = 3650;

#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// The name of the authority
    #[arg(long, default_value = "Portcullis Development CA")]
    name: String,
    /// The organization of the authority
    #[arg(long)]
    organization: Option<String>,
    /// Make a certificate for a server of this name too, such as localhost; repeat it for more names
    #[arg(long, value_name = "NAME")]
    server: Vec<String>,
    /// The kind of key
    #[arg(long, value_enum, default_value_t = Key::P256)]
    key: Key,
    #[command(flatten)]
    validity: Validity,
    /// Encrypt the key of the authority; where the passphrase is: prompt, env:VARIABLE or file:FILE
    #[arg(long, value_name = "SOURCE")]
    ca_passphrase: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Intermediate {
    /// The name of its files, and its common name
    name: String,
    /// How many authorities may stand below it
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    path_length: u8,
    /// The kind of key
    #[arg(long, value_enum, default_value_t = Key::P256)]
    key: Key,
    #[command(flatten)]
    validity: Validity,
    #[command(flatten)]
    signer: Signer,
    /// Encrypt the key; where the passphrase is: prompt, env:VARIABLE or file:FILE
    #[arg(long, value_name = "SOURCE")]
    key_passphrase: Option<String>,
    /// Overwrite an intermediate of the same name
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Report {
    made: Vec<Made>,
}

pub(super) fn init(arguments: &Init, folder: &Path, output: &mut Output) -> Result<(), Failure> {
    let (from, to) = arguments.validity.ends(TEN_YEARS)?;
    let mut builder = Authority::builder(&arguments.name).key(arguments.key.into()).valid(from, to);
    if let Some(organization) = &arguments.organization {
        builder = builder.organization(organization);
    }
    let passphrase =
        passphrase::chosen("ca-passphrase", arguments.ca_passphrase.as_deref(), "the new authority")?;
    let authority = builder.build().map_err(failure)?;
    // made before the folder, so that a name that is no good leaves nothing behind
    let server = match arguments.server.split_first() {
        Some((first, others)) => {
            let slot = Slot::new(Kind::Server, first).map_err(failure)?;
            let issued = host(&authority, first, others).key(KeyAlgorithm::P256).issue().map_err(failure)?;
            Some((slot, issued))
        }
        None => None,
    };
    let mut store = Store::init(folder, &authority, passphrase.as_deref()).map_err(failure)?;
    let mut text = format!(
        "made {}, {}\n  CN={}, valid until {}\n",
        folder.join("ca.pem").display(),
        folder.join("ca.key").display(),
        arguments.name.escape_debug(),
        super::report::date(to)
    );
    let mut made = Vec::new();
    if let Some((slot, issued)) = &server {
        store.add(slot, None, issued, None, false).map_err(failure)?;
        if let Some(server) = Made::new(&store, slot, None) {
            text.push_str(&server.text());
            made.push(server);
        }
        text.push_str("next: portcullis pki client alice\n");
    } else {
        text.push_str("next: portcullis pki server localhost\n");
    }
    output.result(&text, &InitReport { folder, authority: store.entries().first(), made })
}

#[derive(Serialize)]
struct InitReport<'a> {
    folder: &'a Path,
    authority: Option<&'a portcullis_pki::Entry>,
    made: Vec<Made>,
}

pub(super) fn intermediate(
    arguments: &Intermediate,
    store: &mut Store,
    output: &mut Output,
) -> Result<(), Failure> {
    let slot = Slot::new(Kind::Intermediate, &arguments.name).map_err(failure)?;
    if !arguments.force {
        store.check_free(&slot).map_err(failure)?;
    }
    let issuer = arguments.signer.slot(store)?;
    if issuer.as_ref() == Some(&slot) {
        return Err(Failure::Input("an intermediate does not issue itself".to_owned()));
    }
    let (from, to) = arguments.validity.ends(TEN_YEARS / 2)?;
    settings::check_end(store, issuer.as_ref(), to)?;
    let upper = arguments.signer.authority(store, issuer.as_ref())?;
    let what = "the new authority";
    let passphrase = passphrase::chosen("key-passphrase", arguments.key_passphrase.as_deref(), what)?;
    let builder = upper.intermediate_builder(&arguments.name).path_length(arguments.path_length);
    let authority = builder.key(arguments.key.into()).valid(from, to).build().map_err(failure)?;
    store
        .add_intermediate(&slot, issuer.as_ref(), &authority, passphrase.as_deref(), arguments.force)
        .map_err(failure)?;
    let made: Vec<Made> = Made::new(store, &slot, None).into_iter().collect();
    let mut text: String = made.iter().map(Made::text).collect();
    text.push_str(&format!("next: portcullis pki client NAME --issuer {}\n", arguments.name));
    output.result(&text, &Report { made })
}
