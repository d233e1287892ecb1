//! One connection, as the guard sees it.

mod verdict;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use portcullis_core::peer::live::Answer;
use portcullis_core::{Connection, ConnectionInfo, Live, Peer};
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};

use self::verdict::Verdict;
use crate::clock::Clock;
use crate::judge::Judgement;
use crate::server::Trust;

/// A connection after its handshake: the handle for the guard, and how to close it.
///
/// Cloning is cheap; all clones speak of the same connection.
#[derive(Clone, Debug)]
pub struct TlsConnection {
    handle: Connection,
    closer: Arc<Closer>,
}

#[derive(Default)]
struct Closer(OnceLock<Box<dyn Fn() + Send + Sync>>);

impl TlsConnection {
    /// One of a site, with the verdict that it begins with.
    pub(crate) fn new(
        (trust, clock): (Arc<Trust>, Clock),
        site: usize,
        judgement: Arc<Judgement>,
        connection: &ServerConnection,
        peer: Option<SocketAddr>,
    ) -> Self {
        let closer = Arc::new(Closer::default());
        let judgement = ArcSwap::new(judgement);
        let verdict = Arc::new(Verdict { trust, clock, site, judgement });
        let info = info(connection, peer);
        let handle = Connection::new(Judged { verdict, info, closer: closer.clone() });
        Self { handle, closer }
    }

    /// The handle to put into the extensions of each request.
    #[must_use]
    pub fn handle(&self) -> &Connection {
        &self.handle
    }

    /// Sets what ends this connection once the response under way has been sent.
    ///
    /// To be set by whoever runs HTTP on it: the transport cannot know when a response is complete.
    /// The first one that is set stays; false is returned for any other.
    pub fn on_close(&self, close: impl Fn() + Send + Sync + 'static) -> bool {
        self.closer.0.set(Box::new(close)).is_ok()
    }
}

impl fmt::Debug for Closer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Closer").field(&self.0.get().is_some()).finish()
    }
}

/// What the guard asks.
struct Judged {
    verdict: Arc<Verdict>,
    info: ConnectionInfo,
    closer: Arc<Closer>,
}

impl Live for Judged {
    fn peer(&self, now: i64) -> Answer<Peer> {
        self.verdict.peer(now)
    }

    fn covers(&self, authority: Option<&str>) -> bool {
        let Verdict { trust, site, .. } = &*self.verdict;
        let snapshot = trust.load();
        if snapshot.has_one_client_auth() {
            return true;
        }
        let Some(authority) = authority else { return false };
        snapshot.judges_alike(*site, snapshot.site_of(Some(authority)))
    }

    fn admits(&self, peer: &Peer) -> bool {
        let Verdict { trust, site, .. } = &*self.verdict;
        trust.load().clients(*site).is_none_or(|clients| clients.mode.admits(peer))
    }

    fn asks_again(&self) -> bool {
        let Verdict { trust, site, .. } = &*self.verdict;
        trust.load().clients(*site).is_some()
    }

    fn trust_generation(&self) -> Option<u64> {
        Some(self.verdict.judgement.load().generation())
    }

    fn close(&self) {
        if let Some(close) = self.closer.0.get() {
            close();
        }
    }

    fn info(&self) -> &ConnectionInfo {
        &self.info
    }
}

/// What does not change about a connection.
fn info(connection: &ServerConnection, peer: Option<SocketAddr>) -> ConnectionInfo {
    let mut info = ConnectionInfo::default();
    info.peer_address = peer;
    info.tls_version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => Some("TLSv1.2"),
        Some(ProtocolVersion::TLSv1_3) => Some("TLSv1.3"),
        _ => None,
    };
    info.resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
    info.server_name = connection.server_name().map(Into::into);
    info
}
