//! What the verifier notes down during one handshake.
//!
//! rustls calls the verifier without saying for which connection. But it calls it from within the
//! poll of that connection's handshake, and a task-local value is set exactly during the polls of
//! the future that it was scoped around. So whatever the verifier finds belongs to this handshake,
//! however many run at once on one thread, or one moves between threads.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use crate::judge::Judgement;

/// What the verifier found out in one handshake.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    /// Whether the client was asked for a certificate, which a resumed handshake does not do.
    pub(crate) is_asked: bool,
    /// The verdict on the certificate, if one was sent.
    pub(crate) judgement: Option<Arc<Judgement>>,
    /// Whether the client failed to prove that it holds the key of its certificate.
    pub(crate) is_impostor: bool,
}

tokio::task_local! {
    static NOTES: Arc<Mutex<Notes>>;
}

/// Runs a handshake; whatever is taken down meanwhile is found in these notes.
pub(super) async fn scope<F: Future>(notes: Arc<Mutex<Notes>>, handshake: F) -> F::Output {
    NOTES.scope(notes, handshake).await
}

/// Takes something down; false if this handshake is somebody else's, who reads no notes.
pub(crate) fn take_down(write: impl FnOnce(&mut Notes)) -> bool {
    NOTES.try_with(|notes| write(&mut notes.lock().unwrap_or_else(PoisonError::into_inner))).is_ok()
}

/// A copy of the notes.
pub(super) fn read(notes: &Mutex<Notes>) -> Notes {
    notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The notes of the handshake that is being polled, if they are taken.
pub(crate) fn current() -> Option<Notes> {
    NOTES.try_with(|notes| read(notes)).ok()
}
