//! What goes on over a connection after its requests were answered.

use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use super::{Answer, Connection};
use crate::authorizer::Permit;

/// So many upgraded streams on one HTTP/2 connection are more than it will ever have at a time.
const MOST: usize = 1024;

/// The permits of upgrades. There is no telling when an upgrade ends, short of its connection.
#[derive(Default)]
pub(super) struct Held(Mutex<Permits>);

#[derive(Default)]
struct Permits {
    list: Vec<Permit>,
    is_denied: bool,
}

impl Held {
    fn permits<T>(&self, f: impl FnOnce(&mut Permits) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// False if there are too many of them.
    fn hold(&self, permit: Permit) -> bool {
        self.permits(|Permits { list, is_denied }| {
            if list.iter().any(|other| other.is_for_same(&permit)) {
                return true;
            }
            let has_room = list.len() < MOST;
            if has_room {
                list.push(permit);
            } else {
                // Nobody would ask whether it may go on.
                *is_denied = true;
            }
            has_room
        })
    }
}

impl Connection {
    /// Leaves it to the transport to end this connection when the permit no longer holds.
    ///
    /// For connections that were upgraded, as to a WebSocket: the guard does not see what goes over
    /// them. Whoever accepts connections asks by [`allows_held`](Self::allows_held).
    pub fn hold(&self, permit: Permit) {
        if !self.0.held.hold(permit) {
            // Nothing new comes after this, so that there is an end to what is held.
            self.close();
        }
    }

    /// Whether everything that is held may still go on, at the time given in seconds since the Unix epoch.
    ///
    /// Cheap when nothing is held. To be asked from time to time by whoever can end the connection
    /// at once. What is denied has been logged and recorded by then, and stays denied.
    ///
    /// # Security
    ///
    /// If nobody asks, then upgraded connections outlive certificates and policies.
    pub fn allows_held<T>(&self, now: i64, timer: impl Fn(Duration) -> T + Send + 'static) -> Answer<bool>
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let mut allowed = 0;
        match self.poll_held(&mut Context::from_waker(Waker::noop()), now, &timer, &mut allowed) {
            Poll::Ready(allowed) => Answer::Ready(allowed),
            Poll::Pending => {
                let connection = self.clone();
                let rest = move |cx: &mut Context<'_>| connection.poll_held(cx, now, &timer, &mut allowed);
                Answer::Pending(Box::pin(poll_fn(rest)))
            }
        }
    }

    /// One after the other; the first so many have been allowed already.
    fn poll_held<T>(
        &self,
        cx: &mut Context<'_>,
        now: i64,
        timer: impl Fn(Duration) -> T,
        allowed: &mut usize,
    ) -> Poll<bool>
    where
        T: Future<Output = ()> + Send + 'static,
    {
        self.0.held.permits(|Permits { list, is_denied }| {
            for permit in list.iter_mut().skip(*allowed) {
                if *is_denied {
                    break;
                }
                *is_denied = ready!(permit.poll_denied(cx, Some(self), now, &timer)).is_some();
                *allowed += 1;
            }
            Poll::Ready(!*is_denied)
        })
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.permits(|permits| permits.list.len())).finish()
    }
}
