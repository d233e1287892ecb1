//! `portcullis doctor`: says in one sentence why a client certificate does not get through.

mod asked;
mod facts;
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

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis_tls::rustls::crypto::{CryptoProvider, aws_lc_rs};

use crate::outcome::{Failure, Outcome};
use crate::output::Output;
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
    /// The certificate to show (PEM), with its intermediates
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// The private key of the certificate (PEM), unless it is in the same file
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
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
