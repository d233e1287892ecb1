//! What ends a body while it is under way.
//!
//! A guard that looks at requests alone would let a download, an upload, an event stream or a WebSocket
//! go on after its peer's certificate has expired or been revoked, or the policy has come to deny it. So a
//! body that is not done at once is cut as soon as its request would be denied, or its connection is too
//! old. On HTTP/1 that ends the connection, on HTTP/2 the stream.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpRequest;
use actix_web::rt::time::{Instant, Sleep, sleep, sleep_until};
use portcullis_core::authorizer::Vigil;

use super::admission::Admission;
use super::target;
use crate::bind::Accepted;

/// A body was stopped.
#[derive(Debug)]
pub(super) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request that began it would be denied by now, or its connection is too old")
    }
}

impl StdError for Cut {}

/// What a body is watched for.
pub(super) struct Watch {
    admission: Admission,
    vigil: Box<Vigil>,
    deadline: Option<Instant>,
    has_begun: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Watch {
    /// The watch over a body of an admitted request.
    pub(super) fn new(admission: &Admission, request: &HttpRequest) -> Self {
        let auth = admission.authorizer();
        let asked = if auth.reads_headers() { target::with_headers(request) } else { target::of(request) };
        let connection = admission.connection();
        let permit = auth.permit(&asked, connection, admission.principal());
        let deadline = request.conn_data::<Accepted>().and_then(Accepted::deadline);
        let vigil = Box::new(Vigil::new(permit, connection.cloned()));
        let admission = admission.clone();
        Self { admission, vigil, deadline, has_begun: false, timer: None }
    }

    /// Ready when the body must stop. Most bodies are one piece and never cost a timer.
    pub(super) fn poll_cut(&mut self, cx: &mut Context<'_>, is_idle: bool) -> Poll<()> {
        // Upload and response have one request, whose denial is told once.
        if self.admission.is_over() {
            return Poll::Ready(());
        }
        if self.vigil.poll_denied(cx, is_idle, sleep).is_ready() {
            self.admission.end();
            return Poll::Ready(());
        }
        let Some(deadline) = self.deadline else { return Poll::Pending };
        if !self.has_begun && !is_idle {
            self.has_begun = true;
            return Poll::Pending;
        }
        self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline))).as_mut().poll(cx)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Nothing but this watch ends bodies for the sake of trust: who leaves before has not been denied.
        self.vigil.end();
    }
}
