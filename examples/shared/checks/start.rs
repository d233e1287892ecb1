//! How the program starts, and how it refuses to. Included by the tests of each example.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use portcullis_pki::Authority;

use super::EXAMPLE;

/// A folder with good files, to which a test adds a bad one.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        let authority = Authority::new("Test CA").unwrap();
        let server = authority.server().issue().unwrap();
        files.write("ca.pem", authority.certificate_pem().unwrap());
        files.write("server.pem", server.chain_pem().unwrap());
        files.write("server.key", server.key_pem().unwrap());
        files.write("other.key", authority.server().issue().unwrap().key_pem().unwrap());
        files.write("empty.pem", "");
        files.write(
            "junk.pem",
            format!(
                "{}-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
                authority.certificate_pem().unwrap()
            ),
        );
        files
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, listen: &str, cert: &str, key: &str, ca: &str) -> Command {
        let mut command = Command::new(EXAMPLE);
        command.current_dir(self.path()).args([
            "--listen",
            listen,
            "--server-cert",
            cert,
            "--server-key",
            key,
        ]);
        command.args(["--client-ca", ca]).stdin(Stdio::null()).env("RUST_LOG", "off");
        command
    }
}

/// One line, naming what is wrong, and a status that is not success.
fn refuses(output: &Output, fragments: &[&str]) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it started: {error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    for fragment in fragments {
        assert!(error.contains(fragment), "`{fragment}` is missing in: {error}");
    }
    assert!(!String::from_utf8_lossy(&output.stdout).contains("listening"));
}

#[test]
fn bad_files_are_named_with_a_remedy() {
    let files = Files::new();
    for (cert, key, ca, fragments) in [
        ("absent.pem", "server.key", "ca.pem", ["absent.pem", "No such file"]),
        ("empty.pem", "server.key", "ca.pem", ["empty.pem", "empty"]),
        ("server.key", "server.key", "ca.pem", ["server.key", "certificate"]),
        ("server.pem", "absent.key", "ca.pem", ["absent.key", "No such file"]),
        ("server.pem", "empty.pem", "ca.pem", ["empty.pem", "empty"]),
        ("server.pem", "server.pem", "ca.pem", ["server.pem", "key"]),
        ("server.pem", "other.key", "ca.pem", ["other.key", "server.pem"]),
        ("server.pem", "server.key", "absent.pem", ["absent.pem", "No such file"]),
        ("server.pem", "server.key", "empty.pem", ["empty.pem", "empty"]),
        ("server.pem", "server.key", "junk.pem", ["junk.pem", "damaged"]),
        ("server.pem", "server.key", "server.key", ["server.key", "CERTIFICATE"]),
        ("server.pem", "server.key", "server.pem", ["server.pem", "authority"]),
    ] {
        let output = files.command("127.0.0.1:0", cert, key, ca).output().unwrap();
        refuses(&output, &fragments);
    }
}

#[test]
fn mistakes_in_a_policy_or_a_configuration_are_pictured() {
    let files = Files::new();
    files.write("policy.toml", "version = 1\n[[route]]\nmatch = 'GET /'\nalow = 'anyone'\n");
    files.write("good.toml", "version = 1\n");
    let configuration =
        "[server]\nlisten = '127.0.0.1:0'\ncertificate = 'server.pem'\nkey = 'server.key'\n[policy]\n";
    files.write("a.toml", format!("{configuration}file = 'policy.toml'\n"));
    files.write("b.toml", format!("{configuration}fiel = 'policy.toml'\n"));
    files.write("c.toml", format!("{configuration}file = 'good.toml'\ncandidate = 'absent.toml'\n"));
    for (flag, file, fragments) in [
        (
            "--policy",
            "policy.toml",
            ["error: the policy cannot be used\n", "policy.toml:4:1\n", "did you mean `allow`?"],
        ),
        (
            "--policy",
            "absent.toml",
            ["error: the policy cannot be used\n", "absent.toml", "there is no such file"],
        ),
        (
            "--config",
            "a.toml",
            ["error: the policy cannot be used\n", "policy.toml:4:1\n", "did you mean `allow`?"],
        ),
        (
            "--config",
            "b.toml",
            ["error: the configuration cannot be used\n", "b.toml:6:1\n", "did you mean `file`?"],
        ),
        (
            "--config",
            "c.toml",
            ["error: the policy cannot be used\n", "absent.toml", "there is no such file"],
        ),
    ] {
        let mut command = match flag {
            "--policy" => files.command("127.0.0.1:0", "server.pem", "server.key", "ca.pem"),
            _ => Command::new(EXAMPLE),
        };
        let output =
            command.current_dir(files.path()).args([flag, file]).env("RUST_LOG", "off").output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{flag} {file}: {error}");
        for fragment in fragments {
            assert!(error.contains(fragment), "`{fragment}` is missing in: {error}");
        }
    }
}

#[test]
fn an_address_in_use_is_named() {
    let files = Files::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = files.command(&address, "server.pem", "server.key", "ca.pem").output().unwrap();
    refuses(&output, &[&address, "in use"]);
}

#[test]
fn wrong_flags_are_explained() {
    let files = Files::new();
    for flags in [
        &["--client-auth", "maybe"][..],
        &["--listen", "nowhere"],
        &["--server-cert", "server.pem"],
        &[
            "--server-key",
            "server.key",
            "--server-key-passphrase-env",
            "A",
            "--server-key-passphrase-file",
            "f",
        ],
        &["--config", "a.toml", "--listen", "127.0.0.1:0"],
    ] {
        let output = Command::new(EXAMPLE).current_dir(files.path()).args(flags).output().unwrap();
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("--help"));
    }
}

/// Returns once somebody has dealt with a connection: from then on signals are heard, too.
fn answered(port: u16) {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connection.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer);
}

#[test]
fn it_serves_until_it_is_interrupted() {
    let files = Files::new();
    // without flags: the development PKI is made where the program is started
    let mut child = Command::new(EXAMPLE)
        .current_dir(files.path())
        .args(["--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let port = first.trim_end_matches('/').rsplit(':').next().unwrap().parse::<u16>();
    assert!(port.as_ref().is_ok_and(|port| *port > 0), "{first}");
    let shown: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with("3. ")).collect();
    for name in ["alice", "bob", "mallory", "expired"] {
        assert!(
            shown.iter().any(|line| line.starts_with("curl ") && line.contains(name)),
            "{name}: {shown:#?}"
        );
        for ending in ["pem", "key", "p12"] {
            assert!(files.path().join(format!("target/dev-pki/{name}.{ending}")).is_file());
        }
    }
    answered(port.unwrap());
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert!(child.wait().unwrap().success(), "an interrupt is a graceful end");
}
