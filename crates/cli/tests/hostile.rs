//! Arguments, files and answers that try to play with the terminal, or to keep the command busy.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rexpect::session::{PtySession, spawn_command};

/// For slow machines; nothing waits for it to pass.
const PATIENCE: Option<u64> = Some(60_000);

fn portcullis(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.current_dir(folder).args(arguments);
    command
}

/// The exit status, and all that is printed.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = portcullis(folder, arguments).stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// At a terminal, where colours are printed and passphrases asked for.
fn at_terminal(folder: &Path, arguments: &[&str]) -> PtySession {
    spawn_command(portcullis(folder, arguments), PATIENCE).unwrap()
}

fn policy(folder: &Path) {
    let text = "version = 1\n[roles.admin]\n[[route]]\nmatch = 'GET /'\nallow = 'role(\"admin\")'\n";
    fs::write(folder.join("policy.toml"), text).unwrap();
}

#[test]
fn no_argument_plays_with_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    policy(folder.path());
    let odd = "a\u{1b}[2Jb\u{7}\u{202e}";
    let named = |rest: &[&'static str]| -> Vec<&str> { rest.iter().copied().chain([odd]).collect() };
    for (arguments, status) in [
        (named(&[]), 3),
        (named(&["inspect"]), 3),
        (named(&["inspect", "policy.toml", "--now"]), 3),
        (named(&["lint"]), 3),
        (named(&["matrix"]), 3),
        (named(&["fmt", "--check"]), 3),
        (named(&["diff", "policy.toml"]), 3),
        (named(&["test", "policy.toml"]), 3),
        (named(&["pki", "list", "--dir"]), 3),
        (named(&["pki", "client"]), 3),
        (named(&["pki", "csr", "sign"]), 3),
        (named(&["doctor"]), 3),
        (named(&["doctor", "https://localhost:1/", "--cert"]), 3),
        (named(&["explain", "--audit", "policy.toml"]), 1),
        (named(&["explain", "id", "--audit"]), 3),
        (named(&["check", "--policy", "policy.toml", "GET"]), 2),
        (named(&["check", "--policy", "policy.toml", "GET", "/", "--name"]), 2),
        (named(&["explain", "--policy", "policy.toml", "GET", "/", "--subject"]), 3),
        (named(&["who", "--policy", "policy.toml", "GET"]), 2),
        (named(&["can", "--policy", "policy.toml"]), 0),
        (named(&["can", "x", "--policy"]), 3),
    ] {
        let (actual, text) = run(folder.path(), &arguments);
        assert_eq!(actual, status, "{arguments:?}: {text}");
        for bad in ['\u{1b}', '\u{7}', '\u{202e}'] {
            assert!(!text.contains(bad), "{arguments:?}: {text:?}");
        }
        let mut terminal = at_terminal(folder.path(), &arguments);
        let text = terminal.exp_eof().unwrap();
        for bad in ["\u{1b}[2J", "\u{7}", "\u{202e}"] {
            assert!(!text.contains(bad), "{arguments:?} at a terminal: {text:?}");
        }
    }
}

#[test]
fn what_is_no_file_of_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let junk: Vec<u8> =
        (0..100_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(folder.path().join("junk"), &junk).unwrap();
    fs::write(folder.path().join("empty"), "").unwrap();
    fs::write(folder.path().join("begin"), "-----BEGIN CERTIFICATE-----").unwrap();
    policy(folder.path());
    for file in ["junk", "empty", "begin", ".", "missing"] {
        for arguments in [
            vec!["inspect", file],
            vec!["inspect", file, "--p12-passphrase", "env:HOME"],
            vec!["lint", file],
            vec!["matrix", file],
            vec!["test", "policy.toml", file],
            vec!["who", "--policy", "policy.toml", "GET", "/", "--roles", file],
            vec!["who", "--policy", "policy.toml", "GET", "/", "--pki", file],
            vec!["check", "--policy", "policy.toml", "GET", "/", "--cert", file],
            vec!["pki", "list", "--dir", file],
            vec!["pki", "csr", "sign", file],
            vec!["doctor", "https://localhost:1/", "--ca", file],
            vec!["doctor", "https://localhost:1/", "--cert", file],
        ] {
            let (status, text) = run(folder.path(), &arguments);
            let is_empty_roster = file == "empty" && arguments.contains(&"--roles");
            let expected: &[i32] = if is_empty_roster { &[0] } else { &[1, 2, 3] };
            assert!(expected.contains(&status), "{arguments:?}: {status}: {text}");
            assert!(!text.contains("panicked") && text.len() < 2000, "{arguments:?}: {text}");
        }
    }
}

#[test]
fn passphrases_are_asked_for_at_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let asked = |arguments: &[&str], answers: &[(&str, &str)], end: &str| {
        let mut terminal = at_terminal(folder, arguments);
        for (question, answer) in answers {
            terminal.exp_string(question).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
            terminal.send_line(answer).unwrap();
        }
        let text = terminal.exp_eof().unwrap();
        assert!(text.contains(end), "{arguments:?}: {text}");
        for secret in ["correct horse", "battery staple"] {
            assert!(!text.contains(secret), "{arguments:?}: {text}");
        }
    };
    let new = "passphrase of the new authority: ";
    let again = "once more, passphrase of the new authority: ";
    let init = ["pki", "init", "--ca-passphrase", "prompt"];
    asked(&init, &[(new, "correct horse"), (again, "battery staple")], "the two are not the same");
    asked(&init, &[(new, "")], "the passphrase is empty");
    asked(&init, &[(new, "correct horse"), (again, "correct horse")], "made pki/ca.pem");

    let key = "passphrase of pki/ca.key: ";
    let client = ["pki", "client", "alice", "--p12-passphrase", "prompt"];
    let bundle = [
        ("passphrase of the bundle: ", "correct horse"),
        ("once more, passphrase of the bundle: ", "correct horse"),
    ];
    asked(&client, &[bundle[0], bundle[1], (key, "battery staple")], "the passphrase is wrong");
    asked(&client, &[bundle[0], bundle[1], (key, "correct horse")], "made pki/client/alice.pem");

    let inspect = ["inspect", "pki/client/alice.p12"];
    let bundle = "passphrase of pki/client/alice.p12: ";
    asked(&inspect, &[(bundle, "battery staple")], "cannot be opened: is the passphrase right");
    asked(&inspect, &[(bundle, "correct horse")], "CN=alice");

    let doctor = ["doctor", "https://localhost:1/", "--cert", "pki/client/alice.p12"];
    let bundle = "passphrase of `pki/client/alice.p12`: ";
    asked(&doctor, &[(bundle, "battery staple"), (bundle, "correct horse")], "connection");

    asked(&["pki", "reset"], &[("[yes/no] ", "no")], "nothing was deleted");
    asked(&["pki", "reset"], &[("[yes/no] ", "yes")], "deleted the certificates in pki");
}
