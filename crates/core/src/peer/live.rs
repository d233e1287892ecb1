//! The seam between whoever accepts connections and whoever judges requests.
//!
//! The acceptor puts a [`Connection`] into the extensions of each request; the guard asks it who
//! the peer is *now*. Neither knows of the other's framework, and core knows neither.

mod held;

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use held::Held;

use crate::peer::Peer;
use crate::principal::Principal;

/// What an acceptor knows of one connection.
///
/// Implemented by the TLS crate; implement it yourself only for another kind of transport.
pub trait Live: Send + Sync + 'static {
    /// Who the peer is at the time given, in seconds since the Unix epoch.
    ///
    /// Cheap when nothing has moved since the last call. If it takes longer than sources of roles may
    /// take, the peer is not trusted.
    fn peer(&self, now: i64) -> Answer<Peer>;

    /// Whether the configuration that this connection was made under is the one for `authority`.
    ///
    /// When it is not, the request is refused with 421 (RFC 9110, 15.5.20). A request without any
    /// authority is asked about, too: whoever tells hosts apart must not let it through unseen.
    fn covers(&self, authority: Option<&str>) -> bool {
        let _ = authority;
        true
    }

    /// Whether a peer may be served at all, whatever the policy says of its request.
    ///
    /// A connection that was only made because the peer was trusted says no once it no longer is.
    fn admits(&self, peer: &Peer) -> bool {
        let _ = peer;
        true
    }

    /// Whether a peer without a trusted certificate is asked again if it connects anew.
    fn asks_again(&self) -> bool {
        false
    }

    /// The number of the trust snapshot that the peer was last judged by, for audit events.
    fn trust_generation(&self) -> Option<u64> {
        None
    }

    /// Ends the connection once the response under way has been sent, as far as the transport can.
    fn close(&self);

    /// Facts of the connection that do not change.
    fn info(&self) -> &ConnectionInfo;
}

/// An answer that is there, or that needs I/O first.
#[expect(clippy::exhaustive_enums, reason = "there is no third way to answer")]
pub enum Answer<T> {
    /// The answer.
    Ready(T),
    /// The answer will come.
    Pending(Pin<Box<dyn Future<Output = T> + Send>>),
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Pending(_) => "Pending",
        })
    }
}

impl<T> Answer<T> {
    /// Waits for the answer if it is not there yet.
    pub async fn get(self) -> T {
        match self {
            Self::Ready(value) => value,
            Self::Pending(future) => future.await,
        }
    }
}

/// Facts of a connection that do not change while it lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The address of the TCP peer.
    pub peer_address: Option<SocketAddr>,
    /// The protocol version, such as `TLSv1.3`.
    pub tls_version: Option<&'static str>,
    /// Whether the handshake resumed an earlier session.
    pub resumed: bool,
    /// The server name that the client asked for (SNI).
    pub server_name: Option<Box<str>>,
}

/// The handle of one connection, found in the extensions of each of its requests.
///
/// Cloning is cheap; all clones speak of the same connection.
#[derive(Clone)]
pub struct Connection(Arc<Shared<dyn Live>>);

struct Shared<L: ?Sized> {
    /// The principal that the last request was decided for, and under which policy.
    principal: ArcSwapOption<Remembered>,
    /// What goes on over the connection after its requests were answered.
    held: Held,
    live: L,
}

pub(crate) struct Remembered {
    pub(crate) generation: u64,
    pub(crate) principal: Principal,
}

impl Connection {
    /// A handle on what the acceptor knows.
    pub fn new(live: impl Live) -> Self {
        Self(Arc::new(Shared { principal: ArcSwapOption::empty(), held: Held::default(), live }))
    }

    /// A connection whose peer is simply claimed: handlers and policies can be tested without TLS.
    ///
    /// # Security
    ///
    /// If this is called outside of tests, whoever chooses the peer gets in without a proof.
    #[must_use]
    pub fn assertion(peer: Peer) -> Self {
        Self::new(Asserted { peer, info: ConnectionInfo::default() })
    }

    /// Who the peer is at the time given, in seconds since the Unix epoch.
    #[must_use]
    pub fn peer(&self, now: i64) -> Answer<Peer> {
        self.0.live.peer(now)
    }

    /// Whether this connection's configuration is the one for `authority`.
    #[must_use]
    pub fn covers(&self, authority: Option<&str>) -> bool {
        self.0.live.covers(authority)
    }

    /// Whether a peer may be served at all, whatever the policy says of its request.
    #[must_use]
    pub fn admits(&self, peer: &Peer) -> bool {
        self.0.live.admits(peer)
    }

    /// Whether a peer without a trusted certificate is asked again if it connects anew.
    #[must_use]
    pub fn asks_again(&self) -> bool {
        self.0.live.asks_again()
    }

    /// The number of the trust snapshot that the peer was last judged by.
    #[must_use]
    pub fn trust_generation(&self) -> Option<u64> {
        self.0.live.trust_generation()
    }

    /// Ends the connection once the response under way has been sent.
    pub fn close(&self) {
        self.0.live.close();
    }

    /// Facts of the connection that do not change.
    #[must_use]
    pub fn info(&self) -> &ConnectionInfo {
        self.0.live.info()
    }

    pub(crate) fn remembered(&self, generation: u64, peer: &Peer) -> Option<Principal> {
        let remembered = self.0.principal.load();
        let remembered = remembered.as_ref()?;
        let fits = remembered.generation == generation && remembered.principal.peer().is_same(peer);
        fits.then(|| remembered.principal.clone())
    }

    pub(crate) fn remember(&self, generation: u64, principal: &Principal) {
        self.0.principal.store(Some(Arc::new(Remembered { generation, principal: principal.clone() })));
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("info", self.info()).finish_non_exhaustive()
    }
}

struct Asserted {
    peer: Peer,
    info: ConnectionInfo,
}

impl Live for Asserted {
    fn peer(&self, _now: i64) -> Answer<Peer> {
        Answer::Ready(self.peer.clone())
    }

    fn close(&self) {}

    fn info(&self) -> &ConnectionInfo {
        &self.info
    }
}
