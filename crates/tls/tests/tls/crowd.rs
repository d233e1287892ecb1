//! One host that opens more connections than it can ever use.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portcullis_tls::rustls::ClientConfig;
use portcullis_tls::{ClientAuth, TlsListener};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::client::Client;
use crate::site::{Called, Site, answer, call};

const HERE: &str = "127.0.0.1:0";
const THERE: &str = "127.0.0.2:0";

async fn connect(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(from.parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

async fn visit(from: &str, to: SocketAddr, client: &Arc<ClientConfig>) -> Called {
    call(connect(from, to).await, client.clone()).await
}

/// Asks until it is so; the test fails if it never is.
async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asks = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asks).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn one_host_keeps_no_other_out() {
    const PLACES: usize = 64;
    let site = Site::new();
    let alice = site.authority.client("alice").issue().unwrap();
    let alice = Client::with(&site.authority, &alice).config();
    // Nothing of what follows is due to an end of patience.
    let tls = site.builder().client_auth(ClientAuth::require(site.anchors())).concurrent_handshakes(1);
    let tls = tls.handshake_timeout(Duration::from_secs(600)).handshakes_per_peer(PLACES).build().unwrap();
    let mut listener = TlsListener::bind(HERE, tls.acceptor(&[])).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await;
            answer(stream).await;
        }
    });

    let mut crowd = Vec::new();
    for _ in 0..PLACES + 20 {
        let mut tcp = connect(THERE, address).await;
        // Those beyond the limit may be closed already.
        let _sent = tcp.write_all(b"\x16").await;
        crowd.push(tcp);
    }
    assert_eq!(visit(HERE, address, &alice).await.answer, Ok(()));
    let is_open =
        |tcp: &&TcpStream| tcp.try_read(&mut [0; 1]).is_err_and(|e| e.kind() == ErrorKind::WouldBlock);
    eventually("the rest is closed", async || crowd.iter().filter(is_open).count() == PLACES).await;
    assert!(visit(THERE, address, &alice).await.answer.is_err());
    assert_eq!(visit(HERE, address, &alice).await.answer, Ok(()));

    drop(crowd);
    eventually("places are free again", async || visit(THERE, address, &alice).await.answer.is_ok()).await;
    server.abort();
}
