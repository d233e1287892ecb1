//! Set-ups with `openssl s_server`, which shares no code with this project.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use portcullis_pki::{Authority, Issued, KeyAlgorithm};
use tempfile::TempDir;

use crate::Row;
use crate::bench::{STAFF, Setup, alice, server};

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "fine",
        code: "fine",
        sentence: "answers 200 to `CN=alice`",
        setup: || Server::new(&["-Verify", "1", "-verify_return_error"]).showing(&alice()),
    },
    Row {
        name: "TLS 1.1 only",
        code: "old-tls",
        sentence: "neither TLS 1.2 nor TLS 1.3",
        setup: || Server::new(&["-tls1_1", "-cipher", "ALL@SECLEVEL=0"]).nobody(),
    },
    Row {
        name: "no cipher in common",
        code: "no-common-cipher",
        sentence: "no cipher suite in common",
        setup: || Server::new(&["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"]).nobody(),
    },
    Row {
        name: "no certificate, TLS 1.3",
        code: "certificate-required",
        sentence: "none was sent",
        setup: || Server::new(&["-Verify", "1"]).nobody(),
    },
    Row {
        name: "no certificate, TLS 1.2",
        code: "certificate-required",
        sentence: "none was sent",
        setup: || Server::new(&["-Verify", "1", "-tls1_2"]).nobody(),
    },
    Row {
        name: "expired",
        code: "client-expired",
        sentence: "renew the certificate",
        setup: || Server::strict(&[]).showing(&STAFF.client("alice").expired().issue().unwrap()),
    },
    Row {
        name: "unknown issuer, TLS 1.3",
        code: "client-issuer-unknown",
        sentence: "asks for a client certificate of `CN=Staff CA`",
        setup: || Server::strict(&[]).showing(&mallory()),
    },
    Row {
        name: "unknown issuer, TLS 1.2",
        code: "client-issuer-unknown",
        sentence: "`CN=Mallory CA`",
        setup: || Server::strict(&["-tls1_2"]).showing(&mallory()),
    },
    Row {
        name: "unknown issuer, no names",
        code: "client-issuer-unknown",
        sentence: "of any authority",
        setup: || Server::strict(&["-no_ca_names"]).showing(&mallory()),
    },
    Row {
        name: "not for clients",
        code: "client-purpose",
        sentence: "clientAuth",
        setup: || Server::strict(&[]).showing(&STAFF.hostile("server_eku").unwrap()),
    },
    Row {
        name: "without a purpose",
        code: "client-no-purpose",
        sentence: "careful servers refuse",
        setup: || Server::strict(&[]).showing(&STAFF.hostile("no_eku").unwrap()),
    },
    Row {
        name: "version 1",
        code: "client-version",
        sentence: "version 1",
        setup: || Server::strict(&[]).showing(&STAFF.hostile("v1").unwrap()),
    },
    Row {
        name: "revoked, TLS 1.3",
        code: "client-revoked",
        sentence: "its issuer has revoked it",
        setup: || revoked(&[]),
    },
    Row {
        name: "revoked, TLS 1.2",
        code: "client-revoked",
        sentence: "its issuer has revoked it",
        setup: || revoked(&["-tls1_2"]),
    },
    Row {
        name: "Ed25519 is not taken",
        code: "client-signature-scheme",
        sentence: "no signature that the client's key can make",
        setup: || {
            let alice = STAFF.client("alice").key(KeyAlgorithm::Ed25519).issue().unwrap();
            Server::strict(&["-client_sigalgs", "ECDSA+SHA256"]).showing(&alice)
        },
    },
    Row {
        name: "an authority made anew",
        code: "client-issuer-namesake",
        sentence: "than the one that the server trusts",
        setup: anew,
    },
    Row { name: "key of 1024 bits", code: "client-weak-key", sentence: "RSA 1024", setup: small },
    Row {
        name: "the site is unknown",
        code: "unknown-host",
        sentence: "no site of this name",
        setup: || {
            Server::new(&[
                "-servername",
                "example.com",
                "-servername_fatal",
                "-cert2",
                "server.pem",
                "-key2",
                "server.key",
            ])
            .nobody()
        },
    },
    Row {
        name: "http for https",
        code: "http-on-https-port",
        sentence: "write `https://`",
        setup: || {
            let server = Server::new(&[]);
            Setup::new(format!("http://localhost:{}/", server.port)).keeping(server)
        },
    },
    Row {
        name: "nobody asks",
        code: "not-asked",
        sentence: "does not ask for a client certificate",
        setup: || Server::new(&[]).showing(&alice()),
    },
];

/// Whether there is an openssl; if not, that is said loudly, and in CI it fails.
pub(crate) fn is_there() -> bool {
    static THERE: LazyLock<bool> = LazyLock::new(|| {
        let is_there = Command::new("openssl").arg("version").output().is_ok();
        assert!(
            is_there || std::env::var_os("CI").is_none(),
            "`openssl` cannot be run, and CI skips nothing"
        );
        if !is_there {
            std::io::stderr().write_all(b"SKIPPED, because `openssl` cannot be run\n").unwrap();
        }
        is_there
    });
    *THERE
}

/// A running `openssl s_server`.
struct Server {
    port: u16,
    child: Child,
    _folder: TempDir,
}

impl Server {
    fn new(arguments: &[&str]) -> Self {
        Self::with(arguments, &[])
    }

    /// One that verifies, and means it.
    fn strict(arguments: &[&str]) -> Self {
        Self::new(&[&["-Verify", "3", "-verify_return_error"], arguments].concat())
    }

    fn with(arguments: &[&str], files: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let own = server();
        let usual = [
            ("server.pem", own.chain_pem().unwrap()),
            ("server.key", own.key_pem().unwrap()),
            ("ca.pem", STAFF.certificate_pem().unwrap()),
        ];
        for (name, content) in usual.iter().chain(files) {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let usual = [
            "s_server",
            "-4",
            "-accept",
            "127.0.0.1:0",
            "-www",
            "-cert",
            "server.pem",
            "-key",
            "server.key",
            "-CAfile",
            "ca.pem",
        ];
        let mut child = Command::new("openssl")
            .current_dir(folder.path())
            .args(usual)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert!(output.read_line(&mut line).unwrap() > 0, "s_server ended: {arguments:?}");
            if let Some(address) = line.trim().strip_prefix("ACCEPT 127.0.0.1:") {
                break address.parse().unwrap();
            }
        };
        // It would be stopped by a full pipe.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self { port, child, _folder: folder }
    }

    fn nobody(self) -> Setup {
        Setup::new(format!("https://localhost:{}/", self.port)).keeping(self)
    }

    fn showing(self, issued: &Issued) -> Setup {
        self.nobody().showing(issued)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mallory() -> Issued {
    Authority::new("Mallory CA").unwrap().client("mallory").issue().unwrap()
}

fn revoked(arguments: &[&str]) -> Setup {
    let alice = alice();
    let entry = portcullis_pki::Revoked::certificate(alice.certificate_der()).unwrap();
    let list = STAFF.revocation_list().revoke(entry).sign().unwrap();
    let arguments =
        [&["-Verify", "3", "-verify_return_error", "-crl_check", "-CRL", "list.pem"], arguments].concat();
    Server::with(&arguments, &[("list.pem", list.pem().unwrap())]).showing(&alice)
}

/// The server's own authority is another one, so that only its alert can tell.
fn anew() -> Setup {
    let web = Authority::new("Web CA").unwrap();
    let own = web.server().issue().unwrap();
    let files = [("server.pem", own.chain_pem().unwrap()), ("server.key", own.key_pem().unwrap())];
    let server = Server::with(&["-Verify", "3", "-verify_return_error"], &files);
    let alice = Authority::new("Staff CA").unwrap().client("alice").issue().unwrap();
    let url = format!("https://localhost:{}/", server.port);
    Setup::trusting(url, &web.certificate_pem().unwrap()).keeping(server).showing(&alice)
}

/// Our cryptography makes no such key.
fn small() -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .current_dir(folder.path())
        .args(["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=alice", "-days", "9"])
        .args([
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "client.key",
            "-out",
            "client.pem",
        ])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let setup = Server::new(&["-Verify", "1"]).nobody();
    setup.file("--cert", "client.pem", read("client.pem")).file("--key", "client.key", read("client.key"))
}
