//! The time, from one place.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

/// Tells the time in seconds since 1970-01-01 00:00:00 UTC.
///
/// The handshake, the sessions and the verdicts of one configuration all ask the same clock.
#[derive(Clone, Default)]
pub(crate) struct Clock(Option<Arc<dyn Fn() -> i64 + Send + Sync>>);

impl Clock {
    pub(crate) fn new(clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(clock)))
    }

    pub(crate) fn now(&self) -> i64 {
        self.0.as_ref().map_or_else(system, |clock| clock())
    }

    /// The time by this clock if one was set, and otherwise this one, which somebody has looked up.
    pub(crate) fn or(&self, now: i64) -> i64 {
        self.0.as_ref().map_or(now, |clock| clock())
    }
}

/// The time of the system. A clock before 1970 is broken: at this time no certificate is valid.
fn system() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(_) => -1,
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        unix_time(self.now())
    }
}

/// The time as webpki wants it; none before 1970.
pub(crate) fn unix_time(seconds: i64) -> Option<UnixTime> {
    let seconds = u64::try_from(seconds).ok()?;
    Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}
