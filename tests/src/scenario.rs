//! What takes more than one request: hostile sockets, sessions, time.

mod audit;
mod chain;
mod flood;
mod hosts;
mod lifetime;
mod living;
mod noise;
mod refusal;
mod replacement;
mod resumption;
mod revocation;
mod start;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use portcullis_core::Authorizer;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::adapter::{Listener, Running};
use crate::app::{Seen, TRIAL};
use crate::bench::{self, Bench, Key};
use crate::case::{Http, Mode, Shape, Tls};
use crate::client::{Received, Sent, h1, h2, tls};
use crate::fixtures::fixtures;

/// A scenario, run on every adapter.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Scenario {
    /// What it shows.
    pub name: &'static str,
    /// The versions that it is run over.
    scope: Scope,
    /// What happens.
    pub play: fn(Stage) -> Play,
}

/// A scenario that is being run.
pub type Play = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Where a scenario is run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stage {
    /// The adapter.
    pub bench: Arc<Bench>,
    /// The version of HTTP.
    pub http: Http,
    /// The version of TLS.
    pub tls: Tls,
}

/// Over which versions a scenario makes a difference.
#[derive(Clone, Copy, Debug)]
enum Scope {
    /// None: it is about TCP, or about one version.
    Once,
    /// The version of TLS.
    EachTls,
    /// Both.
    Each,
}

/// All scenarios.
#[must_use]
pub fn all() -> Vec<Scenario> {
    [
        hosts::SCENARIOS,
        chain::SCENARIOS,
        revocation::SCENARIOS,
        noise::SCENARIOS,
        flood::SCENARIOS,
        resumption::SCENARIOS,
        lifetime::SCENARIOS,
        start::SCENARIOS,
        replacement::SCENARIOS,
        refusal::SCENARIOS,
        audit::SCENARIOS,
    ]
    .concat()
}

impl Scenario {
    /// The versions of HTTP and TLS that it is run over.
    #[must_use]
    pub fn versions(&self) -> Vec<(Http, Tls)> {
        match self.scope {
            Scope::Once => vec![(Http::One, Tls::Three)],
            Scope::EachTls => Tls::ALL.map(|tls| (Http::One, tls)).into(),
            Scope::Each => Http::ALL.iter().flat_map(|http| Tls::ALL.map(|tls| (*http, tls))).collect(),
        }
    }

    /// The end of the name, where versions make a difference.
    #[must_use]
    pub fn over(&self, http: Http, tls: Tls) -> String {
        match self.scope {
            Scope::Once => String::new(),
            Scope::EachTls => format!(" ({tls})"),
            Scope::Each => format!(" ({http}, {tls})"),
        }
    }
}

impl Stage {
    /// The configuration of a client, and no memory of sessions.
    fn client(&self, client: &str) -> Result<ClientConfig> {
        let credentials = fixtures()?.credentials(client, None, true)?;
        tls::config(credentials.as_ref(), self.http, self.tls)
    }

    /// A server of its own, which asks for certificates and takes whatever comes.
    async fn server_of(&self, auth: Authorizer) -> Result<Running> {
        let tls = bench::tls(&Key::of_mode(Mode::Request))?.context("TLS")?.build()?;
        self.bench.fresh(auth, Listener::Tls(tls), Shape::Standard).await
    }

    /// A new connection, ready for requests.
    async fn connect(&self, address: SocketAddr, config: &Arc<ClientConfig>) -> Result<Speaker> {
        self.connect_as("localhost", address, config).await
    }

    /// A new connection to a server by one of its names.
    async fn connect_as(
        &self,
        name: &str,
        address: SocketAddr,
        config: &Arc<ClientConfig>,
    ) -> Result<Speaker> {
        let stream = tls::connect_as(name, address, Arc::clone(config)).await?;
        Ok(match self.http {
            Http::One => Speaker::One(Box::new(h1::Connection::new(stream))),
            Http::Two => Speaker::Two(h2::Connection::new(stream).await?),
        })
    }

    /// What the handler of `/whoami` sees of a client that makes a new connection.
    async fn whoami(&self, address: SocketAddr, config: &Arc<ClientConfig>) -> Result<Seen> {
        seen(&self.connect(address, config).await?.get("/whoami").await?)
    }

    /// A good client must get its answer soon, whatever others do.
    async fn good_client_is_served(&self, address: SocketAddr) -> Result<()> {
        let served = async { self.whoami(address, &Arc::new(self.client("alice")?)).await };
        let served = tokio::time::timeout(Duration::from_secs(5), served).await;
        let seen = served.context("a good client waits for the others")??;
        anyhow::ensure!(seen.name.as_deref() == Some("alice"), "{seen:?}");
        Ok(())
    }
}

/// What a handler saw.
fn seen(received: &Received) -> Result<Seen> {
    serde_json::from_slice(&received.body)
        .with_context(|| format!("no handler answered: {}", received.text()))
}

/// A connection of either version.
enum Speaker {
    One(Box<h1::Connection<TlsStream<TcpStream>>>),
    Two(h2::Connection),
}

impl Speaker {
    async fn get(&mut self, target: &str) -> Result<Received> {
        self.ask("scenario", "GET", target, "application/problem+json").await
    }

    /// Asks for a page of a host.
    async fn ask_host(&mut self, host: &str, target: &str) -> Result<Received> {
        let sent = Sent::new("GET", target)
            .header(self.authority(), host)
            .header("accept", "application/problem+json")
            .header(TRIAL, "scenario");
        self.send(sent).await
    }

    /// Sends a request with the mark of a trial.
    async fn ask(&mut self, trial: &str, method: &str, target: &str, accept: &str) -> Result<Received> {
        let sent = Sent::new(method, target)
            .header(self.authority(), "localhost")
            .header("accept", accept)
            .header(TRIAL, trial);
        self.send(sent).await
    }

    /// The header that names the host.
    fn authority(&self) -> &'static str {
        if matches!(self, Self::One(_)) { "host" } else { ":authority" }
    }

    async fn send(&mut self, sent: Sent) -> Result<Received> {
        match self {
            Self::One(connection) => connection.send(&sent).await,
            Self::Two(connection) => {
                connection.send(h2::faithful(&sent).context("a request for hyper")?).await
            }
        }
    }

    /// Waits for the server to end the connection.
    async fn wait_for_end(self) -> Result<()> {
        let ended = async {
            match self {
                Self::One(mut connection) => connection.wait_for_end().await,
                Self::Two(connection) => connection.wait_for_end().await,
            }
        };
        tokio::time::timeout(Duration::from_secs(5), ended).await.context("the connection stayed")?
    }
}
