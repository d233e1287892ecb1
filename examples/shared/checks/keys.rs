//! Keys made by OpenSSL open the server: typed at a terminal, from the environment and from a file.
//! Included by the tests of each example.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use rexpect::session::spawn_command;

use super::EXAMPLE;

const PASSPHRASE: &str = "correct horse";
/// For slow machines; nothing waits for it to pass.
const PATIENCE: Option<u64> = Some(60_000);

/// What makes the file `key` of a folder, a word of the file's name, and its ending.
const KINDS: [(&str, &str, &str); 12] = [
    ("genpkey", "key", "genpkey -algorithm RSA -aes256 -pass P -out key"),
    ("genrsa-aes256-traditional", "key", "genrsa -aes256 -traditional -passout P -out key 2048"),
    ("genrsa-des3-traditional", "key", "genrsa -des3 -traditional -passout P -out key 2048"),
    ("rsa-aes256-traditional", "key", "rsa -in plain -aes256 -traditional -passout P -out key"),
    ("ec-aes256", "key", "ec -in ec -aes256 -passout P -out key"),
    ("v2-aes-256-cbc", "key", "pkcs8 -topk8 -in plain -v2 aes-256-cbc -passout P -out key"),
    ("v2-aes-128-cbc-der", "key", "pkcs8 -topk8 -in ec -v2 aes-128-cbc -outform DER -passout P -out key"),
    ("scrypt", "key", "pkcs8 -topk8 -in plain -scrypt -passout P -out key"),
    ("v2-des3", "key", "pkcs8 -topk8 -in plain -v2 des3 -passout P -out key"),
    ("v2prf-sha1", "key", "pkcs8 -topk8 -in ec -v2 aes-256-cbc -v2prf hmacWithSHA1 -passout P -out key"),
    ("bundle", "p12", "pkcs12 -export -inkey plain -in plain.pem -passout P -out key"),
    ("bundle-legacy", "p12", "pkcs12 -export -legacy -inkey plain -in plain.pem -passout P -out key"),
];

/// Runs OpenSSL. False, said loudly, where it is not installed; in CI that fails.
fn openssl(folder: &Path, line: &str) -> bool {
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

/// A folder with keys that are not encrypted, and the authority of the clients.
fn folder() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let made = openssl(folder.path(), "genpkey -algorithm RSA -out plain")
        && openssl(folder.path(), "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec");
    for key in ["plain", "ec"] {
        if made {
            certify(folder.path(), key);
        }
    }
    let authority = portcullis_pki::Authority::new("Test CA").unwrap();
    fs::write(folder.path().join("ca.pem"), authority.certificate_pem().unwrap()).unwrap();
    fs::write(folder.path().join("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
    made.then_some(folder)
}

/// Writes a certificate for a key beside it.
fn certify(folder: &Path, key: &str) {
    let line = format!("req -x509 -new -key {key} -passin P -subj /CN=localhost -days 365 -out {key}.pem");
    openssl(folder, &line);
}

fn server(folder: &Path, key: &str, flags: &[&str]) -> Command {
    let mut command = Command::new(EXAMPLE);
    command.current_dir(folder).args([
        "--listen",
        "127.0.0.1:0",
        "--client-ca",
        "ca.pem",
        "--server-key",
        key,
    ]);
    if !key.ends_with(".p12") {
        command.args(["--server-cert", &format!("{key}.pem")]);
    }
    command.args(flags).env("KEY_PASSPHRASE", PASSPHRASE).env("RUST_LOG", "off");
    command
}

fn starts(mut command: Command, kind: &str) {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let _ = child.kill();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(first.starts_with("listening on "), "{kind}: {first}{error}");
    assert!(!error.contains(PASSPHRASE));
}

#[test]
fn every_kind_of_key_opens_the_server() {
    let Some(folder) = folder() else { return };
    let folder = folder.path();
    for (kind, ending, line) in KINDS {
        assert!(openssl(folder, line));
        let key = format!("{kind}.{ending}");
        fs::rename(folder.join("key"), folder.join(&key)).unwrap();
        if ending == "key" {
            certify(folder, &key);
        }
        starts(server(folder, &key, &["--server-key-passphrase-env", "KEY_PASSPHRASE"]), kind);
        starts(server(folder, &key, &["--server-key-passphrase-file", "passphrase"]), kind);

        let mut terminal = spawn_command(server(folder, &key, &[]), PATIENCE).unwrap();
        terminal.exp_string(&format!("passphrase of `{key}`: ")).unwrap();
        terminal.send_line(PASSPHRASE).unwrap();
        let shown = terminal.exp_string("listening on ").unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert!(!shown.contains(PASSPHRASE), "{kind}: it is echoed in {shown}");
    }
}

#[test]
fn three_tries_at_the_terminal_are_all() {
    let Some(folder) = folder() else { return };
    let folder = folder.path();
    openssl(folder, "pkcs8 -topk8 -in plain -v2 aes256 -passout P -out secret.key");
    certify(folder, "secret.key");
    let mut terminal = spawn_command(server(folder, "secret.key", &[]), PATIENCE).unwrap();
    for (attempt, typed) in [(1, "battery staple"), (2, ""), (3, PASSPHRASE)] {
        if attempt > 1 {
            terminal.exp_string(&format!("it does not open `secret.key`; try {attempt} of 3")).unwrap();
        }
        terminal.exp_string("passphrase of `secret.key`: ").unwrap();
        terminal.send_line(typed).unwrap();
    }
    terminal.exp_string("listening on ").unwrap();

    let mut terminal = spawn_command(server(folder, "secret.key", &[]), PATIENCE).unwrap();
    for _ in 0..3 {
        terminal.exp_string("passphrase of `secret.key`: ").unwrap();
        terminal.send_line("battery staple").unwrap();
    }
    let last = terminal.exp_eof().unwrap();
    let status = terminal.process().wait().unwrap();
    let status = format!("{status:?}");
    assert!(status.starts_with("Exited(") && !status.ends_with(", 0)"), "{status}");
    assert!(
        last.contains("error: the server cannot start: the passphrase typed at the terminal does not open the private key in `secret.key` after 3 tries"),
        "{last}"
    );
    assert!(!last.contains("battery"), "{last}");
}

#[test]
fn without_a_terminal_the_alternatives_are_named() {
    let Some(folder) = folder() else { return };
    openssl(folder.path(), "pkcs8 -topk8 -in plain -v2 aes256 -passout P -out secret.key");
    certify(folder.path(), "secret.key");
    let run = |flags: &[&str]| {
        let server = server(folder.path(), "secret.key", flags);
        // a session of its own has no terminal
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(server.get_program()).args(server.get_args());
        command.current_dir(folder.path()).env("RUST_LOG", "off").stdin(Stdio::null());
        let output = command.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    };
    let error = run(&[]);
    for part in ["`secret.key`", "there is no terminal", "a file, an environment variable"] {
        assert!(error.contains(part), "`{part}` is missing in {error}");
    }
    let error = run(&["--server-key-passphrase-env", "KEY_PASSPHRASE_OF_NOBODY"]);
    assert!(error.contains("`KEY_PASSPHRASE_OF_NOBODY` is not set"), "{error}");
    fs::write(folder.path().join("empty"), "\n").unwrap();
    let error = run(&["--server-key-passphrase-file", "empty"]);
    assert!(error.contains("the passphrase in `empty` is empty"), "{error}");
    fs::write(folder.path().join("wrong"), "battery staple\n").unwrap();
    let error = run(&["--server-key-passphrase-file", "wrong"]);
    assert!(error.contains("in `wrong` does not open") && !error.contains("battery"), "{error}");
}

#[test]
fn a_key_alone_or_a_bundle_with_a_certificate_is_refused() {
    let Some(folder) = folder() else { return };
    openssl(folder.path(), "pkcs12 -export -inkey plain -in plain.pem -passout P -out plain.p12");
    for flags in
        [&["--server-key", "plain"][..], &["--server-key", "plain.p12", "--server-cert", "plain.pem"]]
    {
        let output = Command::new(EXAMPLE).current_dir(folder.path()).args(flags).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains("PKCS#12"), "{error}");
    }
}
