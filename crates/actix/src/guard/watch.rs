//! Trust that ends while a body is under way.
//!
//! A guard that looks at requests alone would let a download, an upload, an event stream or a WebSocket
//! go on after its peer's certificate has expired or been revoked. So a body that is not done at once
//! is cut as soon as its peer is no longer verified, or its connection is too old. On HTTP/1 that ends
//! the connection, on HTTP/2 the stream.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::HttpRequest;
use actix_web::rt::time::{Instant, Sleep, sleep, timeout};
use portcullis_core::Connection;
use portcullis_core::peer::live::Answer;

use super::admission::Admission;
use crate::bind::Accepted;

/// How often the peer of an unfinished body is judged.
const TICK: Duration = Duration::from_secs(1);

/// How long a judgement may take; without one the peer counts as unverified.
const LONGEST_JUDGEMENT: Duration = Duration::from_secs(10);

/// A body was stopped.
#[derive(Debug)]
pub(super) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer's certificate is no longer good, or its connection is too old")
    }
}

impl StdError for Cut {}

/// A judgement that takes time; whether the peer is verified.
type Judging = Pin<Box<dyn Future<Output = bool>>>;

/// What a body is watched for.
pub(super) struct Watch {
    /// Only there if the peer was verified, and so could lose that.
    verified: Option<Connection>,
    deadline: Option<Instant>,
    has_begun: bool,
    timer: Option<Pin<Box<Sleep>>>,
    judging: Option<Judging>,
}

impl Watch {
    /// The watch over a body of an admitted request, if there is anything to watch for.
    pub(super) fn new(admission: &Admission, request: &HttpRequest) -> Option<Self> {
        let is_verified = admission.principal().identity().is_some();
        let verified = admission.connection().filter(|_| is_verified).cloned();
        let deadline = request.conn_data::<Accepted>().and_then(Accepted::deadline);
        (verified.is_some() || deadline.is_some()).then(|| Self {
            verified,
            deadline,
            has_begun: false,
            timer: None,
            judging: None,
        })
    }

    /// Ready when the body must stop. Most bodies are one piece and never cost a timer.
    pub(super) fn poll_cut(&mut self, cx: &mut Context<'_>, is_idle: bool) -> Poll<()> {
        if !self.has_begun && !is_idle {
            self.has_begun = true;
            return Poll::Pending;
        }
        loop {
            if let Some(judging) = &mut self.judging
                && let Poll::Ready(is_verified) = judging.as_mut().poll(cx)
            {
                self.judging = None;
                if !is_verified {
                    return Poll::Ready(());
                }
            }
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(TICK)));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.timer = None;
            if self.is_over() {
                return Poll::Ready(());
            }
        }
    }

    /// Whether the time is up or the peer no longer verified; begins to find out if that takes time.
    fn is_over(&mut self) -> bool {
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return true;
        }
        let Some(connection) = self.verified.as_ref().filter(|_| self.judging.is_none()) else {
            return false;
        };
        match connection.peer(now()) {
            Answer::Ready(peer) => peer.identity().is_none(),
            Answer::Pending(peer) => {
                let peer = timeout(LONGEST_JUDGEMENT, peer);
                self.judging =
                    Some(Box::pin(async { peer.await.is_ok_and(|peer| peer.identity().is_some()) }));
                false
            }
        }
    }
}

/// A clock before 1970 is broken; at its beginning no certificate is valid.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}
