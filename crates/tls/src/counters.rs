//! What happened so far, in numbers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crate::metric;

/// Counts handshakes by their outcome, and verdicts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    full: AtomicU64,
    resumed: AtomicU64,
    searched: AtomicU64,
    remembered: AtomicU64,
    failed: Mutex<BTreeMap<&'static str, u64>>,
}

impl Counters {
    /// Counts a handshake that went through.
    pub(crate) fn admitted(&self, is_resumed: bool) {
        let (counter, outcome) = if is_resumed { (&self.resumed, "resumed") } else { (&self.full, "full") };
        counter.fetch_add(1, Relaxed);
        metric::handshake(outcome);
    }

    /// Counts a failed handshake under the code of its reason.
    pub(crate) fn failed(&self, code: &'static str) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_default() += 1;
        metric::handshake(code);
    }

    /// Counts a verdict that took a search.
    pub(crate) fn searched(&self) {
        self.searched.fetch_add(1, Relaxed);
        metric::verdict("searched");
    }

    /// Counts a verdict that was remembered.
    pub(crate) fn remembered(&self) {
        self.remembered.fetch_add(1, Relaxed);
        metric::verdict("remembered");
    }

    /// How many handshakes went through, full and resumed ones.
    pub(crate) fn handshakes(&self) -> (u64, u64) {
        (self.full.load(Relaxed), self.resumed.load(Relaxed))
    }

    /// How many verdicts took a search, and how many were remembered.
    pub(crate) fn verdicts(&self) -> (u64, u64) {
        (self.searched.load(Relaxed), self.remembered.load(Relaxed))
    }

    /// How many handshakes failed, by the code of their reason.
    pub(crate) fn failures(&self) -> BTreeMap<&'static str, u64> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
