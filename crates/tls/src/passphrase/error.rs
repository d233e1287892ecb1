//! Why there is no passphrase.

/// Why the passphrase of a key could not be had.
///
/// No variant ever holds a part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// Nobody can be asked.
    #[error(
        "the passphrase of {key} cannot be asked for, as there is no terminal: {reason}; let it come from a file, an environment variable or a file descriptor"
    )]
    NoTerminal {
        /// Which key.
        key: String,
        /// What the operating system says.
        reason: String,
    },
    /// Whoever was asked did not answer.
    #[error(
        "no passphrase was typed for {key}: start again, or let it come from a file, an environment variable or a file descriptor"
    )]
    Cancelled {
        /// Which key.
        key: String,
    },
    /// The environment variable is not set.
    #[error("the environment variable {variable} is not set: it has to hold the passphrase of {key}")]
    Unset {
        /// Its name in backticks, unless it may be the passphrase itself.
        variable: String,
        /// Which key.
        key: String,
    },
    /// There is nothing in it.
    #[error("the passphrase {given} is empty: it has to be the one of {key}")]
    Empty {
        /// Where it came from.
        given: String,
        /// Which key.
        key: String,
    },
    /// It is too long to be what it should be.
    #[error("the passphrase {given} for {key} has more than {limit} bytes: this is not what was meant")]
    TooLong {
        /// Where it came from.
        given: String,
        /// Which key.
        key: String,
        /// How many are accepted.
        limit: usize,
    },
    /// The file or file descriptor cannot be read.
    #[error("the passphrase {given} for {key} cannot be read: {reason}")]
    Unreadable {
        /// Where it should have come from.
        given: String,
        /// Which key.
        key: String,
        /// What the operating system says.
        reason: String,
    },
    /// The function of the program failed.
    #[error("the program has no passphrase for {key}: {reason}")]
    Function {
        /// Which key.
        key: String,
        /// What the function says.
        reason: String,
    },
}
