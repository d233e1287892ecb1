//! What happened so far, in numbers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Counts handshakes by their outcome, and verdicts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) full: Counter,
    pub(crate) resumed: Counter,
    /// Verdicts that took a search.
    pub(crate) searched: Counter,
    /// Verdicts that were remembered.
    pub(crate) remembered: Counter,
    failed: Mutex<BTreeMap<&'static str, u64>>,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Counters {
    /// Counts a failed handshake under the code of its reason.
    pub(crate) fn failed(&self, code: &'static str) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_default() += 1;
    }

    /// How many failed, by the code of their reason.
    pub(crate) fn failures(&self) -> BTreeMap<&'static str, u64> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
