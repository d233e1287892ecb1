//! TLS sessions that can be resumed.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use portcullis_core::Peer;
use rustls::server::{ServerSessionMemoryCache, StoresServerSessions};

use crate::handshake::notes;

/// The sessions of one configuration for one list of protocols; never shared with another one.
///
/// A resumed handshake does not ask for a certificate. So a session without a trusted one is not
/// kept where everybody is let in: whoever was told to bring a certificate must be asked for it when
/// they come back. For the same reason all sessions are forgotten when one of them turns out to
/// carry a certificate that is no longer trusted.
pub(crate) struct Sessions {
    kept: ArcSwap<ServerSessionMemoryCache>,
    /// Whether the handshake itself lets nobody through that may not be kept.
    keeps_all: bool,
}

/// As many as rustls keeps.
const SESSIONS: usize = 256;

impl Sessions {
    pub(crate) fn new(keeps_all: bool) -> Self {
        Self { kept: ArcSwap::new(ServerSessionMemoryCache::new(SESSIONS)), keeps_all }
    }

    pub(crate) fn forget_all(&self) {
        self.kept.store(ServerSessionMemoryCache::new(SESSIONS));
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

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("keeps_all", &self.keeps_all).finish_non_exhaustive()
    }
}
