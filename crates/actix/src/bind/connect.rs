//! What happens to each new connection, on the worker that will serve it.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use actix_web::rt::time::Instant;
use portcullis_tls::ServerTls;

use super::ConnectionOptions;

/// Marks a connection of ours, and when it should end.
pub(crate) struct Accepted {
    closing: Arc<AtomicBool>,
    /// `None` if that is beyond the reach of the clock.
    ends: Option<Instant>,
    grace: Duration,
}

/// The longest time that what is under way is given when its connection is too old.
const LONGEST_GRACE: Duration = Duration::from_secs(30);

/// Marks a connection that must not be served.
pub(crate) struct Refused;

impl Accepted {
    fn new(max_age: Duration) -> Self {
        let ends = Instant::now().checked_add(max_age);
        Self { closing: Arc::default(), ends, grace: max_age.min(LONGEST_GRACE) }
    }

    /// Whether the next response should be the last.
    pub(crate) fn is_ending(&self) -> bool {
        self.closing.load(Ordering::Relaxed) || self.ends.is_some_and(|ends| ends <= Instant::now())
    }

    /// When what is still under way is cut.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.ends?.checked_add(self.grace)
    }
}

/// Judges the peer and leaves the outcome where the guard looks for it.
pub(super) fn on_connect(
    tls: &ServerTls,
    options: &ConnectionOptions,
    io: &dyn Any,
    extensions: &mut Extensions,
) {
    if let Some(callback) = &options.on_connect {
        callback(io, extensions);
    }
    // The callback is also called for plain listeners that are bound later: they get no connection.
    let Some(stream) = io.downcast_ref::<TlsStream<TcpStream>>() else { return };
    let (tcp, session) = stream.get_ref();
    let accepted = Accepted::new(options.max_connection_age);
    match tls.connection(session, tcp.peer_addr().ok()) {
        Ok(connection) => {
            let closing = Arc::clone(&accepted.closing);
            connection.on_close(move || closing.store(true, Ordering::Relaxed));
            extensions.insert(connection.handle().clone());
            extensions.insert(accepted);
        }
        // It has been logged.
        Err(_) => {
            // actix cannot refuse a connection here. Whatever is already in its buffers, the guard refuses.
            let _ = socket2::SockRef::from(tcp).shutdown(std::net::Shutdown::Both);
            extensions.insert(Refused);
        }
    }
}
