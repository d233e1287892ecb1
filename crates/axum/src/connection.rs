//! The extractor for facts of the connection.

use std::net::SocketAddr;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use portcullis_core::{Connection as CoreConnection, ConnectionInfo};

use crate::rejection::Rejection;

/// Facts of the connection that a request came on. Who the peer is, [`Peer`](crate::Peer) says.
///
/// # Examples
///
/// ```
/// use portcullis_axum::Connection;
///
/// async fn about(connection: Connection) -> String {
///     let version = connection.tls_version().unwrap_or("no TLS");
///     format!("{version}, {}", if connection.is_resumed() { "resumed" } else { "full handshake" })
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Connection(CoreConnection);

impl Connection {
    /// The address of the TCP peer.
    #[must_use]
    pub fn peer_address(&self) -> Option<SocketAddr> {
        self.info().peer_address
    }

    /// The protocol version, such as `TLSv1.3`.
    #[must_use]
    pub fn tls_version(&self) -> Option<&'static str> {
        self.info().tls_version
    }

    /// Whether the handshake resumed an earlier session.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.info().resumed
    }

    /// The server name that the client asked for (SNI).
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.info().server_name.as_deref()
    }

    /// All of it.
    #[must_use]
    pub fn info(&self) -> &ConnectionInfo {
        self.0.info()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Connection {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        parts.extensions.get().cloned().map(Self).ok_or_else(Rejection::no_connection)
    }
}

/// `None` behind [`serve_plain`](crate::serve_plain).
impl<S: Send + Sync> OptionalFromRequestParts<S> for Connection {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get().cloned().map(Self))
    }
}
