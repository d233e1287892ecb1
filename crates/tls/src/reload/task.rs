//! What the thread of a watcher does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use portcullis_core::Policy;

use super::files::{Appearance, Content, Files};
use super::{Loader, PolicyWatcherError, Put, ReloadFailure, Status, lock};

/// So often the content is compared, whatever the files look like: some file systems have slow clocks.
const COMPARISON: Duration = Duration::from_secs(1);
/// How long the content must stay the same before it is loaded, as a writer may be in the middle.
const REST: Duration = Duration::from_millis(40);
/// So often it is waited for; files that never rest are loaded as they are.
const MOST_RESTS: usize = 5;
/// So often a policy is loaded anew because the files changed meanwhile.
const MOST_LOADS: usize = 3;

/// What the thread of a watcher does.
pub(super) struct Task {
    path: PathBuf,
    loader: Loader,
    put: Put,
    status: Arc<Mutex<Status>>,
    stopped: Receiver<()>,
    files: Files,
    /// How the files looked when their content was last compared.
    seen: Appearance,
    /// The content that was last loaded, or could not be.
    tried: Option<Content>,
    compared: Instant,
}

impl Task {
    pub(super) fn new(
        path: PathBuf,
        loader: Loader,
        put: Put,
        status: Arc<Mutex<Status>>,
        stopped: Receiver<()>,
    ) -> Self {
        let files = Files::new(&path, []);
        Self {
            path,
            loader,
            put,
            status,
            stopped,
            files,
            seen: Appearance::default(),
            tried: None,
            compared: Instant::now(),
        }
    }

    /// Loads the policy for the first time; a failure is for the caller to report.
    pub(super) fn load_first(&mut self) -> Result<(), PolicyWatcherError> {
        self.attempt(false)
    }

    /// Looks at the files until the watcher is dropped.
    pub(super) fn run(&mut self, interval: Duration) {
        while self.waits(interval) {
            if self.has_news() {
                self.reload();
            }
        }
    }

    /// Waits; false once the watcher is dropped.
    fn waits(&self, time: Duration) -> bool {
        self.stopped.recv_timeout(time) == Err(RecvTimeoutError::Timeout)
    }

    fn has_news(&mut self) -> bool {
        let appearance = self.files.appearance();
        if appearance == self.seen && self.compared.elapsed() < COMPARISON {
            return false;
        }
        // Taken before the content is read, so that whatever changes later moves it again.
        self.seen = appearance;
        self.compared = Instant::now();
        self.tried != Some(self.files.content())
    }

    fn reload(&mut self) {
        let Err(error) = self.attempt(true) else { return };
        tracing::error!(
            target: "portcullis::policy",
            file = %self.path.display(),
            "the policy was not reloaded, the old one stays in force:\n{error}"
        );
        let mut status = lock(&self.status);
        status.failures += 1;
        status.is_current = false;
        status.last_failure = Some(ReloadFailure { at: SystemTime::now(), error });
    }

    /// Loads the policy and puts it in force, whatever the code of others does.
    fn attempt(&mut self, waits_for_rest: bool) -> Result<(), PolicyWatcherError> {
        // Not the loader alone: sources of roles are asked what they give, and old policies dropped.
        let attempt = || self.load(waits_for_rest).and_then(|policy| self.put_in_force(policy));
        catch_unwind(AssertUnwindSafe(attempt)).unwrap_or(Err(PolicyWatcherError::Panicked))
    }

    /// Loads the policy from files that are the same before and after.
    fn load(&mut self, waits_for_rest: bool) -> Result<Policy, PolicyWatcherError> {
        let mut loads = 0;
        loop {
            let before = if waits_for_rest { self.rested() } else { self.files.content() };
            let outcome = catch_unwind(AssertUnwindSafe(|| (self.loader)(&self.path)));
            self.files = match &outcome {
                Ok(Ok(policy)) => Files::new(&self.path, policy.files()),
                Ok(Err(error)) => Files::new(&self.path, error.files()),
                // It may be about any of those that were known.
                Err(_) => self.files.clone(),
            };
            // If it is not what is there now, the next look finds out.
            self.tried = Some(before);
            loads += 1;
            if loads == MOST_LOADS || self.files.content() == before {
                return outcome.map_err(|_| PolicyWatcherError::Panicked)?.map_err(Into::into);
            }
        }
    }

    /// The content, once it stays the same for a while.
    fn rested(&self) -> Content {
        let mut content = self.files.content();
        for _ in 0..MOST_RESTS {
            let is_watched = self.waits(REST);
            let later = self.files.content();
            if later == content || !is_watched {
                break;
            }
            content = later;
        }
        content
    }

    fn put_in_force(&self, policy: Policy) -> Result<(), PolicyWatcherError> {
        let routes = policy.routes().count();
        (self.put)(policy)?;
        let mut status = lock(&self.status);
        status.generation += 1;
        status.last_good = Some(SystemTime::now());
        status.is_current = true;
        tracing::info!(
            target: "portcullis::policy",
            file = %self.path.display(),
            generation = status.generation,
            routes,
            "the policy was loaded"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_change_that_no_clock_shows_is_found_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        fs::write(&path, "version = 1\n").unwrap();
        let (_stop, stopped) = mpsc::channel();
        let loader: Loader = Box::new(|path| Policy::from_file(path));
        let mut task = Task::new(path.clone(), loader, Box::new(|_| Ok(())), Arc::default(), stopped);
        task.load_first().unwrap();
        assert!(!task.has_news());
        fs::write(&path, "version=1 \n\n").unwrap();
        // As if the file system's clock had not ticked in between.
        task.seen = task.files.appearance();
        assert!(!task.has_news());
        task.compared = Instant::now().checked_sub(COMPARISON).unwrap();
        assert!(task.has_news());
        task.reload();
        assert!(!task.has_news());
        assert_eq!(lock(&task.status).generation, 2);
    }
}
