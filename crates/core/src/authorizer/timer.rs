//! How long somebody else is waited for.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Authorizer;

impl Authorizer {
    /// How long sources of roles are waited for.
    #[must_use]
    pub fn source_limit(&self) -> Duration {
        self.0.source_limit
    }

    pub(super) fn timer<T>(&self, timer: impl FnOnce(Duration) -> T) -> Timer
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let limit = self.0.source_limit;
        Timer { limit, future: Box::pin(timer(limit)), is_out: false }
    }
}

/// What tells that there has been enough waiting. Core has no clock, so it is brought by the caller.
pub(super) struct Timer {
    limit: Duration,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_out: bool,
}

impl Timer {
    /// Waits for something, but not longer than this.
    pub(super) async fn bound<T>(&mut self, mut waited: impl Future<Output = T> + Unpin) -> Result<T, Late> {
        poll_fn(|cx| {
            let late = self.late(cx);
            match (Pin::new(&mut waited).poll(cx), late) {
                (Poll::Ready(value), _) => Poll::Ready(Ok(value)),
                (Poll::Pending, Some(late)) => Poll::Ready(Err(late)),
                (Poll::Pending, None) => Poll::Pending,
            }
        })
        .await
    }

    /// To be asked before anything that is waited for is polled: a runtime gives each task so many turns
    /// at a time, and a source that takes them all would leave none to the clock.
    pub(super) fn late(&mut self, cx: &mut Context<'_>) -> Option<Late> {
        self.is_out = self.is_out || self.future.as_mut().poll(cx).is_ready();
        self.is_out.then_some(Late(self.limit))
    }
}

/// The time is out.
#[derive(Clone, Copy)]
pub(super) struct Late(Duration);

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it did not answer within {} s", self.0.as_secs_f64())
    }
}
