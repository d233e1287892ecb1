//! Asks whoever sits at the terminal.

use std::io::ErrorKind;

use super::{PassphraseError, Secret};

/// Asks for the passphrase of a key, without an echo. `attempt` counts from 1.
pub(super) fn ask(key: &str, attempt: usize, tries: usize) -> Result<Secret, PassphraseError> {
    match rpassword::prompt_password(question(key, attempt, tries)) {
        Ok(typed) => Ok(Secret::new(typed.into_bytes())),
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::Interrupted) => {
            Err(PassphraseError::Cancelled { key: key.into() })
        }
        Err(error) => Err(PassphraseError::NoTerminal { key: key.into(), reason: error.to_string() }),
    }
}

fn question(key: &str, attempt: usize, tries: usize) -> String {
    // The name of a file could move the cursor.
    let key = key.replace(char::is_control, "?");
    match attempt {
        1 => format!("passphrase of {key}: "),
        _ => format!("it does not open {key}; try {attempt} of {tries}\npassphrase of {key}: "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_names_the_file() {
        assert_eq!(question("`server.key`", 1, 3), "passphrase of `server.key`: ");
        let again = question("`a\u{1b}[2J`", 2, 3);
        assert_eq!(again, "it does not open `a?[2J`; try 2 of 3\npassphrase of `a?[2J`: ");
    }
}
