//! Where the certificates come from, and how to call the server with them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use portcullis_pki::Development;

/// Where the development PKI is made on first start.
const FOLDER: &str = "target/dev-pki";

/// The files that the server uses.
#[derive(Debug)]
pub(crate) struct Material {
    /// Absent if the key is in a bundle with its certificate.
    pub(crate) server_cert: Option<PathBuf>,
    pub(crate) server_key: PathBuf,
    /// The authorities that clients are trusted from.
    pub(crate) client_ca: PathBuf,
    pub(crate) development: Option<Development>,
}

impl Material {
    /// The files given, and those of the development PKI for what is not given.
    pub(crate) fn new(cert: Option<&Path>, key: Option<&Path>, ca: Option<&Path>) -> anyhow::Result<Self> {
        let has_bundle = key.is_some_and(is_bundle);
        ensure!(
            key.is_none() || cert.is_some() != has_bundle,
            "`--server-key` needs `--server-cert`, unless it is a PKCS#12 bundle (`.p12`, `.pfx`), which has both"
        );
        if let (Some(key), Some(ca)) = (key, ca) {
            return Ok(Self {
                server_cert: cert.map(Into::into),
                server_key: key.into(),
                client_ca: ca.into(),
                development: None,
            });
        }
        let development = portcullis_pki::development(Path::new(FOLDER))
            .with_context(|| format!("the development PKI in `{FOLDER}` cannot be used"))?;
        Ok(Self {
            server_cert: match key {
                Some(_) => cert.map(Into::into),
                None => Some(development.server_pem()),
            },
            server_key: key.map_or_else(|| development.server_key(), Into::into),
            client_ca: ca.map_or_else(|| development.ca_pem(), Into::into),
            development: Some(development),
        })
    }
}

/// Whether a file has the name of a PKCS#12 bundle.
fn is_bundle(file: &Path) -> bool {
    let extension = file.extension().unwrap_or_default();
    extension.eq_ignore_ascii_case("p12") || extension.eq_ignore_ascii_case("pfx")
}

/// What to say once the server listens.
#[derive(Debug)]
pub struct Greeting {
    development: Option<Development>,
    policy: Option<PathBuf>,
}

impl Greeting {
    pub(crate) fn new(development: Option<Development>, policy: Option<&Path>) -> Self {
        Self { development, policy: policy.map(Path::to_owned) }
    }

    /// Where the server listens, and what to type to call it, ready to paste.
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> String {
        let host = if address.ip().is_loopback() || address.ip().is_unspecified() {
            format!("localhost:{}", address.port())
        } else {
            address.to_string()
        };
        let mut text = format!("listening on https://{host}/\n");
        let _ = match &self.policy {
            Some(path) => writeln!(text, "change the policy in {}: it holds at once", path.display()),
            None => writeln!(text, "the policy is built in; for one that can be changed use --policy FILE"),
        };
        if let Some(development) = &self.development {
            text.push_str(&instructions(&host, development));
        }
        text
    }
}

/// How to call a server that uses the development PKI.
fn instructions(host: &str, development: &Development) -> String {
    let mut text = String::new();
    let ca = development.ca_pem();
    let ca = ca.display();
    let _ = write!(
        text,
        "\ncall it, as each of them:\n\n\
         # nobody: no certificate\ncurl --cacert {ca} https://{host}/\n"
    );
    for (name, who) in [
        ("alice", "an admin"),
        ("bob", "a user"),
        ("mallory", "a certificate from an authority that is not trusted"),
        ("expired", "a certificate that has expired"),
    ] {
        let Ok(client) = development.client(name) else { continue };
        let (pem, key) = (client.pem.display(), client.key.display());
        let _ = write!(
            text,
            "# {name}: {who}\ncurl --cacert {ca} --cert {pem} --key {key} https://{host}/admin/\n"
        );
    }
    if let Ok(alice) = development.client("alice") {
        let _ = write!(
            text,
            "\nin a browser:\n\
             1. trust {ca}: in Firefox, Settings > Privacy & Security > View Certificates > Authorities > Import, \n   \
             for websites; elsewhere, add it to the certificate store of the system\n\
             2. import {p12} as your certificate (Your Certificates > Import); its password is \"{password}\"\n\
             3. open https://{host}/ and choose the certificate when asked\n",
            p12 = alice.p12.display(),
            password = development.p12_passphrase(),
        );
    }
    text
}
