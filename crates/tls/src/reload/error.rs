//! Why a watcher could not do its work.

use portcullis_core::authorizer::AuthorizerError;
use portcullis_core::policy::PolicyError;

/// Why the policy of a file could not be put in force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyWatcherError {
    /// There is a mistake in the policy, or a file cannot be read.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The policy does not go together with the authorizer.
    #[error(transparent)]
    Authorizer(#[from] AuthorizerError),
    /// The closure that loads the policy panicked, or a source of roles that was asked for them.
    #[error("the loader of the policy or a source of roles panicked: its message went to standard error")]
    Panicked,
    /// The thread that watches the file could not be started.
    #[error("the thread that watches the policy could not be started: {reason}")]
    Thread {
        /// What the operating system said.
        reason: String,
    },
}

/// Why certificates and trust cannot be watched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustWatcherError {
    /// The thread that watches the files could not be started.
    #[error("the thread that watches certificates and trust could not be started: {reason}")]
    Thread {
        /// What the operating system said.
        reason: String,
    },
}

/// Why the files of a server cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// A policy.
    #[error(transparent)]
    Policy(#[from] PolicyWatcherError),
    /// Certificates and trust.
    #[error(transparent)]
    Trust(#[from] TrustWatcherError),
    /// A revocation list that is to be fetched.
    #[cfg(feature = "fetch")]
    #[error(transparent)]
    CrlFetch(#[from] crate::CrlFetchError),
}
