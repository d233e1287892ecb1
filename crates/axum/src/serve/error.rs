//! Why a server did not start, or stopped.

use std::io;

use thiserror::Error;

/// Why a server did not start, or stopped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Something else listens there.
    #[error("address in use: `{address}`: stop what listens there, or choose another port")]
    AddressInUse {
        /// The address.
        address: String,
    },
    /// This process may not listen there.
    #[error(
        "not permitted to listen on `{address}`: choose a port from 1024 on, or give the process the right to \
         bind low ports (on Linux, CAP_NET_BIND_SERVICE)"
    )]
    NotPermitted {
        /// The address.
        address: String,
    },
    /// The address could not be understood or resolved.
    #[error("cannot listen on `{address}`: {cause}: write host:port, such as `[::]:8443`")]
    Address {
        /// The address.
        address: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The address could not be bound for another reason.
    #[error("cannot listen on `{address}`: {cause}")]
    Bind {
        /// The address.
        address: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The listener that was passed in cannot be used.
    #[error("cannot use the listener that was passed in: {cause}")]
    Listener {
        /// What the system says.
        cause: io::Error,
    },
    /// A limit lets nobody in.
    #[error("`{limit}` of zero lets nobody in: leave it out or give a larger one")]
    Limit {
        /// The setting.
        limit: &'static str,
    },
    /// The server stopped.
    #[error("the server stopped: {cause}")]
    Stopped {
        /// Why.
        cause: io::Error,
    },
}

impl From<ServeError> for io::Error {
    fn from(error: ServeError) -> Self {
        let kind = match &error {
            ServeError::AddressInUse { .. } => io::ErrorKind::AddrInUse,
            ServeError::NotPermitted { .. } => io::ErrorKind::PermissionDenied,
            ServeError::Limit { .. } => io::ErrorKind::InvalidInput,
            ServeError::Address { cause, .. }
            | ServeError::Bind { cause, .. }
            | ServeError::Listener { cause }
            | ServeError::Stopped { cause } => cause.kind(),
        };
        Self::new(kind, error)
    }
}
