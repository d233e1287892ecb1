//! From a TCP connection to a stream for HTTP, and to the service that answers on it.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::Request;
use axum_server::ConnectionShutdown;
use axum_server::accept::Accept;
use portcullis_core::Connection;
use portcullis_tls::{TlsAcceptor, TlsStream};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tower_service::Service;

use super::gate::Guest;
use super::life::{self, Life};
use super::stream::Watched;

/// How every connection of one server is watched.
#[derive(Clone)]
pub(super) struct Watch {
    pub(super) age: Duration,
    /// Changes when the server is gone.
    pub(super) server: watch::Receiver<()>,
}

impl Watch {
    fn begin<T, S>(
        &self,
        stream: T,
        place: Option<OwnedSemaphorePermit>,
        service: S,
        life: Arc<Life>,
        handle: Option<Connection>,
    ) -> (Watched<T>, OfConnection<S>) {
        let watcher = life::watch(Arc::clone(&life), handle.clone(), self.age, self.server.clone());
        let watcher = tokio::spawn(watcher).abort_handle();
        let stream = Watched::new(stream, Arc::clone(&life), watcher, place);
        (stream, OfConnection { inner: service, life, handle })
    }
}

/// Does the TLS handshake.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    pub(super) watch: Watch,
}

impl<S: Send + 'static> Accept<Guest, S> for Tls {
    type Stream = Watched<TlsStream>;
    type Service = OfConnection<S>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, Guest { tcp, place }: Guest, service: S) -> Self::Future {
        let Self { acceptor, watch } = self.clone();
        Box::pin(async move {
            // Why it failed has been logged.
            let (stream, connection) = acceptor.accept(tcp).await.map_err(io::Error::other)?;
            let life = Arc::new(Life::default());
            let ending = Arc::clone(&life);
            connection.on_close(move || ending.close());
            Ok(watch.begin(stream, place, service, life, Some(connection.handle().clone())))
        })
    }
}

/// Takes the connection as it is.
#[derive(Clone)]
pub(super) struct Plain {
    pub(super) watch: Watch,
}

impl<S> Accept<Guest, S> for Plain {
    type Stream = Watched<TcpStream>;
    type Service = OfConnection<S>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, Guest { tcp, place }: Guest, service: S) -> Self::Future {
        let nodelay = tcp.set_nodelay(true);
        ready(nodelay.map(|()| self.watch.begin(tcp, place, service, Arc::default(), None)))
    }
}

/// Tells the requests of one connection where they come from.
#[derive(Clone)]
pub(super) struct OfConnection<S> {
    inner: S,
    life: Arc<Life>,
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
            self.life.meet(shutdown);
        }
        if let Some(handle) = &self.handle {
            extensions.insert(handle.clone());
        }
        self.inner.call(request)
    }
}
