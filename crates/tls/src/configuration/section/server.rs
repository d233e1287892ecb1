//! `[server]`: where to listen, the server's own certificate, and its limits.

use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::rule::Diagnostic;
use toml::de::DeValue;

use crate::configuration::table::{Table, Value, kind};
use crate::configuration::value::{self, MinTlsVersion};
use crate::{KeyPair, Passphrase, ServerTls, ServerTlsBuilder};

/// What `[server]` says; what is not set is as in the builders.
#[derive(Debug)]
pub(in crate::configuration) struct Server {
    pub(in crate::configuration) listen: String,
    /// Absent if the key is in a bundle with its certificate.
    certificate: Option<PathBuf>,
    key: PathBuf,
    key_passphrase: Option<KeyPassphrase>,
    min_tls_version: Option<MinTlsVersion>,
    handshake_timeout: Option<Duration>,
    concurrent_handshakes: Option<usize>,
    handshakes_per_peer: Option<usize>,
    pub(in crate::configuration) connection_limit: Option<usize>,
    pub(in crate::configuration) header_read_timeout: Option<Duration>,
    pub(in crate::configuration) max_connection_age: Option<Duration>,
    pub(in crate::configuration) shutdown_timeout: Option<Duration>,
}

/// Where the passphrase of the key comes from.
#[derive(Debug)]
enum KeyPassphrase {
    Prompt,
    Variable(String),
    File(PathBuf),
    Descriptor(u32),
}

impl Server {
    pub(super) fn read(mut table: Table<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let listen = table.required("listen", "listen = \"[::]:8443\"", value::address, found);
        let key = table.required("key", "key = \"server.key\"", value::path, found);
        let has_bundle = key.as_deref().is_some_and(is_bundle);
        let certificate = if has_bundle {
            check_bundle(&mut table, found);
            None
        } else {
            table.required("certificate", "certificate = \"server.pem\"", value::path, found)
        };
        let key_passphrase =
            table.value("key_passphrase").and_then(|value| key_passphrase(value, folder, found));
        let min_tls_version = table.optional("min_tls_version", value::min_tls_version, found);
        let handshake_timeout = table.optional("handshake_timeout", value::duration, found);
        let concurrent_handshakes = table.optional("concurrent_handshakes", value::count, found);
        let handshakes_per_peer = table.optional("handshakes_per_peer", value::count, found);
        let connection_limit = table.optional("connection_limit", value::count, found);
        let header_read_timeout = table.optional("header_read_timeout", value::duration, found);
        let max_connection_age = table.optional("max_connection_age", value::duration, found);
        let shutdown_timeout = table.optional("shutdown_timeout", value::duration, found);
        table.finish(found);
        Some(Self {
            listen: listen?,
            certificate: if has_bundle { None } else { Some(folder.join(certificate?)) },
            key: folder.join(key?),
            key_passphrase,
            min_tls_version,
            handshake_timeout,
            concurrent_handshakes,
            handshakes_per_peer,
            connection_limit,
            header_read_timeout,
            max_connection_age,
            shutdown_timeout,
        })
    }

    pub(in crate::configuration) fn builder(&self) -> ServerTlsBuilder {
        let mut builder = ServerTls::builder(self.key_pair());
        builder = match self.min_tls_version {
            Some(MinTlsVersion::Tls13) => builder.versions([&rustls::version::TLS13]),
            Some(MinTlsVersion::Tls12) => {
                builder.versions([&rustls::version::TLS13, &rustls::version::TLS12])
            }
            None => builder,
        };
        if let Some(limit) = self.handshake_timeout {
            builder = builder.handshake_timeout(limit);
        }
        if let Some(count) = self.concurrent_handshakes {
            builder = builder.concurrent_handshakes(count);
        }
        if let Some(count) = self.handshakes_per_peer {
            builder = builder.handshakes_per_peer(count);
        }
        builder
    }

    fn key_pair(&self) -> KeyPair {
        let key_pair = match &self.certificate {
            Some(certificate) => KeyPair::from_pem_files(certificate, &self.key),
            None => bundle(&self.key),
        };
        match &self.key_passphrase {
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
