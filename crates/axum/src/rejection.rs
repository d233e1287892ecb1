//! What an extractor answers when it cannot give what the handler asked for.

use std::fmt;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use portcullis_core::Denial;
use portcullis_tower::{Admission, DefaultPage, Refusal, RenderDenial};

const NO_GUARD: &str = "portcullis: no guard let this request through: wrap the finished router in \
                        `guard(app, auth)`, and keep the request's extensions on the way to the handler";
const NO_CONNECTION: &str = "portcullis: this request came without a connection: serve the application \
                             with `portcullis_axum::serve`";

/// What an extractor answers when it cannot give what the handler asked for.
///
/// Either the service is put together wrongly, which is a 500 that says what was forgotten. Or the
/// handler needs a [`Caller`](crate::Caller) and there is none, which is a [`Denial`] as if the guard
/// had refused, and looks like one.
#[derive(Clone)]
pub struct Rejection(Reason);

#[derive(Clone)]
enum Reason {
    Forgotten(&'static str),
    Refused(Box<Refusal>),
}

impl Rejection {
    pub(crate) fn no_connection() -> Self {
        Self::forgotten(NO_CONNECTION)
    }

    pub(crate) fn refused(admission: &Admission, parts: &Parts) -> Self {
        Self(Reason::Refused(Box::new(admission.refuse(parts))))
    }

    fn forgotten(what: &'static str) -> Self {
        #[cfg(feature = "tracing")]
        tracing::error!(target: "portcullis::axum", "{what}");
        Self(Reason::Forgotten(what))
    }

    /// The denial; `None` when the service is put together wrongly.
    #[must_use]
    pub fn denial(&self) -> Option<&Denial> {
        match &self.0 {
            Reason::Forgotten(_) => None,
            Reason::Refused(refusal) => Some(refusal.denial()),
        }
    }
}

/// The guard's word on who asks, or the rejection if there was no guard.
pub(crate) fn admission(parts: &Parts) -> Result<&Admission, Rejection> {
    Admission::of(&parts.extensions).ok_or_else(|| Rejection::forgotten(NO_GUARD))
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self.0 {
            Reason::Forgotten(what) => (StatusCode::INTERNAL_SERVER_ERROR, what).into_response(),
            Reason::Refused(refusal) => {
                // The guard makes this anew, by the application's own page if it has one.
                let mut response: Response<Body> = DefaultPage.render(refusal.denial(), refusal.request());
                response.extensions_mut().insert(*refusal);
                response
            }
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::Forgotten(what) => f.write_str(what),
            Reason::Refused(refusal) => fmt::Display::fmt(refusal.denial(), f),
        }
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rejection").field(&self.to_string()).finish()
    }
}

impl std::error::Error for Rejection {}
