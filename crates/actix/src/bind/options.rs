//! What can be set for the connections of a listener.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Extensions;

/// What can be set for the connections of a listener.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use portcullis_actix::ConnectionOptions;
///
/// let options = ConnectionOptions::default()
///     .max_connection_age(Duration::from_secs(10 * 60))
///     .on_connect(|_io, extensions| {
///         extensions.insert("whatever the application remembers of a connection");
///     });
/// ```
#[derive(Clone)]
#[must_use = "pass the options to `bind_portcullis_with`"]
pub struct ConnectionOptions {
    pub(super) max_connection_age: Duration,
    pub(super) on_connect: Option<Arc<OnConnect>>,
}

type OnConnect = dyn Fn(&dyn Any, &mut Extensions) + Send + Sync;

impl Default for ConnectionOptions {
    /// Connections of at most an hour, and no callback.
    fn default() -> Self {
        Self { max_connection_age: Duration::from_secs(60 * 60), on_connect: None }
    }
}

impl ConnectionOptions {
    /// Ends each connection after this time; one hour by default.
    ///
    /// On HTTP/1 the next response is the last one. An upload, a response or a WebSocket that is still
    /// under way after a further 30 seconds (or after the same time again, if that is less) is cut. On
    /// HTTP/2 actix can do no more than that: the connection goes on, and each of its requests is
    /// judged as ever.
    pub fn max_connection_age(mut self, age: Duration) -> Self {
        self.max_connection_age = age;
        self
    }

    /// Adds a callback for each new connection, as for [`HttpServer::on_connect`](actix_web::HttpServer::on_connect).
    ///
    /// It runs before the connection's own data are inserted, and cannot replace them.
    pub fn on_connect(
        mut self,
        callback: impl Fn(&dyn Any, &mut Extensions) + Send + Sync + 'static,
    ) -> Self {
        self.on_connect = Some(Arc::new(callback));
        self
    }
}

impl fmt::Debug for ConnectionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionOptions")
            .field("max_connection_age", &self.max_connection_age)
            .field("on_connect", &self.on_connect.is_some())
            .finish()
    }
}
