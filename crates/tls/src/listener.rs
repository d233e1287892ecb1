//! A listener that hands out connections after their handshakes.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::task::JoinSet;

use crate::{HandshakeError, TlsAcceptor, TlsConnection, TlsStream};

/// Listens for TLS connections, for servers built on hyper or tonic.
///
/// Handshakes run beside each other in tasks of their own: clients that stay silent keep nobody
/// waiting, and have to make room soon. One peer alone cannot take all the places for unfinished
/// handshakes. Dropping the listener ends those that are under way.
///
/// # Examples
///
/// ```no_run
/// # async fn serve(tls: portcullis_tls::ServerTls) -> std::io::Result<()> {
/// use portcullis_tls::TlsListener;
///
/// let mut listener = TlsListener::bind("[::]:8443", tls.acceptor(&[b"h2", b"http/1.1"])).await?;
/// loop {
///     let (stream, connection) = listener.accept().await;
///     // Put `connection.handle()` into the extensions of each request that comes over `stream`.
///     # drop((stream, connection));
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    handshakes: JoinSet<Result<(TlsStream, TlsConnection), HandshakeError>>,
}

/// How many connections may wait for their handshake, or for [`TlsListener::accept`] to be called.
/// Those beyond wait in the backlog of the operating system.
pub(crate) const PENDING: usize = 4096;

/// How long to wait if no connection can be accepted, for want of file descriptors mostly.
const PAUSE: Duration = Duration::from_millis(100);

impl TlsListener {
    /// Listens on this address.
    ///
    /// # Errors
    ///
    /// If the address is in use, is not one of this machine, or may not be used.
    pub async fn bind(address: impl ToSocketAddrs, acceptor: TlsAcceptor) -> io::Result<Self> {
        Ok(Self::from_tcp(TcpListener::bind(address).await?, acceptor))
    }

    /// Takes over a listener that is bound already.
    pub fn from_tcp(tcp: TcpListener, acceptor: TlsAcceptor) -> Self {
        Self { tcp, acceptor, handshakes: JoinSet::new() }
    }

    /// The address that is listened on.
    ///
    /// # Errors
    ///
    /// If the operating system does not know it any more.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Waits for the next connection whose handshake is done.
    ///
    /// Failed handshakes are logged and left out. If the future is dropped, no connection is lost.
    pub async fn accept(&mut self) -> (TlsStream, TlsConnection) {
        loop {
            tokio::select! {
                Some(finished) = self.handshakes.join_next() => {
                    if let Ok(Ok(accepted)) = finished {
                        return accepted;
                    }
                }
                tcp = accept_tcp(&self.tcp), if self.handshakes.len() < PENDING => {
                    let acceptor = self.acceptor.clone();
                    self.handshakes.spawn(async move { acceptor.accept(tcp).await });
                }
            }
        }
    }
}

/// Accepts, whatever it takes.
async fn accept_tcp(tcp: &TcpListener) -> TcpStream {
    loop {
        match tcp.accept().await {
            Ok((stream, _)) => return stream,
            // The client changed its mind; the next one may be waiting.
            Err(error) if is_about_one_client(&error) => {}
            Err(error) => {
                tracing::error!(target: "portcullis::tls", %error, "cannot accept connections for now");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_about_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
