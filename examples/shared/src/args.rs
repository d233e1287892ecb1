//! The flags, the same for every example.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// A portcullis example: who is calling, by client certificate, and what may that caller do?
///
/// Without any flag a development PKI is made in target/dev-pki/ on first start. Changes of files hold at
/// once; with SIGHUP everything is read again.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Args {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub listen: std::net::SocketAddr,
    /// The server's certificate chain (PEM, leaf first); not with a PKCS#12 bundle
    #[arg(long, value_name = "FILE", requires = "server_key")]
    pub server_cert: Option<PathBuf>,
    /// The private key of the server's certificate (PEM or DER), or a PKCS#12 bundle with both
    ///
    /// If it is encrypted, its passphrase is asked for at the terminal, unless one of the next two flags
    /// says where it is.
    #[arg(long, value_name = "FILE")]
    pub server_key: Option<PathBuf>,
    /// The environment variable with the passphrase of the private key
    #[arg(long, value_name = "NAME", requires = "server_key", conflicts_with = "server_key_passphrase_file")]
    pub server_key_passphrase_env: Option<String>,
    /// The file with the passphrase of the private key
    #[arg(long, value_name = "FILE", requires = "server_key")]
    pub server_key_passphrase_file: Option<PathBuf>,
    /// The certificates of the authorities that clients are trusted from (PEM)
    #[arg(long, value_name = "FILE")]
    pub client_ca: Option<PathBuf>,
    /// Revocation lists (PEM or DER): a file, or a folder of them; can be repeated
    ///
    /// Clients of an authority without a list that is in date are refused.
    #[arg(long, value_name = "FILE")]
    pub crl: Vec<PathBuf>,
    /// Certificates and keys to block: `sha256:..`, `spki:..` or `serial:.. issuer:".."`, one a line
    #[arg(long, value_name = "FILE")]
    pub deny_list: Option<PathBuf>,
    /// How to ask for a client certificate
    #[arg(long, value_enum, default_value_t = ClientAuthMode::Request)]
    pub client_auth: ClientAuthMode,
    /// The policy (TOML), instead of the one that is built in
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// All of that from one file (TOML), instead of the other flags
    #[arg(long, value_name = "FILE", exclusive = true)]
    pub config: Option<PathBuf>,
}

/// How to ask for a client certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClientAuthMode {
    /// No handshake without a trusted certificate
    Require,
    /// A certificate may be absent, but not untrusted
    IfGiven,
    /// Everybody gets in, and is told why a certificate was not trusted
    Request,
}
