//! OpenSSL, GnuTLS and Java, which share no code with the command, read what it writes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::{fs, io::Write, path::Path, process::Command};

use tempfile::TempDir;

const PASSPHRASE: &str = "correct horse";

/// Runs a program; `None`, said loudly, where it is not installed; in CI that fails.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> Option<(bool, String)> {
    match Command::new(program).current_dir(folder).args(arguments).output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
        }
        Err(error) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "`{program}` cannot be run, and CI skips nothing: {error}"
            );
            // not `eprintln!`, which the test harness keeps to itself
            let message = format!("SKIPPED, because `{program}` cannot be run: {}\n", arguments.join(" "));
            std::io::stderr().write_all(message.as_bytes()).unwrap();
            None
        }
    }
}

/// What a program says that must succeed, if there is such a program.
fn says(folder: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    let (success, text) = run(folder, program, arguments)?;
    assert!(success, "{program} {}: {text}", arguments.join(" "));
    Some(text)
}

fn fails(folder: &Path, program: &str, arguments: &[&str]) {
    let Some((success, text)) = run(folder, program, arguments) else { return };
    assert!(!success, "{program} {} should have failed: {text}", arguments.join(" "));
}

fn pki(folder: &Path, arguments: &str) {
    let program = env!("CARGO_BIN_EXE_portcullis");
    let arguments: Vec<_> = ["pki"].into_iter().chain(arguments.split(' ')).collect();
    says(folder, program, &arguments).unwrap();
}

/// An authority of this kind of key, a server, alice, and bob below an intermediate.
fn store(key: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("pass"), PASSPHRASE).unwrap();
    pki(path, &format!("init --key {key}"));
    pki(path, &format!("server localhost 127.0.0.1 --key {key}"));
    pki(path, &format!("client alice --email alice@example.com --key {key} --p12-passphrase file:pass"));
    pki(path, &format!("intermediate team --key {key}"));
    pki(path, &format!("client bob --issuer team --key {key} --p12-passphrase file:pass --legacy"));
    pki(path, "revoke bob");
    folder
}

#[test]
fn openssl_verifies_and_opens() {
    for key in ["p256", "p384", "ed25519", "rsa2048"] {
        let folder = store(key);
        let folder = folder.path();
        let verify = |purpose, file| {
            ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", "pki/ca.pem", "-untrusted", file, file]
        };
        says(folder, "openssl", &verify("sslserver", "pki/server/localhost.pem"));
        says(folder, "openssl", &verify("sslclient", "pki/client/alice.pem"));
        says(folder, "openssl", &verify("sslclient", "pki/client/bob.pem"));
        fails(folder, "openssl", &verify("sslserver", "pki/client/alice.pem"));
        let mut lists = verify("sslclient", "pki/client/alice.pem").to_vec();
        lists.splice(1..1, ["-crl_check_all", "-CRLfile", "pki/crl.pem"]);
        says(folder, "openssl", &lists);
        let revoked = verify("sslclient", "pki/client/bob.pem");
        let revoked = [&["verify", "-crl_check_all", "-CRLfile", "pki/crl.pem"], &revoked[1..]].concat();
        if let Some((success, text)) = run(folder, "openssl", &revoked) {
            assert!(!success && text.contains("certificate revoked"), "{text}");
        }
        says(folder, "openssl", &["crl", "-in", "pki/crl.pem", "-CAfile", "pki/ca.pem", "-noout"]);
        says(folder, "openssl", &["pkey", "-in", "pki/client/alice.key", "-check", "-noout"]);

        let open = |file| ["pkcs12", "-in", file, "-passin", "file:pass", "-nodes", "-info"];
        if let Some(text) = says(folder, "openssl", &open("pki/client/alice.p12")) {
            assert!(text.contains("AES-256-CBC") && text.contains("BEGIN PRIVATE KEY"), "{text}");
        }
        let legacy = [&open("pki/client/bob.p12")[..], &["-legacy"]].concat();
        if let Some(text) = says(folder, "openssl", &legacy) {
            assert!(text.contains("pbeWithSHA1And3-KeyTripleDES-CBC"), "{text}");
            assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2, "{text}");
        }
        fails(folder, "openssl", &["pkcs12", "-in", "pki/client/alice.p12", "-passin", "pass:", "-nodes"]);
    }
}

#[test]
fn requests_of_openssl_are_signed() {
    for key in ["EC", "RSA", "ED25519"] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        pki(folder, "init");
        let mut make = vec!["genpkey", "-algorithm", key, "-out", "own.key"];
        if key == "EC" {
            make.extend(["-pkeyopt", "ec_paramgen_curve:P-256"]);
        }
        if says(folder, "openssl", &make).is_none() {
            return;
        }
        let asked = ["-subj", "/O=Evil/CN=admin", "-addext", "subjectAltName=DNS:a.example,IP:10.0.0.1"];
        let request = [&["req", "-new", "-key", "own.key", "-out", "own.csr"], &asked[..]].concat();
        says(folder, "openssl", &request);
        says(folder, "openssl", &["req", "-in", "own.csr", "-outform", "DER", "-out", "der.csr"]);
        pki(folder, "csr sign own.csr --name carol");
        pki(folder, "csr sign der.csr --name frank --allow-subject --allow-san");
        let show = |name: &str| {
            let file = format!("pki/client/{name}.pem");
            says(folder, "openssl", &["verify", "-purpose", "sslclient", "-CAfile", "pki/ca.pem", &file]);
            says(folder, "openssl", &["x509", "-in", &file, "-noout", "-text", "-pubkey"]).unwrap()
        };
        let (carol, frank) = (show("carol"), show("frank"));
        assert!(carol.contains("Subject: CN = carol") && !carol.contains("a.example"), "{carol}");
        assert!(frank.contains("O = Evil, CN = admin") && frank.contains("DNS:a.example"), "{frank}");
        let public = says(folder, "openssl", &["pkey", "-in", "own.key", "-pubout"]).unwrap();
        assert!(carol.contains(public.trim()), "{carol}");

        if key == "RSA" {
            let spkac =
                ["spkac", "-key", "own.key", "-digest", "sha256", "-challenge", "x", "-out", "own.spkac"];
            says(folder, "openssl", &spkac);
            pki(folder, "csr sign own.spkac --name dora");
            assert!(show("dora").contains(public.trim()));
            let mut broken = fs::read(folder.join("own.spkac")).unwrap();
            let position = broken.len() - 20;
            broken[position] = if broken[position] == b'A' { b'B' } else { b'A' };
            fs::write(folder.join("broken.spkac"), broken).unwrap();
            let program = env!("CARGO_BIN_EXE_portcullis");
            fails(folder, program, &["pki", "csr", "sign", "broken.spkac", "--name", "eve"]);
        }
    }
}

#[test]
fn gnutls_verifies_and_opens() {
    for key in ["p256", "ed25519", "rsa2048"] {
        let folder = store(key);
        let folder = folder.path();
        let verify = |file| {
            [
                "--verify",
                "--verify-profile",
                "medium",
                "--load-ca-certificate",
                "pki/ca.pem",
                "--infile",
                file,
            ]
        };
        for file in ["pki/server/localhost.pem", "pki/client/alice.pem", "pki/client/bob.pem"] {
            says(folder, "certtool", &verify(file));
        }
        let crl = ["--verify-crl", "--load-ca-certificate", "pki/ca.pem", "--infile", "pki/crl.pem"];
        says(folder, "certtool", &crl);
        for file in ["pki/client/alice.p12", "pki/client/bob.p12"] {
            let open = ["--p12-info", "--inder", "--password", PASSPHRASE, "--infile", file];
            if let Some(text) = says(folder, "certtool", &open) {
                assert!(text.contains("BEGIN CERTIFICATE"), "{text}");
            }
        }
    }
}

#[test]
fn java_opens() {
    let folder = store("p256");
    let folder = folder.path();
    for (name, certificates) in [("alice", 1), ("bob", 2)] {
        let file = format!("pki/client/{name}.p12");
        let open = [
            "-J-Duser.language=en",
            "-list",
            "-v",
            "-storetype",
            "PKCS12",
            "-keystore",
            &file,
            "-storepass",
            PASSPHRASE,
        ];
        if let Some(text) = says(folder, "keytool", &open) {
            assert!(text.contains("PrivateKeyEntry"), "{text}");
            assert!(text.contains(&format!("Certificate chain length: {certificates}")), "{text}");
        }
        let certificate = format!("pki/client/{name}.pem");
        says(folder, "keytool", &["-J-Duser.language=en", "-printcert", "-file", &certificate]);
    }
    says(folder, "keytool", &["-J-Duser.language=en", "-printcrl", "-file", "pki/crl.pem"]);
}
