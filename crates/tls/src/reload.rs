//! Policies, certificates and trust that follow their files.

mod due;
mod error;
mod files;
mod observer;
mod task;
mod trust;
mod watchers;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use portcullis_core::authorizer::AuthorizerError;
use portcullis_core::certificate::Fingerprint;
use portcullis_core::policy::PolicyError;
use portcullis_core::{Authorizer, Policy};

pub use self::error::{PolicyWatcherError, TrustWatcherError, WatchError};
use self::task::Task;
pub use self::trust::{TrustWatcher, TrustWatcherBuilder};
pub use self::watchers::Watchers;

/// How often files are looked at unless it is set.
const INTERVAL: Duration = Duration::from_millis(100);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// Keeps the policy of an authorizer the same as its file, for as long as it lives.
///
/// It looks at the file and at those that it includes ten times a second, and once a second compares
/// their content. When something has changed and has come to rest, everything is read and checked,
/// and the policy is replaced as a whole: within some 200 milliseconds, without dropping a request.
/// If there is a mistake, the old policy stays in force, and the log shows the mistake, once.
///
/// Whatever replaces the files is seen: editors that write in place or rename, deleting and creating,
/// and the symbolic links that Kubernetes swaps. Nothing is expected of the file system but that files
/// can be read, so it works on network and container file systems, which report no events.
///
/// A relative path is relative to the current folder of the process, also later.
///
/// # Security
///
/// If others can write to the files or to the folders they are in, then whoever they choose gets in.
/// If a file is written in place and the writer pauses half-way, then whoever the half that is there
/// lets in gets in until the rest is written: rename a finished file to the name instead.
///
/// # Examples
///
/// ```
/// use portcullis_core::{Authorizer, Connection, Peer, Policy, Request};
/// use portcullis_tls::PolicyWatcher;
/// # use std::{fs, thread, time::Duration};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("policy.toml");
/// # let write = |allow: &str| {
/// #     fs::write(folder.path().join("new"), format!("version = 1\n[[route]]\nmatch = 'GET /'\nallow = '{allow}'\n")).unwrap();
/// #     fs::rename(folder.path().join("new"), folder.path().join("policy.toml")).unwrap();
/// # };
/// # write("authenticated");
/// // policy.toml says: match = "GET /", allow = "authenticated"
/// let auth = Authorizer::builder(Policy::from_file(&path)?).build()?;
/// let watcher = PolicyWatcher::start(&path, &auth)?;
/// let nobody = Connection::assertion(Peer::Anonymous);
/// let decide = || auth.decide(&Request::new("GET", "/"), Some(&nobody));
/// assert!(!decide().is_allowed());
///
/// // Somebody changes it to: allow = "anyone"
/// # write("anyone");
/// # while watcher.generation() == 1 { thread::sleep(Duration::from_millis(10)); }
/// assert!(decide().is_allowed());
///
/// // Somebody makes a mistake.
/// # write("anyoen");
/// # while watcher.failures() == 0 { thread::sleep(Duration::from_millis(10)); }
/// assert!(decide().is_allowed(), "the last good policy stays");
/// assert!(watcher.last_failure().unwrap().error().to_string().contains("anyoen"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the file is watched only as long as this lives"]
pub struct PolicyWatcher {
    path: PathBuf,
    status: Arc<Mutex<Status>>,
    /// Dropped first, which ends the thread.
    orders: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How the reloads went so far.
#[derive(Default)]
struct Status {
    generation: u64,
    last_good: Option<SystemTime>,
    failures: u64,
    last_failure: Option<ReloadFailure>,
    is_current: bool,
    digest: Option<Fingerprint>,
}

/// A reload that failed, so that the old policy stayed in force.
#[derive(Clone, Debug)]
pub struct ReloadFailure {
    at: SystemTime,
    error: PolicyWatcherError,
}

impl ReloadFailure {
    /// When it was tried.
    #[must_use]
    pub fn at(&self) -> SystemTime {
        self.at
    }

    /// What is wrong; for a mistake in a file, with a picture of its place.
    #[must_use]
    pub fn error(&self) -> &PolicyWatcherError {
        &self.error
    }
}

impl PolicyWatcher {
    /// Puts the policy of a file in force, and follows the file from then on.
    ///
    /// # Errors
    ///
    /// If the policy cannot be loaded, or does not define every role that a source of the
    /// authorizer gives.
    pub fn start(path: impl Into<PathBuf>, auth: &Authorizer) -> Result<Self, PolicyWatcherError> {
        Self::builder(path, auth).start()
    }

    /// A watcher to be set up: with custom conditions, or for a candidate policy.
    pub fn builder(path: impl Into<PathBuf>, auth: &Authorizer) -> PolicyWatcherBuilder {
        PolicyWatcherBuilder {
            path: path.into(),
            auth: auth.clone(),
            loader: Box::new(|path| Policy::from_file(path)),
            is_candidate: false,
            interval: Some(INTERVAL),
        }
    }

    /// Has the policy loaded again, whether its files have changed or not.
    ///
    /// It returns at once: the thread of the watcher does it. What came of it is logged, and told by
    /// [`generation`](Self::generation) and [`failures`](Self::failures).
    pub fn reload(&self) {
        if let Some(orders) = &self.orders {
            // The thread ends only when this is dropped.
            let _received = orders.send(());
        }
    }

    /// The file that is watched, with those that it includes.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many policies it has put in force: 1 after the start, one more after each reload.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.status().generation
    }

    /// When it last put a policy in force.
    #[must_use]
    pub fn last_good(&self) -> SystemTime {
        self.status().last_good.unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// The last reload that failed, also if a later one went well.
    #[must_use]
    pub fn last_failure(&self) -> Option<ReloadFailure> {
        self.status().last_failure.clone()
    }

    /// How many reloads have failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.status().failures
    }

    /// The [digest](Policy::digest) of the policy that it last put in force.
    #[must_use]
    pub fn digest(&self) -> Option<Fingerprint> {
        self.status().digest
    }

    /// Whether the latest reload went well, so that what the files say is in force.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.status().is_current
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        lock(&self.status)
    }
}

impl Drop for PolicyWatcher {
    /// Waits for a reload that is under way: nothing is replaced afterwards.
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // It catches the panics of loaders and sources, and has none of its own.
            let _ended = thread.join();
        }
    }
}

impl fmt::Debug for PolicyWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status();
        f.debug_struct("PolicyWatcher")
            .field("path", &self.path)
            .field("generation", &status.generation)
            .field("failures", &status.failures)
            .field("is_current", &status.is_current)
            .finish_non_exhaustive()
    }
}

fn lock(status: &Mutex<Status>) -> MutexGuard<'_, Status> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}

type Loader = Box<dyn Fn(&Path) -> Result<Policy, PolicyError> + Send>;
type Put = Box<dyn Fn(Policy) -> Result<(), AuthorizerError> + Send>;

/// A watcher that is being set up.
#[must_use = "call `start` to load the policy and to follow its file"]
pub struct PolicyWatcherBuilder {
    path: PathBuf,
    auth: Authorizer,
    loader: Loader,
    is_candidate: bool,
    interval: Option<Duration>,
}

impl PolicyWatcherBuilder {
    /// How to load the file; [`Policy::from_file`] unless set.
    ///
    /// For policies with custom conditions. The files that are watched are the path and the
    /// [`Policy::files`] of what the loader returns, or the [`PolicyError::files`] of its error.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::{Authorizer, Policy};
    /// use portcullis_tls::PolicyWatcher;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("policy.toml");
    /// # std::fs::write(&path, "version = 1\n[[route]]\nmatch = 'GET /'\nallow = 'custom(\"even\")'\n")?;
    /// let loader = Policy::loader().custom("even", |scope| scope.request().time() % 2 == 0);
    /// let auth = Authorizer::builder(loader.file(&path)?).build()?;
    /// let watcher = PolicyWatcher::builder(&path, &auth).loader(move |path| loader.file(path)).start()?;
    /// assert!(watcher.is_current());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn loader(mut self, loader: impl Fn(&Path) -> Result<Policy, PolicyError> + Send + 'static) -> Self {
        self.loader = Box::new(loader);
        self
    }

    /// Sets the policy as the [candidate](Authorizer::set_candidate) that is only tried, not in force.
    pub fn candidate(mut self) -> Self {
        self.is_candidate = true;
        self
    }

    /// How often the files are looked at, 100 milliseconds unless set, and at most once a millisecond.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval.max(SHORTEST_INTERVAL));
        self
    }

    /// Loads the policy again only by [`reload`](PolicyWatcher::reload): changes of the files do nothing.
    pub fn only_when_told(mut self) -> Self {
        self.interval = None;
        self
    }

    /// Puts the policy of the file in force, and follows the file from then on.
    ///
    /// # Errors
    ///
    /// If the policy cannot be loaded, or does not define every role that a source of the authorizer
    /// gives.
    pub fn start(self) -> Result<PolicyWatcher, PolicyWatcherError> {
        let Self { path, auth, loader, is_candidate, interval } = self;
        let role = if is_candidate { "candidate" } else { "enforced" };
        let put: Put = match is_candidate {
            true => Box::new(move |policy| auth.set_candidate(policy)),
            false => Box::new(move |policy| auth.replace_policy(policy)),
        };
        let status = Arc::new(Mutex::new(Status::default()));
        let (orders, received) = mpsc::channel();
        let mut task = Task::new(path.clone(), loader, put, role, status.clone(), received);
        task.load_first()?;
        let thread = thread::Builder::new()
            .name("portcullis-policy".into())
            .spawn(move || task.run(interval))
            .map_err(|error| PolicyWatcherError::Thread { reason: error.to_string() })?;
        Ok(PolicyWatcher { path, status, orders: Some(orders), thread: Some(thread) })
    }
}

impl fmt::Debug for PolicyWatcherBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyWatcherBuilder")
            .field("path", &self.path)
            .field("is_candidate", &self.is_candidate)
            .finish_non_exhaustive()
    }
}
