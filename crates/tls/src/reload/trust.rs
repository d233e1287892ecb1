//! Certificates, anchors and revocation that follow their files.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::due::Due;
use super::files::Files;
use super::observer::{Observer, Wake};
use super::{INTERVAL, SHORTEST_INTERVAL, TrustWatcherError};
use crate::ServerTls;

/// Lists of revoked certificates may be large: whole files are read at least so often.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// So often it is looked at what is about to expire, and gauges are set.
const ROUND: Duration = Duration::from_secs(10);
/// So often a reload that failed is tried again, as time alone may mend it: a list of the future.
const RETRY: Duration = Duration::from_secs(60);

/// Keeps a server's certificates, anchors and revocation the same as their files, while it lives.
///
/// It looks at the [files](ServerTls::files) ten times a second: at the server's certificates and keys,
/// the files with passphrases, the trust anchors, the revocation lists, the folders that they are in,
/// and the deny lists. When something has changed and has come to rest, everything is read and checked
/// by [`ServerTls::reload`], on a thread of its own, and put in force as a whole; if anything is wrong,
/// nothing changes, the log says why, once, and [`ServerTls::status`] goes on to tell.
///
/// Whatever replaces the files is seen: in place or by renaming, and the symbolic links that Kubernetes
/// swaps. If certificate and key are written one after the other, the log may tell of a pair that
/// does not fit before it tells of the new one.
///
/// It also warns, once each, of revocation lists whose successors are late, and of certificates and
/// anchors that expire soon, and sets the gauges of the feature `metrics`.
///
/// # Security
///
/// If others can write to the files or to the folders they are in, then whoever they choose gets in.
///
/// # Examples
///
/// ```
/// use portcullis_tls::{ClientAuth, KeyPair, Revocation, ServerTls, TrustAnchors, TrustWatcher};
/// # use std::{fs, thread, time::Duration};
///
/// # let authority = portcullis_pki::Authority::new("Staff CA")?;
/// # let server = authority.server().issue()?;
/// # let key_pair = KeyPair::from_pem(server.chain_pem()?, server.key_pem()?);
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("blocked");
/// # fs::write(&path, "")?;
/// let staff = TrustAnchors::new().pem("staff", authority.certificate_pem()?);
/// let tls = ServerTls::builder(key_pair)
///     .client_auth(ClientAuth::require(staff))
///     .revocation(Revocation::deny_list().deny_list_file(&path))
///     .build()?;
/// let watcher = TrustWatcher::start(&tls)?;
/// let blocked = || tls.status().sites[0].revocation.as_ref().map(|revocation| revocation.denied);
/// assert_eq!(blocked(), Some(0));
///
/// // Somebody blocks a stolen key.
/// fs::write(&path, "spki:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\n")?;
/// # while tls.trust_generation() == 1 { thread::sleep(Duration::from_millis(10)); }
/// assert_eq!(blocked(), Some(1));
///
/// // Somebody makes a mistake: what was blocked stays so.
/// fs::write(&path, "sha1:2c26\n")?;
/// # while tls.status().failed_reloads == 0 { thread::sleep(Duration::from_millis(10)); }
/// assert_eq!(blocked(), Some(1));
/// # drop(watcher);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the files are watched only as long as this lives"]
pub struct TrustWatcher {
    tls: ServerTls,
    /// Dropped first, which ends the thread.
    orders: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A watcher that is being set up.
#[derive(Debug)]
#[must_use = "call `start` to follow the files"]
pub struct TrustWatcherBuilder {
    tls: ServerTls,
    interval: Option<Duration>,
}

impl TrustWatcher {
    /// Follows the files of a configuration from now on.
    ///
    /// They are read once more at first, as they may have changed since the configuration was built.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start(tls: &ServerTls) -> Result<Self, TrustWatcherError> {
        Self::builder(tls).start()
    }

    /// A watcher to be set up.
    pub fn builder(tls: &ServerTls) -> TrustWatcherBuilder {
        TrustWatcherBuilder { tls: tls.clone(), interval: Some(INTERVAL) }
    }

    /// Has everything read again, whether files have changed or not.
    ///
    /// It returns at once, and may be called anywhere, as by whoever hears the signal `SIGHUP`: the
    /// thread of the watcher does it. What came of it is logged, and told by [`ServerTls::status`].
    pub fn reload(&self) {
        if let Some(orders) = &self.orders {
            // The thread ends only when this is dropped.
            let _received = orders.send(());
        }
    }
}

impl TrustWatcherBuilder {
    /// How often the files are looked at, 100 milliseconds unless set, and at most once a millisecond.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval.max(SHORTEST_INTERVAL));
        self
    }

    /// Reads again only by [`reload`](TrustWatcher::reload): changes of the files do nothing.
    pub fn only_when_told(mut self) -> Self {
        self.interval = None;
        self
    }

    /// Follows the files from now on.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start(self) -> Result<TrustWatcher, TrustWatcherError> {
        let Self { tls, interval } = self;
        let (orders, received) = mpsc::channel();
        let observer = Observer::new(received, Files::of(tls.files()), LONGEST_PAUSE);
        let mut task = Task { tls: tls.clone(), observer, due: Due::default(), tried: Instant::now() };
        let thread = thread::Builder::new()
            .name("portcullis-trust".into())
            .spawn(move || task.run(interval))
            .map_err(|error| TrustWatcherError::Thread { reason: error.to_string() })?;
        Ok(TrustWatcher { tls, orders: Some(orders), thread: Some(thread) })
    }
}

impl Drop for TrustWatcher {
    /// Waits for a reload that is under way: nothing is replaced afterwards.
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // It catches the panics of the code of others, and has none of its own.
            let _ended = thread.join();
        }
    }
}

impl fmt::Debug for TrustWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustWatcher").field("tls", &self.tls).finish_non_exhaustive()
    }
}

/// What the thread of a watcher does.
struct Task {
    tls: ServerTls,
    observer: Observer,
    due: Due,
    /// When a reload was last tried.
    tried: Instant,
}

impl Task {
    fn run(&mut self, interval: Option<Duration>) {
        if interval.is_some() {
            self.reload();
        }
        let mut looked: Option<Instant> = None;
        loop {
            if looked.is_none_or(|looked| looked.elapsed() >= ROUND) {
                looked = Some(Instant::now());
                self.look_round();
            }
            match self.observer.wait(Some(interval.unwrap_or(ROUND))) {
                Wake::Stop => return,
                Wake::Order => self.reload(),
                Wake::Time if interval.is_some() && self.must_reload() => self.reload(),
                Wake::Time => continue,
            }
            looked = None;
        }
    }

    fn must_reload(&mut self) -> bool {
        // What is in a folder may be something else now.
        self.observer.follow(Files::of(self.tls.files()));
        self.observer.has_news() || (self.tried.elapsed() >= RETRY && !self.tls.is_current())
    }

    fn reload(&mut self) {
        self.observer.follow(Files::of(self.tls.files()));
        let content = self.observer.rested();
        // Passphrases and clocks may be the code of others.
        if catch_unwind(AssertUnwindSafe(|| self.tls.reload())).is_err() {
            tracing::error!(
                target: "portcullis::tls",
                "certificates and trust stay as they were: the source of a passphrase or the clock panicked"
            );
        }
        self.observer.tried(content);
        self.tried = Instant::now();
    }

    fn look_round(&mut self) {
        let Self { tls, due, .. } = self;
        let look = || {
            due.warn(&tls.status(), tls.clock().now());
            tls.set_gauges();
        };
        // The clock panics wherever it is asked, which is told at each reload.
        let _looked = catch_unwind(AssertUnwindSafe(look));
    }
}
