//! A server's TLS configuration.

mod builder;
mod configs;
mod names;
mod reload;
mod settings;
mod site;
mod snapshot;
mod status;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::Peer;
use rustls::{HandshakeKind, ServerConfig, ServerConnection, SupportedProtocolVersion};
use tokio::sync::{Semaphore, watch};

pub use self::builder::ServerTlsBuilder;
use self::configs::Configs;
pub use self::reload::Reloaded;
use self::reload::Reloads;
use self::settings::Settings;
pub use self::site::Site;
pub(crate) use self::snapshot::{Clients, Trust};
pub use self::status::{AnchorStatus, FailedReload, SiteStatus, TlsStatus};
use crate::clock::Clock;
use crate::handshake::half_open::HalfOpen;
use crate::judge::Judgement;
use crate::{HandshakeError, KeyPair, TlsAcceptor, TlsConnection, TlsError, metric};

/// A server's TLS configuration: its own certificate, and how clients are judged by theirs.
///
/// Cloning is cheap. Sessions are resumed only under the configuration that they were made under,
/// early data (0-RTT) is never taken, and no crypto provider is installed for the process.
///
/// # Examples
///
/// ```
/// use portcullis_tls::{ClientAuth, KeyPair, ServerTls, TrustAnchors};
///
/// # let authority = portcullis_pki::Authority::new("Example CA")?;
/// # let server = authority.server().issue()?;
/// # let dir = tempfile::tempdir()?;
/// # let path = |name: &str| dir.path().join(name);
/// # std::fs::write(path("server.pem"), server.chain_pem()?)?;
/// # std::fs::write(path("server.key"), server.key_pem()?)?;
/// # std::fs::write(path("staff-ca.pem"), authority.certificate_pem()?)?;
/// let staff = TrustAnchors::new().pem_file("staff", path("staff-ca.pem"));
/// let tls = ServerTls::builder(KeyPair::from_pem_files(path("server.pem"), path("server.key")))
///     .client_auth(ClientAuth::request(staff))
///     .build()?;
/// # let _: ServerTls = tls;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ServerTls(Arc<Shared>);

struct Shared {
    settings: Settings,
    versions: Vec<&'static SupportedProtocolVersion>,
    has_tickets: bool,
    trust: Arc<Trust>,
    configs: Configs,
    reloads: Reloads,
    handshake_timeout: Duration,
    turns: Semaphore,
    half_open: HalfOpen,
}

impl ServerTls {
    /// A configuration for a server with this certificate and key.
    pub fn builder(key_pair: KeyPair) -> ServerTlsBuilder {
        ServerTlsBuilder::new(key_pair)
    }

    /// An acceptor for a server that speaks these protocols, the most preferred first.
    ///
    /// Offer only what the server behind it speaks: clients hold on to what was agreed. An empty
    /// list leaves the choice of the protocol to the application.
    pub fn acceptor(&self, alpn: &[&[u8]]) -> TlsAcceptor {
        TlsAcceptor::new(self.clone(), alpn.iter().map(|protocol| protocol.to_vec()).collect())
    }

    /// The configuration for rustls, for servers that do their handshakes themselves.
    ///
    /// The same list of protocols gives the same configuration, with the same sessions, until a
    /// reload that changes what is in it. A server that goes on with the old one shows the new
    /// certificate and judges by the new anchors all the same; only the names of authorities that it
    /// tells its clients stay as they were.
    ///
    /// Each [`Site`] shows its own certificate, but clients of all sites are asked in the way of the
    /// default one: see [`has_one_client_auth`](Self::has_one_client_auth).
    ///
    /// # Security
    ///
    /// If connections made with it are not passed to [`connection`](Self::connection) after each
    /// handshake, then a client whose certificate has expired or was taken back gets in with an old
    /// session.
    pub fn server_config(&self, alpn: &[&[u8]]) -> Arc<ServerConfig> {
        let alpn: Vec<Vec<u8>> = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        self.0.configs.of(0, &alpn)
    }

    /// Judges a connection after its handshake, for servers that do their handshakes themselves.
    ///
    /// The certificates are judged by the anchors of this configuration, whatever the handshake was
    /// content with.
    ///
    /// A client that resumes a session and is no longer trusted is let in as
    /// [`Peer::Untrusted`], in every mode, so that the guard tells it why and ends the connection.
    ///
    /// # Security
    ///
    /// If the handshake followed another configuration than [`server_config`](Self::server_config)
    /// gives, and that one does not check that clients hold the keys of their certificates, then
    /// whoever has a copy of a certificate gets in. rustls does not tell which one it followed.
    ///
    /// # Errors
    ///
    /// If the mode demands a trusted certificate and there is none. The connection must then be
    /// closed before anything is read from it. It has been logged.
    pub fn connection(
        &self,
        connection: &ServerConnection,
        peer: Option<SocketAddr>,
    ) -> Result<TlsConnection, HandshakeError> {
        let admitted = self.admit(connection, peer, None);
        if let Err(error) = &admitted {
            self.failed(error, peer);
        }
        admitted
    }

    /// Whether clients are asked for a certificate, on any site.
    pub fn asks_for_certificates(&self) -> bool {
        self.0.trust.load().sites().any(|site| site.clients.is_some())
    }

    /// Whether clients of all sites are judged in the same way.
    ///
    /// Servers that cannot choose the configuration after the first message of the client, such as
    /// actix-web, must refuse to serve if they are not.
    pub fn has_one_client_auth(&self) -> bool {
        self.0.trust.load().has_one_client_auth()
    }

    /// How long a handshake may take.
    pub fn handshake_timeout(&self) -> Duration {
        self.0.handshake_timeout
    }

    /// Reads all files again, checks everything, and puts it in force as a whole, or not at all.
    ///
    /// From then on every request of every connection is judged anew, and no request is dropped. It
    /// reads files and may ask for a passphrase, so it blocks: within a Tokio runtime, call it by
    /// `spawn_blocking`. What happened is logged.
    ///
    /// # Errors
    ///
    /// If anything cannot be read or is no good. What was in force stays in force.
    pub fn reload(&self) -> Result<Reloaded, TlsError> {
        reload::reload(&self.0)
    }

    /// The files that [`reload`](Self::reload) reads.
    pub fn files(&self) -> Vec<PathBuf> {
        self.0.settings.files()
    }

    /// The number of the trust in force, which goes up with every reload that changes something.
    pub fn trust_generation(&self) -> u64 {
        self.0.trust.generation()
    }

    /// What is in force, and what happened so far.
    pub fn status(&self) -> TlsStatus {
        status::of(&self.0)
    }

    /// Sets the gauges of the feature `metrics` to what is in force.
    ///
    /// A [`TrustWatcher`](crate::TrustWatcher) does it every ten seconds and after each reload; call
    /// it before numbers are collected if there is none.
    #[cfg(feature = "metrics")]
    pub fn record_gauges(&self) {
        self.set_gauges();
    }

    pub(crate) fn set_gauges(&self) {
        metric::gauges(|| self.status(), self.clock().now());
    }

    /// Whether the last reload went well.
    pub(crate) fn is_current(&self) -> bool {
        self.0.reloads.past().is_current
    }

    /// Tells of each change of trust by its number.
    pub(crate) fn trust_changes(&self) -> watch::Receiver<u64> {
        self.0.trust.subscribe()
    }

    pub(crate) fn clock(&self) -> Clock {
        self.0.settings.clock.clone()
    }

    pub(crate) fn turns(&self) -> &Semaphore {
        &self.0.turns
    }

    pub(crate) fn half_open(&self) -> &HalfOpen {
        &self.0.half_open
    }

    /// The configuration for a client that names this server.
    pub(crate) fn config_for(&self, server_name: Option<&str>, alpn: &[Vec<u8>]) -> Arc<ServerConfig> {
        self.0.configs.of(self.0.trust.load().site_of(server_name), alpn)
    }

    /// Judges a connection after its handshake, by the verdict from the handshake if there is one.
    pub(crate) fn admit(
        &self,
        connection: &ServerConnection,
        peer: Option<SocketAddr>,
        judgement: Option<Arc<Judgement>>,
    ) -> Result<TlsConnection, HandshakeError> {
        let Shared { trust, settings, configs, .. } = &*self.0;
        let snapshot = trust.load();
        let site = snapshot.site_of(connection.server_name());
        let judgement = judgement.unwrap_or_else(|| {
            let presented = connection.peer_certificates().unwrap_or_default();
            snapshot.judge(site, presented, settings.clock.now())
        });
        let is_resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
        if let Some(clients) = snapshot.clients(site) {
            if is_resumed && !matches!(judgement.peer(), Peer::Verified(_)) {
                configs.forget_sessions();
            }
            clients.admit(&judgement, is_resumed)?;
        }
        settings.counters.admitted(is_resumed);
        Ok(TlsConnection::new((trust.clone(), settings.clock.clone()), site, judgement, connection, peer))
    }

    /// Logs and counts a handshake that came to nothing.
    pub(crate) fn failed(&self, error: &HandshakeError, peer: Option<SocketAddr>) {
        self.0.settings.counters.failed(error.code());
        error.log(peer);
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = self.0.settings.client_auth.as_ref();
        f.debug_struct("ServerTls")
            .field("client_auth", &asked.map(|asked| asked.mode.as_str()))
            .field("sites", &self.0.settings.sites.len())
            .field("handshake_timeout", &self.0.handshake_timeout)
            .finish_non_exhaustive()
    }
}
