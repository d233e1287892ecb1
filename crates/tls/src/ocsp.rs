//! Asking about a client's certificate at a responder (OCSP, RFC 6960), outside of the handshake.

#[cfg(feature = "ocsp")]
mod answers;
#[cfg(feature = "ocsp")]
mod inquiry;
#[cfg(feature = "ocsp")]
mod request;
#[cfg(feature = "ocsp")]
mod responders;
#[cfg(feature = "ocsp")]
mod response;
#[cfg(feature = "ocsp")]
mod settings;
#[cfg(feature = "ocsp")]
mod signer;

#[cfg(not(feature = "ocsp"))]
#[path = "ocsp/off.rs"]
mod off;

use portcullis_core::Distrust;

#[cfg(feature = "ocsp")]
pub(crate) use self::{inquiry::Inquiry, responders::Responders};
#[cfg(not(feature = "ocsp"))]
pub(crate) use off::{Inquiry, OcspResponder, Responders};
#[cfg(feature = "ocsp")]
pub use settings::OcspResponder;

/// What is known of a certificate by its responder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "ocsp"), expect(dead_code, reason = "without the feature nobody is asked"))]
pub(crate) enum Standing {
    /// It is not revoked, as far as is known until this second, included.
    Good { until: i64 },
    /// It is not to be trusted until this second, included.
    Refused { reason: Distrust, until: i64 },
}
