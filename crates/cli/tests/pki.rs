//! What `portcullis pki` leaves on the disk, whatever happens to it.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use tempfile::TempDir;

fn portcullis(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.current_dir(folder).arg("pki").stdin(Stdio::null());
    command
}

fn pki(folder: &Path, arguments: &[&str]) -> Output {
    portcullis(folder).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = pki(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    text(&output)
}

fn fails(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = pki(folder, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output));
    text(&output)
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    succeeds(folder.path(), &["init"]);
    folder
}

/// How many lines the index has; each is a whole document.
fn index(folder: &Path) -> usize {
    let text = fs::read_to_string(folder.join("pki/index.jsonl")).unwrap();
    text.lines()
        .inspect(|line| assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}"))
        .count()
}

#[test]
fn runs_at_once_lose_nothing() {
    let folder = folder();
    let children: Vec<_> = (0..12)
        .map(|number| {
            let mut command = portcullis(folder.path());
            command.args(["client", &format!("client{number}"), "--no-p12"]).stdout(Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(index(folder.path()), 13);
    for number in 0..12 {
        assert!(folder.path().join(format!("pki/client/client{number}.pem")).is_file());
    }
}

#[test]
fn one_of_two_first_runs_makes_the_authority() {
    let folder = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..4)
        .map(|_| {
            portcullis(folder.path()).arg("init").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let made = children.into_iter().map(|mut child| child.wait().unwrap()).filter(|status| status.success());
    assert_eq!(made.count(), 1);
    succeeds(folder.path(), &["client", "alice", "--no-p12"]);
}

#[test]
fn whoever_is_killed_leaves_a_store_that_works() {
    let folder = folder();
    let mut killed = 0;
    for delay in 0..40 {
        let mut command = portcullis(folder.path());
        command.args(["client", "alice", "--force"]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        index(folder.path());
    }
    assert!(killed > 0, "nobody was killed in time");
    succeeds(folder.path(), &["client", "alice", "--force"]);
    // certificate and key belong together, or the bundle could not be made
    succeeds(folder.path(), &["p12", "alice"]);
    succeeds(folder.path(), &["revoke", "alice"]);
    let rest: Vec<_> = fs::read_dir(folder.path().join("pki/client"))
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert_eq!(rest.len(), 3, "{rest:?}");
}

#[test]
fn private_files_are_private_under_any_umask() {
    for umask in ["000", "022", "077"] {
        let folder = tempfile::tempdir().unwrap();
        let script = format!(
            "umask {umask} && $0 pki init && $0 pki intermediate team && $0 pki server localhost && $0 pki client alice"
        );
        let mut command = Command::new("sh");
        command.current_dir(folder.path()).args(["-c", &script, env!("CARGO_BIN_EXE_portcullis")]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        let mode = |path: &str| {
            fs::metadata(folder.path().join("pki").join(path)).unwrap().permissions().mode() & 0o777
        };
        for file in [
            "ca.key",
            "intermediate/team.key",
            "server/localhost.key",
            "client/alice.key",
            "client/alice.p12",
        ] {
            assert_eq!(mode(file), 0o600, "{file} under {umask}");
        }
        for folder in ["", "intermediate", "server", "client"] {
            assert_eq!(mode(folder), 0o700, "{folder} under {umask}");
        }
    }
}

#[test]
fn a_full_disk_changes_nothing() {
    let folder = folder();
    succeeds(folder.path(), &["client", "alice", "--no-p12"]);
    let state = || {
        ["pki/index.jsonl", "pki/client/alice.pem", "pki/client/alice.key"]
            .map(|file| fs::read(folder.path().join(file)).unwrap())
    };
    let before = state();
    // no file may have a byte; the signal is ignored, so that writing fails as on a full disk
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" pki client alice --force --no-p12";
    let output = Command::new("sh")
        .current_dir(folder.path())
        .args(["-c", script, env!("CARGO_BIN_EXE_portcullis")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("index.jsonl"), "{}", text(&output));
    assert_eq!(state(), before);
    assert!(!folder.path().join("pki/index.jsonl.new").exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let told = fails(folder.path(), &["--dir", "file/pki", "init"], 1);
    assert!(told.contains("file"), "{told}");
}

#[test]
fn files_of_others_are_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("pki")).unwrap();
    let ca = folder.path().join("pki/ca.pem");
    fs::write(&ca, "mine").unwrap();
    fails(folder.path(), &["init"], 3);
    fails(folder.path(), &["reset", "--yes"], 3);
    assert_eq!(fs::read_to_string(&ca).unwrap(), "mine");
}

#[test]
fn reset_leaves_what_it_did_not_make() {
    let folder = folder();
    succeeds(folder.path(), &["client", "alice"]);
    let notes = folder.path().join("pki/client/notes.txt");
    fs::write(&notes, "mine").unwrap();
    succeeds(folder.path(), &["reset", "--yes"]);
    assert!(notes.is_file());
    assert!(!folder.path().join("pki/client/alice.key").exists());
    assert!(!folder.path().join("pki/ca.key").exists());
    succeeds(folder.path(), &["init"]);
}

#[test]
fn renewal_keeps_the_key_unless_told_otherwise() {
    let folder = folder();
    succeeds(folder.path(), &["client", "alice", "--no-p12"]);
    let read = |file: &str| fs::read(folder.path().join("pki/client").join(file)).unwrap();
    let (certificate, key) = (read("alice.pem"), read("alice.key"));
    succeeds(folder.path(), &["renew", "alice"]);
    assert_ne!(read("alice.pem"), certificate);
    assert_eq!(read("alice.key"), key);
    succeeds(folder.path(), &["renew", "alice", "--new-key"]);
    assert_ne!(read("alice.key"), key);
    let list = succeeds(folder.path(), &["list"]);
    assert_eq!(list.matches("replaced").count(), 2, "{list}");
}

#[test]
fn keys_are_encrypted_on_request_and_stay_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("ca.pass"), "correct horse\n").unwrap();
    fs::write(path.join("wrong.pass"), "battery staple\n").unwrap();
    fs::write(path.join("empty.pass"), "\n").unwrap();
    fails(path, &["init", "--ca-passphrase", "file:empty.pass"], 3);
    succeeds(path, &["init", "--ca-passphrase", "file:ca.pass"]);
    let key = |file: &str| fs::read_to_string(path.join("pki").join(file)).unwrap();
    assert!(key("ca.key").starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));

    let wrong = fails(path, &["client", "alice", "--ca-passphrase", "file:wrong.pass"], 3);
    assert!(wrong.contains("the passphrase is wrong") && !wrong.contains("battery"), "{wrong}");
    let ca = ["--ca-passphrase", "file:ca.pass"];
    succeeds(path, &[&["client", "alice", "--key-passphrase", "file:ca.pass"], &ca[..]].concat());
    assert!(key("client/alice.key").starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    fails(path, &[&["client", "bob", "--p12-passphrase", "file:empty.pass"], &ca[..]].concat(), 3);
    // a revocation that no list tells of would do nothing
    fails(path, &["revoke", "alice", "--ca-passphrase", "file:wrong.pass"], 3);
    assert!(!succeeds(path, &["list"]).contains("revoked"));

    let renewed = [&["renew", "alice", "--new-key"], &ca[..]].concat();
    assert!(fails(path, &renewed, 3).contains("--key-passphrase"));
    let renewed = [&renewed[..], &["--key-passphrase", "file:ca.pass"]].concat();
    succeeds(path, &renewed);
    assert!(key("client/alice.key").starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
}

#[test]
fn an_index_that_was_tampered_with_is_refused() {
    let folder = folder();
    let index = folder.path().join("pki/index.jsonl");
    let good = fs::read_to_string(&index).unwrap();
    let evil = good.replace("\"root\"", "\"client\"").replace("\"ca\"", "\"../../evil\"");
    assert_ne!(evil, good);
    let half: String = good.chars().take(good.len() / 2).collect();
    let named = good.replace("\"name\":\"ca\"", "\"name\":\"\\u001b[2J\"");
    let orphan = good.replace("\"issuer\":\"ca\"", "\"issuer\":\"intermediate/x\"");
    assert!(named != good && orphan != good);
    for bad in ["{", "null", "[]", &evil, &half, &named, &orphan] {
        fs::write(&index, bad).unwrap();
        let told = fails(folder.path(), &["reset", "--yes"], 1);
        assert!(told.contains("line 1"), "{told}");
    }
}

#[test]
fn a_request_is_named_after_its_file() {
    let folder = folder();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "admin");
    let request = params.serialize_request(&key).unwrap();
    fs::write(folder.path().join("dave.csr"), request.der()).unwrap();
    let made = succeeds(folder.path(), &["csr", "sign", "dave.csr"]);
    assert!(made.starts_with("made pki/client/dave.pem\n  CN=dave, "), "{made}");
    assert!(made.contains("not taken from the request: subject"), "{made}");

    let mut command = portcullis(folder.path());
    let file = fs::File::open(folder.path().join("dave.csr")).unwrap();
    let output = command.args(["csr", "sign", "-"]).stdin(file).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).contains("give one with `--name`"), "{}", text(&output));
    fs::rename(folder.path().join("dave.csr"), folder.path().join("a b.csr")).unwrap();
    assert!(fails(folder.path(), &["csr", "sign", "a b.csr"], 3).contains("cannot be a name"));
    succeeds(folder.path(), &["csr", "sign", "a b.csr", "--name", "erin"]);
}

#[test]
fn what_was_revoked_is_not_revived() {
    let folder = folder();
    let path = folder.path();
    succeeds(path, &["client", "alice", "--no-p12"]);
    succeeds(path, &["intermediate", "ops"]);
    succeeds(path, &["client", "bob", "--issuer", "ops", "--no-p12"]);
    let read = |file: &str| fs::read(path.join("pki").join(file)).unwrap();
    succeeds(path, &["revoke", "alice", "--reason", "key-compromise"]);
    succeeds(path, &["revoke", "ops"]);
    let before = (read("client/alice.pem"), read("intermediate/ops.pem"), read("index.jsonl"));
    assert!(fails(path, &["renew", "alice"], 3).contains("--new-key"));
    for new_key in [&[][..], &["--new-key"]] {
        assert!(fails(path, &[&["renew", "ops"], new_key].concat(), 3).contains("is revoked"));
        assert!(fails(path, &[&["renew", "bob"], new_key].concat(), 3).contains("is revoked"));
    }
    for arguments in [
        &["client", "eve", "--issuer", "ops"][..],
        &["server", "eve.test", "--issuer", "ops"],
        &["intermediate", "below", "--issuer", "ops"],
    ] {
        let told = fails(path, arguments, 3);
        assert!(told.contains("`intermediate/ops` cannot issue certificates: it is revoked"), "{told}");
    }
    assert_eq!((read("client/alice.pem"), read("intermediate/ops.pem"), read("index.jsonl")), before);
    let list = succeeds(path, &["list"]);
    let of = |name: &str| list.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(of("client/bob").contains("issuer-revoked"), "{list}");
    assert!(of("intermediate/ops").contains(" revoked"), "{list}");

    let key = read("client/alice.key");
    succeeds(path, &["renew", "alice", "--new-key"]);
    assert_ne!(read("client/alice.key"), key);
    let told = fails(path, &["intermediate", "ops", "--force"], 3);
    assert!(told.contains("1 certificates that have not expired"), "{told}");
}

#[test]
fn an_authority_that_is_half_there_is_not_made_anew() {
    let folder = folder();
    let path = folder.path();
    let file = |name: &str| path.join("pki").join(name);
    // alone, it is an interrupted beginning
    fs::remove_file(file("ca.pem")).unwrap();
    assert!(fails(path, &["list"], 3).contains("pki init"));
    succeeds(path, &["init"]);

    succeeds(path, &["client", "alice"]);
    let root = fs::read(file("ca.pem")).unwrap();
    let state = || ["ca.key", "index.jsonl", "client/alice.pem"].map(|name| fs::read(file(name)).ok());
    let refused = || {
        let before = state();
        for arguments in [&["init"][..], &["list"], &["reset", "--yes"]] {
            let told = fails(path, arguments, 1);
            assert!(told.contains("`pki/ca.pem` is damaged: it is missing: restore it"), "{told}");
        }
        assert_eq!(state(), before);
    };
    fs::remove_file(file("ca.pem")).unwrap();
    refused();
    let index = fs::read(file("index.jsonl")).unwrap();
    fs::remove_file(file("index.jsonl")).unwrap();
    refused();
    fs::remove_dir_all(file("client")).unwrap();
    refused();
    fs::write(file("index.jsonl"), index).unwrap();
    fs::write(file("ca.pem"), root).unwrap();
    succeeds(path, &["reset", "--yes"]);
    succeeds(path, &["init"]);
}

#[test]
fn names_of_one_file_are_refused() {
    let folder = folder();
    let path = folder.path();
    succeeds(path, &["client", "a:b", "--no-p12"]);
    let key = fs::read(path.join("pki/client/a_b.key")).unwrap();
    for force in [&[][..], &["--force"]] {
        let told = fails(path, &[&["client", "a_b", "--no-p12"], force].concat(), 3);
        assert!(told.contains("would have the file"), "{told}");
    }
    assert_eq!(fs::read(path.join("pki/client/a_b.key")).unwrap(), key);
}

#[test]
fn no_request_plays_with_the_terminal() {
    let folder = folder();
    let path = folder.path();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "x\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\ny");
    let request = params.serialize_request(&rcgen::KeyPair::generate().unwrap()).unwrap();
    fs::write(path.join("x.csr"), request.der()).unwrap();
    let sign = ["csr", "sign", "x.csr", "--allow-subject", "--force"];
    for arguments in [
        &sign[..],
        &[&sign[..], &["--format", "json"]].concat(),
        &["list"],
        &["list", "--format", "json"],
        &["csr", "sign", "x.csr"],
    ] {
        let output = pki(path, arguments);
        let told = text(&output);
        assert!(told.contains("x"), "{told}");
        let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!told.contains(bad), "{arguments:?}: {told:?}");
    }
}

#[test]
fn a_request_does_not_revive_a_revoked_key() {
    let folder = folder();
    let path = folder.path();
    let request = |file: &str| {
        let params = rcgen::CertificateParams::default();
        let request = params.serialize_request(&rcgen::KeyPair::generate().unwrap()).unwrap();
        fs::write(path.join(file), request.der()).unwrap();
    };
    request("old.csr");
    request("new.csr");
    let sign = |file: &'static str| ["csr", "sign", file, "--name", "alice", "--force"];
    succeeds(path, &sign("old.csr"));
    succeeds(path, &sign("old.csr"));
    succeeds(path, &["revoke", "alice"]);
    assert!(fails(path, &sign("old.csr"), 3).contains("is revoked"));
    assert!(fails(path, &["renew", "alice"], 3).contains("is revoked"));
    succeeds(path, &sign("new.csr"));
    succeeds(path, &["renew", "alice"]);
}
