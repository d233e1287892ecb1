//! Finds the passphrase that opens a key.

use std::sync::{Mutex, PoisonError};

use crate::passphrase::Secret;
use crate::{KeyPairError, Passphrase};

/// The passphrase that opened the key, if it can be had only once.
#[derive(Default)]
pub(super) struct Remembered(Mutex<Option<Secret>>);

impl Remembered {
    /// Opens what is locked with the passphrase from its source, or with the one from last time.
    ///
    /// `open` returns none for a wrong passphrase.
    pub(super) fn unlock<T>(
        &self,
        passphrase: Option<&Passphrase>,
        origin: &str,
        open: impl Fn(&[u8]) -> Result<Option<T>, KeyPairError>,
    ) -> Result<T, KeyPairError> {
        let origin = || origin.to_owned();
        let Some(passphrase) = passphrase else { return Err(KeyPairError::Encrypted { origin: origin() }) };
        // Held while somebody types, so that nobody is asked twice at once.
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = &*remembered {
            return open(secret.bytes())?.ok_or_else(|| KeyPairError::RenewedPassphrase { origin: origin() });
        }
        for attempt in 1..=passphrase.tries() {
            let secret = passphrase.read(&origin(), attempt)?;
            if let Some(opened) = open(secret.bytes())? {
                if passphrase.is_gone_after_use() {
                    *remembered = Some(secret);
                }
                return Ok(opened);
            }
        }
        Err(KeyPairError::WrongPassphrase {
            origin: origin(),
            given: passphrase.origin(),
            tries: passphrase.tries(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(passphrase: &[u8]) -> Result<Option<()>, KeyPairError> {
        Ok((passphrase == b"secret").then_some(()))
    }

    #[test]
    fn what_can_be_read_again_is_not_remembered() {
        let remembered = Remembered::default();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        let passphrase = Passphrase::file(&path);
        for (content, works) in [("secret\n", true), ("other", false), ("secret", true)] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(remembered.unlock(Some(&passphrase), "`f`", open).is_ok(), works, "{content}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_can_be_read_only_once_is_remembered() {
        use std::io::Write;
        use std::os::fd::AsRawFd;
        let remembered = Remembered::default();
        let (reader, mut writer) = std::io::pipe().unwrap();
        let passphrase = Passphrase::fd(reader.as_raw_fd().try_into().unwrap());
        writer.write_all(b"secret\n").unwrap();
        drop(writer);
        assert_eq!(remembered.unlock(Some(&passphrase), "`f`", open), Ok(()));
        assert_eq!(remembered.unlock(Some(&passphrase), "`f`", open), Ok(()), "the pipe is empty");
        let renewed = |_: &[u8]| Ok(None::<()>);
        let error = remembered.unlock(Some(&passphrase), "`f`", renewed).unwrap_err();
        assert_eq!(error, KeyPairError::RenewedPassphrase { origin: "`f`".into() });
    }

    #[test]
    fn a_wrong_one_is_told_apart_from_none() {
        let remembered = Remembered::default();
        let error = remembered.unlock(None, "`f`", open).unwrap_err();
        assert_eq!(error, KeyPairError::Encrypted { origin: "`f`".into() });
        let wrong = Passphrase::from_fn(|_| Ok::<_, String>("Secret"));
        let error = remembered.unlock(Some(&wrong), "`f`", open).unwrap_err().to_string();
        assert!(error.starts_with("the passphrase from the program does not open"), "{error}");
        assert!(!error.contains("Secret"), "{error}");
    }
}
