//! Who is at the other end, for handlers that greet everybody.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use portcullis_core::{Certificate, Distrust, Identity, Peer as CorePeer};

use crate::guard::Admission;
use crate::rejection::Rejection;

/// Who is at the other end of the connection, as judged for this request.
///
/// For handlers on routes that others than authenticated callers may enter. The others take a
/// [`Caller`](crate::Caller).
///
/// # Examples
///
/// ```
/// use portcullis_actix::Peer;
///
/// async fn home(peer: Peer) -> String {
///     match peer {
///         Peer::Verified(who) => format!("welcome, {}", who.certificate().subject()),
///         Peer::Untrusted { reason, .. } => format!("your certificate was not accepted: {reason}"),
///         Peer::Anonymous => "come back with a certificate".into(),
///     }
/// }
/// # let _ = actix_web::web::get().to(home);
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a handler must decide on each of the three")]
pub enum Peer {
    /// No certificate was sent.
    Anonymous,
    /// A certificate was sent whose key the peer holds, but nobody vouches for it.
    ///
    /// # Security
    ///
    /// If a handler lets its fields decide anything, then everybody gets in who can run `openssl`.
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

/// Fails with 500 where no [`Guard`](crate::Guard) stands around the application.
impl FromRequest for Peer {
    type Error = Rejection;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Admission::valid(request).map(|admission| admission.principal().peer().clone().into()))
    }
}
