//! The listener, with many clients of all kinds at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_tls::rustls::ClientConfig;
use portcullis_tls::{ClientAuth, ServerTlsBuilder, TlsListener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::site::{Called, Site, answer, call, now, peer_at, word};

async fn listen(builder: ServerTlsBuilder) -> TlsListener {
    TlsListener::bind("127.0.0.1:0", builder.build().unwrap().acceptor(&[])).await.unwrap()
}

fn alice(site: &Site) -> Arc<ClientConfig> {
    Client::with(&site.authority, &site.authority.client("alice").issue().unwrap()).config()
}

fn strict(site: &Site) -> ServerTlsBuilder {
    site.builder().client_auth(ClientAuth::require(site.anchors()))
}

/// A good client that calls this listener.
async fn visit(listener: &TlsListener, client: &Arc<ClientConfig>) -> tokio::task::JoinHandle<Called> {
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    tokio::spawn(call(tcp, client.clone()))
}

async fn serve_one(listener: &mut TlsListener) {
    let (stream, connection) = listener.accept().await;
    assert_eq!(word(&peer_at(&connection, now())), "verified");
    answer(stream).await;
}

#[tokio::test]
async fn silent_and_hostile_clients_keep_nobody_waiting() {
    let site = Site::new();
    let mut listener = listen(strict(&site)).await;
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        serve_one(&mut listener).await;
        // The silent ones are still there.
        listener
    });
    let mut silent = Vec::new();
    for number in 0..300 {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        if number % 3 == 0 {
            tcp.write_all(b"\x16\x03").await.unwrap();
        }
        silent.push(tcp);
    }
    let visit = async |client| call(TcpStream::connect(address).await.unwrap(), client).await;
    assert!(visit(Client::anonymous(&site.authority).config()).await.answer.is_err());
    let start = Instant::now();
    assert_eq!(visit(alice(&site)).await.answer, Ok(()));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    drop(server.await.unwrap());
}

#[tokio::test]
async fn half_a_handshake_keeps_nobody_waiting_and_ends_in_time() {
    let site = Site::new();
    let limit = Duration::from_secs(2);
    let mut listener = listen(strict(&site).concurrent_handshakes(1).handshake_timeout(limit)).await;
    let address = listener.local_addr().unwrap();
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"\x16\x03").await.unwrap();
    let nobody_done = tokio::time::timeout(limit / 20, listener.accept()).await;
    assert!(nobody_done.is_err());
    let good = visit(&listener, &alice(&site)).await;
    serve_one(&mut listener).await;
    assert_eq!(good.await.unwrap().answer, Ok(()));
    for tcp in [&mut silent, &mut slow] {
        // Still there when the good one has been served.
        assert_eq!(tcp.try_read(&mut [0; 1]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
    for tcp in [&mut silent, &mut slow] {
        tokio::time::timeout(2 * limit, tcp.read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn no_connection_is_lost_when_accept_is_dropped() {
    let site = Site::new();
    let mut listener = listen(strict(&site)).await;
    let client = alice(&site);
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(visit(&listener, &client).await);
    }
    let mut served = Vec::new();
    while served.len() < clients.len() {
        let brief = Duration::from_micros(200);
        if let Ok((stream, _)) = tokio::time::timeout(brief, listener.accept()).await {
            served.push(tokio::spawn(answer(stream)));
        }
    }
    for client in clients {
        assert_eq!(client.await.unwrap().answer, Ok(()));
    }
}

#[tokio::test]
async fn dropping_the_listener_ends_handshakes() {
    let site = Site::new();
    let mut listener = listen(strict(&site)).await;
    let address = listener.local_addr().unwrap();
    let mut half_open = Vec::new();
    for _ in 0..100 {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(b"\x16\x03").await.unwrap();
        half_open.push(tcp);
    }
    let nobody_done = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(nobody_done.is_err());
    drop(listener);
    let ended = async {
        for tcp in &mut half_open {
            // A reset is an end, too.
            let _end = tcp.read(&mut [0; 1]).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(2), ended).await.unwrap();
}

#[tokio::test]
async fn what_ends_a_connection_is_set_once() {
    let site = Site::new();
    let mut listener = listen(strict(&site)).await;
    let good = visit(&listener, &alice(&site)).await;
    let (stream, connection) = listener.accept().await;
    // Until it is set, closing does nothing.
    connection.handle().close();
    let calls = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = calls.clone();
    assert!(connection.on_close(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }));
    assert!(!connection.clone().on_close(|| panic!("set twice")));
    connection.handle().clone().close();
    assert_eq!(calls.load(std::sync::atomic::Ordering::SeqCst), 1);
    answer(stream).await;
    good.await.unwrap().answer.unwrap();
}

#[tokio::test]
async fn protocols_are_agreed_on() {
    let site = Site::new();
    let tls = site.builder().build().unwrap();
    for (ours, expected) in
        [(&[&b"h2"[..], b"http/1.1"][..], Some(&b"h2"[..])), (&[b"http/1.1"], Some(b"http/1.1")), (&[], None)]
    {
        let mut listener = TlsListener::bind("127.0.0.1:0", tls.acceptor(ours)).await.unwrap();
        let mut client = (*Client::anonymous(&site.authority).config()).clone();
        client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let client = visit(&listener, &Arc::new(client)).await;
        let (stream, _) = listener.accept().await;
        assert_eq!(stream.alpn_protocol(), expected);
        assert!(stream.peer_addr().unwrap().ip().is_loopback());
        answer(stream).await;
        client.await.unwrap().answer.unwrap();
    }
}
