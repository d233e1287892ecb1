//! Certificate and key of the server, in every format and out of order.

use std::path::PathBuf;

use portcullis_pki::Authority;
use portcullis_tls::{KeyPair, ServerTls};

use crate::client::Client;
use crate::site::meet;

/// A folder with the fixtures and whatever a test writes.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        for entry in std::fs::read_dir(fixtures).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn build(&self, certificate: &str, key: &str) -> Result<(), String> {
        let key_pair = KeyPair::from_pem_files(self.path(certificate), self.path(key));
        let shown = format!("{key_pair:?}");
        assert!(!shown.contains("BEGIN") && shown.contains(key), "{shown}");
        match ServerTls::builder(key_pair).build() {
            Ok(_) => Ok(()),
            // Without the folder, which has another name each time.
            Err(error) => Err(error.to_string().replace(&format!("{}/", self.0.path().display()), "")),
        }
    }
}

#[test]
fn every_format_of_keys_is_read() {
    let folder = Folder::new();
    let chain = folder.read("server.pem");
    folder.write("combined.pem", chain.clone() + &folder.read("server.key"));
    folder.write("crlf.pem", chain.replace('\n', "\r\n"));
    folder.write("crlf.key", folder.read("server.key").replace('\n', "\r\n"));
    folder.write("cr.pem", chain.replace('\n', "\r"));
    folder.write("bom.pem", format!("\u{feff}{chain}"));
    folder.write("bom.key", format!("\u{feff}{}", folder.read("server.key")));
    folder.write("indented.pem", chain.lines().map(|line| format!("    {line}\n")).collect::<String>());
    folder.write(
        "commented.pem",
        format!("Certificate:\n    Data:\nsubject=CN = localhost\n{chain}\ntrailing"),
    );
    folder.write("bundle.pem", chain.clone() + &folder.read("ca.pem"));
    for (certificate, key) in [
        ("server.pem", "server.key"),
        ("server.pem", "server.pkcs1.key"),
        ("server-ec.pem", "server-ec.key"),
        ("server-ec.pem", "server-ec.sec1.key"),
        ("server-ec.pem", "server-ec.params.key"),
        ("combined.pem", "combined.pem"),
        ("crlf.pem", "crlf.key"),
        ("cr.pem", "server.key"),
        ("bom.pem", "bom.key"),
        ("indented.pem", "server.key"),
        ("commented.pem", "server.key"),
        ("bundle.pem", "server.key"),
    ] {
        assert_eq!(folder.build(certificate, key), Ok(()), "{certificate} {key}");
    }
}

#[test]
fn every_fault_is_named_with_its_file_and_its_remedy() {
    let folder = Folder::new();
    let (chain, key) = (folder.read("server.pem"), folder.read("server.key"));
    folder.write("empty.pem", "");
    folder.write("blank.pem", " \r\n\t\n");
    folder.write("text.pem", "no PEM at all");
    folder.write(
        "utf16.pem",
        chain.encode_utf16().fold(b"\xff\xfe".to_vec(), |mut bytes, unit| {
            bytes.extend(unit.to_le_bytes());
            bytes
        }),
    );
    let (half, _) = chain.split_at(chain.len() / 2);
    folder.write("cut.pem", half);
    folder.write("cut-twice.pem", format!("{half}\n{chain}"));
    folder.write("damaged.pem", chain.replacen("MII", "M*I", 1));
    folder.write("damaged.key", key.replacen("MII", "M*I", 1));
    folder.write("hollow.pem", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
    folder.write("mixed-up.pem", chain.replace("END CERTIFICATE", "END PRIVATE KEY"));
    folder.write("garbage.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    folder.write("garbage.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    folder.write("order.pem", folder.read("ca.pem") + &chain);
    folder.write("two.key", key.clone() + &folder.read("server-ec.key"));
    folder.write("ssh.key", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n");
    folder.write(
        "odd\u{7}.pem",
        "-----BEGIN ODD\u{7}\u{202e}LABEL-----\nAAAA\n-----END ODD\u{7}\u{202e}LABEL-----\n",
    );
    folder.write("one-line.pem", chain.replace('\n', ""));
    folder.write("escaped.key", key.replace('\n', "\\n"));
    folder.write("joined.key", key.replace("\n-----END", "-----END"));
    folder.write("large.pem", vec![b' '; 16 * 1024 * 1024 + 1]);

    let shape = |name: &str| format!("cannot read `{name}`: ");
    let folder_error = folder.build(".", "server.key").unwrap_err();
    assert!(folder_error.starts_with("cannot read `"), "{folder_error}");
    assert!(folder.build("absent.pem", "server.key").unwrap_err().starts_with(&shape("absent.pem")));
    assert!(folder.build("server.pem", "absent.key").unwrap_err().starts_with(&shape("absent.key")));

    let cases = [
        ("empty.pem", "server.key", "`empty.pem` is empty: write the PEM text into it"),
        ("server.pem", "blank.pem", "`blank.pem` is empty: write the PEM text into it"),
        (
            "text.pem",
            "server.key",
            "`text.pem` has no PEM block: a line such as `-----BEGIN CERTIFICATE-----` is missing",
        ),
        ("utf16.pem", "server.key", "`utf16.pem` is UTF-16 text: save it as UTF-8 or ASCII"),
        (
            "server.der",
            "server.key",
            "`server.der` is DER, not PEM: convert it with `openssl x509 -inform der -in F -out G`, or with `openssl pkey` in the place of `openssl x509` for a key",
        ),
        (
            "large.pem",
            "server.key",
            "`large.pem` has more than 16777216 bytes: this is not the file that was meant",
        ),
        (
            "cut.pem",
            "server.key",
            "`cut.pem`: the `CERTIFICATE` block that begins in line 1 does not end: the text is cut off",
        ),
        (
            "cut-twice.pem",
            "server.key",
            "`cut-twice.pem`: the `CERTIFICATE` block that begins in line 1 does not end: the text is cut off",
        ),
        (
            "damaged.pem",
            "server.key",
            "`damaged.pem`: the `CERTIFICATE` block that begins in line 1 is damaged: copy the file again",
        ),
        (
            "server.pem",
            "damaged.key",
            "`damaged.key`: the `PRIVATE KEY` block that begins in line 1 is damaged: copy the file again",
        ),
        (
            "one-line.pem",
            "server.key",
            "`one-line.pem`: line 1 begins or ends a block, but more follows on it: the line breaks were lost, write them again",
        ),
        (
            "server.pem",
            "escaped.key",
            "`escaped.key`: line 1 begins or ends a block, but more follows on it: the line breaks were lost, write them again",
        ),
        (
            "server.pem",
            "joined.key",
            "`joined.key`: the `PRIVATE KEY` block that begins in line 1 does not end: the text is cut off",
        ),
        (
            "hollow.pem",
            "server.key",
            "`hollow.pem`: the `CERTIFICATE` block that begins in line 1 is damaged: copy the file again",
        ),
        (
            "mixed-up.pem",
            "server.key",
            "`mixed-up.pem`: the `CERTIFICATE` block that begins in line 1 is damaged: copy the file again",
        ),
        (
            "garbage.pem",
            "server.key",
            "certificate 1 in `garbage.pem` cannot be used: the certificate is malformed: have the certificate issued again with a conforming tool",
        ),
        (
            "server.pem",
            "garbage.key",
            "the private key in `garbage.key` cannot be used: it is damaged, or of a kind that the crypto provider does not know; RSA from 2048 bits, ECDSA P-256 and P-384, and Ed25519 work everywhere",
        ),
        (
            "server.key",
            "server.pem",
            "`server.key` has no `CERTIFICATE` block, only `PRIVATE KEY`: pass the server's certificate, and check that certificate and key are not swapped",
        ),
        (
            "server.pem",
            "server.pem",
            "`server.pem` has no `PRIVATE KEY` block, only `CERTIFICATE`: pass the server's private key, and check that certificate and key are not swapped",
        ),
        (
            "odd\u{7}.pem",
            "server.key",
            "`odd\u{7}.pem` has no `CERTIFICATE` block, only `?`: pass the server's certificate, and check that certificate and key are not swapped",
        ),
        (
            "server.trusted.pem",
            "server.key",
            "`server.trusted.pem` has a `TRUSTED CERTIFICATE` block, which is OpenSSL's own format: convert it with `openssl x509 -in F -out G`",
        ),
        (
            "server.pem",
            "server.encrypted.key",
            "the private key in `server.encrypted.key` is encrypted: say where its passphrase comes from, or write a plain key with `openssl pkey -in F -out G`",
        ),
        (
            "server.pem",
            "server.legacy.key",
            "the private key in `server.legacy.key` is encrypted: say where its passphrase comes from, or write a plain key with `openssl pkey -in F -out G`",
        ),
        (
            "server.pem",
            "ssh.key",
            "the private key in `ssh.key` is of the format `OPENSSH PRIVATE KEY`, which is not read: convert it to PKCS#8 with `openssl pkey -in F -out G`, or with `ssh-keygen -p -m PKCS8 -f F` if it was made by OpenSSH",
        ),
        (
            "server.pem",
            "two.key",
            "`two.key` has more than one private key: leave the one that belongs to the server's certificate",
        ),
        (
            "server.pem",
            "server-ec.key",
            "the private key in `server-ec.key` does not belong to any certificate in `server.pem`: pass the two that were made together",
        ),
        (
            "order.pem",
            "server.key",
            "the private key belongs to certificate 2 in `order.pem`, and not to the first one: put the server's own certificate first, then the intermediates",
        ),
    ];
    for (certificate, key, expected) in cases {
        assert_eq!(folder.build(certificate, key).unwrap_err(), expected, "{certificate} {key}");
    }
}

#[tokio::test]
async fn der_and_chains_are_served() {
    let authority = Authority::new("Example CA").unwrap();
    let team = authority.intermediate("Server CA").unwrap();
    let server = team.server().issue().unwrap();
    let client = Client::anonymous(&authority).config();
    for key_pair in [
        KeyPair::from_der(server.chain_der().to_vec(), server.key_der()),
        KeyPair::from_pem(server.chain_pem().unwrap(), server.key_pem().unwrap()),
    ] {
        let tls = ServerTls::builder(key_pair).build().unwrap();
        assert_eq!(meet(&tls.acceptor(&[]), &client).await.client.answer, Ok(()));
    }
    let none: [Vec<u8>; 0] = [];
    for (chain, key, expected) in [
        (
            &none[..],
            server.key_der(),
            "the server's certificate chain has no `CERTIFICATE` block, only nothing: pass the server's certificate, and check that certificate and key are not swapped",
        ),
        (
            server.chain_der(),
            b"\x30\x00",
            "the private key in the server's private key cannot be used: it is damaged, or of a kind that the crypto provider does not know; RSA from 2048 bits, ECDSA P-256 and P-384, and Ed25519 work everywhere",
        ),
    ] {
        let error = ServerTls::builder(KeyPair::from_der(chain.to_vec(), key)).build().unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn no_key_is_ever_printed() {
    let server = Authority::new("Example CA").unwrap().server().issue().unwrap();
    let key_pem = server.key_pem().unwrap();
    let secret = key_pem.lines().nth(1).unwrap();
    let key_pair = || KeyPair::from_pem(server.chain_pem().unwrap(), key_pem.clone());
    let mut shown = format!("{:?} {:?}", key_pair(), ServerTls::builder(key_pair()));
    shown += &format!("{:?}", ServerTls::builder(key_pair()).build().unwrap());
    let other = Authority::new("Other CA").unwrap().server().issue().unwrap();
    let pairs = [
        KeyPair::from_pem(other.chain_pem().unwrap(), key_pem.clone()),
        KeyPair::from_pem(key_pem.clone(), key_pem.clone()),
        KeyPair::from_pem(server.chain_pem().unwrap(), key_pem.replace("END", "FIN")),
        KeyPair::from_pem(server.chain_pem().unwrap(), key_pem.replacen("MI", "M*", 1)),
        KeyPair::from_pem(server.chain_pem().unwrap(), key_pem.replace("PRIVATE KEY", secret)),
        KeyPair::from_pem(server.chain_pem().unwrap(), key_pem.replace('\n', "")),
        KeyPair::from_pem(key_pem.replace('\n', ""), key_pem.clone()),
    ];
    for pair in pairs {
        let error = ServerTls::builder(pair).build().unwrap_err();
        shown += &format!("{error} {error:?}");
    }
    let (secret, _) = secret.split_at(20);
    let bytes = format!("{:?}", &server.key_der()[..10]);
    let bytes = bytes.trim_matches(['[', ']']);
    assert!(!shown.contains(secret) && !shown.contains(bytes), "{shown}");
}
