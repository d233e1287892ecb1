//! Why no list could be fetched.

use crate::{PemError, RevocationError};

/// Why no revocation list could be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrlFetchError {
    /// The URL is none from which a list can be fetched.
    #[error("`{url}` cannot be fetched from: {reason}")]
    Url {
        /// The URL, or what of it may be shown.
        url: String,
        /// What is wrong with it, and what to write.
        reason: &'static str,
    },
    /// An `https` URL, but nobody vouches for its server.
    #[error("`{url}` is https: give the authorities that vouch for its server")]
    NoAuthorities {
        /// The URL.
        url: String,
    },
    /// A certificate that was given cannot be read.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The issuer cannot be used.
    #[error("the issuer of the revocation list cannot be used: {reason}")]
    Issuer {
        /// What is wrong with it.
        reason: String,
    },
    /// There is no cryptography.
    #[error("no crypto provider is built in: enable the feature `aws-lc-rs` or `ring`, or pass one in")]
    NoProvider,
    /// Nothing was fetched.
    #[error("`{url}` cannot be fetched: {reason}")]
    Download {
        /// The URL.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The server sends the client elsewhere.
    #[error("`{url}` answers with a redirect, which is not followed: give the URL that it leads to")]
    Redirect {
        /// The URL.
        url: String,
    },
    /// The answer is too large.
    #[error("`{url}` answers with more than {limit} bytes: this is not the list that was meant")]
    TooLarge {
        /// The URL.
        url: String,
        /// How many are accepted.
        limit: u64,
    },
    /// What was fetched is no usable list.
    #[error(transparent)]
    List(#[from] RevocationError),
    /// Several lists in one answer.
    #[error("`{url}` answers with several lists: give a URL for each")]
    Several {
        /// The URL.
        url: String,
    },
    /// Somebody else has signed it.
    #[error("the list at `{url}` is not signed by `{issuer}`: check the URL, and who is on the way to it")]
    WrongKey {
        /// The URL.
        url: String,
        /// The issuer whose list it should be.
        issuer: String,
    },
    /// It is out of date.
    #[error("the list at `{url}` is out of date: have its issuer publish a new one")]
    Stale {
        /// The URL.
        url: String,
        /// When the next one was due, in seconds since the Unix epoch.
        next_update: i64,
    },
    /// The list at hand is newer.
    #[error(
        "the list at `{url}` is not newer than the one in `{file}`: if its issuer has begun to count anew, delete the file"
    )]
    Older {
        /// The URL.
        url: String,
        /// The file with the list at hand.
        file: String,
    },
    /// The file cannot be written.
    #[error("cannot write `{file}`: {reason}")]
    File {
        /// The file.
        file: String,
        /// What the operating system says.
        reason: String,
    },
    /// There is no thread to fetch on.
    #[error("cannot start a thread: {reason}")]
    Thread {
        /// What the operating system says.
        reason: String,
    },
}
