//! When to fetch again.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{CrlFetch, CrlFetchError};

/// A thread that keeps a revocation list up to date; dropping this ends it.
#[must_use = "the list is kept up to date only while this lives"]
pub struct CrlFetchTask(Arc<Stop>);

#[derive(Default)]
struct Stop {
    is_wanted: Mutex<bool>,
    wake: Condvar,
}

impl CrlFetchTask {
    pub(super) fn start(fetch: CrlFetch, on_new: impl Fn() + Send + 'static) -> Result<Self, CrlFetchError> {
        let stop = Arc::new(Stop::default());
        let task = Self(Arc::clone(&stop));
        let run = move || {
            let mut failures = 0;
            let mut next_update = fetch.next_update();
            while !stop.wait(pause(&fetch, next_update, failures, random())) {
                match fetch.fetch() {
                    Ok(fetched) => {
                        failures = 0;
                        next_update = Some(fetched.next_update);
                        if fetched.is_new {
                            on_new();
                        }
                    }
                    Err(error) => {
                        failures += 1;
                        tracing::warn!(
                            target: "portcullis::tls",
                            %error, failures, next_update,
                            "no new revocation list, the last good one stays"
                        );
                    }
                }
            }
        };
        let thread = thread::Builder::new().name("portcullis-crl".to_owned()).spawn(run);
        thread.map_err(|error| CrlFetchError::Thread { reason: error.to_string() })?;
        Ok(task)
    }
}

impl Stop {
    /// Waits for so long; true if it is time to end.
    fn wait(&self, pause: Duration) -> bool {
        let wanted = self.is_wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.wake.wait_timeout_while(wanted, pause, |is_wanted| !*is_wanted);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for CrlFetchTask {
    fn drop(&mut self) {
        *self.0.is_wanted.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.wake.notify_all();
    }
}

impl fmt::Debug for CrlFetchTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CrlFetchTask")
    }
}

/// How long to wait until the next attempt.
fn pause(fetch: &CrlFetch, next_update: Option<i64>, failures: u32, random: u64) -> Duration {
    // Without a list there is nothing to wait for.
    let left = next_update.map_or(0, |due| due.saturating_sub(fetch.clock.now()));
    let left = Duration::from_secs(u64::try_from(left).unwrap_or_default());
    Plan { every: fetch.every, retry: fetch.retry }.pause(left, failures, random)
}

struct Plan {
    every: Duration,
    retry: Duration,
}

impl Plan {
    /// With so much time left until the next list is due, and after so many failures in a row.
    fn pause(&self, left: Duration, failures: u32, random: u64) -> Duration {
        let pause = match failures {
            0 => (left / 2).max(self.retry).min(self.every),
            _ => self.retry.saturating_mul(1 << (failures - 1).min(16)).min(self.every),
        };
        // Up to a tenth earlier, so that not all servers come at once.
        pause.mul_f64(1.0 - 0.1 * fraction(random))
    }
}

#[expect(clippy::cast_precision_loss, reason = "any number between 0 and 1 will do")]
fn fraction(random: u64) -> f64 {
    random as f64 / u64::MAX as f64
}

/// Not a secret: other than that of the neighbours is enough.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_pause_follows_the_due_time_and_the_failures() {
        let plan = Plan { every: 60 * MINUTE, retry: MINUTE };
        for (left, failures, minutes) in [
            (0, 0, 1),
            (1, 0, 1),
            (20, 0, 10),
            (500, 0, 60),
            (500, 1, 1),
            (0, 2, 2),
            (0, 5, 16),
            (0, 7, 60),
            (0, u32::MAX, 60),
        ] {
            let pause = plan.pause(left * MINUTE, failures, 0);
            assert_eq!(pause, minutes * MINUTE, "{left} left, {failures} failures");
        }
    }

    #[test]
    fn the_pause_is_up_to_a_tenth_shorter() {
        let plan = Plan { every: 100 * MINUTE, retry: MINUTE };
        let pauses = [0, u64::MAX / 2, u64::MAX].map(|random| plan.pause(1000 * MINUTE, 0, random));
        assert_eq!(pauses.map(|pause| pause.as_secs_f64().round() as u64 / 60), [100, 95, 90]);
        assert_ne!(random(), random());
    }
}
