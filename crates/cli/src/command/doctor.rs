//! `portcullis doctor`: says in one sentence why a client certificate does not get through.

mod asked;
pub(super) mod facts;
mod greeting;
mod http_answer;
mod listen;
mod own;
mod refusal;
mod report;
mod server;
mod target;
mod tls;
mod trust;
mod visit;
mod wire;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis_tls::rustls::crypto::{CryptoProvider, aws_lc_rs};

use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::passphrase::{self, Source};
use crate::style;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The server to look at, such as `https://localhost:8443/`
    #[arg(required_unless_present = "listen", conflicts_with = "listen")]
    url: Option<String>,
    /// Be a throw-away server on this address, and tell what clients send
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Authorities (PEM): of the server, or with --listen of the clients
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The certificate to show (PEM), with its intermediates; or a PKCS#12 bundle with the key, too
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// The private key of the certificate (PEM), unless it is in the same file
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Where the passphrase of the key or of the bundle is: prompt, env:VARIABLE or file:FILE; asked for at a terminal
    #[arg(long, visible_alias = "p12-passphrase", value_name = "SOURCE", requires = "cert")]
    key_passphrase: Option<String>,
    /// How many seconds each step may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
    /// With --listen: end after so many connections
    #[arg(long, value_name = "COUNT", requires = "listen")]
    connections: Option<usize>,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Outcome, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    match (&arguments.url, arguments.listen) {
        (_, Some(address)) => listen::run(arguments, address, output),
        (Some(url), None) => visit::run(arguments, url, provider, output),
        (None, None) => Err(Failure::Input("pass a URL, or `--listen` with an address".into())),
    }
}

impl Arguments {
    /// Where passphrases come from: if nothing is said, from whoever sits at the terminal.
    fn passphrase(&self) -> Result<Option<Source>, Failure> {
        let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let source = passphrase::source("key-passphrase", self.key_passphrase.as_deref())?;
        Ok(source.or_else(|| is_terminal.then_some(Source::Prompt)))
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// Text of a stranger, not too much of it, and nothing that a terminal would act upon.
fn printable(text: &str) -> String {
    let start: String = text.chars().take(200).collect();
    style::printable(&start)
}

type Provider = Arc<CryptoProvider>;
