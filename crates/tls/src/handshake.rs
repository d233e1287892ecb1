//! Handshakes: bounded in number, work and time, each failure told to the operator once.

mod error;
pub(crate) mod half_open;
pub(crate) mod notes;
mod plain;
mod turn;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::LazyConfigAcceptor;

pub use self::error::HandshakeError;
use self::notes::Notes;
use crate::lifetime::{Lifetime, Lives};
use crate::stream;
use crate::{ServerTls, TlsConnection, TlsStream};

/// The first byte of every TLS connection: the record type of a handshake (RFC 8446, 5.1).
const HANDSHAKE: u8 = 0x16;

/// How long to wait for the first byte. Clients speak first in TLS, so theirs is under way at once.
const FIRST_BYTE: Duration = Duration::from_secs(3);

/// Does the handshakes of one listener.
///
/// Made by [`ServerTls::acceptor`] for the protocols that the server behind it speaks. Cloning is
/// cheap.
///
/// # Examples
///
/// ```no_run
/// # async fn serve(tls: portcullis_tls::ServerTls, tcp: tokio::net::TcpListener) -> std::io::Result<()> {
/// let acceptor = tls.acceptor(&[b"http/1.1"]);
/// loop {
///     let (stream, _) = tcp.accept().await?;
///     let acceptor = acceptor.clone();
///     tokio::spawn(async move {
///         // A failure was logged already, with the address, the certificate and the reason.
///         let Ok((stream, connection)) = acceptor.accept(stream).await else { return };
///         // Put `connection.handle()` into the extensions of each request that comes over `stream`.
///         # drop((stream, connection));
///     });
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct TlsAcceptor {
    tls: ServerTls,
    alpn: Arc<[Vec<u8>]>,
    lives: Lives,
}

impl TlsAcceptor {
    pub(crate) fn new(tls: ServerTls, alpn: Arc<[Vec<u8>]>) -> Self {
        let lives = Lives::of(&tls, Lifetime::default());
        Self { tls, alpn, lives }
    }

    /// Sets how long the connections live that are accepted from now on, and how often they are judged.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lives = Lives::of(&self.tls, lifetime);
        self
    }

    /// The connections that it has accepted and that are still there.
    pub fn lives(&self) -> &Lives {
        &self.lives
    }

    /// The configuration that the handshakes follow.
    pub fn tls(&self) -> &ServerTls {
        &self.tls
    }

    /// Does the handshake, and judges the client's certificate.
    ///
    /// Needs a Tokio runtime with time enabled. Dropping the future closes the connection.
    ///
    /// # Errors
    ///
    /// If the handshake fails or takes too long, if the peer has too many others under way, or if the
    /// mode of client authentication demands a trusted certificate and there is none. It has been
    /// logged.
    pub async fn accept(&self, tcp: TcpStream) -> Result<(TlsStream, TlsConnection), HandshakeError> {
        let peer = tcp.peer_addr().ok();
        let outcome = self.within_limits(tcp, peer).await;
        if let Err(error) = &outcome {
            self.tls.failed(error, peer);
        }
        outcome
    }

    async fn within_limits(
        &self,
        tcp: TcpStream,
        peer: Option<SocketAddr>,
    ) -> Result<(TlsStream, TlsConnection), HandshakeError> {
        let _place = peer.map(|peer| self.tls.half_open().place(peer.ip())).transpose()?;
        let limit = self.tls.handshake_timeout();
        let begun = Instant::now();
        let first = first_byte(&tcp, limit.min(FIRST_BYTE)).await?;
        let left = limit.saturating_sub(begun.elapsed());
        let outcome = turn::run(self.handshake(tcp, peer, first), self.tls.turns(), left).await;
        outcome.unwrap_or(Err(HandshakeError::TimedOut { limit }))
    }

    async fn handshake(
        &self,
        tcp: TcpStream,
        peer: Option<SocketAddr>,
        first: u8,
    ) -> Result<(TlsStream, TlsConnection), HandshakeError> {
        tcp.set_nodelay(true)?;
        if first != HANDSHAKE {
            return Err(plain::refuse(tcp, first).await);
        }
        let notes = Arc::new(Mutex::new(Notes::default()));
        let finished = notes::scope(notes.clone(), self.tls_handshake(tcp)).await;
        let notes = notes::read(&notes);
        let stream = finished.map_err(|error| HandshakeError::of_failed(&error, notes.clone()))?;
        match self.tls.admit(stream.get_ref().1, peer, notes.judgement) {
            Ok(connection) => Ok((TlsStream::new(stream, &self.lives, connection.handle()), connection)),
            Err(error) => {
                stream::refuse(stream).await;
                Err(error)
            }
        }
    }

    /// The handshake of TLS, under the configuration of the site that the client names.
    async fn tls_handshake(&self, tcp: TcpStream) -> io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), tcp).await?;
        let config = self.tls.config_for(hello.client_hello().server_name(), &self.alpn);
        hello.into_stream(config).await
    }
}

/// The first byte that the client sends, which is left where it is.
async fn first_byte(tcp: &TcpStream, limit: Duration) -> Result<u8, HandshakeError> {
    let mut first = [0];
    match tokio::time::timeout(limit, tcp.peek(&mut first)).await {
        Err(_) => Err(HandshakeError::Silent { limit }),
        Ok(Err(error)) => Err(error.into()),
        Ok(Ok(0)) => Err(HandshakeError::Closed),
        Ok(Ok(_)) => {
            let [first] = first;
            Ok(first)
        }
    }
}
