//! Who is at the other end of a connection, as far as it could be proven.

pub mod distrust;
pub mod live;

pub use distrust::Distrust;

use crate::certificate::Certificate;
use crate::identity::Identity;

/// Who is at the other end of a connection.
///
/// # Examples
///
/// ```
/// use portcullis_core::Peer;
///
/// fn greeting(peer: &Peer) -> String {
///     match peer {
///         Peer::Verified(identity) => format!("welcome, {}", identity.certificate().subject()),
///         Peer::Untrusted { reason, .. } => format!("your certificate was not trusted: {reason}"),
///         Peer::Anonymous => "please send a certificate".into(),
///     }
/// }
/// assert_eq!(greeting(&Peer::Anonymous), "please send a certificate");
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a handler must decide on each of the three")]
pub enum Peer {
    /// No certificate was sent.
    Anonymous,
    /// A certificate was sent whose key the peer holds, but nobody vouches for it.
    ///
    /// Its fields may be shown to a person and logged. No rule can read them.
    Untrusted {
        /// The certificate; `None` when not even its structure could be read.
        certificate: Option<Certificate>,
        /// Why it was not trusted.
        reason: Distrust,
    },
    /// A certificate was sent and verified.
    Verified(Identity),
}

impl Peer {
    /// The identity, if the peer was verified.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Verified(identity) => Some(identity),
            Self::Anonymous | Self::Untrusted { .. } => None,
        }
    }

    /// One word for logs and responses: `anonymous`, `untrusted` or `verified`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Untrusted { .. } => "untrusted",
            Self::Verified(_) => "verified",
        }
    }

    /// Whether both come from the same verification, so that what was derived from one holds for the other.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Anonymous, Self::Anonymous) => true,
            (Self::Verified(a), Self::Verified(b)) => a.is_same(b),
            (
                Self::Untrusted { certificate: a, reason: x },
                Self::Untrusted { certificate: b, reason: y },
            ) => a == b && x == y,
            _ => false,
        }
    }
}
