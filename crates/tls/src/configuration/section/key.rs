//! A certificate and its key, of the server or of a site.

use std::path::{Path, PathBuf};

use portcullis_core::rule::Diagnostic;
use toml::de::DeValue;

use crate::configuration::table::{Table, Value, kind};
use crate::configuration::value;
use crate::{KeyPair, Passphrase};

/// The files of a certificate and its key.
#[derive(Debug)]
pub(super) struct KeyFiles {
    /// Absent if the key is in a bundle with its certificate.
    certificate: Option<PathBuf>,
    key: PathBuf,
    passphrase: Option<KeyPassphrase>,
}

/// Where the passphrase of the key comes from.
#[derive(Debug)]
enum KeyPassphrase {
    Prompt,
    Variable(String),
    File(PathBuf),
    Descriptor(u32),
}

impl KeyFiles {
    pub(super) fn read(table: &mut Table<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let key = table.required("key", "key = \"server.key\"", value::path, found);
        let has_bundle = key.as_deref().is_some_and(is_bundle);
        let certificate = if has_bundle {
            check_bundle(table, found);
            None
        } else {
            table.required("certificate", "certificate = \"server.pem\"", value::path, found)
        };
        let passphrase = table.value("key_passphrase").and_then(|value| key_passphrase(value, folder, found));
        Some(Self {
            certificate: if has_bundle { None } else { Some(folder.join(certificate?)) },
            key: folder.join(key?),
            passphrase,
        })
    }

    pub(super) fn key_pair(&self) -> KeyPair {
        let key_pair = match &self.certificate {
            Some(certificate) => KeyPair::from_pem_files(certificate, &self.key),
            None => bundle(&self.key),
        };
        match &self.passphrase {
            None => key_pair,
            Some(KeyPassphrase::Prompt) => key_pair.passphrase(Passphrase::prompt()),
            Some(KeyPassphrase::Variable(variable)) => key_pair.passphrase(Passphrase::env(variable)),
            Some(KeyPassphrase::File(file)) => key_pair.passphrase(Passphrase::file(file)),
            Some(KeyPassphrase::Descriptor(number)) => key_pair.passphrase(Passphrase::fd(*number)),
        }
    }
}

#[cfg(feature = "pkcs12")]
fn bundle(file: &Path) -> KeyPair {
    KeyPair::from_pkcs12_file(file)
}

/// Never called: such a key is a mistake without the feature.
#[cfg(not(feature = "pkcs12"))]
fn bundle(file: &Path) -> KeyPair {
    KeyPair::from_pem_files(file, file)
}

/// Whether a file has the name of a PKCS#12 bundle.
fn is_bundle(file: &Path) -> bool {
    let extension = file.extension().unwrap_or_default();
    extension.eq_ignore_ascii_case("p12") || extension.eq_ignore_ascii_case("pfx")
}

/// What is wrong with a bundle as the key.
fn check_bundle(table: &mut Table<'_>, found: &mut Vec<Diagnostic>) {
    if let (false, Some(value)) = (cfg!(feature = "pkcs12"), table.value("key")) {
        let message = "this program reads no PKCS#12 bundles";
        let help = "build it with the feature `pkcs12` of portcullis-tls, or write PEM with `openssl pkcs12 -in F -out G`";
        found.push(Diagnostic::new(value.span(), message).help(help.to_owned()));
    }
    if let Some(value) = table.value("certificate") {
        let message = "`key` is a PKCS#12 bundle, which has the certificate, too";
        let help = "leave `certificate` out, or name a PEM file as `key`".to_owned();
        found.push(Diagnostic::new(value.span(), message).help(help));
    }
}

fn key_passphrase(value: &Value<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<KeyPassphrase> {
    const HELP: &str =
        "write `\"prompt\"`, `{ file = \"passphrase\" }`, `{ env = \"KEY_PASSPHRASE\" }` or `{ fd = 3 }`";
    let mut refuse = |message: String| {
        found.push(Diagnostic::new(value.span(), message).help(HELP.to_owned()));
        None
    };
    match value.get_ref() {
        DeValue::String(text) if text == "prompt" => return Some(KeyPassphrase::Prompt),
        DeValue::Table(table) if table.len() == 1 => {}
        // The value may be the passphrase itself, which is not told.
        DeValue::String(_) | DeValue::Table(_) => {
            return refuse("`key_passphrase` must say where the passphrase comes from, in one way".into());
        }
        other => return refuse(format!("`key_passphrase` must be a table, not {}", kind(other))),
    }
    let mut table = Table::of("`key_passphrase`", value, found)?;
    let file = table.optional("file", value::path, found);
    let variable = table.optional("env", value::text, found);
    let descriptor = table.optional("fd", value::descriptor, found);
    table.finish(found);
    file.map(|file| KeyPassphrase::File(folder.join(file)))
        .or(variable.map(KeyPassphrase::Variable))
        .or(descriptor.map(KeyPassphrase::Descriptor))
}
