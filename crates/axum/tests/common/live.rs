//! A running server, and clients with and without a certificate.
#![allow(dead_code, reason = "each test program uses its part")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use portcullis_axum::tls::{ServerTlsBuilder, rustls};
use portcullis_axum::{ClientAuth, KeyPair, ServerTls, TrustAnchors};
use portcullis_pki::{Authority, Issued, Revoked};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An authority, and what it has issued.
pub(crate) struct Pki {
    authority: Authority,
    server: Issued,
}

#[derive(Clone, Copy)]
pub(crate) enum Mode {
    Require,
    Request,
    NoCertificates,
}

impl Pki {
    pub(crate) fn new() -> Self {
        Self::named("Test CA")
    }

    pub(crate) fn named(name: &str) -> Self {
        let authority = Authority::new(name).unwrap();
        let server = authority.server().issue().unwrap();
        Self { authority, server }
    }

    pub(crate) fn server(&self, mode: Mode) -> ServerTls {
        self.builder(mode).build().unwrap()
    }

    /// The same, to be finished by the test.
    pub(crate) fn builder(&self, mode: Mode) -> ServerTlsBuilder {
        let chain = self.server.chain_pem().unwrap();
        let key = self.server.key_pem().unwrap();
        let anchors = TrustAnchors::new().pem("staff", self.authority.certificate_pem().unwrap());
        let builder =
            ServerTls::builder(KeyPair::from_pem(chain, key)).handshake_timeout(Duration::from_secs(5));
        match mode {
            Mode::Require => builder.client_auth(ClientAuth::require(anchors)),
            Mode::Request => builder.client_auth(ClientAuth::request(anchors)),
            Mode::NoCertificates => builder,
        }
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The list of these certificates, which are revoked.
    pub(crate) fn list(&self, revoked: &[&Issued]) -> Vec<u8> {
        let entry = |issued: &&Issued| Revoked::certificate(issued.certificate_der()).unwrap();
        let list = self.authority.revocation_list().revoke_all(revoked.iter().map(entry));
        list.sign().unwrap().der().to_vec()
    }

    /// A client of that name, or one without a certificate.
    pub(crate) fn client(&self, name: Option<&str>, protocol: &str) -> Client {
        self.client_with(name.map(|name| self.issue(name)).as_ref(), protocol)
    }

    /// A client that trusts the server, with a certificate of another authority.
    pub(crate) fn client_of(&self, other: &Pki, name: &str, protocol: &str) -> Client {
        self.client_with(Some(&other.issue(name)), protocol)
    }

    /// A client whose certificate is valid for so long.
    pub(crate) fn client_for(&self, valid: Duration, name: &str, protocol: &str) -> Client {
        self.client_with(Some(&self.issue_for(valid, name)), protocol)
    }

    pub(crate) fn issue_for(&self, valid: Duration, name: &str) -> Issued {
        let now = std::time::SystemTime::now();
        self.authority.client(name).valid(now - Duration::from_secs(60), now + valid).issue().unwrap()
    }

    fn issue(&self, name: &str) -> Issued {
        self.authority.client(name).issue().unwrap()
    }

    pub(crate) fn client_with(&self, certificate: Option<&Issued>, protocol: &str) -> Client {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(self.authority.root_der().to_vec())).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match certificate {
            None => builder.with_no_client_auth(),
            Some(issued) => {
                let chain = issued.chain_der().iter().map(|der| CertificateDer::from(der.clone())).collect();
                let key = PrivateKeyDer::Pkcs8(issued.key_der().to_vec().into());
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Client(TlsConnector::from(Arc::new(config)))
    }
}

/// A client, which remembers its TLS sessions.
pub(crate) struct Client(TlsConnector);

impl Client {
    pub(crate) async fn connect(&self, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(address).await?;
        self.0.connect("localhost".try_into().unwrap(), tcp).await
    }

    pub(crate) async fn http1(&self, address: SocketAddr) -> Http1 {
        let stream = self.connect(address).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        Http1 { sender, ended: tokio::spawn(async move { connection.await.map_err(|e| e.to_string()) }) }
    }

    pub(crate) async fn http2(&self, address: SocketAddr) -> Http2 {
        let stream = self.connect(address).await.unwrap();
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        Http2 { sender, ended: tokio::spawn(async move { connection.await.map_err(|e| e.to_string()) }) }
    }
}

type Ended = JoinHandle<Result<(), String>>;

pub(crate) struct Http1 {
    pub(crate) sender: http1::SendRequest<Empty<Bytes>>,
    pub(crate) ended: Ended,
}

impl Http1 {
    pub(crate) async fn send(&mut self, method: &str, path: &str) -> hyper::Result<Response<Incoming>> {
        self.sender.ready().await?;
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        self.sender.send_request(request.body(Empty::new()).unwrap()).await
    }
}

pub(crate) struct Http2 {
    pub(crate) sender: http2::SendRequest<Empty<Bytes>>,
    pub(crate) ended: Ended,
}

impl Http2 {
    pub(crate) async fn send(&mut self, method: &str, path: &str) -> hyper::Result<Response<Incoming>> {
        self.sender.ready().await?;
        let request = Request::builder().method(method).uri(format!("https://localhost{path}"));
        self.sender.send_request(request.body(Empty::new()).unwrap()).await
    }
}

pub(crate) async fn text(response: Response<Incoming>) -> Result<String, hyper::Error> {
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.into()).unwrap())
}

/// Waits for the end of a connection, which must come soon.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(5), what).await.expect("this should not take so long")
}

/// A body that goes on for ever, a byte every 10 ms.
pub(crate) fn endless() -> Body {
    let (mut writer, reader) = tokio::io::duplex(64);
    tokio::spawn(async move {
        while tokio::io::AsyncWriteExt::write_all(&mut writer, b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    Body::new(Endless(reader))
}

struct Endless(tokio::io::DuplexStream);

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
        let mut bytes = [0; 64];
        let mut buffer = tokio::io::ReadBuf::new(&mut bytes);
        let read = tokio::io::AsyncRead::poll_read(std::pin::Pin::new(&mut self.0), cx, &mut buffer);
        read.map(|read| match read {
            Ok(()) if buffer.filled().is_empty() => None,
            Ok(()) => Some(Ok(hyper::body::Frame::data(Bytes::copy_from_slice(buffer.filled())))),
            Err(error) => Some(Err(error)),
        })
    }
}
