//! The socket of a connection, which fails when the connection's life is over.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;

use super::life::{Life, Waiting};

/// A socket that is watched. It goes with the connection when that is upgraded.
pub(super) struct Watched<T> {
    inner: T,
    life: Arc<Life>,
    watcher: AbortHandle,
    _place: Option<OwnedSemaphorePermit>,
}

impl<T> Watched<T> {
    pub(super) fn new(
        inner: T,
        life: Arc<Life>,
        watcher: AbortHandle,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self { inner, life, watcher, _place: place }
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
        self.watcher.abort();
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn readers_and_writers_are_woken_by_the_end() {
        let (near, mut far) = tokio::io::duplex(8);
        let life = Arc::new(Life::default());
        let watcher = tokio::spawn(std::future::pending::<()>()).abort_handle();
        let stream = Watched::new(near, Arc::clone(&life), watcher, None);
        let (mut input, mut output) = tokio::io::split(stream);

        far.write_all(b"hello").await.unwrap();
        let mut bytes = [0; 5];
        input.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"hello");

        let reading = tokio::spawn(async move { input.read(&mut [0; 8]).await });
        let writing = tokio::spawn(async move { output.write_all(&[0; 100]).await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!reading.is_finished() && !writing.is_finished());

        life.cut();
        for ended in [reading.await.unwrap().map(drop), writing.await.unwrap()] {
            assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
        }
    }

    #[tokio::test]
    async fn the_watcher_ends_with_the_socket() {
        let watcher = tokio::spawn(std::future::pending::<()>());
        let stream = Watched::new(tokio::io::empty(), Arc::default(), watcher.abort_handle(), None);
        drop(stream);
        assert!(watcher.await.unwrap_err().is_cancelled());
    }
}
