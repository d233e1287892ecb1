//! Facts of the connection, for handlers that show or log them.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use portcullis_core::{Connection as CoreConnection, ConnectionInfo};

use crate::guard::Admission;
use crate::rejection::Rejection;

/// The connection that the request came over.
///
/// # Examples
///
/// ```
/// use portcullis_actix::Connection;
///
/// async fn handshake(connection: Connection) -> String {
///     let info = connection.info();
///     format!("{}, resumed: {}", info.tls_version.unwrap_or("no TLS"), info.resumed)
/// }
/// # let _ = actix_web::web::get().to(handshake);
/// ```
#[derive(Clone, Debug)]
pub struct Connection(CoreConnection);

impl Connection {
    /// Facts that do not change while the connection lives.
    #[must_use]
    pub fn info(&self) -> &ConnectionInfo {
        self.0.info()
    }
}

impl From<Connection> for CoreConnection {
    fn from(connection: Connection) -> Self {
        connection.0
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
