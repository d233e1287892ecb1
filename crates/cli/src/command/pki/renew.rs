//! `pki renew`: the same certificate with a new validity.

use portcullis_pki::{Kind, Slot, Store};
use serde::Serialize;

use super::failure;
use super::issue::{BundleSettings, DAYS};
use super::report::Made;
use super::settings::{self, Validity};
use crate::{outcome::Failure, output::Output, passphrase};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The name, with `client/` or `server/` before it where both have it
    name: String,
    /// Make a new key too, instead of keeping the old one
    #[arg(long)]
    new_key: bool,
    #[command(flatten)]
    validity: Validity,
    /// Where the passphrase of the authority's key is: prompt, env:VARIABLE or file:FILE
    #[arg(long, value_name = "SOURCE")]
    ca_passphrase: Option<String>,
    /// Where the passphrase of the certificate's key is: prompt, env:VARIABLE or file:FILE
    #[arg(long, value_name = "SOURCE")]
    key_passphrase: Option<String>,
    #[command(flatten)]
    bundle: BundleSettings,
}

#[derive(Serialize)]
struct Report {
    made: Vec<Made>,
}

pub(super) fn run(arguments: &Arguments, store: &mut Store, output: &mut Output) -> Result<(), Failure> {
    let slot = store.find(&arguments.name).map_err(failure)?;
    refuse_revoked(arguments, store, &slot)?;
    let issuer = issuer(store, &slot)?;
    store.check_issuer(issuer.as_ref()).map_err(failure)?;
    let (from, to) = arguments.validity.ends(DAYS)?;
    settings::check_end(store, issuer.as_ref(), to)?;
    if arguments.new_key && (slot.kind() == Kind::Intermediate || !store.has_key(&slot)) {
        let reason = format!(
            "the key of `{slot}` cannot be replaced here: issue it anew, or renew it without --new-key"
        );
        return Err(Failure::Input(reason));
    }
    let mut open_authority = passphrase::unlock("ca-passphrase", arguments.ca_passphrase.as_deref())?;
    let authority = store.authority(issuer.as_ref(), &mut open_authority).map_err(failure)?;
    let mut open_key = passphrase::unlock("key-passphrase", arguments.key_passphrase.as_deref())?;
    let old = store.certificate_der(&slot).map_err(failure)?;

    // whatever can be refused is refused before the index is written
    let had_bundle = store.has_bundle(&slot);
    let bundle = if had_bundle { Some(arguments.bundle.passphrase()?) } else { None };
    let issued = if arguments.new_key {
        let encrypted = store.key_is_encrypted(&slot).map_err(failure)?;
        let what = format!("the new key of {slot}");
        let passphrase = passphrase::chosen("key-passphrase", arguments.key_passphrase.as_deref(), &what)?;
        if encrypted && passphrase.is_none() {
            let reason = "the old key is encrypted: give --key-passphrase, and the new one will be too";
            return Err(Failure::Input(reason.to_owned()));
        }
        let issued = authority.renew_with_new_key(&old, from, to).map_err(failure)?;
        store.add(&slot, issuer.as_ref(), &issued, passphrase.as_deref(), true).map_err(failure)?;
        Some(issued)
    } else {
        let key = if had_bundle { Some(store.issued(&slot, &mut open_key).map_err(failure)?) } else { None };
        let chain = authority.renew(&old, from, to).map_err(failure)?;
        store.add_certificate(&slot, issuer.as_ref(), &chain, true).map_err(failure)?;
        key.map(|key| key.presenting(chain))
    };
    let bundle = match (bundle, &issued) {
        (Some(passphrase), Some(issued)) => Some(arguments.bundle.write(store, &slot, issued, passphrase)?),
        _ => None,
    };
    let made: Vec<Made> = Made::new(store, &slot, bundle).into_iter().collect();
    let mut text: String = made.iter().map(Made::text).collect();
    text.push_str("next: give it to whoever uses it; the old one is valid until it ends or is revoked\n");
    output.result(&text, &Report { made })
}

/// What was revoked is not revived: the same key would be good again.
fn refuse_revoked(arguments: &Arguments, store: &Store, slot: &Slot) -> Result<(), Failure> {
    let is_revoked = store.latest(slot).is_some_and(|entry| entry.revoked().is_some());
    let advice = match slot.kind() {
        _ if !is_revoked => return Ok(()),
        Kind::Intermediate => "make another one, of another name",
        _ if !store.has_key(slot) => "have a new key made, and issue a certificate for it",
        _ if arguments.new_key => return Ok(()),
        _ => "renew it with --new-key, or issue it anew with --force",
    };
    Err(Failure::Input(format!("`{slot}` is revoked, and its key with it: {advice}")))
}

/// The authority that issued the latest certificate of a place, nothing for the root.
fn issuer(store: &Store, slot: &Slot) -> Result<Option<Slot>, Failure> {
    match store.latest(slot).and_then(|entry| entry.issuer().strip_prefix("intermediate/")) {
        Some(name) => Slot::new(Kind::Intermediate, name).map(Some).map_err(failure),
        None => Ok(None),
    }
}
