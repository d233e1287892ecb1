//! Response bodies that outlive the trust in their reader.
//!
//! A guard that looks at requests alone would let a download, an event stream or a WebSocket go on
//! after its reader's certificate has expired or been revoked. So a body that is not done at once is
//! stopped as soon as its reader is no longer verified, or its connection is too old. On HTTP/1 that
//! ends the connection, on HTTP/2 the stream.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::HttpRequest;
use actix_web::body::{BodySize, MessageBody};
use actix_web::rt::time::{Instant, Sleep, sleep, timeout};
use actix_web::web::Bytes;
use pin_project_lite::pin_project;
use portcullis_core::Connection;
use portcullis_core::peer::live::Answer;

use super::admission::Admission;
use crate::bind::Accepted;

/// How often the reader of an unfinished body is judged.
const TICK: Duration = Duration::from_secs(1);

/// How long a judgement may take; without one the reader counts as unverified.
const LONGEST_JUDGEMENT: Duration = Duration::from_secs(10);

pin_project! {
    /// A response body that ends when its reader is no longer verified.
    pub struct WatchedBody<B> {
        #[pin]
        body: B,
        watch: Option<Watch>,
    }
}

impl<B> WatchedBody<B> {
    pub(super) fn new(body: B, watch: Option<Watch>) -> Self {
        Self { body, watch }
    }
}

impl<B: MessageBody> MessageBody for WatchedBody<B> {
    type Error = Box<dyn StdError>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        let next = this.body.poll_next(cx).map_err(Into::into);
        if !matches!(next, Poll::Ready(None))
            && let Some(watch) = this.watch
            && watch.poll_cut(cx, next.is_pending()).is_ready()
        {
            return Poll::Ready(Some(Err(Cut.into())));
        }
        next
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        let Self { body, watch } = self;
        body.try_into_bytes().map_err(|body| Self { body, watch })
    }
}

impl<B: fmt::Debug> fmt::Debug for WatchedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedBody").field("body", &self.body).finish_non_exhaustive()
    }
}

/// A body was stopped.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader's certificate is no longer good, or its connection is too old")
    }
}

impl StdError for Cut {}

/// A judgement that takes time; whether the reader is verified.
type Judging = Pin<Box<dyn Future<Output = bool>>>;

/// What a body is watched for.
pub(super) struct Watch {
    /// Only there if a verified reader could lose that.
    verified: Option<Connection>,
    deadline: Option<Instant>,
    has_begun: bool,
    timer: Option<Pin<Box<Sleep>>>,
    judging: Option<Judging>,
}

impl Watch {
    /// The watch over the response to an admitted request, if there is anything to watch for.
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
    fn poll_cut(&mut self, cx: &mut Context<'_>, is_idle: bool) -> Poll<()> {
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

    /// Whether the time is up or the reader no longer verified; begins to find out if that takes time.
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
