//! The extractor for handlers that greet everybody.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use portcullis_core::{Certificate, Distrust, Identity, Peer as CorePeer};

use crate::rejection::{Rejection, admission};

/// Who is at the other end of the connection, as far as it could be proven.
///
/// The same as [`core::Peer`](crate::core::Peer), which converts into it.
///
/// # Examples
///
/// ```
/// use axum::response::Html;
/// use portcullis_axum::{AskAgain, Peer};
///
/// async fn home(peer: Peer) -> (Option<axum::Extension<AskAgain>>, Html<String>) {
///     let greeting = match &peer {
///         Peer::Verified(who) => format!("welcome, {}", who.anchor().label()),
///         Peer::Untrusted { reason, .. } => format!("not trusted: {reason}. {}", reason.remedy()),
///         Peer::Anonymous => "import your certificate, then reload this page".into(),
///     };
///     // So that the reload is asked for a certificate: it needs a new connection.
///     let again = (!matches!(peer, Peer::Verified(_))).then_some(axum::Extension(AskAgain));
///     (again, Html(greeting))
/// }
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a handler must decide on each of the three")]
pub enum Peer {
    /// No certificate was sent.
    Anonymous,
    /// A certificate was sent whose key the peer holds, but nobody vouches for it.
    Untrusted {
        /// The certificate; `None` when not even its structure could be read.
        certificate: Option<Certificate>,
        /// Why it was not trusted.
        reason: Distrust,
    },
    /// A certificate was sent and verified.
    Verified(Identity),
}

impl From<CorePeer> for Peer {
    fn from(peer: CorePeer) -> Self {
        match peer {
            CorePeer::Anonymous => Self::Anonymous,
            CorePeer::Untrusted { certificate, reason } => Self::Untrusted { certificate, reason },
            CorePeer::Verified(identity) => Self::Verified(identity),
        }
    }
}

impl From<Peer> for CorePeer {
    fn from(peer: Peer) -> Self {
        match peer {
            Peer::Anonymous => Self::Anonymous,
            Peer::Untrusted { certificate, reason } => Self::Untrusted { certificate, reason },
            Peer::Verified(identity) => Self::Verified(identity),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        Ok(admission(parts)?.principal().peer().clone().into())
    }
}
