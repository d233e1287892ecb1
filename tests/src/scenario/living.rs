//! A server whose time and whose trust a scenario moves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use portcullis_core::Authorizer;
use portcullis_pki::{Authority, Issued, Revoked};
use portcullis_tls::{Revocation, ServerTls, TrustAnchors};
use rustls::ClientConfig;
use rustls::client::Resumption;
use tempfile::TempDir;

use super::{Speaker, Stage, seen};
use crate::adapter::{Listener, Running};
use crate::app::runs;
use crate::case::{Mode, Shape};
use crate::check::Problem;
use crate::client::tls;
use crate::fixtures::{Credentials, fixtures};
use crate::trial::mark;
use crate::{policy, trust};

/// How long the clients of a scenario are good for, by the clock of the server.
pub(super) const LIFE: Duration = Duration::from_secs(60 * 60);

/// A server of its own, whose anchors and revocation list are files.
pub(super) struct Living {
    pub(super) tls: ServerTls,
    server: Running,
    folder: TempDir,
    ahead: Arc<AtomicI64>,
}

/// How TLS sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sessions {
    AtTheServer,
    InTickets,
}

impl Sessions {
    pub(super) const BOTH: [Self; 2] = [Self::AtTheServer, Self::InTickets];
}

impl Living {
    /// One that trusts `staff`, has revoked nobody, and whose clock is right.
    pub(super) async fn start(stage: &Stage, mode: Mode, sessions: Sessions) -> Result<Self> {
        Self::start_with(stage, mode, sessions, policy::authorizer("standard")?).await
    }

    pub(super) async fn start_with(
        stage: &Stage,
        mode: Mode,
        sessions: Sessions,
        auth: Authorizer,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        trust_in(&folder, &[&fixtures()?.staff])?;
        revoke_in(&folder, &[])?;
        let anchors = TrustAnchors::new().pem_file("staff", folder.path().join("anchors.pem"));
        let ahead = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&ahead);
        let asked = mode.client_auth(anchors).context("a mode with TLS")?;
        let mut builder = trust::builder(asked)?.clock(move || unix_now() + clock.load(SeqCst));
        if mode != Mode::NoClientAuth {
            builder = builder.revocation(Revocation::crl_files([folder.path().join("staff.crl")]));
        }
        if sessions == Sessions::InTickets {
            builder = builder.session_tickets();
        }
        let tls = builder.build()?;
        let server = stage.bench.fresh(auth, Listener::Tls(tls.clone()), Shape::Standard).await?;
        Ok(Self { tls, server, folder, ahead })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.server.address
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Moves the clock of the server, and of nothing else.
    pub(super) fn pass(&self, time: Duration) {
        self.ahead.fetch_add(i64::try_from(time.as_secs()).unwrap_or(i64::MAX), SeqCst);
    }

    /// Trusts these authorities under the label `staff` from now on.
    pub(super) fn trust(&self, authorities: &[&Authority]) -> Result<()> {
        trust_in(&self.folder, authorities)?;
        ensure!(self.tls.reload()?.anchors(), "the anchors are the same");
        Ok(())
    }

    /// Revokes these clients, and nobody else.
    pub(super) fn revoke(&self, clients: &[&Issued]) -> Result<()> {
        revoke_in(&self.folder, clients)?;
        ensure!(self.tls.reload()?.revocation(), "no list was read");
        Ok(())
    }

    /// One request over a new connection.
    pub(super) async fn visit(&self, stage: &Stage, client: &Arc<ClientConfig>) -> Met {
        match stage.connect(self.server.address, client).await {
            Ok(mut connection) => meet(stage, &mut connection, "/whoami").await.unwrap_or_else(ended),
            Err(error) => ended(error),
        }
    }

    pub(super) async fn connect(&self, stage: &Stage, client: &Arc<ClientConfig>) -> Result<Speaker> {
        stage.connect(self.server.address, client).await
    }

    pub(super) async fn stop(self) {
        (self.server.stop)().await;
    }
}

/// What came of a request, in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Met {
    /// A name, `anonymous`, why somebody is not trusted, the kind of a denial, or `ended`.
    pub(super) word: String,
    pub(super) resumed: bool,
    /// How it ended, if it did.
    pub(super) error: Option<String>,
}

impl Met {
    /// Whether the client was sent away, by a denial or by the end of the connection.
    pub(super) fn is_refused(&self) -> bool {
        self.word == "ended" || self.word == "403 certificate-untrusted"
    }
}

/// One request over a connection. An answer from no handler and no guard is an error.
pub(super) async fn meet(stage: &Stage, connection: &mut Speaker, target: &str) -> Result<Met> {
    let trial = mark(&stage.bench);
    let received = match connection.ask(&trial, "GET", target, "application/problem+json").await {
        Ok(received) => received,
        Err(error) => {
            ensure!(runs(&trial).is_empty(), "a handler ran without an answer: {error:#}");
            return Ok(ended(error));
        }
    };
    let met = |word, resumed| Met { word, resumed, error: None };
    if let Some(problem) = Problem::of(&received) {
        ensure!(runs(&trial).is_empty(), "a handler ran behind a denial");
        return Ok(met(format!("{} {}", problem.status, problem.kind()), false));
    }
    let seen = seen(&received)?;
    let word = match &*seen.peer {
        "verified" => seen.name.unwrap_or_default(),
        "untrusted" => seen.reason.unwrap_or_default(),
        _ => seen.peer,
    };
    Ok(met(word, seen.resumed))
}

fn ended(error: anyhow::Error) -> Met {
    Met { word: "ended".into(), resumed: false, error: Some(format!("{error:#}")) }
}

/// A client of the authority `staff`, good for an hour around now.
pub(super) fn short_lived(name: &str) -> Result<Issued> {
    let now = SystemTime::now();
    Ok(fixtures()?.staff.client(name).valid(now - LIFE, now + LIFE).issue()?)
}

/// A client that offers its sessions again.
pub(super) fn remembering(stage: &Stage, issued: &Issued) -> Result<Arc<ClientConfig>> {
    let mut config = tls::config(Some(&Credentials::of(issued)), stage.http, stage.tls)?;
    config.resumption = Resumption::in_memory_sessions(8);
    Ok(Arc::new(config))
}

/// A client that remembers no session.
pub(super) fn forgetful(stage: &Stage, issued: &Issued) -> Result<Arc<ClientConfig>> {
    Ok(Arc::new(tls::config(Some(&Credentials::of(issued)), stage.http, stage.tls)?))
}

pub(super) fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn trust_in(folder: &TempDir, authorities: &[&Authority]) -> Result<()> {
    let pem = authorities.iter().map(|authority| authority.certificate_pem());
    Ok(std::fs::write(folder.path().join("anchors.pem"), pem.collect::<Result<String, _>>()?)?)
}

fn revoke_in(folder: &TempDir, clients: &[&Issued]) -> Result<()> {
    let entries = clients.iter().map(|client| Revoked::certificate(client.certificate_der()));
    let list = fixtures()?.staff.revocation_list().revoke_all(entries.collect::<Result<Vec<_>, _>>()?);
    Ok(std::fs::write(folder.path().join("staff.crl"), list.sign()?.pem()?)?)
}
