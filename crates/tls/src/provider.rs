//! Which cryptography is used when none is passed in.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The provider that the features of this crate bring along; aws-lc-rs if both are there.
///
/// It is never installed for the whole process: that is the application's business.
pub(crate) fn built_in() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    return None;
}
