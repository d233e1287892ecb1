//! The way from a decision to the sinks: one bounded queue and one thread for each.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::field::Masks;
use super::losses::{AuditLosses, Counters};
use super::{Audit, AuditEvent, AuditSink, Record};
use crate::metric::Loss;

/// The longest queue. Its memory is taken at once, and no sink that is this far behind catches up.
const LONGEST: usize = 1 << 20;

/// How long the end of an authorizer waits for a slow sink.
const FAREWELL: Duration = Duration::from_secs(2);

/// Everybody who listens to the decisions of one authorizer.
#[derive(Default)]
pub(crate) struct Recorders {
    recorders: Vec<Recorder>,
    losses: Arc<Counters>,
}

impl Recorders {
    pub(crate) fn start(audits: Vec<Audit>) -> io::Result<Self> {
        let losses = Arc::new(Counters::default());
        let recorders = audits
            .into_iter()
            .map(|audit| Recorder::start(audit, Arc::clone(&losses)))
            .collect::<io::Result<_>>()?;
        Ok(Self { recorders, losses })
    }

    pub(crate) fn are_listening(&self) -> bool {
        !self.recorders.is_empty()
    }

    /// The time, if somebody wants to know how long a decision takes.
    pub(crate) fn clock(&self) -> Option<Instant> {
        self.are_listening().then(Instant::now)
    }

    /// Puts a decision into the queues of all who want it. Never waits.
    pub(crate) fn record(&self, allowed: bool, differs: bool, record: impl FnOnce() -> Record) {
        let mut record = Some(record);
        let mut shared: Option<Arc<Record>> = None;
        for recorder in &self.recorders {
            if allowed && !differs && !recorder.samples_this_allow() {
                continue;
            }
            if let Some(record) = record.take() {
                shared = Some(Arc::new(record()));
            }
            if let Some(record) = &shared {
                recorder.offer(Arc::clone(record));
            }
        }
    }

    pub(crate) fn losses(&self) -> AuditLosses {
        self.losses.losses()
    }

    pub(crate) fn flush(&self, limit: Duration) -> bool {
        let deadline = Instant::now().checked_add(limit);
        self.recorders.iter().all(|recorder| recorder.pending.wait(deadline))
    }
}

impl Drop for Recorders {
    fn drop(&mut self) {
        // All queues first, so that the sinks end at the same time and not one after the other.
        for recorder in &mut self.recorders {
            recorder.queue = None;
        }
        // Whatever is left then is written if the program lives on, and lost if it ends.
        self.flush(FAREWELL);
    }
}

impl fmt::Debug for Recorders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorders").field("sinks", &self.recorders.len()).finish_non_exhaustive()
    }
}

/// The queue of one sink.
struct Recorder {
    /// `None` once the authorizer is going.
    queue: Option<SyncSender<(u64, Arc<Record>)>>,
    sequence: AtomicU64,
    allows: AtomicU64,
    /// One in this many allows is recorded; none if it is zero.
    sample: u64,
    pending: Arc<Pending>,
    losses: Arc<Counters>,
}

impl Recorder {
    fn start(audit: Audit, losses: Arc<Counters>) -> io::Result<Self> {
        let (queue, events) = sync_channel(audit.queue.get().min(LONGEST));
        let pending = Arc::new(Pending::default());
        let worker = Worker {
            sink: audit.sink,
            masks: audit.masks,
            batch: audit.batch.get(),
            pending: Arc::clone(&pending),
            losses: Arc::clone(&losses),
        };
        thread::Builder::new().name("portcullis-audit".into()).spawn(move || worker.run(&events))?;
        Ok(Self {
            queue: Some(queue),
            sequence: AtomicU64::new(1),
            allows: AtomicU64::new(0),
            sample: audit.sample,
            pending,
            losses,
        })
    }

    fn samples_this_allow(&self) -> bool {
        match self.sample {
            0 => false,
            1 => true,
            n => self.allows.fetch_add(1, Ordering::Relaxed).is_multiple_of(n),
        }
    }

    fn offer(&self, record: Arc<Record>) {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        self.pending.add();
        let sent = self.queue.as_ref().is_some_and(|queue| queue.try_send((sequence, record)).is_ok());
        if !sent {
            self.pending.remove(1);
            self.losses.add(Loss::Overflowed, 1, None);
        }
    }
}

/// How many events are in a queue or in the hands of its sink.
#[derive(Default)]
struct Pending {
    count: AtomicUsize,
    gate: Mutex<()>,
    empty: Condvar,
}

impl Pending {
    fn add(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    fn remove(&self, done: usize) {
        if self.count.fetch_sub(done, Ordering::SeqCst) == done {
            // Under the lock, or a waiter could fall asleep between its look and our call.
            let _gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
            self.empty.notify_all();
        }
    }

    /// Waits until nothing is pending; false if the deadline comes first. Without one it waits on.
    fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        while self.count.load(Ordering::SeqCst) > 0 {
            let left =
                deadline.map_or(FAREWELL, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            gate = self.empty.wait_timeout(gate, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// The thread of one sink.
struct Worker {
    sink: Box<dyn AuditSink>,
    masks: Masks,
    batch: usize,
    pending: Arc<Pending>,
    losses: Arc<Counters>,
}

impl Worker {
    /// Ends when the authorizer has gone and the queue is empty.
    fn run(mut self, events: &Receiver<(u64, Arc<Record>)>) {
        while let Ok((sequence, record)) = events.recv() {
            let mut taken = 1;
            let mut accepted = self.write(sequence, &record);
            while taken < self.batch
                && let Ok((sequence, record)) = events.try_recv()
            {
                taken += 1;
                accepted += self.write(sequence, &record);
            }
            let flushed = catch_unwind(AssertUnwindSafe(|| self.sink.flush()));
            self.count(flushed, accepted);
            self.pending.remove(taken);
        }
    }

    /// The number of events that the sink has taken: 1 or 0.
    fn write(&mut self, sequence: u64, record: &Record) -> u64 {
        let written = catch_unwind(AssertUnwindSafe(|| {
            self.sink.record(&AuditEvent::of(sequence, record, &self.masks))
        }));
        u64::from(self.count(written, 1))
    }

    fn count(&self, outcome: thread::Result<io::Result<()>>, at_stake: u64) -> bool {
        match outcome {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => self.losses.add(Loss::Failed, at_stake, Some(&error)),
            Err(_) => self.losses.add(Loss::Panicked, at_stake, None),
        }
        false
    }
}
