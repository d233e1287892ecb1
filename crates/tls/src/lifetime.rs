//! How long connections live: as long as they are young, and their peers trusted.

mod life;
mod sweep;
#[cfg(test)]
mod tests;
mod watched;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::Connection;
use tokio::sync::watch;

pub(crate) use self::life::Life;
pub use self::watched::Watched;
use crate::ServerTls;
use crate::clock::Clock;

/// Everything is looked at no more often than this.
const SHORTEST: Duration = Duration::from_millis(10);
/// How long what is under way may take when a connection has reached its age.
const LONGEST_GRACE: Duration = Duration::from_secs(30);

/// How long connections live, and how often their peers are judged meanwhile.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use portcullis_tls::Lifetime;
///
/// let lifetime = Lifetime::default().recheck_every(Duration::from_secs(1)).max_age(Duration::from_secs(600));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    recheck: Duration,
    max_age: Duration,
}

impl Default for Lifetime {
    /// Judged every 5 seconds, and an hour at most.
    fn default() -> Self {
        Self { recheck: Duration::from_secs(5), max_age: Duration::from_secs(60 * 60) }
    }
}

impl Lifetime {
    /// How often the peer of each connection is judged while no request does it; every 5 seconds unless set.
    ///
    /// A connection whose peer was trusted and is no longer is closed within this time, and cut with
    /// whatever is under way on it. So is an upgraded one whose request the policy would deny by now.
    /// It is never less than 10 milliseconds.
    #[must_use]
    pub fn recheck_every(mut self, time: Duration) -> Self {
        self.recheck = time.max(SHORTEST);
        self
    }

    /// How long a connection lives, whatever it is doing; one hour unless set.
    ///
    /// It is closed first, so that the response under way is sent. What is still open after a further
    /// 30 seconds (or after the same time again, if that is less) is cut.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    fn grace(&self) -> Duration {
        self.max_age.min(LONGEST_GRACE)
    }

    /// How often to look: ages are kept to within a tenth.
    fn tick(&self) -> Duration {
        self.recheck.min(self.max_age / 10).max(SHORTEST)
    }
}

/// The living connections of one listener, which one task looks after.
///
/// A [`TlsAcceptor`](crate::TlsAcceptor) has its own. Make one for connections without TLS, which grow
/// old as well. Cloning is cheap; all clones speak of the same connections.
#[derive(Clone)]
pub struct Lives(Arc<Shared>);

struct Shared {
    lifetime: Lifetime,
    clock: Clock,
    /// The trust that peers are judged by, if there is any to judge.
    trust: Option<watch::Receiver<u64>>,
    living: Mutex<Living>,
    is_swept: AtomicBool,
}

#[derive(Default)]
struct Living {
    lives: HashMap<u64, Arc<Life>>,
    next: u64,
    is_over: bool,
}

impl Lives {
    /// The connections of a listener without TLS; none yet.
    #[must_use]
    pub fn plain(lifetime: Lifetime) -> Self {
        Self::new(lifetime, Clock::default(), None)
    }

    pub(crate) fn of(tls: &ServerTls, lifetime: Lifetime) -> Self {
        Self::new(lifetime, tls.clock(), Some(tls.trust_changes()))
    }

    fn new(lifetime: Lifetime, clock: Clock, trust: Option<watch::Receiver<u64>>) -> Self {
        Self(Arc::new(Shared {
            lifetime,
            clock,
            trust,
            living: Mutex::default(),
            is_swept: AtomicBool::new(false),
        }))
    }

    /// Looks after a new connection, for as long as the stream that is returned exists.
    ///
    /// Needs a Tokio runtime with time enabled. `close` ends the connection once the response under way
    /// has been sent.
    #[must_use]
    pub fn watch<T>(&self, stream: T, close: impl Fn() + Send + Sync + 'static) -> Watched<T> {
        self.begin(stream, Life::new(None, Some(Box::new(close))))
    }

    pub(crate) fn watch_connection<T>(&self, stream: T, connection: Connection) -> Watched<T> {
        self.begin(stream, Life::new(Some(connection), None))
    }

    fn begin<T>(&self, stream: T, life: Life) -> Watched<T> {
        let life = Arc::new(life);
        // Whoever is trusted now has something to lose, even before the first sweep.
        let _known = life.is_good(self.0.clock.now());
        let number = self.living(|living| {
            if living.is_over {
                life.cut();
            }
            living.next += 1;
            living.lives.insert(living.next, Arc::clone(&life));
            living.next
        });
        if !self.0.is_swept.swap(true, Ordering::SeqCst) {
            sweep::start(&self.0);
        }
        Watched::new(stream, life, self.clone(), number)
    }

    /// How many connections there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.living(|living| living.lives.len())
    }

    /// Cuts every connection at once, and each that is made after this.
    pub fn cut_all(&self) {
        let lives = self.living(|living| {
            living.is_over = true;
            living.lives.values().cloned().collect::<Vec<_>>()
        });
        lives.iter().for_each(|life| life.cut());
    }

    fn forget(&self, number: u64) {
        self.living(|living| {
            living.lives.remove(&number);
            // After a crowd has left, its room is given back.
            if living.lives.capacity() > 1024 && living.lives.len() < living.lives.capacity() / 8 {
                let room = living.lives.len() * 2;
                living.lives.shrink_to(room);
            }
        });
    }

    fn living<T>(&self, f: impl FnOnce(&mut Living) -> T) -> T {
        self.0.living(f)
    }
}

impl Shared {
    fn living<T>(&self, f: impl FnOnce(&mut Living) -> T) -> T {
        f(&mut self.living.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Lives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lives")
            .field("lifetime", &self.0.lifetime)
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}
