//! TLS sessions that can be resumed.

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use portcullis_core::Peer;
use rustls::server::{ProducesTickets, ServerSessionMemoryCache, StoresServerSessions};

use crate::handshake::notes;
use crate::provider;

/// The sessions of one configuration for one list of protocols; never shared with another one.
///
/// A resumed handshake does not ask for a certificate. So a session without a trusted one is not
/// kept where everybody is let in: whoever was told to bring a certificate must be asked for it when
/// they come back. For the same reason all sessions are forgotten when one of them turns out to
/// carry a certificate that is no longer trusted.
pub(crate) struct Sessions {
    kept: ArcSwap<ServerSessionMemoryCache>,
    /// The key of tickets, by which clients keep their sessions themselves.
    tickets: Option<ArcSwapOption<Tickets>>,
    /// Whether the handshake itself lets nobody through that may not be kept.
    keeps_all: bool,
}

struct Tickets(Arc<dyn ProducesTickets>);

/// As many as rustls keeps.
const SESSIONS: usize = 256;

impl Sessions {
    pub(crate) fn new(keeps_all: bool, has_tickets: bool) -> Self {
        let kept = ArcSwap::new(ServerSessionMemoryCache::new(SESSIONS));
        let tickets = has_tickets.then(|| ArcSwapOption::new(Tickets::new()));
        Self { kept, tickets, keeps_all }
    }

    pub(crate) fn forget_all(&self) {
        self.kept.store(ServerSessionMemoryCache::new(SESSIONS));
        if let Some(tickets) = &self.tickets {
            tickets.store(Tickets::new());
        }
    }

    fn may_keep(&self) -> bool {
        if self.keeps_all {
            return true;
        }
        // Without notes it cannot be known who is there.
        let Some(notes) = notes::current() else { return false };
        // Not asked means resumed, and then it was kept before.
        let is_verified = |peer: &Peer| matches!(peer, Peer::Verified(_));
        !notes.is_asked || notes.judgement.is_some_and(|judgement| is_verified(judgement.peer()))
    }

    fn cache(&self) -> Arc<ServerSessionMemoryCache> {
        self.kept.load_full()
    }

    fn tickets(&self) -> Option<Arc<Tickets>> {
        self.tickets.as_ref()?.load_full()
    }
}

impl Tickets {
    /// With a new key. Without one, which needs a broken source of random numbers, nobody resumes.
    fn new() -> Option<Arc<Self>> {
        provider::ticketer().map(|ticketer| Arc::new(Self(ticketer)))
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.may_keep() && self.cache().put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.cache().get(key)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.cache().take(key)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

impl ProducesTickets for Sessions {
    fn enabled(&self) -> bool {
        self.tickets.is_some()
    }

    fn lifetime(&self) -> u32 {
        self.tickets().map_or(0, |tickets| tickets.0.lifetime())
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        if self.may_keep() { self.tickets()?.0.encrypt(plain) } else { None }
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.tickets()?.0.decrypt(cipher)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("keeps_all", &self.keeps_all).finish_non_exhaustive()
    }
}
