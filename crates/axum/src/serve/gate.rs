//! The listener, which lets in no more than there is room for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum_server::{AddrListener, Address};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A listener with a number of places.
pub(super) struct Gate {
    listener: TcpListener,
    places: Option<Arc<Semaphore>>,
}

impl Gate {
    pub(super) fn new(listener: TcpListener, places: Option<usize>) -> Self {
        let places = places.map(|places| Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))));
        Self { listener, places }
    }
}

/// A client that has a place; it is free again when this is dropped.
pub(super) struct Guest {
    pub(super) tcp: TcpStream,
    pub(super) place: Option<OwnedSemaphorePermit>,
}

/// A client's address. The type of its own is what makes axum-server use the [`Gate`].
#[derive(Clone)]
pub(super) struct PeerAddress(SocketAddr);

impl Address for PeerAddress {
    type Stream = Guest;
    type Listener = Gate;
}

impl AddrListener<Guest, PeerAddress> for Gate {
    async fn bind_to(address: PeerAddress) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(address.0).await?, None))
    }

    /// Waits for a place first: who finds none stays in the system's queue.
    async fn accept_stream(&self) -> io::Result<(Guest, PeerAddress)> {
        let place = match &self.places {
            Some(places) => Some(Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?),
            None => None,
        };
        let (tcp, address) = self.listener.accept().await?;
        Ok((Guest { tcp, place }, PeerAddress(address)))
    }

    fn get_local_addr(&self) -> io::Result<PeerAddress> {
        self.listener.local_addr().map(PeerAddress)
    }
}
