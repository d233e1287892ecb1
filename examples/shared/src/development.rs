//! Where the certificates come from, and how to call the server with them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use portcullis_pki::Development;

/// Where the development PKI is made on first start.
const FOLDER: &str = "target/dev-pki";

/// The files that the server uses.
#[derive(Debug)]
pub struct Material {
    /// The server's certificate chain.
    pub server_cert: PathBuf,
    /// Its private key.
    pub server_key: PathBuf,
    /// The authorities that clients are trusted from.
    pub client_ca: PathBuf,
    development: Option<Development>,
}

impl Material {
    /// The files given, and those of the development PKI for what is not given.
    pub(crate) fn new(cert: Option<&Path>, key: Option<&Path>, ca: Option<&Path>) -> anyhow::Result<Self> {
        if let (Some(cert), Some(key), Some(ca)) = (cert, key, ca) {
            return Ok(Self {
                server_cert: cert.into(),
                server_key: key.into(),
                client_ca: ca.into(),
                development: None,
            });
        }
        let development = portcullis_pki::development(Path::new(FOLDER))
            .with_context(|| format!("the development PKI in `{FOLDER}` cannot be used"))?;
        Ok(Self {
            server_cert: cert.map_or_else(|| development.server_pem(), Into::into),
            server_key: key.map_or_else(|| development.server_key(), Into::into),
            client_ca: ca.map_or_else(|| development.ca_pem(), Into::into),
            development: Some(development),
        })
    }
}

/// What to type to call the server, ready to paste.
#[must_use]
pub fn instructions(address: SocketAddr, material: &Material) -> String {
    let host = if address.ip().is_loopback() || address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    };
    let mut text = format!("listening on https://{host}/\n");
    let Some(development) = &material.development else {
        return text;
    };
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
