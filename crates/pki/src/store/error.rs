//! Why a store could not do what it was asked.

use std::path::PathBuf;

use crate::PkiError;

/// Why a store could not do what it was asked.
///
/// No message contains key material or a passphrase.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A name that cannot be the name of a file everywhere.
    #[error("`{}` cannot be a name: {reason}", name.escape_debug())]
    Name {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A folder without a store in it.
    #[error("`{}` holds no certificates made by portcullis: `portcullis pki init` makes an authority", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that has an authority already.
    #[error("`{}` has an authority already: `portcullis pki reset` deletes it and all that it issued", path.display())]
    Begun {
        /// The folder.
        path: PathBuf,
    },
    /// Something that would be overwritten.
    #[error("`{}` exists: choose another name, or overwrite it with `--force`", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A name that was never issued here.
    #[error("`{}` was not issued here: the list tells what was", name.escape_debug())]
    Unknown {
        /// The name as given.
        name: String,
    },
    /// A name that a client has and a server too.
    #[error("`{}` is more than one: write `server/NAME`, `client/NAME` or `intermediate/NAME`", name.escape_debug())]
    Ambiguous {
        /// The name as given.
        name: String,
    },
    /// A name whose files are those of another name.
    #[error("`{}` would have the file `{}` of `{}`: choose another name", name.escape_debug(), path.display(), other.escape_debug())]
    Collides {
        /// The name as given.
        name: String,
        /// The name that has the file.
        other: String,
        /// The file.
        path: PathBuf,
    },
    /// An authority that issues nothing any more.
    #[error("`{}` cannot issue certificates: {reason}", name.escape_debug())]
    Closed {
        /// The authority.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// An authority whose key is needed for the certificates that it signed.
    #[error("`{}` signed {count} certificates that have not expired and could not be revoked without its key: choose another name, or renew it", name.escape_debug())]
    Orphans {
        /// The authority.
        name: String,
        /// How many there are.
        count: usize,
    },
    /// A passphrase that was not to be had, or that does not open the key.
    #[error("`{}` does not open: {reason}", path.display())]
    Locked {
        /// The file of the key.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file that is not what was once written.
    #[error("`{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate, key or file that could not be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
}

impl StoreError {
    pub(super) fn damaged(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::Damaged { path: path.into(), reason: reason.to_string() }
    }
}
