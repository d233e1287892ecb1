//! What the set-ups have in common: an authority, servers, and the command itself.

use std::any::Any;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::thread;

use portcullis_pki::{Authority, Issued};
use portcullis_tls::rustls::{ServerConfig, ServerConnection, StreamOwned};
use portcullis_tls::{ClientAuth, KeyPair, ServerTls, TrustAnchors};
use tempfile::TempDir;

/// The authority of everybody, made once.
pub(crate) static STAFF: LazyLock<Authority> = LazyLock::new(|| Authority::new("Staff CA").unwrap());

/// A server to go to, and with what.
pub(crate) struct Setup {
    url: String,
    folder: TempDir,
    arguments: Vec<String>,
    /// Whatever must live as long as the visit.
    kept: Vec<Box<dyn Any>>,
}

/// What doctor said.
pub(crate) struct Seen {
    pub(crate) code: String,
    pub(crate) sentence: String,
    pub(crate) status: i32,
    pub(crate) text: String,
}

impl Setup {
    /// Trusts the authority of everybody.
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self::trusting(url, &STAFF.certificate_pem().unwrap())
    }

    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::new(format!("https://localhost:{}/", address.port()))
    }

    pub(crate) fn trusting(url: impl Into<String>, ca: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let setup = Self { url: url.into(), folder, arguments: Vec::new(), kept: Vec::new() };
        setup.file("--ca", "ca.pem", ca)
    }

    pub(crate) fn file(mut self, flag: &str, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        self.arguments.extend([flag.to_owned(), path.display().to_string()]);
        self
    }

    /// Shows this certificate.
    pub(crate) fn showing(self, issued: &Issued) -> Self {
        let (chain, key) = (issued.chain_pem().unwrap(), issued.key_pem().unwrap());
        self.file("--cert", "client.pem", chain).file("--key", "client.key", key)
    }

    /// With this argument, too.
    pub(crate) fn with(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Says that the passphrase is in a file.
    pub(crate) fn passphrase(self, passphrase: &str) -> Self {
        let path = self.folder.path().join("passphrase");
        fs::write(&path, passphrase).unwrap();
        let source = format!("file:{}", path.display());
        self.with("--key-passphrase").with(source)
    }

    pub(crate) fn keeping(mut self, kept: impl Any) -> Self {
        self.kept.push(Box::new(kept));
        self
    }

    pub(crate) fn visit(self) -> Seen {
        let mut command = doctor();
        let output = command.args(["--format", "json", "--timeout", "2", &self.url]).args(&self.arguments);
        let output = output.output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let word = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let status = output.status.code().unwrap();
        Seen { code: word("code"), sentence: word("sentence"), status, text }
    }

    /// As people see it.
    pub(crate) fn text(self) -> String {
        let output = doctor().args(["--timeout", "2", &self.url]).args(&self.arguments).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }
}

pub(crate) fn doctor() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.arg("doctor").env_remove("SSL_CERT_FILE");
    command
}

pub(crate) fn alice() -> Issued {
    STAFF.client("alice").issue().unwrap()
}

pub(crate) fn server() -> Issued {
    STAFF.server().issue().unwrap()
}

pub(crate) fn staff() -> TrustAnchors {
    TrustAnchors::new().der("staff", STAFF.certificate_der())
}

pub(crate) fn key_pair(issued: &Issued) -> KeyPair {
    KeyPair::from_der(issued.chain_der().to_vec(), issued.key_der())
}

/// A server that does with each connection as it is told.
pub(crate) fn tcp(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// A TLS server that answers each request with these bytes.
pub(crate) fn tls_answering(config: Arc<ServerConfig>, answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer = answer.into();
    tcp(move |stream| {
        let connection = ServerConnection::new(config.clone()).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        let mut request = [0; 4096];
        if stream.read(&mut request).is_ok_and(|length| length > 0) {
            let _ = stream.write_all(&answer);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    })
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A server of ours under this certificate.
pub(crate) fn ours(issued: &Issued, client_auth: Option<ClientAuth>) -> SocketAddr {
    ours_answering(issued, client_auth, OK)
}

pub(crate) fn ours_answering(
    issued: &Issued,
    client_auth: Option<ClientAuth>,
    answer: impl Into<Vec<u8>>,
) -> SocketAddr {
    let mut builder = ServerTls::builder(key_pair(issued));
    if let Some(client_auth) = client_auth {
        builder = builder.client_auth(client_auth);
    }
    tls_answering(builder.build().unwrap().server_config(&[b"http/1.1"]), answer)
}

/// A file of the fixtures of the TLS crate.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tls/tests/fixtures").join(name);
    fs::read(path).unwrap()
}
