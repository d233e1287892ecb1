//! The encrypted stream.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use portcullis_core::Connection;
use rustls::ServerConnection;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use crate::lifetime::{Lives, Watched};

/// The bytes of one client, decrypted.
///
/// Reading and writing fail when the connection is too old, or its peer, once trusted, no longer is; see
/// [`Lifetime`](crate::Lifetime). An upgraded connection is cut by that, too.
#[derive(Debug)]
pub struct TlsStream(Watched<Inner>);

type Inner = tokio_rustls::server::TlsStream<TcpStream>;

impl TlsStream {
    pub(crate) fn new(stream: Inner, lives: &Lives, connection: &Connection) -> Self {
        Self(lives.watch_connection(stream, connection.clone()))
    }

    /// The protocol that was agreed on (ALPN), such as `h2`.
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.server_connection().alpn_protocol()
    }

    /// The address of the client.
    ///
    /// # Errors
    ///
    /// If the operating system does not know it any more.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.inner().get_ref().0.peer_addr()
    }

    /// The TLS session, as rustls knows it.
    pub fn server_connection(&self) -> &ServerConnection {
        self.0.inner().get_ref().1
    }
}

/// Ends a session before any byte of the application has been read.
pub(crate) async fn refuse(mut stream: Inner) {
    let _in_time = tokio::time::timeout(Duration::from_secs(1), stream.shutdown()).await;
}

impl AsyncRead for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
