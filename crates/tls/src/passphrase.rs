//! Where the passphrase of an encrypted key comes from.

mod error;
mod secret;
mod terminal;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use self::error::PassphraseError;
pub(crate) use self::secret::Secret;

/// OpenSSL takes no more than 1024.
const MOST_BYTES: usize = 4096;

/// How often somebody may mistype.
const TRIES: usize = 3;

/// Where the passphrase of an encrypted key comes from.
///
/// It never comes from the command line, which everybody on the machine can read. Nothing is read
/// before the key is. What was read is overwritten in memory after use, and is in no message, log
/// or `Debug`.
///
/// A key is also read when it is loaded again. An environment variable, a file and a function are
/// then asked again. What was typed or came from a file descriptor can be had only once, and is
/// kept in memory for that: if the renewed key has another passphrase, the server must be
/// restarted.
///
/// # Security
///
/// If others can read the file or the environment that it comes from, then they can read the key
/// and pose as this server.
///
/// # Examples
///
/// ```
/// use portcullis_tls::{KeyPair, Passphrase, ServerTls};
///
/// # let server = portcullis_pki::Authority::new("Example CA")?.server().issue()?;
/// # let dir = tempfile::tempdir()?;
/// # let path = |name: &str| dir.path().join(name);
/// # std::fs::write(path("server.pem"), server.chain_pem()?)?;
/// # std::fs::write(path("server.key"), server.encrypted_key_pem("correct horse")?)?;
/// # std::fs::write(path("passphrase"), "correct horse\n")?;
/// let key_pair = || KeyPair::from_pem_files(path("server.pem"), path("server.key"));
///
/// let unlocked = key_pair().passphrase(Passphrase::file(path("passphrase")));
/// assert!(ServerTls::builder(unlocked).build().is_ok());
///
/// let wrong = key_pair().passphrase(Passphrase::from_fn(|_| Ok::<_, String>("battery staple")));
/// let refused = ServerTls::builder(wrong).build().unwrap_err();
/// assert!(refused.to_string().contains("does not open"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Passphrase(Source);

enum Source {
    Terminal,
    Variable(String),
    File(PathBuf),
    Descriptor(u32),
    Function(Function),
}

type Function = Box<dyn Fn(&str) -> Result<Secret, String> + Send + Sync>;

impl Passphrase {
    /// Whoever starts the server types it, without an echo, and has three tries.
    ///
    /// The terminal of the process is asked, even if its input and output are redirected. It is told
    /// which file is to be opened.
    #[must_use]
    pub fn prompt() -> Self {
        Self(Source::Terminal)
    }

    /// An environment variable has it.
    ///
    /// The administrator of the machine and the processes of the same user can read the environment
    /// of a process. A file can be kept for the server alone.
    #[must_use]
    pub fn env(variable: impl Into<String>) -> Self {
        Self(Source::Variable(variable.into()))
    }

    /// A file has it. One line break at its end does not belong to it.
    ///
    /// A file that everybody can read is used, with a warning in the log.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// A file descriptor that the process was started with has it, as in `server 3< passphrase`.
    ///
    /// One line break at its end does not belong to it. Only on Unix.
    #[must_use]
    pub fn fd(number: u32) -> Self {
        Self(Source::Descriptor(number))
    }

    /// A function gets it, such as from a vault; it is told which key is to be opened.
    ///
    /// It is called where the key is loaded, and may block there. What its error says is shown to the
    /// operator.
    #[must_use]
    pub fn from_fn<P, E>(function: impl Fn(&str) -> Result<P, E> + Send + Sync + 'static) -> Self
    where
        P: Into<Vec<u8>>,
        E: fmt::Display,
    {
        Self(Source::Function(Box::new(move |key| match function(key) {
            Ok(passphrase) => Ok(Secret::new(passphrase.into())),
            Err(error) => Err(error.to_string()),
        })))
    }

    /// How often it may be read for one key.
    pub(crate) fn tries(&self) -> usize {
        if matches!(self.0, Source::Terminal) { TRIES } else { 1 }
    }

    /// The file that it is read from each time.
    pub(crate) fn followed_file(&self) -> Option<&Path> {
        match &self.0 {
            Source::File(path) => Some(path),
            _ => None,
        }
    }

    /// Whether it can be read only once, and has to be kept for the next time.
    pub(crate) fn is_gone_after_use(&self) -> bool {
        matches!(self.0, Source::Terminal | Source::Descriptor(_))
    }

    /// Reads the passphrase of a key. `attempt` counts from 1.
    pub(crate) fn read(&self, key: &str, attempt: usize) -> Result<Secret, PassphraseError> {
        let secret = match &self.0 {
            // An empty line is a try, as at any other prompt.
            Source::Terminal => return terminal::ask(key, attempt, TRIES),
            Source::Variable(variable) => match std::env::var_os(variable) {
                Some(value) => Secret::new(value.into_encoded_bytes()).without_line_break(),
                None => return Err(PassphraseError::Unset { variable: shown(variable), key: key.into() }),
            },
            Source::File(path) => {
                warn_if_readable(path);
                self.read_file(path, key)?
            }
            Source::Descriptor(number) => self.read_descriptor(*number, key)?,
            Source::Function(function) => {
                function(key).map_err(|reason| PassphraseError::Function { key: key.into(), reason })?
            }
        };
        if secret.bytes().is_empty() {
            return Err(PassphraseError::Empty { given: self.origin(), key: key.into() });
        }
        if secret.bytes().len() > MOST_BYTES {
            return Err(PassphraseError::TooLong {
                given: self.origin(),
                key: key.into(),
                limit: MOST_BYTES,
            });
        }
        Ok(secret)
    }

    /// Where it comes from, for a message.
    pub(crate) fn origin(&self) -> String {
        match &self.0 {
            Source::Terminal => "typed at the terminal".into(),
            Source::Variable(variable) => format!("in the environment variable {}", shown(variable)),
            Source::File(path) => format!("in {}", crate::pem::name(path)),
            Source::Descriptor(number) => format!("from file descriptor {number}"),
            Source::Function(_) => "from the program".into(),
        }
    }

    #[cfg(unix)]
    fn read_descriptor(&self, number: u32, key: &str) -> Result<Secret, PassphraseError> {
        // Taking over the descriptor itself could not be done safely.
        self.read_file(Path::new(&format!("/dev/fd/{number}")), key)
    }

    #[cfg(not(unix))]
    fn read_descriptor(&self, _number: u32, key: &str) -> Result<Secret, PassphraseError> {
        let reason = "this system hands on no file descriptors".into();
        Err(PassphraseError::Unreadable { given: self.origin(), key: key.into(), reason })
    }

    fn read_file(&self, path: &Path, key: &str) -> Result<Secret, PassphraseError> {
        match bytes(path) {
            Ok(secret) => Ok(secret.without_line_break()),
            Err(error) => Err(PassphraseError::Unreadable {
                given: self.origin(),
                key: key.into(),
                reason: error.to_string(),
            }),
        }
    }
}

/// Shows where it comes from.
impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Passphrase").field(&self.origin()).finish()
    }
}

/// The content of a file, up to a few bytes more than a passphrase can have.
fn bytes(path: &Path) -> io::Result<Secret> {
    // For a passphrase that is just short enough, its line break, and one to see that there is more.
    let most = MOST_BYTES + 3;
    // A buffer that grew would leave copies behind.
    let mut secret = Secret::new(Vec::with_capacity(most + 32));
    File::open(path)?.take(most as u64).read_to_end(secret.buffer())?;
    Ok(secret)
}

#[cfg(unix)]
fn warn_if_readable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0) {
        tracing::warn!(
            target: "portcullis::tls",
            "everybody on this machine can read the passphrase in {name}: take that away with `chmod o-r`",
            name = crate::pem::name(path)
        );
    }
}

#[cfg(not(unix))]
fn warn_if_readable(_path: &Path) {}

/// The name of a variable. Somebody may have passed the passphrase itself, which is not told.
fn shown(variable: &str) -> String {
    let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if variable.len() <= 64 && variable.bytes().all(is_name) {
        format!("`{variable}`")
    } else {
        "that was named".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(passphrase: &Passphrase) -> Result<Vec<u8>, PassphraseError> {
        passphrase.read("`server.key`", 1).map(|secret| secret.bytes().to_vec())
    }

    #[test]
    fn one_line_break_at_the_end_is_not_a_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        for (content, expected) in [
            (&b"secret"[..], &b"secret"[..]),
            (b"secret\n", b"secret"),
            (b"secret\r\n", b"secret"),
            (b"secret\n\n", b"secret\n"),
            (b" secret \n", b" secret "),
            (b"\xff\xfe\0\n", b"\xff\xfe\0"),
            (&[[b'a'; MOST_BYTES].as_slice(), b"\r\n"].concat(), &[b'a'; MOST_BYTES]),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(read(&Passphrase::file(&path)).as_deref(), Ok(expected));
        }
        for content in [&b""[..], b"\n", b"\r\n"] {
            std::fs::write(&path, content).unwrap();
            assert!(matches!(read(&Passphrase::file(&path)), Err(PassphraseError::Empty { .. })));
        }
        for length in [MOST_BYTES + 1, 100_000] {
            std::fs::write(&path, vec![b'a'; length]).unwrap();
            assert!(matches!(read(&Passphrase::file(&path)), Err(PassphraseError::TooLong { .. })));
        }
        assert!(matches!(read(&Passphrase::file(folder.path())), Err(PassphraseError::Unreadable { .. })));
    }

    #[test]
    fn what_cannot_be_had_is_an_error() {
        let error = read(&Passphrase::env("PORTCULLIS_TEST_UNSET")).unwrap_err();
        assert!(error.to_string().contains("`PORTCULLIS_TEST_UNSET` is not set"), "{error}");
        // The passphrase in the place of the name.
        for variable in ["hunter2", "a=b", "", "a\0b"] {
            let error = read(&Passphrase::env(variable)).unwrap_err();
            assert!(variable.is_empty() || !error.to_string().contains(variable), "{error}");
        }
        let error = read(&Passphrase::from_fn(|_| Err::<String, _>("the vault is sealed"))).unwrap_err();
        assert!(error.to_string().ends_with(": the vault is sealed"), "{error}");
        let empty = Passphrase::from_fn(|_| Ok::<_, String>(""));
        assert!(matches!(read(&empty), Err(PassphraseError::Empty { .. })));
    }

    #[test]
    fn a_function_is_told_which_key() {
        let passphrase = Passphrase::from_fn(|key| Ok::<_, String>(format!("for {key}")));
        assert_eq!(read(&passphrase).as_deref(), Ok(&b"for `server.key`"[..]));
        assert_eq!(format!("{passphrase:?}"), r#"Passphrase("from the program")"#);
    }
}
