//! A server on a real socket, and a client that writes its own bytes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use portcullis_actix::tls::ServerTlsBuilder;
use portcullis_actix::tls::rustls::crypto::CryptoProvider;
use portcullis_actix::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use portcullis_actix::tls::rustls::{self, ClientConfig, HandshakeKind, RootCertStore};
use portcullis_actix::{
    BindPortcullis, ClientAuth, ConnectionOptions, Guard, KeyPair, ServerTls, TrustAnchors,
};
use portcullis_pki::{Authority, Issued};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The authority that signs servers and trusted clients.
pub(crate) struct World {
    pub(crate) authority: Authority,
    server: Issued,
}

impl World {
    pub(crate) fn new() -> Self {
        let authority = Authority::new("Test CA").unwrap();
        let server = authority.server().issue().unwrap();
        Self { authority, server }
    }

    pub(crate) fn client(&self, name: &str) -> Issued {
        self.authority.client(name).issue().unwrap()
    }

    pub(crate) fn anchors(&self) -> TrustAnchors {
        TrustAnchors::new().der("staff", self.authority.root_der())
    }

    /// A configuration to be finished by the test.
    pub(crate) fn tls(&self, clients: ClientAuth) -> ServerTlsBuilder {
        let key = self.server.key_der().to_vec();
        ServerTls::builder(KeyPair::from_der(self.server.chain_der().to_vec(), key)).client_auth(clients)
    }

    /// What a client trusts and shows. It resumes sessions as long as it is the same configuration.
    pub(crate) fn connector(&self, shown: Option<&Issued>) -> TlsConnector {
        self.connector_for(shown, rustls::ALL_VERSIONS)
    }

    pub(crate) fn connector_for(
        &self,
        shown: Option<&Issued>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.authority.root_der().to_vec())).unwrap();
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match shown {
            None => config.with_no_client_auth(),
            Some(shown) => {
                let chain = shown.chain_der().iter().cloned().map(CertificateDer::from).collect();
                let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(shown.key_der().to_vec()));
                config.with_client_auth_cert(chain, key).unwrap()
            }
        };
        TlsConnector::from(Arc::new(config))
    }
}

#[cfg(feature = "aws-lc-rs")]
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(not(feature = "aws-lc-rs"))]
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A running server; it stops when the test ends.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    handle: ServerHandle,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.handle.stop(false).await;
    }
}

/// Serves the routes behind the guard.
pub(crate) fn serve(
    tls: &ServerTls,
    guard: Guard,
    routes: fn(&mut web::ServiceConfig),
    options: ConnectionOptions,
) -> Running {
    let server = HttpServer::new(move || App::new().configure(routes).wrap(guard.clone()))
        .workers(1)
        .disable_signals()
        .bind_portcullis_with("127.0.0.1:0", tls, options)
        .unwrap();
    let address = *server.addrs().first().unwrap();
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Running { address, handle }
}

/// A client's end of one connection.
pub(crate) struct Client(TlsStream<TcpStream>);

/// What came back for one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn says_close(&self) -> bool {
        self.head.contains("\nconnection: close\r\n")
    }
}

impl Client {
    pub(crate) async fn connect(connector: &TlsConnector, address: SocketAddr) -> io::Result<Self> {
        let tcp = TcpStream::connect(address).await?;
        Ok(Self(connector.connect("localhost".try_into().unwrap(), tcp).await?))
    }

    pub(crate) fn is_resumed(&self) -> bool {
        self.0.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    pub(crate) async fn get(&mut self, target: &str) -> io::Result<Reply> {
        self.send(&format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await?;
        self.reply(true).await
    }

    pub(crate) async fn head(&mut self, target: &str) -> io::Result<Reply> {
        self.send(&format!("HEAD {target} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await?;
        self.reply(false).await
    }

    pub(crate) async fn send(&mut self, bytes: &str) -> io::Result<()> {
        self.0.write_all(bytes.as_bytes()).await?;
        self.0.flush().await
    }

    /// Reads one response, whose length must be given.
    pub(crate) async fn reply(&mut self, has_body: bool) -> io::Result<Reply> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await?);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let mut body = vec![0; if has_body { length.parse().unwrap() } else { 0 }];
        self.0.read_exact(&mut body).await?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(Reply { status, head, body: String::from_utf8(body).unwrap() })
    }

    /// So many bytes, which must be text.
    pub(crate) async fn read(&mut self, length: usize) -> io::Result<String> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).await?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    /// What still comes until the connection ends, in whatever way.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ended = self.0.read_to_end(&mut bytes).await;
        String::from_utf8(bytes).unwrap()
    }

    /// Whether the server has ended the connection.
    pub(crate) async fn is_ended(&mut self) -> bool {
        matches!(self.0.read(&mut [0]).await, Ok(0) | Err(_))
    }
}
