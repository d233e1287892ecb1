//! The watch over a body that goes on after its request was let pass.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::Permit;
use crate::denial::Denial;
use crate::peer::live::Connection;
use crate::request::Request;

/// Watches over a body for as long as it goes on, and says when it has to stop.
///
/// Part of what guards are made of: the body's wrapper polls it after each poll of the body. It compares
/// two numbers each time, and decides anew when one of them has moved, and
/// [every so often](super::AuthorizerBuilder::recheck_every) in any case.
///
/// A transport may be the first to see that trust is lost: it cuts the connection, and the body is dropped.
/// Then the watch decides a last time, so that a denial is logged and recorded all the same.
pub struct Vigil {
    permit: Permit,
    connection: Option<Connection>,
    has_begun: bool,
    is_under_way: bool,
    is_due: bool,
    timer: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Vigil {
    /// A watch by the permit of a request that came on this connection.
    #[must_use]
    pub fn new(permit: Permit, connection: Option<Connection>) -> Self {
        Self { permit, connection, has_begun: false, is_under_way: false, is_due: false, timer: None }
    }

    /// Ready when the body must stop; why has been logged and recorded by then.
    ///
    /// `is_idle` says that the body waits for something, so that nobody else would call again. The timer is
    /// a function such as `tokio::time::sleep`. A body of one piece that was there at once never costs one.
    pub fn poll_denied<T>(
        &mut self,
        cx: &mut Context<'_>,
        is_idle: bool,
        timer: impl Fn(Duration) -> T,
    ) -> Poll<Denial>
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let connection = self.connection.as_ref();
        self.is_under_way = true;
        if self.permit.has_moved(connection) {
            self.is_due = true;
        } else if !self.has_begun && !is_idle {
            self.has_begun = true;
            return Poll::Pending;
        }
        loop {
            if self.is_due || self.permit.is_asking() {
                self.is_due = false;
                if let Poll::Ready(Some(denial)) = self.permit.poll_denied(cx, connection, now(), &timer) {
                    self.is_under_way = false;
                    return Poll::Ready(denial);
                }
            }
            let every = self.permit.authorizer().recheck_every();
            let running = self.timer.get_or_insert_with(|| Box::pin(timer(every)));
            if running.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.timer = None;
            self.is_due = true;
        }
    }
}

impl Vigil {
    /// To be called when the body has come to its end: there is nothing left to be denied.
    pub fn end(&mut self) {
        self.is_under_way = false;
    }
}

impl Drop for Vigil {
    fn drop(&mut self) {
        if self.is_under_way && !std::thread::panicking() {
            let mut cx = Context::from_waker(Waker::noop());
            let never = |_| std::future::pending();
            let _told = self.permit.poll_denied(&mut cx, self.connection.as_ref(), now(), never);
        }
    }
}

fn now() -> i64 {
    Request::new("", "").time()
}

impl fmt::Debug for Vigil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vigil").field("permit", &self.permit).finish_non_exhaustive()
    }
}
