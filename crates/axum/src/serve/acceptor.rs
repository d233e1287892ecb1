//! From a TCP connection to a stream for HTTP, and to the service that answers on it.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::Request;
use axum_server::ConnectionShutdown;
use axum_server::accept::Accept;
use portcullis_core::Connection;
use portcullis_tls::{Lives, TlsAcceptor, TlsStream, Watched};
use tokio::net::TcpStream;
use tower_service::Service;

use super::gate::Guest;
use super::life::Ending;
use super::stream::Seated;

/// Does the TLS handshake.
#[derive(Clone)]
pub(super) struct Tls(pub(super) TlsAcceptor);

impl<S: Send + 'static> Accept<Guest, S> for Tls {
    type Stream = Seated<TlsStream>;
    type Service = OfConnection<S>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, Guest { tcp, place }: Guest, service: S) -> Self::Future {
        let Self(acceptor) = self.clone();
        Box::pin(async move {
            // Why it failed has been logged.
            let (stream, connection) = acceptor.accept(tcp).await.map_err(io::Error::other)?;
            let ending = Arc::new(Ending::default());
            let closing = Arc::clone(&ending);
            connection.on_close(move || closing.close());
            let handle = Some(connection.handle().clone());
            Ok((Seated::new(stream, place), OfConnection { inner: service, ending, handle }))
        })
    }
}

/// Takes the connection as it is.
#[derive(Clone)]
pub(super) struct Plain(pub(super) Lives);

impl<S> Accept<Guest, S> for Plain {
    type Stream = Seated<Watched<TcpStream>>;
    type Service = OfConnection<S>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, Guest { tcp, place }: Guest, service: S) -> Self::Future {
        if let Err(error) = tcp.set_nodelay(true) {
            return ready(Err(error));
        }
        let ending = Arc::new(Ending::default());
        let closing = Arc::clone(&ending);
        let stream = self.0.watch(tcp, move || closing.close());
        ready(Ok((Seated::new(stream, place), OfConnection { inner: service, ending, handle: None })))
    }
}

/// Tells the requests of one connection where they come from.
#[derive(Clone)]
pub(super) struct OfConnection<S> {
    inner: S,
    ending: Arc<Ending>,
    handle: Option<Connection>,
}

impl<S, B> Service<Request<B>> for OfConnection<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let extensions = request.extensions_mut();
        // Taken out, which keeps the map so small that it need not grow for the guard.
        if let Some(shutdown) = extensions.remove::<ConnectionShutdown>() {
            self.ending.meet(shutdown);
        }
        if let Some(handle) = &self.handle {
            extensions.insert(handle.clone());
        }
        self.inner.call(request)
    }
}
