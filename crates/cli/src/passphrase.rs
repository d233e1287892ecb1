//! Where passphrases come from: never from the command line, which everybody on the machine can read.

use std::{fs, path::Path};

use portcullis_tls::Passphrase;

use crate::outcome::Failure;

/// Letters and digits that nobody takes for one another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Prompt,
    Variable(String),
    File(String),
}

impl Source {
    /// Reads a flag. What it cannot read is not repeated: it may be a passphrase.
    pub(crate) fn parse(flag: &str, text: &str) -> Result<Self, Failure> {
        match text.split_once(':') {
            None if text == "prompt" => Ok(Self::Prompt),
            Some(("env", name)) if !name.is_empty() => Ok(Self::Variable(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.to_owned())),
            _ => Err(Failure::Input(format!(
                "--{flag} tells where the passphrase is, not what it is: write `prompt`, `env:VARIABLE` or \
                 `file:FILE`"
            ))),
        }
    }

    /// The passphrase of something that exists, named by `what`.
    pub(crate) fn read(&self, what: &str) -> Result<String, String> {
        let passphrase = match self {
            Self::Prompt => ask(&format!("passphrase of {what}: "))?,
            Self::Variable(name) => {
                std::env::var(name).map_err(|error| format!("environment variable `{name}`: {error}"))?
            }
            Self::File(path) => {
                let text = fs::read_to_string(path).map_err(|error| format!("`{path}`: {error}"))?;
                let line = text.strip_suffix('\n').unwrap_or(&text);
                line.strip_suffix('\r').unwrap_or(line).to_owned()
            }
        };
        if passphrase.is_empty() { Err("the passphrase is empty".to_owned()) } else { Ok(passphrase) }
    }

    /// The same source, for a key that the TLS library opens.
    pub(crate) fn passphrase(&self) -> Passphrase {
        match self {
            Self::Prompt => Passphrase::prompt(),
            Self::Variable(name) => Passphrase::env(name),
            Self::File(path) => Passphrase::file(path),
        }
    }

    /// The passphrase of something to be made; one that is typed is typed twice.
    pub(crate) fn choose(&self, what: &str) -> Result<String, Failure> {
        let failed = |reason| Failure::Input(format!("no passphrase for {what}: {reason}"));
        let passphrase = self.read(what).map_err(failed)?;
        if *self == Self::Prompt
            && ask(&format!("once more, passphrase of {what}: ")).map_err(failed)? != passphrase
        {
            return Err(failed("the two are not the same".to_owned()));
        }
        Ok(passphrase)
    }
}

/// A source, if the flag is there.
pub(crate) fn source(flag: &str, text: Option<&str>) -> Result<Option<Source>, Failure> {
    text.map(|text| Source::parse(flag, text)).transpose()
}

/// The passphrase of a new key, if the flag is there.
pub(crate) fn chosen(flag: &str, text: Option<&str>, what: &str) -> Result<Option<String>, Failure> {
    source(flag, text)?.map(|source| source.choose(what)).transpose()
}

/// What opens keys that are encrypted: the source of the flag, or whoever sits at the terminal.
pub(crate) fn unlock(
    flag: &str,
    text: Option<&str>,
) -> Result<impl FnMut(&Path) -> Result<String, String> + use<>, Failure> {
    let source = source(flag, text)?;
    let flag = flag.to_owned();
    Ok(move |path: &Path| match &source {
        Some(source) => source.read(&path.display().to_string()),
        None => Source::Prompt
            .read(&path.display().to_string())
            .map_err(|reason| format!("it is encrypted: give --{flag} ({reason})")),
    })
}

/// The passphrase of a bundle; whoever sits at the terminal is asked if the flag is not there.
pub(crate) fn of_bundle(text: Option<&str>, path: &Path) -> Result<String, Failure> {
    let mut unlock = unlock("p12-passphrase", text)?;
    unlock(path).map_err(|reason| Failure::Input(format!("no passphrase for `{}`: {reason}", path.display())))
}

/// A passphrase that nobody guesses: 100 random bits.
pub(crate) fn generate() -> Result<String, Failure> {
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Other(format!("the system gives no random bytes: {error}")))?;
    let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
    let mut passphrase = String::new();
    for (place, letter) in letters.enumerate() {
        if place > 0 && place % 5 == 0 {
            passphrase.push('-');
        }
        passphrase.push(char::from(*letter));
    }
    Ok(passphrase)
}

fn ask(question: &str) -> Result<String, String> {
    // The name of a file could move the cursor.
    rpassword::prompt_password(question.replace(char::is_control, "?"))
        .map_err(|error| format!("nobody can be asked: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_on_the_command_line_is_refused_and_not_repeated() {
        for text in ["hunter2", "env:", "file:", "pass:hunter2", "", "prompt:hunter2"] {
            let error = Source::parse("ca-passphrase", text).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert_eq!(Source::parse("x", "env:A").unwrap(), Source::Variable("A".to_owned()));
        assert_eq!(Source::parse("x", "file:a:b").unwrap(), Source::File("a:b".to_owned()));
    }

    #[test]
    fn generated_passphrases_differ() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 23);
    }

    #[test]
    fn one_line_break_does_not_belong_to_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |content: &str| {
            fs::write(file.path(), content).unwrap();
            Source::File(file.path().display().to_string()).read("x")
        };
        assert_eq!(read("a b\r\n"), Ok("a b".to_owned()));
        assert_eq!(read("a\n\n"), Ok("a\n".to_owned()));
        assert!(read("").is_err());
        assert!(read("\n").is_err());
    }
}
