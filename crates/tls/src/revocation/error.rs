//! What can be wrong with the sources of revocation.

use crate::PemError;

/// What is wrong with the revocation lists or the deny list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// The PEM text cannot be read.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// Nothing was named that could tell what is revoked.
    #[error(
        "there are no revocation lists: name a file or a folder, or leave revocation out if nothing is to be checked"
    )]
    NoLists,
    /// A responder that cannot be asked.
    #[error("the responder for the anchors of `{label}` cannot be used: {reason}")]
    Responder {
        /// The label of the anchors that it was given for.
        label: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {origin}: {reason}")]
    Unreadable {
        /// The file or folder.
        origin: String,
        /// What the operating system says.
        reason: String,
    },
    /// A folder without a single list.
    #[error("the folder {origin} has no revocation lists: put them there, each in a file of its own")]
    EmptyFolder {
        /// The folder.
        origin: String,
    },
    /// A file that is larger than any list should be.
    #[error(
        "{origin} has more than {limit} bytes: this is not the file that was meant, or the limit has to be raised"
    )]
    TooLarge {
        /// The file.
        origin: String,
        /// How many are accepted.
        limit: u64,
    },
    /// Something else among the lists.
    #[error(
        "{origin}: a `{label}` block begins in line {line} among the revocation lists: leave `X509 CRL` blocks only"
    )]
    ForeignBlock {
        /// Where it was found.
        origin: String,
        /// The line in which it begins, counted from 1.
        line: usize,
        /// What it says it is.
        label: String,
    },
    /// A private key among the lists.
    #[error(
        "{origin}: a private key begins in line {line} among the revocation lists, which everybody may read: take it out, and replace the key if others could have seen it"
    )]
    PrivateKey {
        /// Where it was found.
        origin: String,
        /// The line in which it begins, counted from 1.
        line: usize,
    },
    /// A list ends too early.
    #[error("{list} is cut off: fetch it again")]
    Truncated {
        /// Which list.
        list: String,
    },
    /// Something follows a list.
    #[error("{list} has {bytes} bytes too many: put each list in DER into a file of its own")]
    TrailingBytes {
        /// Which list.
        list: String,
        /// How many bytes follow.
        bytes: usize,
    },
    /// It is no revocation list.
    #[error("{list} cannot be read: {reason}")]
    Malformed {
        /// Which list.
        list: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An entry of a list cannot be read.
    #[error("{list} cannot be used for its entry {position}: {reason}")]
    Entry {
        /// Which list.
        list: String,
        /// Which entry, counted from 1.
        position: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A list of version 1.
    #[error(
        "{list} is of version 1: have it issued as version 2; with `openssl ca`, set `crl_extensions` in its configuration"
    )]
    Version {
        /// Which list.
        list: String,
    },
    /// Nobody could say when the list is out of date.
    #[error("{list} does not say when the next one is due (nextUpdate): have it issued with that")]
    NoNextUpdate {
        /// Which list.
        list: String,
    },
    /// The list ends before it begins.
    #[error("{list} is out of date before it is made: its nextUpdate lies before its thisUpdate")]
    Backwards {
        /// Which list.
        list: String,
    },
    /// The list is of the future.
    #[error("{list} is of the future: check the clock of this machine, or add it later")]
    Future {
        /// Which list.
        list: String,
        /// When it was made, in seconds since the Unix epoch.
        this_update: i64,
    },
    /// The list says less than the whole truth about an issuer.
    #[error("{list} cannot be used: {reason}; have the issuer publish a complete list")]
    Unusable {
        /// Which list.
        list: String,
        /// What is the matter with it.
        reason: String,
    },
    /// The list breaks a rule of RFC 5280 that was asked to be kept.
    #[error("{list} breaks a rule of RFC 5280: {violation}; have it issued anew, or leave `strict` out")]
    Nonconforming {
        /// Which list.
        list: String,
        /// Which rule, with its section.
        violation: &'static str,
    },
    /// The signature cannot be checked.
    #[error("{list} is signed by an algorithm that is not accepted: have it signed with SHA-256 or better")]
    SignatureAlgorithm {
        /// Which list.
        list: String,
    },
    /// The list bears the name of a trust anchor, but another key has signed it.
    #[error(
        "{list} bears the name of the trust anchor `{issuer}`, but another key has signed it, or it was altered: fetch it again"
    )]
    WrongKey {
        /// Which list.
        list: String,
        /// The name of the anchor.
        issuer: String,
    },
    /// The anchor that has signed the list may not sign any.
    #[error("{list} is signed by the trust anchor `{issuer}`, which may not: its keyUsage lacks cRLSign")]
    CannotSign {
        /// Which list.
        list: String,
        /// The name of the anchor.
        issuer: String,
    },
    /// An exception for trust anchors that do not exist.
    #[error("an unknown revocation status is allowed under `{label}`, but no trust anchor has this label")]
    UnknownLabel {
        /// The label.
        label: String,
    },
    /// A line of the deny list cannot be read.
    #[error("{origin}, line {line}: {reason}")]
    DenyList {
        /// The file.
        origin: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, and what to write.
        reason: String,
    },
    /// An entry of the deny list cannot be read.
    #[error("{reason}")]
    Denied {
        /// What is wrong, and what to write.
        reason: String,
    },
}
