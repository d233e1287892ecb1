//! `pki server` and `pki client`.

use std::net::IpAddr;

use portcullis_pki::{Authority, Issued, Kind, LeafBuilder, Slot, Store};
use serde::Serialize;

use super::failure;
use super::report::{Bundle, Made, curl};
use super::settings::{self, Key, Names, Signer, Validity};
use crate::{outcome::Failure, output::Output, passphrase};

/// Less than the 398 days that browsers accept.
pub(super) const DAYS: u32 = 396;

/// What both kinds of certificate can have.
#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    names: Names,
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
    /// Overwrite a certificate of the same name
    #[arg(long)]
    force: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Server {
    /// The names and addresses of the server; the first one names the files
    #[arg(required = true)]
    name: Vec<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
pub(super) struct Client {
    /// The name of the client and of its files
    name: String,
    /// An e-mail address, for the subject and as alternative name
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    #[command(flatten)]
    common: Common,
    /// Make no PKCS#12 bundle
    #[arg(long, conflicts_with_all = ["p12_passphrase", "legacy"])]
    no_p12: bool,
    #[command(flatten)]
    bundle: BundleSettings,
}

/// How a bundle is made.
#[derive(Debug, clap::Args)]
pub(super) struct BundleSettings {
    /// Where the passphrase of the bundle is: prompt, env:VARIABLE or file:FILE; made up unless given
    #[arg(long, value_name = "SOURCE")]
    p12_passphrase: Option<String>,
    /// Encode the bundle for macOS 14, old Windows and old Java
    #[arg(long)]
    legacy: bool,
}

impl BundleSettings {
    /// The passphrase, and whether it was made up.
    pub(super) fn passphrase(&self) -> Result<(String, bool), Failure> {
        match passphrase::chosen("p12-passphrase", self.p12_passphrase.as_deref(), "the bundle")? {
            Some(passphrase) => Ok((passphrase, false)),
            None => Ok((passphrase::generate()?, true)),
        }
    }

    pub(super) fn write(
        &self,
        store: &Store,
        slot: &Slot,
        issued: &Issued,
        (passphrase, made_up): (String, bool),
    ) -> Result<Bundle, Failure> {
        let bundle = if self.legacy { issued.legacy_p12(&passphrase) } else { issued.p12(&passphrase) };
        let file = store.write_bundle(slot, &bundle.map_err(failure)?).map_err(failure)?;
        Ok(Bundle { file, passphrase: made_up.then_some(passphrase) })
    }
}

#[derive(Serialize)]
struct Report {
    made: Vec<Made>,
}

pub(super) fn server(arguments: &Server, store: &mut Store, output: &mut Output) -> Result<(), Failure> {
    let Some((first, others)) = arguments.name.split_first() else {
        return Err(Failure::Input("a server needs a name".to_owned()));
    };
    let slot = Slot::new(Kind::Server, first).map_err(failure)?;
    issue(&arguments.common, store, &slot, |authority, common, attributes| {
        let builder = host(authority, first, others).common_name(common);
        Ok(attributes.iter().fold(builder, |builder, (kind, value)| builder.attribute(kind, value)))
    })?;
    let made: Vec<Made> = Made::new(store, &slot, None).into_iter().collect();
    let mut text: String = made.iter().map(Made::text).collect();
    text.push_str("next: portcullis pki client alice\n");
    output.result(&text, &Report { made })
}

pub(super) fn client(arguments: &Client, store: &mut Store, output: &mut Output) -> Result<(), Failure> {
    let slot = Slot::new(Kind::Client, &arguments.name).map_err(failure)?;
    let passphrase = if arguments.no_p12 { None } else { Some(arguments.bundle.passphrase()?) };
    let issued = issue(&arguments.common, store, &slot, |authority, common, attributes| {
        let mut builder = authority.client(common).subject_as_alternative_name();
        for (kind, value) in attributes {
            builder = builder.attribute(kind, value);
        }
        Ok(match &arguments.email {
            Some(email) => builder.email(email),
            None if arguments.name.contains('@') => builder.email_san(&arguments.name),
            None => builder,
        })
    })?;
    let bundle = match passphrase {
        Some(passphrase) => Some(arguments.bundle.write(store, &slot, &issued, passphrase)?),
        None => None,
    };
    let made: Vec<Made> = Made::new(store, &slot, bundle).into_iter().collect();
    let mut text: String = made.iter().map(Made::text).collect();
    text.push_str(&format!("next: {}\n", curl(store.folder(), &slot)));
    if !arguments.no_p12 {
        text.push_str(&format!("      or import {} into a browser\n", slot.bundle(store.folder()).display()));
    }
    output.result(&text, &Report { made })
}

/// Issues what the closure has begun, with what both kinds have in common.
fn issue(
    common: &Common,
    store: &mut Store,
    slot: &Slot,
    begin: impl for<'a> FnOnce(&'a Authority, &str, &[(String, String)]) -> Result<LeafBuilder<'a>, Failure>,
) -> Result<Issued, Failure> {
    if !common.force {
        store.check_free(slot).map_err(failure)?;
    }
    let issuer = common.signer.slot(store)?;
    let (from, to) = common.validity.ends(DAYS)?;
    settings::check_end(store, issuer.as_ref(), to)?;
    let (name, attributes) = common.names.subject(slot.name())?;
    let authority = common.signer.authority(store, issuer.as_ref())?;
    let what = format!("the key of {slot}");
    let passphrase = passphrase::chosen("key-passphrase", common.key_passphrase.as_deref(), &what)?;
    let builder = common.names.alternative(begin(&authority, &name, &attributes)?);
    let issued = builder.key(common.key.into()).valid(from, to).issue().map_err(failure)?;
    store.add(slot, issuer.as_ref(), &issued, passphrase.as_deref(), common.force).map_err(failure)?;
    Ok(issued)
}

/// A server of these names and addresses; `localhost` alone stands for its addresses too.
pub(super) fn host<'a>(authority: &'a Authority, first: &str, others: &[String]) -> LeafBuilder<'a> {
    if first == "localhost" && others.is_empty() {
        return authority.server();
    }
    let mut builder = authority.server_unnamed(first);
    for name in std::iter::once(first).chain(others.iter().map(String::as_str)) {
        builder = match name.parse::<IpAddr>() {
            Ok(address) => builder.ip(address),
            Err(_) => builder.dns(name),
        };
    }
    builder
}
