//! A server with its address.

use std::convert::Infallible;
use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::http::{Request, Response};
use axum_server::accept::Accept;
use axum_server::{Handle, Server};
use hyper::body::Incoming;
use portcullis_tls::{Lifetime, Lives};
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use super::acceptor::{OfConnection, Plain, Tls};
use super::gate::{Gate, Guest, PeerAddress};
use super::stream::Seated;
use super::{BoxError, Limits, Serve, ServeError, Shutdown};

/// What [`serve()`](super::serve()) speaks, most wanted first.
const PROTOCOLS: &[&[u8]] = &[b"h2", b"http/1.1"];
/// More requests at a time than browsers make, and few enough for one connection.
const MOST_STREAMS: u32 = 200;
/// An HTTP/2 client is asked whether it is still there, so that one which vanished takes no place for long.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// A server that is bound to its address; await it to serve.
#[must_use = "a server does nothing until it is awaited"]
pub struct Bound<S> {
    gate: Gate,
    address: SocketAddr,
    tls: Option<portcullis_tls::ServerTls>,
    service: S,
    limits: Limits,
    shutdown: Option<Shutdown>,
}

impl<S> Bound<S> {
    pub(super) async fn new(serve: Serve<S>) -> Result<Self, ServeError> {
        let Serve { endpoint, tls, service, limits, shutdown, on_bound } = serve;
        limits.check()?;
        let listener = endpoint.bind().await?;
        let address = listener.local_addr().map_err(|cause| ServeError::Listener { cause })?;
        let gate = Gate::new(listener, limits.connections);
        if let Some(told) = on_bound {
            told(address);
        }
        Ok(Self { gate, address, tls, service, limits, shutdown })
    }

    /// The address.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Limits {
    fn check(&self) -> Result<(), ServeError> {
        let zero = if self.connections == Some(0) {
            "connection_limit"
        } else if self.header_read_timeout.is_zero() {
            "header_read_timeout"
        } else if self.age.is_zero() {
            "max_connection_age"
        } else {
            return Ok(());
        };
        Err(ServeError::Limit { limit: zero })
    }
}

impl<S, B> IntoFuture for Bound<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<(), ServeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { gate, address, tls, service, limits, shutdown } = self;
        Box::pin(async move {
            #[cfg(feature = "tracing")]
            tracing::info!(target: "portcullis::axum", %address, tls = tls.is_some(), "listening");
            #[cfg(not(feature = "tracing"))]
            let _ = address;

            let lifetime = Lifetime::default().recheck_every(limits.recheck).max_age(limits.age);
            let ended = match tls {
                Some(tls) => {
                    let acceptor = tls.acceptor(PROTOCOLS).lifetime(lifetime);
                    let _alive = CutOnDrop(acceptor.lives().clone());
                    run(gate, Tls(acceptor), service, limits, shutdown).await
                }
                None => {
                    let lives = Lives::plain(lifetime);
                    let _alive = CutOnDrop(lives.clone());
                    run(gate, Plain(lives), service, limits, shutdown).await
                }
            };
            ended.map_err(|cause| ServeError::Stopped { cause })
        })
    }
}

async fn run<A, T, S, B>(
    gate: Gate,
    acceptor: A,
    service: S,
    limits: Limits,
    shutdown: Option<Shutdown>,
) -> io::Result<()>
where
    A: Accept<Guest, S, Stream = Seated<T>, Service = OfConnection<S>> + Clone + Send + Sync + 'static,
    A::Future: Send,
    T: AsyncRead + AsyncWrite + Unpin + Send,
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let handle = StopOnDrop(Handle::new());
    let mut server = Server::<PeerAddress>::from_listener(gate)
        .acceptor(acceptor)
        .handle(handle.0.clone())
        // The time before the protocol is known, which hyper's own timeout leaves out.
        .first_request_timeout(limits.header_read_timeout)
        .accept_error_handler(tell_accept_errors());
    let http = server.http_builder();
    http.http1().header_read_timeout(limits.header_read_timeout);
    http.http2()
        .max_concurrent_streams(MOST_STREAMS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT);

    let mut serving = pin!(server.serve(Every(service)));
    if let Some(Shutdown { signal, limit }) = shutdown {
        tokio::select! {
            // First, so that whoever has been answered can count on the signal being heard.
            biased;
            () = signal => handle.0.graceful_shutdown(Some(limit)),
            ended = &mut serving => return ended,
        }
    }
    serving.await
}

/// When the server's future ends or is dropped, so do the connections, upgraded ones too.
struct CutOnDrop(Lives);

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        self.0.cut_all();
    }
}

/// The tasks of the connections are not part of the server's future, and must not outlive it.
struct StopOnDrop(Handle<PeerAddress>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.shutdown();
    }
}

/// Tells of failures of the listener itself, such as a lack of file descriptors, once per second.
///
/// A failed handshake has a client, and has been logged.
#[cfg(feature = "tracing")]
fn tell_accept_errors() -> impl Fn(Option<&PeerAddress>, &io::Error) + Send + Sync {
    use std::sync::{Mutex, PoisonError};
    use std::time::Instant;

    let last = Mutex::new(None::<Instant>);
    move |client, error| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if client.is_none() && last.is_none_or(|last| last.elapsed() >= Duration::from_secs(1)) {
            *last = Some(Instant::now());
            tracing::warn!(target: "portcullis::axum", "cannot accept connections at the moment: {error}");
        }
    }
}

#[cfg(not(feature = "tracing"))]
fn tell_accept_errors() -> impl Fn(Option<&PeerAddress>, &io::Error) + Send + Sync {
    |_client, _error| {}
}

/// Gives every connection the same service.
struct Every<S>(S);

impl<S: Clone> Service<PeerAddress> for Every<S> {
    type Response = S;
    type Error = Infallible;
    type Future = Ready<Result<S, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _client: PeerAddress) -> Self::Future {
        ready(Ok(self.0.clone()))
    }
}

impl<S> fmt::Debug for Bound<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound")
            .field("address", &self.address)
            .field("tls", &self.tls)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
