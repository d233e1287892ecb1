//! One site: an authority, its server, and a meeting of the server with one client.

use std::sync::Arc;

use portcullis_core::{ConnectionInfo, Peer};
use portcullis_pki::{Authority, Issued};
use portcullis_tls::rustls::{ClientConfig, HandshakeKind};
use portcullis_tls::{
    ClientAuth, HandshakeError, KeyPair, ServerTls, ServerTlsBuilder, TlsAcceptor, TlsConnection,
    TrustAnchors,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An authority that certifies the server and the clients.
pub(crate) struct Site {
    pub(crate) authority: Authority,
    pub(crate) server: Issued,
}

/// How a meeting ended for both.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) server: Result<TlsConnection, HandshakeError>,
    pub(crate) client: Called,
}

/// What a client saw.
#[derive(Debug)]
pub(crate) struct Called {
    /// How the handshake went, if it did.
    pub(crate) kind: Option<HandshakeKind>,
    /// Whether it got an answer; the error if not.
    pub(crate) answer: Result<(), String>,
}

impl Outcome {
    /// Who the server takes the client for at this time.
    pub(crate) fn peer_at(&self, at: i64) -> Peer {
        peer_at(self.server.as_ref().unwrap(), at)
    }

    pub(crate) fn info(&self) -> &ConnectionInfo {
        self.server.as_ref().unwrap().handle().info()
    }

    pub(crate) fn is_resumed(&self) -> bool {
        self.client.kind == Some(HandshakeKind::Resumed)
    }

    /// One word for what became of the client: `verified`, `anonymous`, or why it was not trusted,
    /// with a `!` in front if the server broke off.
    pub(crate) fn word_at(&self, at: i64) -> String {
        match &self.server {
            Ok(connection) => word(&peer_at(connection, at)),
            Err(error) => format!("!{}", error.code()),
        }
    }

    pub(crate) fn word(&self) -> String {
        self.word_at(now())
    }
}

pub(crate) fn peer_at(connection: &TlsConnection, at: i64) -> Peer {
    match connection.handle().peer(at) {
        portcullis_core::peer::live::Answer::Ready(peer) => peer,
        pending => panic!("{pending:?}"),
    }
}

pub(crate) fn word(peer: &Peer) -> String {
    match peer {
        Peer::Untrusted { reason, .. } => reason.code().to_owned(),
        peer => peer.name().to_owned(),
    }
}

impl Site {
    pub(crate) fn new() -> Self {
        let authority = Authority::new("Example CA").unwrap();
        let server = authority.server().issue().unwrap();
        Self { authority, server }
    }

    pub(crate) fn key_pair(&self) -> KeyPair {
        KeyPair::from_der(self.server.chain_der().to_vec(), self.server.key_der())
    }

    pub(crate) fn anchors(&self) -> TrustAnchors {
        TrustAnchors::new().der("staff", self.authority.certificate_der())
    }

    pub(crate) fn builder(&self) -> ServerTlsBuilder {
        ServerTls::builder(self.key_pair())
    }

    /// An acceptor that treats client certificates like this.
    pub(crate) fn acceptor(&self, client_auth: ClientAuth) -> TlsAcceptor {
        self.builder().client_auth(client_auth).build().unwrap().acceptor(&[])
    }
}

/// One client connects, and is answered with one byte if the server lets it in.
pub(crate) async fn meet(acceptor: &TlsAcceptor, client: &Arc<ClientConfig>) -> Outcome {
    meet_as("localhost", acceptor, client).await
}

/// The same with a client that asks for this server.
pub(crate) async fn meet_as(name: &str, acceptor: &TlsAcceptor, client: &Arc<ClientConfig>) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tcp = TcpStream::connect(address).await.unwrap();
    let client = tokio::spawn(call_as(name.to_owned(), tcp, client.clone()));
    let (tcp, _) = listener.accept().await.unwrap();
    let server = match acceptor.accept(tcp).await {
        Ok((stream, connection)) => {
            answer(stream).await;
            Ok(connection)
        }
        Err(error) => Err(error),
    };
    Outcome { server, client: client.await.unwrap() }
}

/// What a server says to a client that it has let in.
pub(crate) async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    stream.write_all(b"!").await.unwrap();
    stream.shutdown().await.unwrap();
    // The client closes first, so that it surely reads.
    let _end = stream.read(&mut [0; 16]).await;
}

/// Does the handshake as a client and reads the answer, which alone shows that it was let in.
pub(crate) async fn call(tcp: TcpStream, client: Arc<ClientConfig>) -> Called {
    call_as("localhost".into(), tcp, client).await
}

async fn call_as(name: String, tcp: TcpStream, client: Arc<ClientConfig>) -> Called {
    let connector = tokio_rustls::TlsConnector::from(client);
    let mut stream = match connector.connect(name.try_into().unwrap(), tcp).await {
        Ok(stream) => stream,
        Err(error) => return Called { kind: None, answer: Err(error.to_string()) },
    };
    let kind = stream.get_ref().1.handshake_kind();
    let mut answer = [0; 1];
    let answer = match stream.read_exact(&mut answer).await {
        // Until the end, so that session tickets behind the answer are seen.
        Ok(_) => stream.read_to_end(&mut Vec::new()).await.map(drop),
        Err(error) => Err(error),
    };
    Called { kind, answer: answer.map_err(|error| error.to_string()) }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
