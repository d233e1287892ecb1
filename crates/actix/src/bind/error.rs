//! Why a server cannot listen.

use std::io;

use thiserror::Error;

/// Why a server cannot listen.
///
/// Converts into an [`io::Error`], so that `?` works in a `main` that returns one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The text is no address, or its host has none.
    #[error(
        "cannot listen on `{address}`: {source}: write a host and a port, such as `127.0.0.1:8443` or `[::]:8443`"
    )]
    Address {
        /// The address as given.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// Another program, or another listener of this one, has the address.
    #[error(
        "cannot listen on `{address}`: the address is in use: stop the other program or choose another port"
    )]
    InUse {
        /// The address as given.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The program may not listen there.
    #[error(
        "cannot listen on `{address}`: permission denied: choose a port from 1024 on, or grant the program \
         `CAP_NET_BIND_SERVICE`"
    )]
    NotPermitted {
        /// The address as given.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The sites of the configuration ask clients for certificates in different ways.
    #[error(
        "cannot listen on `{address}`: the sites differ in client authentication, which actix-web can do \
         in one way only on each listener: bind them apart, or serve them by portcullis-axum"
    )]
    SeveralClientAuths {
        /// The address as given.
        address: String,
    },
    /// Something else.
    #[error("cannot listen on `{address}`: {source}")]
    Failed {
        /// The address as given.
        address: String,
        /// What the system says.
        source: io::Error,
    },
}

impl BindError {
    pub(super) fn new(address: impl ToString, source: io::Error) -> Self {
        let address = address.to_string();
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { address, source },
            io::ErrorKind::PermissionDenied => Self::NotPermitted { address, source },
            _ => Self::Failed { address, source },
        }
    }

    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::SeveralClientAuths { .. } => io::ErrorKind::Unsupported,
            Self::Address { source, .. }
            | Self::InUse { source, .. }
            | Self::NotPermitted { source, .. }
            | Self::Failed { source, .. } => source.kind(),
        }
    }
}

impl From<BindError> for io::Error {
    fn from(error: BindError) -> Self {
        Self::new(error.kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_address_and_what_to_do() {
        let text = |kind: io::ErrorKind| BindError::new("[::]:443", kind.into()).to_string();
        assert_eq!(
            text(io::ErrorKind::AddrInUse),
            "cannot listen on `[::]:443`: the address is in use: stop the other program or choose another port"
        );
        assert!(text(io::ErrorKind::PermissionDenied).contains("choose a port from 1024 on"));
        assert!(text(io::ErrorKind::AddrNotAvailable).starts_with("cannot listen on `[::]:443`: "));
    }

    #[test]
    fn the_io_error_keeps_kind_and_words() {
        let error = io::Error::from(BindError::new("[::]:443", io::ErrorKind::AddrInUse.into()));
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains("`[::]:443`"), "{error}");
    }
}
