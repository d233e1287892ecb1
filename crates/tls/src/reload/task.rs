//! What the thread of a watcher does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use portcullis_core::Policy;

use super::files::Files;
use super::observer::{COMPARISON, Observer, Wake};
use super::{Loader, PolicyWatcherError, Put, ReloadFailure, Status, lock};
use crate::metric;

/// So often a policy is loaded anew because the files changed meanwhile.
const MOST_LOADS: usize = 3;

/// What the thread of a watcher does.
pub(super) struct Task {
    path: PathBuf,
    loader: Loader,
    put: Put,
    /// `enforced` or `candidate`.
    role: &'static str,
    status: Arc<Mutex<Status>>,
    observer: Observer,
}

impl Task {
    pub(super) fn new(
        path: PathBuf,
        loader: Loader,
        put: Put,
        role: &'static str,
        status: Arc<Mutex<Status>>,
        orders: Receiver<()>,
    ) -> Self {
        let observer = Observer::new(orders, Files::new(&path, []), COMPARISON);
        Self { path, loader, put, role, status, observer }
    }

    /// Loads the policy for the first time; a failure is for the caller to report.
    pub(super) fn load_first(&mut self) -> Result<(), PolicyWatcherError> {
        self.attempt(false)
    }

    /// Looks at the files, if there is an interval, and hears orders, until the watcher is dropped.
    pub(super) fn run(&mut self, interval: Option<Duration>) {
        loop {
            match self.observer.wait(interval) {
                Wake::Stop => return,
                Wake::Order => self.reload(),
                Wake::Time if self.observer.has_news() => self.reload(),
                Wake::Time => {}
            }
        }
    }

    fn reload(&mut self) {
        let outcome = self.attempt(true);
        metric::policy_reloaded(outcome.is_ok());
        let Err(error) = outcome else { return };
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
            let before = if waits_for_rest { self.observer.rested() } else { self.observer.content() };
            let outcome = catch_unwind(AssertUnwindSafe(|| (self.loader)(&self.path)));
            let files = match &outcome {
                Ok(Ok(policy)) => Files::new(&self.path, policy.files()),
                Ok(Err(error)) => Files::new(&self.path, error.files()),
                // It may be about any of those that were known.
                Err(_) => self.observer.files().clone(),
            };
            self.observer.follow(files);
            // If it is not what is there now, the next look finds out.
            self.observer.tried(before);
            loads += 1;
            if loads == MOST_LOADS || self.observer.content() == before {
                return outcome.map_err(|_| PolicyWatcherError::Panicked)?.map_err(Into::into);
            }
        }
    }

    fn put_in_force(&self, policy: Policy) -> Result<(), PolicyWatcherError> {
        let (routes, digest) = (policy.routes().count(), policy.digest());
        (self.put)(policy)?;
        let mut status = lock(&self.status);
        metric::policy_in_force(self.role, status.digest.replace(digest), digest);
        status.generation += 1;
        status.last_good = Some(SystemTime::now());
        status.is_current = true;
        tracing::info!(
            target: "portcullis::policy",
            file = %self.path.display(),
            generation = status.generation,
            routes,
            %digest,
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
        let mut task =
            Task::new(path.clone(), loader, Box::new(|_| Ok(())), "enforced", Arc::default(), stopped);
        task.load_first().unwrap();
        assert!(!task.observer.has_news());
        fs::write(&path, "version=1 \n\n").unwrap();
        task.observer.overlook(false);
        assert!(!task.observer.has_news());
        task.observer.overlook(true);
        assert!(task.observer.has_news());
        task.reload();
        assert!(!task.observer.has_news());
        assert_eq!(lock(&task.status).generation, 2);
    }
}
