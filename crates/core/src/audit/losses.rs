//! What did not reach a sink, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::metric::{self, Loss};

/// How many audit events did not reach their sink, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditLosses {
    /// The queue was full: the sink is too slow.
    pub overflowed: u64,
    /// The sink said that it failed.
    pub failed: u64,
    /// The sink panicked.
    pub panicked: u64,
}

impl AuditLosses {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.overflowed.saturating_add(self.failed).saturating_add(self.panicked)
    }
}

/// The counters, shared between the authorizer and the threads of its sinks.
#[derive(Debug, Default)]
pub(super) struct Counters {
    overflowed: AtomicU64,
    failed: AtomicU64,
    panicked: AtomicU64,
}

impl Counters {
    /// Counts `lost` events; `why` is the sink's own words, if it had any.
    pub(super) fn add(&self, loss: Loss, lost: u64, why: Option<&std::io::Error>) {
        if lost == 0 {
            return;
        }
        let counter = match loss {
            Loss::Overflowed => &self.overflowed,
            Loss::Failed => &self.failed,
            Loss::Panicked => &self.panicked,
        };
        let before = counter.fetch_add(lost, Ordering::Relaxed);
        metric::lost(loss, lost);
        // A broken sink would flood the log: told at 1, 2, 4, 8 and so on.
        if before.checked_ilog2() != before.saturating_add(lost).checked_ilog2() {
            log(loss, before.saturating_add(lost), why);
        }
    }

    pub(super) fn losses(&self) -> AuditLosses {
        AuditLosses {
            overflowed: self.overflowed.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            panicked: self.panicked.load(Ordering::Relaxed),
        }
    }
}

#[cfg(feature = "tracing")]
fn log(loss: Loss, total: u64, why: Option<&std::io::Error>) {
    let why = why.map(|error| error.to_string().escape_debug().to_string());
    tracing::warn!(target: "portcullis::audit", reason = loss.name(), total, why, "audit events were lost");
}

#[cfg(not(feature = "tracing"))]
fn log(_loss: Loss, _total: u64, _why: Option<&std::io::Error>) {}
