//! How long a connection lives, and how it ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Waker;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum_server::ConnectionShutdown;
use portcullis_core::{Connection, Peer};
use tokio::sync::watch;

/// How often a peer that was verified is judged again while requests do not do it.
const JUDGED_EVERY: Duration = Duration::from_secs(10);
/// How long what is under way may take when a connection has reached its age.
const LONGEST_GRACE: Duration = Duration::from_secs(30);

/// The end of one connection, as its service, its socket and its watcher share it.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// Known from the first request on.
    shutdown: OnceLock<ConnectionShutdown>,
    is_closing: AtomicBool,
    is_over: AtomicBool,
    waiting: Mutex<Waiting>,
}

/// Who waits for the socket. An upgraded connection is out of reach of [`ConnectionShutdown`].
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

impl Life {
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

    /// Ends the connection at once, upgraded or not.
    pub(super) fn cut(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        if let Some(shutdown) = self.shutdown.get() {
            shutdown.shutdown();
        }
        let Waiting { reader, writer } = self.waiting(std::mem::take);
        reader.into_iter().chain(writer).for_each(Waker::wake);
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    pub(super) fn waiting<T>(&self, f: impl FnOnce(&mut Waiting) -> T) -> T {
        f(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Ends the connection when it is too old, when its peer is no longer trusted, or with the server.
pub(super) async fn watch(
    life: Arc<Life>,
    connection: Option<Connection>,
    age: Duration,
    mut server: watch::Receiver<()>,
) {
    let too_old = async {
        tokio::time::sleep(age).await;
        life.close();
        tokio::time::sleep(age.min(LONGEST_GRACE)).await;
    };
    tokio::select! {
        () = too_old => {}
        () = distrusted(connection.as_ref()) => {}
        // The sender never sends; it is dropped.
        _ = server.changed() => {}
    }
    life.cut();
}

/// Waits until a peer that was verified is so no longer. Others have nothing to lose.
async fn distrusted(connection: Option<&Connection>) {
    let Some(connection) = connection else { return std::future::pending().await };
    let mut was_verified = false;
    loop {
        let verified = is_verified(connection).await;
        if was_verified && !verified {
            return;
        }
        was_verified = verified;
        tokio::time::sleep(JUDGED_EVERY).await;
    }
}

async fn is_verified(connection: &Connection) -> bool {
    // A clock before 1970 is broken; at its beginning no certificate is valid.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    matches!(connection.peer(now).get().await, Peer::Verified(_))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use portcullis_core::peer::live::Answer;
    use portcullis_core::{Certificate, ConnectionInfo, Distrust, Identity, Live};
    use portcullis_pki::Authority;
    use tokio::time::Instant;

    use super::*;

    /// A connection whose peer changes.
    #[derive(Clone)]
    struct Changing(Arc<Mutex<Peer>>);

    impl Changing {
        fn new(peer: Peer) -> Self {
            Self(Arc::new(Mutex::new(peer)))
        }
    }

    impl Live for Changing {
        fn peer(&self, _now: i64) -> Answer<Peer> {
            Answer::Ready(self.0.lock().unwrap().clone())
        }
        fn close(&self) {}
        fn info(&self) -> &ConnectionInfo {
            static INFO: std::sync::LazyLock<ConnectionInfo> = std::sync::LazyLock::new(Default::default);
            &INFO
        }
    }

    fn alice() -> Peer {
        let issued = Authority::new("Test CA").unwrap().client("alice").issue().unwrap();
        let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
        Peer::Verified(Identity::assertion(certificate, "staff"))
    }

    const REVOKED: Peer = Peer::Untrusted { certificate: None, reason: Distrust::Revoked };
    const HOUR: Duration = Duration::from_secs(3600);

    /// How long it takes until the connection is cut.
    async fn lasts(connection: Option<Connection>, age: Duration) -> Duration {
        let (life, begin, (_server, stop)) = (Arc::new(Life::default()), Instant::now(), watch::channel(()));
        watch(Arc::clone(&life), connection, age, stop).await;
        assert!(life.is_over());
        begin.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_after_its_age_and_some_grace() {
        assert_eq!(lasts(None, HOUR).await.as_secs(), 3630);
        assert_eq!(lasts(None, Duration::from_secs(5)).await.as_secs(), 10);
        assert_eq!(lasts(Some(Connection::assertion(alice())), HOUR).await.as_secs(), 3630);
        assert_eq!(lasts(Some(Connection::assertion(Peer::Anonymous)), HOUR).await.as_secs(), 3630);
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_the_certificate_is_revoked() {
        let peer = Changing::new(alice());
        let lasting = tokio::spawn(lasts(Some(Connection::new(peer.clone())), HOUR));
        tokio::time::sleep(Duration::from_secs(95)).await;
        *peer.0.lock().unwrap() = REVOKED;
        assert_eq!(lasting.await.unwrap().as_secs(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_certificate_that_becomes_valid_is_watched_from_then_on() {
        let peer = Changing::new(REVOKED);
        let lasting = tokio::spawn(lasts(Some(Connection::new(peer.clone())), HOUR));
        tokio::time::sleep(Duration::from_secs(55)).await;
        *peer.0.lock().unwrap() = alice();
        tokio::time::sleep(Duration::from_secs(100)).await;
        *peer.0.lock().unwrap() = REVOKED;
        assert_eq!(lasting.await.unwrap().as_secs(), 160);
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_the_server() {
        let (life, (server, stop)) = (Arc::new(Life::default()), watch::channel(()));
        let watching = tokio::spawn(watch(Arc::clone(&life), None, HOUR, stop));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!life.is_over());
        drop(server);
        watching.await.unwrap();
        assert!(life.is_over());
    }
}
