//! Why a handler's argument could not be had.

use std::fmt;

use actix_web::http::{StatusCode, header::ContentType};
use actix_web::{HttpResponse, ResponseError};

/// Why a handler that takes a [`Peer`](crate::Peer), a [`Caller`](crate::Caller) or a
/// [`Connection`](crate::Connection) did not run.
///
/// The response to a [`CallerRequired`](RejectionKind::CallerRequired) is the guard's: the same page
/// as for a request that the policy refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    kind: RejectionKind,
}

/// The kinds of a [`Rejection`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// No guard stands around the application.
    GuardMissing,
    /// The request came over a listener that knows nothing of its connections.
    ConnectionMissing,
    /// The handler needs an authenticated caller, and the rule of its route lets others in.
    CallerRequired,
    /// A middleware inside the guard made another request of it, which the policy does not allow.
    Rewritten,
}

/// Tells the guard, through the response's extensions, to refuse the request.
pub(crate) struct CallerRequired;

impl Rejection {
    pub(crate) fn no_guard() -> Self {
        Self::fault(RejectionKind::GuardMissing)
    }

    pub(crate) fn no_connection() -> Self {
        Self::fault(RejectionKind::ConnectionMissing)
    }

    pub(crate) fn caller_required() -> Self {
        Self { kind: RejectionKind::CallerRequired }
    }

    pub(crate) fn rewritten() -> Self {
        Self { kind: RejectionKind::Rewritten }
    }

    /// A fault of the program. It is told at once: an optional argument swallows its rejection.
    fn fault(kind: RejectionKind) -> Self {
        let rejection = Self { kind };
        #[cfg(feature = "tracing")]
        tracing::error!(target: "portcullis::actix", "{rejection}");
        rejection
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            RejectionKind::GuardMissing => {
                "the handler asks who is calling, but no guard stands around the application: \
                 add `.wrap(Guard::new(auth))` as the last middleware of the `App`"
            }
            RejectionKind::ConnectionMissing => {
                "the handler asks for the connection, but this listener knows nothing of it: \
                 bind the server by `bind_portcullis` or `listen_portcullis`, or take an optional connection"
            }
            RejectionKind::CallerRequired => "the handler needs an authenticated caller",
            RejectionKind::Rewritten => "a middleware made a request of it that the policy does not allow",
        })
    }
}

impl std::error::Error for Rejection {}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        match self.kind {
            RejectionKind::GuardMissing | RejectionKind::ConnectionMissing => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            RejectionKind::CallerRequired | RejectionKind::Rewritten => StatusCode::FORBIDDEN,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self.kind {
            RejectionKind::GuardMissing | RejectionKind::ConnectionMissing => {
                response.content_type(ContentType::plaintext()).body(format!("{self}\n"))
            }
            RejectionKind::Rewritten => response.finish(),
            RejectionKind::CallerRequired => {
                let mut response = response.finish();
                response.extensions_mut().insert(CallerRequired);
                response
            }
        }
    }
}
