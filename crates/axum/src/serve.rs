//! Accepting connections, and running HTTP on them within limits.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use portcullis_axum::{Authorizer, ServerTls, guard, serve, serve_plain};
//! use std::time::Duration;
//!
//! # async fn run(tls: ServerTls, auth: Authorizer) -> Result<(), Box<dyn std::error::Error>> {
//! let app = guard(Router::new().route("/", get(|| async { "hello" })), auth);
//! let main = serve("[::]:8443", tls, app)
//!     .connection_limit(10_000)
//!     .graceful_shutdown(async { tokio::signal::ctrl_c().await.unwrap_or(()) }, Duration::from_secs(10));
//!
//! // A port of its own for probes, which have no certificate.
//! let health = Router::new().route("/health", get(|| async { "ok" }));
//! let probes = serve_plain("127.0.0.1:8080", guard(health, Authorizer::without_certificates(["GET /health"])?));
//!
//! tokio::select! {
//!     end = main.into_future() => end?,
//!     end = probes.into_future() => end?,
//! }
//! # Ok(())
//! # }
//! ```

mod acceptor;
mod bound;
mod endpoint;
mod error;
mod gate;
mod life;
mod stream;

use std::fmt;
use std::future::IntoFuture;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::http::{Request, Response};
use hyper::body::Incoming;
use portcullis_tls::ServerTls;
use tower_service::Service;

pub use bound::Bound;
pub use endpoint::Endpoint;
pub use error::ServeError;

/// Any error, boxed.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves an application over TLS, HTTP/2 and HTTP/1.1.
///
/// `at` is an address such as `"[::]:8443"`, or a listener that is bound already. `service` is what
/// [`guard`](crate::guard()) returns, or that within further layers. Await the result to run.
///
/// # Security
///
/// If `service` has no guard in it, then every handler that takes neither a
/// [`Caller`](crate::Caller) nor a [`Peer`](crate::Peer) is open to everybody.
pub fn serve<S>(at: impl Into<Endpoint>, tls: ServerTls, service: S) -> Serve<S> {
    Serve::new(at.into(), Some(tls), service)
}

/// Serves an application over plain HTTP: for probes and metrics, on a port of their own.
///
/// Nobody there has a certificate. Guard it by an authorizer
/// [`without_certificates`](crate::Authorizer::without_certificates); one that expects certificates
/// answers everything with 500.
///
/// # Security
///
/// If what is open there tells secrets, then everybody on the network can read and change them on the way.
pub fn serve_plain<S>(at: impl Into<Endpoint>, service: S) -> Serve<S> {
    Serve::new(at.into(), None, service)
}

/// A server that is being set up; await it to run it.
#[must_use = "a server does nothing until it is awaited"]
pub struct Serve<S> {
    endpoint: Endpoint,
    tls: Option<ServerTls>,
    service: S,
    limits: Limits,
    shutdown: Option<Shutdown>,
    on_bound: Option<Box<dyn FnOnce(SocketAddr) + Send>>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    connections: Option<usize>,
    header_read_timeout: Duration,
    age: Duration,
    recheck: Duration,
}

struct Shutdown {
    signal: Pin<Box<dyn Future<Output = ()> + Send>>,
    limit: Duration,
}

impl<S> Serve<S> {
    fn new(endpoint: Endpoint, tls: Option<ServerTls>, service: S) -> Self {
        let limits = Limits {
            connections: None,
            header_read_timeout: Duration::from_secs(10),
            age: Duration::from_secs(60 * 60),
            recheck: Duration::from_secs(5),
        };
        Self { endpoint, tls, service, limits, shutdown: None, on_bound: None }
    }

    /// Stops when `signal` is done: no new connections, and requests under way have `limit` to end.
    ///
    /// Handshakes under way are given up. Upgraded connections, such as WebSockets, are cut at the end.
    pub fn graceful_shutdown<F>(mut self, signal: F, limit: Duration) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.shutdown = Some(Shutdown { signal: Box::pin(signal), limit });
        self
    }

    /// Accepts at most so many connections at a time; further clients wait to be accepted.
    ///
    /// A connection counts from before its handshake until its socket is closed, upgraded ones too.
    /// Without this there is no limit but the operating system's.
    pub fn connection_limit(mut self, connections: usize) -> Self {
        self.limits.connections = Some(connections);
        self
    }

    /// Closes a connection whose next request is not there after this time; 10 seconds by default.
    ///
    /// This bounds slow senders, and how long an HTTP/1 connection is kept alive without a request.
    /// An HTTP/2 connection is kept after its first request, as long as the client answers to pings.
    pub fn header_read_timeout(mut self, timeout: Duration) -> Self {
        self.limits.header_read_timeout = timeout;
        self
    }

    /// Ends each connection after this time, whatever it is doing; one hour by default.
    ///
    /// First gracefully: the response under way is sent, HTTP/2 clients are told to go away. What is
    /// still open after a further 30 seconds (or after the same time again, if that is less) is cut.
    pub fn max_connection_age(mut self, age: Duration) -> Self {
        self.limits.age = age;
        self
    }

    /// Judges the peer of each connection so often while no request does it; every 5 seconds by default.
    ///
    /// A connection whose certificate has expired or been revoked ends within this time, with whatever is
    /// under way on it; so does a WebSocket that the policy has come to deny. It is never less than 10
    /// milliseconds. How often responses that stream are decided anew is for the
    /// [authorizer](crate::core::authorizer::AuthorizerBuilder::recheck_every) to say.
    pub fn recheck_every(mut self, time: Duration) -> Self {
        self.limits.recheck = time;
        self
    }

    /// Calls `told` with the address once it is bound, which is of use with port 0.
    ///
    /// Or call [`bind`](Self::bind) and ask for [`Bound::local_addr`].
    pub fn on_bound(mut self, told: impl FnOnce(SocketAddr) + Send + 'static) -> Self {
        self.on_bound = Some(Box::new(told));
        self
    }

    /// Binds the address, and no more: await the result to serve.
    ///
    /// From here on clients can connect; they wait until they are served.
    ///
    /// # Errors
    ///
    /// [`ServeError`] when the address cannot be bound, or a limit is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::Router;
    /// use portcullis_axum::serve_plain;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app: Router = Router::new();
    /// let first = serve_plain("127.0.0.1:0", app.clone()).bind().await?;
    /// let second = serve_plain(first.local_addr(), app).bind().await;
    /// assert!(second.unwrap_err().to_string().starts_with("address in use"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn bind(self) -> Result<Bound<S>, ServeError> {
        Bound::new(self).await
    }
}

impl<S, B> IntoFuture for Serve<S>
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
        Box::pin(async move { self.bind().await?.await })
    }
}

impl<S> fmt::Debug for Serve<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("endpoint", &self.endpoint)
            .field("tls", &self.tls)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
