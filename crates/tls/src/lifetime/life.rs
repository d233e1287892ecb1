//! The life of one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use portcullis_core::peer::live::Answer;
use portcullis_core::{Connection, Peer};
use tokio::time::{Instant, sleep, timeout};

/// How long a judgement may take; without one the peer counts as untrusted.
const LONGEST_JUDGEMENT: Duration = Duration::from_secs(10);

/// The life of one connection, as its socket and the sweep share it.
pub(crate) struct Life {
    connection: Option<Connection>,
    close: Option<Box<dyn Fn() + Send + Sync>>,
    begun: Instant,
    was_verified: AtomicBool,
    is_closing: AtomicBool,
    is_over: AtomicBool,
    pub(super) is_asking: AtomicBool,
    waiting: Mutex<Waiting>,
}

/// Who waits for the socket, and has to be woken by its end.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

impl Life {
    pub(super) fn new(connection: Option<Connection>, close: Option<Box<dyn Fn() + Send + Sync>>) -> Self {
        Self {
            connection,
            close,
            begun: Instant::now(),
            was_verified: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            is_asking: AtomicBool::new(false),
            waiting: Mutex::default(),
        }
    }

    pub(super) fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Ends the connection once what is under way has been sent; once.
    pub(super) fn close(&self) {
        if self.is_closing.swap(true, SeqCst) {
            return;
        }
        if let Some(connection) = &self.connection {
            connection.close();
        }
        if let Some(close) = &self.close {
            close();
        }
    }

    /// Ends the connection at once: its socket fails from now on, and whoever waits for it is woken.
    pub(super) fn cut(&self) {
        self.is_over.store(true, SeqCst);
        let Waiting { reader, writer } = self.waiting(std::mem::take);
        reader.into_iter().chain(writer).for_each(Waker::wake);
    }

    /// Tells that the connection was ended for its peer's sake.
    pub(super) fn tell(&self) {
        let address = self.connection.as_ref().and_then(|connection| connection.info().peer_address);
        tracing::info!(
            target: "portcullis::tls",
            peer_address = address.map(tracing::field::display),
            "connection ended: its peer is no longer trusted, or what it was upgraded to no longer allowed"
        );
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(SeqCst)
    }

    pub(super) fn waiting<T>(&self, f: impl FnOnce(&mut Waiting) -> T) -> T {
        f(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the connection may go on as far as trust and policy have a say.
    pub(super) fn is_good(self: &Arc<Self>, now: i64) -> Answer<bool> {
        let Some(connection) = &self.connection else { return Answer::Ready(true) };
        match connection.peer(now) {
            Answer::Ready(peer) => {
                let is_kept = self.keeps_trust(&peer);
                // Asked in any case: what was allowed by a permit is told by it when it ends.
                match connection.allows_held(now, sleep) {
                    Answer::Ready(allowed) => Answer::Ready(is_kept && allowed),
                    Answer::Pending(allowed) => {
                        Answer::Pending(Box::pin(async move { allowed.await && is_kept }))
                    }
                }
            }
            Answer::Pending(peer) => {
                let (life, connection) = (Arc::clone(self), connection.clone());
                Answer::Pending(Box::pin(async move {
                    let peer = timeout(LONGEST_JUDGEMENT, peer).await;
                    let is_kept = match &peer {
                        Ok(peer) => life.keeps_trust(peer),
                        Err(_late) => !life.was_verified.load(SeqCst),
                    };
                    connection.allows_held(now, sleep).get().await && is_kept
                }))
            }
        }
    }

    /// Whether the peer is no worse than it was. Whoever was not trusted has nothing to lose.
    fn keeps_trust(&self, peer: &Peer) -> bool {
        let is_verified = matches!(peer, Peer::Verified(_));
        let was_verified = self.was_verified.fetch_or(is_verified, SeqCst);
        is_verified || !was_verified
    }
}
