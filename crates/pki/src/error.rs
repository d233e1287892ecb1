//! Why a certificate, a key or a file could not be made.

use std::{io, path::PathBuf};

/// Why a certificate, a key or a file could not be made.
///
/// No message contains key material or a passphrase.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// Text that is no object identifier.
    #[error("`{text}` is no object identifier: write numbers with dots between them, such as `2.5.4.3`")]
    Oid {
        /// The text as given.
        text: String,
    },
    /// A subject attribute that nobody knows.
    #[error("`{text}` is no attribute type: use a short name such as `CN` or `OU`, or an object identifier")]
    AttributeType {
        /// The text as given.
        text: String,
    },
    /// A value that a good certificate cannot carry in that place.
    #[error("`{}` cannot be the {field} of a certificate: {reason}", value.escape_debug())]
    Value {
        /// The place the value was meant for.
        field: &'static str,
        /// The value as given.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Bytes that are no distinguished name.
    #[error("the distinguished name cannot be read: {reason}")]
    Name {
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate that cannot be read, or that is not the one that is needed.
    #[error("the certificate cannot be used: {reason}")]
    Certificate {
        /// What is wrong with it.
        reason: String,
    },
    /// A signing request that is broken, or whose sender does not prove to have the key.
    #[error("the signing request is refused: {reason}")]
    Request {
        /// What is wrong with it.
        reason: String,
    },
    /// A time outside the years 0000 to 9999.
    #[error("a certificate cannot be valid from or to a time outside the years 0000 to 9999")]
    Time,
    /// A validity that ends before it starts.
    #[error("a certificate cannot end before it starts: give the earlier time first")]
    Validity,
    /// A key that could not be made, read or used.
    #[error("the private key cannot be used: {reason}")]
    Key {
        /// What the cryptography library says.
        reason: String,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes: {reason}")]
    Random {
        /// What the system says.
        reason: String,
    },
    /// An empty passphrase.
    #[error("the passphrase is empty: anybody could open the file; give one, or ask for the plain key")]
    EmptyPassphrase,
    /// A key or bundle that could not be encrypted.
    #[error("cannot write {what}: {reason}")]
    Encoding {
        /// The thing that was to be written.
        what: &'static str,
        /// What the library says.
        reason: String,
    },
    /// A name that is not in the catalogue of hostile certificates.
    #[error("`{}` is no hostile certificate: `hostile::NAMES` lists them", name.escape_debug())]
    UnknownCase {
        /// The name as given.
        name: String,
    },
    /// A name that the development PKI has no client for.
    #[error("`{}` is no client of the development certificates: there are alice, bob, mallory and expired", name.escape_debug())]
    UnknownClient {
        /// The name as given.
        name: String,
    },
    /// A file or folder that could not be read or written.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the development PKI that is not what was once written.
    #[error("`{}` is damaged: {reason}; delete the folder, and it is made anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder with somebody else's files under the names this crate would write.
    #[error("`{}` was not made by portcullis and would be overwritten: choose another folder", path.display())]
    Foreign {
        /// The file that is in the way.
        path: PathBuf,
    },
}

impl PkiError {
    pub(crate) fn key(reason: impl ToString) -> Self {
        Self::Key { reason: reason.to_string() }
    }

    pub(crate) fn certificate(reason: impl ToString) -> Self {
        Self::Certificate { reason: reason.to_string() }
    }

    pub(crate) fn request(reason: impl ToString) -> Self {
        Self::Request { reason: reason.to_string() }
    }

    pub(crate) fn encoding(what: &'static str, reason: impl ToString) -> Self {
        Self::Encoding { what, reason: reason.to_string() }
    }
}
