//! Runs OpenSSL, and builds a server of what it wrote.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use portcullis_tls::{KeyPair, Passphrase, ServerTls};
use tempfile::TempDir;

/// With a space, and with letters that have several bytes.
pub(crate) const PASSPHRASE: &str = "correct hörse";

/// Runs OpenSSL; `P` stands for the passphrase. False, said loudly, where it is not installed; in CI
/// that fails.
pub(crate) fn openssl(folder: &Path, line: &str) -> bool {
    let passphrase = format!("pass:{PASSPHRASE}");
    let arguments = line.split(' ').map(|word| if word == "P" { passphrase.as_str() } else { word });
    match Command::new("openssl").current_dir(folder).args(arguments).output() {
        Ok(output) => {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "openssl {line}: {error}");
            true
        }
        Err(error) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "`openssl` cannot be run, and CI skips nothing: {error}"
            );
            // not `eprintln!`, which the test harness keeps to itself
            let message = format!("SKIPPED, because `openssl` cannot be run: {line}\n");
            std::io::stderr().write_all(message.as_bytes()).unwrap();
            false
        }
    }
}

/// A folder with keys that are not encrypted, `rsa` and `ec`, and their certificates.
pub(crate) fn folder() -> Option<TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let made = openssl(path, "genpkey -algorithm RSA -out rsa")
        && openssl(path, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec")
        && openssl(path, "req -x509 -new -key rsa -subj /CN=localhost -days 365 -out rsa.pem")
        && openssl(path, "req -x509 -new -key ec -subj /CN=localhost -days 365 -out ec.pem");
    made.then_some(folder)
}

/// Whether a server can be built; the error if not.
pub(crate) fn build(key_pair: KeyPair) -> Result<(), String> {
    let shown = format!("{key_pair:?}");
    let outcome =
        ServerTls::builder(key_pair).build().map(drop).map_err(|error| format!("{error} {error:?}"));
    for text in [&shown, outcome.as_ref().err().unwrap_or(&shown)] {
        assert!(!text.contains("correct h") && !text.contains("battery"), "{text}");
    }
    outcome
}

/// A passphrase from the program.
pub(crate) fn given(passphrase: &str) -> Passphrase {
    let passphrase = passphrase.to_owned();
    Passphrase::from_fn(move |_| Ok::<_, String>(passphrase.clone()))
}
