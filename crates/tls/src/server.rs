//! A server's TLS configuration.

mod builder;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::Peer;
use rustls::pki_types::CertificateDer;
use rustls::{HandshakeKind, ServerConfig, ServerConnection};
use tokio::sync::Semaphore;

pub use self::builder::ServerTlsBuilder;
use crate::client_auth::Mode;
use crate::clock::Clock;
use crate::connection;
use crate::handshake::half_open::HalfOpen;
use crate::judge::{Judge, Judgement};
use crate::sessions::Sessions;
use crate::{HandshakeError, KeyPair, TlsAcceptor, TlsConnection};

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
    /// Cloned for each list of protocols, and given sessions of its own. Never used itself.
    template: ServerConfig,
    configs: Mutex<Vec<Config>>,
    clients: Option<Clients>,
    clock: Clock,
    handshake_timeout: Duration,
    turns: Semaphore,
    half_open: HalfOpen,
}

/// How clients are judged.
struct Clients {
    mode: Mode,
    judge: Arc<Judge>,
}

/// What was made of the template for one list of protocols.
struct Config {
    alpn: Vec<Vec<u8>>,
    config: Arc<ServerConfig>,
    sessions: Arc<Sessions>,
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
        TlsAcceptor::new(self.clone(), self.server_config(alpn))
    }

    /// The configuration for rustls, for servers that do their handshakes themselves.
    ///
    /// The same list of protocols gives the same configuration, with the same sessions.
    ///
    /// # Security
    ///
    /// If connections made with it are not passed to [`connection`](Self::connection) after each
    /// handshake, then a client whose certificate has expired or was taken back gets in with an old
    /// session.
    pub fn server_config(&self, alpn: &[&[u8]]) -> Arc<ServerConfig> {
        let alpn: Vec<Vec<u8>> = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        let mut configs = self.0.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = configs.iter().find(|known| known.alpn == alpn) {
            return known.config.clone();
        }
        // Where only trusted clients get through, or none are asked, every session may be resumed.
        let keeps_all = self.0.clients.as_ref().is_none_or(|clients| clients.mode == Mode::Require);
        let sessions = Arc::new(Sessions::new(keeps_all));
        let mut config = self.0.template.clone();
        config.session_storage = sessions.clone();
        config.alpn_protocols.clone_from(&alpn);
        let config = Arc::new(config);
        configs.push(Config { alpn, config: config.clone(), sessions });
        config
    }

    /// Judges a connection after its handshake, for servers that do their handshakes themselves.
    ///
    /// The certificates are judged by the anchors of this configuration, whatever the handshake was
    /// content with.
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
            error.log(peer);
        }
        admitted
    }

    /// Whether clients are asked for a certificate.
    pub fn asks_for_certificates(&self) -> bool {
        self.0.clients.is_some()
    }

    /// How long a handshake may take.
    pub fn handshake_timeout(&self) -> Duration {
        self.0.handshake_timeout
    }

    pub(crate) fn turns(&self) -> &Semaphore {
        &self.0.turns
    }

    pub(crate) fn half_open(&self) -> &HalfOpen {
        &self.0.half_open
    }

    /// Judges a connection after its handshake, by the verdict from the handshake if there is one.
    pub(crate) fn admit(
        &self,
        connection: &ServerConnection,
        peer: Option<SocketAddr>,
        judgement: Option<Arc<Judgement>>,
    ) -> Result<TlsConnection, HandshakeError> {
        let info = connection::info(connection, peer);
        let Some(clients) = &self.0.clients else {
            return Ok(TlsConnection::new(None, Judgement::anonymous(), info));
        };
        let judgement = judgement.unwrap_or_else(|| {
            clients.judge_presented(connection.peer_certificates().unwrap_or_default(), self.0.clock.now())
        });
        let is_resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
        if is_resumed && !matches!(judgement.peer(), Peer::Verified(_)) {
            self.forget_sessions();
        }
        clients.admit(&judgement)?;
        Ok(TlsConnection::new(Some(clients.judge.clone()), judgement, info))
    }

    fn forget_sessions(&self) {
        let configs = self.0.configs.lock().unwrap_or_else(PoisonError::into_inner);
        configs.iter().for_each(|config| config.sessions.forget_all());
    }
}

impl Clients {
    fn judge_presented(&self, presented: &[CertificateDer<'_>], now: i64) -> Arc<Judgement> {
        match presented.split_first() {
            Some((leaf, others)) => self.judge.judge(leaf, others, now),
            None => Judgement::anonymous(),
        }
    }

    /// Whether the mode lets this peer in.
    fn admit(&self, judgement: &Judgement) -> Result<(), HandshakeError> {
        match judgement.peer() {
            Peer::Verified(_) => Ok(()),
            Peer::Anonymous if self.mode != Mode::Require => Ok(()),
            Peer::Anonymous => Err(HandshakeError::CertificateRequired),
            Peer::Untrusted { .. } if self.mode == Mode::Request => Ok(()),
            Peer::Untrusted { certificate, reason } => Err(HandshakeError::CertificateUntrusted {
                certificate: certificate.clone(),
                reason: reason.clone(),
            }),
        }
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls")
            .field("client_auth", &self.0.clients.as_ref().map(|clients| clients.mode.as_str()))
            .field("handshake_timeout", &self.0.handshake_timeout)
            .finish_non_exhaustive()
    }
}
