//! How a connection is ended gracefully.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use axum_server::ConnectionShutdown;

/// The graceful end of one connection.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// Known from the first request on.
    shutdown: OnceLock<ConnectionShutdown>,
    is_closing: AtomicBool,
}

impl Ending {
    /// Takes the means to end the connection, which come with its requests.
    pub(super) fn meet(&self, shutdown: ConnectionShutdown) {
        if self.shutdown.get().is_some() {
            return;
        }
        let _first = self.shutdown.set(shutdown);
        if self.is_closing.load(Ordering::SeqCst) {
            self.close();
        }
    }

    /// Ends the connection once what is under way has been sent.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::SeqCst);
        if let Some(shutdown) = self.shutdown.get() {
            shutdown.graceful_shutdown();
        }
    }
}
