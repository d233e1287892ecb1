//! The flags, the same for every example.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use portcullis_tls::{ClientAuth, KeyPair, ServerTls, TrustAnchors};

use crate::development::Material;

/// A portcullis example: who is calling, by client certificate, and what may that caller do?
///
/// Without any flag a development PKI is made in target/dev-pki/ on first start.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Args {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// The server's certificate chain (PEM, leaf first)
    #[arg(long, value_name = "FILE", requires = "server_key")]
    pub server_cert: Option<PathBuf>,
    /// The private key of the server's certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "server_cert")]
    pub server_key: Option<PathBuf>,
    /// The certificates of the authorities that clients are trusted from (PEM)
    #[arg(long, value_name = "FILE")]
    pub client_ca: Option<PathBuf>,
    /// How to ask for a client certificate
    #[arg(long, value_enum, default_value_t = ClientAuthMode::Request)]
    pub client_auth: ClientAuthMode,
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

impl Args {
    /// The certificates to use: those of the flags, and the development PKI for what no flag names.
    ///
    /// # Errors
    ///
    /// When the development PKI is needed and cannot be made or read.
    pub fn material(&self) -> anyhow::Result<Material> {
        Material::new(self.server_cert.as_deref(), self.server_key.as_deref(), self.client_ca.as_deref())
    }

    /// The TLS side of the server.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or used; the text names it and says what to do.
    pub fn server_tls(&self, material: &Material) -> anyhow::Result<ServerTls> {
        let anchors = TrustAnchors::new().pem_file("clients", &material.client_ca);
        let client_auth = match self.client_auth {
            ClientAuthMode::Require => ClientAuth::require(anchors),
            ClientAuthMode::IfGiven => ClientAuth::if_given(anchors),
            ClientAuthMode::Request => ClientAuth::request(anchors),
        };
        ServerTls::builder(KeyPair::from_pem_files(&material.server_cert, &material.server_key))
            .client_auth(client_auth)
            .build()
            .context("the server cannot start")
    }
}
