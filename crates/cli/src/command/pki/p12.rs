//! `pki p12`: a bundle for a browser.

use portcullis_pki::Store;

use super::failure;
use super::issue::BundleSettings;
use crate::{outcome::Failure, output::Output, passphrase};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The name, with `client/` or `server/` before it where both have it
    name: String,
    /// Where the passphrase of the key is: prompt, env:VARIABLE or file:FILE
    #[arg(long, value_name = "SOURCE")]
    key_passphrase: Option<String>,
    #[command(flatten)]
    bundle: BundleSettings,
}

pub(super) fn run(arguments: &Arguments, store: &Store, output: &mut Output) -> Result<(), Failure> {
    let slot = store.find(&arguments.name).map_err(failure)?;
    if !store.has_key(&slot) {
        let reason = format!("the key of `{slot}` is not here: whoever asked for the certificate has it");
        return Err(Failure::Input(reason));
    }
    let mut unlock = passphrase::unlock("key-passphrase", arguments.key_passphrase.as_deref())?;
    let issued = store.issued(&slot, &mut unlock).map_err(failure)?;
    let passphrase = arguments.bundle.passphrase()?;
    let bundle = arguments.bundle.write(store, &slot, &issued, passphrase)?;
    let text = format!(
        "made {}\n{}next: import it into a browser, and {} as an authority for web sites\n",
        bundle.file.display(),
        bundle.text(),
        store.folder().join("ca.pem").display()
    );
    output.result(&text, &bundle)
}
