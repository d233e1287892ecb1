//! What responders have said, in bounded memory, and who is being asked right now.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use moka::sync::Cache;
use tokio::sync::watch;

use super::Standing;
use super::response::{SKEW, Said, Status};
use super::signer::Delegate;

/// Tells certificates apart by issuer, its key, and their number.
pub(super) type Key = [u8; 32];

/// What one responder has said.
pub(super) struct Answers {
    known: Cache<Key, Entry>,
    /// Apart from the others, so that none of them is forgotten for want of room.
    revoked: Mutex<HashMap<Key, Revoked>>,
    flights: Mutex<HashMap<FlightKey, Landing>>,
}

/// The certificate, and the number of the trust that it is judged by.
pub(super) type FlightKey = (Key, u64);

/// Where the answer to a question arrives that is under way.
pub(super) type Landing = watch::Receiver<Option<Standing>>;

/// The last good answer about a certificate, and the last failure to get one.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    pub(super) good: Option<Good>,
    pub(super) failure: Option<Failure>,
}

/// That a certificate is not revoked.
#[derive(Debug, Clone)]
pub(super) struct Good {
    this_update: i64,
    /// The last second at which it need not be asked again.
    pub(super) fresh: i64,
    /// The last second at which the answer is in date.
    pub(super) end: i64,
    pub(super) delegate: Option<Delegate>,
}

/// That no answer counts.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    since: i64,
    /// The last second at which it is not asked again.
    pub(super) until: i64,
    pub(super) detail: &'static str,
}

#[derive(Debug, Clone, Copy)]
struct Revoked {
    this_update: i64,
    generation: u64,
}

/// What came of a question.
#[derive(Debug)]
pub(super) enum Learned {
    Entry(Entry),
    Revoked,
}

/// Certificates about which something good or nothing is known.
const MOST_KNOWN: u64 = 10_000;
/// Revoked certificates whose holders have come nevertheless.
const MOST_REVOKED: usize = 1 << 20;
/// Seconds for which a responder that gave no answer is not asked again.
const RETRY: i64 = 5;

impl Answers {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(MOST_KNOWN), revoked: Mutex::default(), flights: Mutex::default() }
    }

    /// Whether it was revoked since trust was last read.
    pub(super) fn is_revoked(&self, (key, generation): &FlightKey) -> bool {
        lock(&self.revoked).get(key).is_some_and(|revoked| revoked.generation == *generation)
    }

    pub(super) fn entry(&self, key: &Key) -> Option<Entry> {
        self.known.get(key)
    }

    /// Learns what a responder says, at this time.
    pub(super) fn learn(&self, flight: FlightKey, said: Said, max_age: i64, now: i64) -> Learned {
        let (key, generation) = flight;
        let this_update = said.this_update;
        let Status::Good { end } = said.status else {
            self.known.invalidate(&key);
            let mut revoked = lock(&self.revoked);
            if revoked.len() < MOST_REVOKED || revoked.contains_key(&key) {
                revoked.insert(key, Revoked { this_update, generation });
            } else {
                tracing::error!(
                    target: "portcullis::tls",
                    "too many revoked certificates are in use to remember more of them"
                );
            }
            return Learned::Revoked;
        };
        match lock(&self.revoked).get(&key) {
            Some(revoked) if revoked.generation == generation => return Learned::Revoked,
            Some(revoked) if revoked.this_update >= this_update => {
                let detail = "the answer of its responder is older than the one by which it was revoked";
                return Learned::Entry(self.fail(key, detail, now));
            }
            _ => {}
        }
        let fresh = end.min(now.saturating_add(max_age));
        let good = Good { this_update, fresh, end, delegate: said.delegate };
        let entry = Entry { good: Some(good), failure: None };
        self.known.insert(key, entry.clone());
        Learned::Entry(entry)
    }

    /// Notes that no answer counts; the last good one is still there.
    pub(super) fn fail(&self, key: Key, detail: &'static str, now: i64) -> Entry {
        let good = self.known.get(&key).and_then(|entry| entry.good);
        let failure = Failure { since: now, until: now.saturating_add(RETRY - 1), detail };
        let entry = Entry { good, failure: Some(failure) };
        self.known.insert(key, entry.clone());
        entry
    }

    /// Where the answer will arrive; whoever is the first has to ask.
    pub(super) fn join(self: &Arc<Self>, key: FlightKey) -> (Landing, Option<Flight>) {
        let mut flights = lock(&self.flights);
        if let Some(landing) = flights.get(&key) {
            return (landing.clone(), None);
        }
        let (sender, landing) = watch::channel(None);
        flights.insert(key, landing.clone());
        (landing, Some(Flight { answers: self.clone(), key, sender }))
    }
}

impl Good {
    /// Whether the answer is in date.
    pub(super) fn holds_at(&self, now: i64) -> bool {
        now <= self.end && now.saturating_add(SKEW) >= self.this_update
    }
}

impl Failure {
    pub(super) fn holds_at(&self, now: i64) -> bool {
        now <= self.until && now.saturating_add(SKEW) >= self.since
    }
}

/// A question under way; whoever waits for it is told when it is dropped, too.
pub(super) struct Flight {
    answers: Arc<Answers>,
    key: FlightKey,
    sender: watch::Sender<Option<Standing>>,
}

impl Flight {
    pub(super) fn land(self, standing: Standing) {
        self.sender.send_replace(Some(standing));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        lock(&self.answers.flights).remove(&self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("known", &self.known.entry_count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = [7; 32];

    fn good(this_update: i64) -> Said {
        Said { status: Status::Good { end: 1000 }, this_update, delegate: None }
    }

    fn revoked(this_update: i64) -> Said {
        Said { status: Status::Revoked, this_update, delegate: None }
    }

    fn detail(learned: &Learned) -> Option<&'static str> {
        match learned {
            Learned::Entry(entry) => entry.failure.as_ref().map(|failure| failure.detail),
            Learned::Revoked => Some("revoked"),
        }
    }

    #[test]
    fn what_was_revoked_is_not_forgotten() {
        let answers = Answers::new();
        assert_eq!(detail(&answers.learn((KEY, 1), good(10), 100, 20)), None);
        assert_eq!(detail(&answers.learn((KEY, 1), revoked(30), 100, 40)), Some("revoked"));
        assert!(answers.is_revoked(&(KEY, 1)) && answers.entry(&KEY).is_none());
        // Even a newer answer does not help until trust has been read again.
        assert_eq!(detail(&answers.learn((KEY, 1), good(50), 100, 60)), Some("revoked"));
        assert!(!answers.is_revoked(&(KEY, 2)));
        for old in [10, 30] {
            let learned = answers.learn((KEY, 2), good(old), 100, 60);
            assert!(detail(&learned).unwrap().contains("older"), "{learned:?}");
        }
        assert_eq!(detail(&answers.learn((KEY, 2), good(50), 100, 60)), None);
    }

    #[test]
    fn an_answer_outlives_failures_until_it_is_out_of_date() {
        let answers = Answers::new();
        answers.learn((KEY, 1), good(10), 100, 20);
        let Entry { good: Some(good), failure: Some(failure) } = answers.fail(KEY, "why", 500) else {
            unreachable!("both are known")
        };
        assert_eq!((good.fresh, good.end), (120, 1000));
        assert!(good.holds_at(1000) && !good.holds_at(1001));
        assert!(failure.holds_at(504) && !failure.holds_at(505));
    }

    #[test]
    fn one_asks_and_the_others_wait() {
        let answers = Arc::new(Answers::new());
        let (_, flight) = answers.join((KEY, 1));
        let (waiting, none) = answers.join((KEY, 1));
        assert!(none.is_none());
        let (_, other) = answers.join((KEY, 2));
        assert!(other.is_some());
        flight.unwrap().land(Standing::Good { until: 5 });
        assert_eq!(*waiting.borrow(), Some(Standing::Good { until: 5 }));
        assert!(answers.join((KEY, 1)).1.is_some());
    }
}
