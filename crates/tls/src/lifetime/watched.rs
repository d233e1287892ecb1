//! The socket of a connection, which fails when the connection's life is over.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Lives;
use super::life::{Life, Waiting};

/// A socket that is looked after; see [`Lives`]. It goes with the connection when that is upgraded.
///
/// When its time is over, every read and write fails, and nothing more is sent, so that no client can
/// take what it has got so far for the whole.
pub struct Watched<T> {
    inner: T,
    life: Arc<Life>,
    lives: Lives,
    number: u64,
}

impl<T> Watched<T> {
    pub(super) fn new(inner: T, life: Arc<Life>, lives: Lives, number: u64) -> Self {
        Self { inner, life, lives, number }
    }

    /// The socket.
    pub fn inner(&self) -> &T {
        &self.inner
    }

    /// Does one step on the socket, unless it is over; if the step has to wait, the end will wake it.
    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        whose: fn(&mut Waiting) -> &mut Option<Waker>,
        step: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>>
    where
        T: Unpin,
    {
        if self.life.is_over() {
            return Poll::Ready(Err(over()));
        }
        let poll = step(Pin::new(&mut self.inner), cx);
        if poll.is_pending() {
            self.life.waiting(|waiting| {
                let place = whose(waiting);
                if !place.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                    *place = Some(cx.waker().clone());
                }
            });
            // It may have ended before the waker was there.
            if self.life.is_over() {
                return Poll::Ready(Err(over()));
            }
        }
        poll
    }
}

fn reader(waiting: &mut Waiting) -> &mut Option<Waker> {
    &mut waiting.reader
}

fn writer(waiting: &mut Waiting) -> &mut Option<Waker> {
    &mut waiting.writer
}

fn over() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the connection may not be used any longer")
}

impl<T> Drop for Watched<T> {
    fn drop(&mut self) {
        self.lives.forget(self.number);
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll(cx, reader, |inner, cx| inner.poll_read(cx, buffer))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(cx, writer, |inner, cx| inner.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, writer, |inner, cx| inner.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, writer, |inner, cx| inner.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, writer, |inner, cx| inner.poll_shutdown(cx))
    }
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("is_over", &self.life.is_over()).finish_non_exhaustive()
    }
}
