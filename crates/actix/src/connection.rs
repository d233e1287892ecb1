//! Facts of the connection, for handlers that show or log them.

use std::future::{Ready, ready};
use std::net::SocketAddr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use portcullis_core::{Connection as CoreConnection, ConnectionInfo};

use crate::guard::Admission;
use crate::rejection::Rejection;

/// Facts of the connection that a request came on. Who the peer is, [`Peer`](crate::Peer) says.
///
/// # Examples
///
/// ```
/// use portcullis_actix::Connection;
///
/// async fn about(connection: Connection) -> String {
///     let version = connection.tls_version().unwrap_or("no TLS");
///     format!("{version}, {}", if connection.is_resumed() { "resumed" } else { "full handshake" })
/// }
/// # let _ = actix_web::web::get().to(about);
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

/// Fails with 500 where no [`Guard`](crate::Guard) stands around the application, or the listener is
/// not one of [`BindPortcullis`](crate::BindPortcullis).
impl FromRequest for Connection {
    type Error = Rejection;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let connection = Admission::valid(request).and_then(|admission| {
            admission.connection().cloned().map(Self).ok_or_else(Rejection::no_connection)
        });
        ready(connection)
    }
}
