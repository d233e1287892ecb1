//! Clients that do not speak TLS, or do so very slowly.

use std::io::{Read, Write};
use std::time::Duration;

use portcullis_tls::{ClientAuth, HandshakeError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Client, VERSIONS};
use crate::site::Site;

/// What the server makes of these bytes, and what it answers.
async fn say(site: &Site, bytes: &[u8]) -> (HandshakeError, String, std::io::Result<usize>) {
    let tls = site.builder().client_auth(ClientAuth::require(site.anchors()));
    let acceptor = tls.handshake_timeout(Duration::from_millis(300)).build().unwrap().acceptor(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (tcp, _) = listener.accept().await.unwrap();
    let server = tokio::spawn(async move { acceptor.accept(tcp).await });
    client.write_all(bytes).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let end = client.read_to_end(&mut answer).await;
    (server.await.unwrap().unwrap_err(), String::from_utf8_lossy(&answer).into_owned(), end)
}

#[tokio::test]
async fn plain_http_is_told_to_use_https() {
    let site = Site::new();
    let long = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n{}", "x".repeat(50_000));
    for request in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "G", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &long] {
        let (error, answer, end) = say(&site, request.as_bytes()).await;
        assert_eq!(error.code(), "plain-http");
        // A reset could take the answer away before it is read.
        end.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())), "{head}");
        assert!(head.contains("\r\nConnection: close"), "{head}");
        assert_eq!(body, "This port speaks HTTPS. Use https:// in the place of http://.\n");
    }
}

#[tokio::test]
async fn anything_else_gets_no_answer() {
    let site = Site::new();
    for (bytes, code) in [
        (&b""[..], "closed"),
        (b"\x00", "not-tls"),
        (b"\x80\x2e\x01\x03\x01", "not-tls"),
        (b"get / http/1.1\r\n\r\n", "not-tls"),
        (b"\x16", "closed"),
        (b"\x16\x03\x01", "closed"),
    ] {
        let (error, answer, _) = say(&site, bytes).await;
        assert_eq!((error.code(), answer.as_str()), (code, ""), "{bytes:?}");
    }
    let (error, answer, _) = say(&site, b"\x16HTTP/1.1 is not what this is").await;
    assert_eq!(error.code(), "protocol");
    // An alert.
    assert!(answer.starts_with('\x15'), "{answer:?}");
}

/// How long a client is waited for that sends these bytes after this many seconds.
async fn patience(site: &Site, limit: u64, bytes: &[u8], after: u64) -> (&'static str, Duration) {
    let limit = Duration::from_secs(limit);
    let acceptor = site.builder().handshake_timeout(limit).build().unwrap().acceptor(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (tcp, _) = listener.accept().await.unwrap();
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let says = async {
        tokio::time::sleep(Duration::from_secs(after)).await;
        client.write_all(bytes).await.unwrap();
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        outcome = acceptor.accept(tcp) => outcome.unwrap_err(),
        () = says => unreachable!(),
    };
    let waited = start.elapsed();
    tokio::time::resume();
    (error.code(), Duration::from_secs(waited.as_secs()))
}

#[tokio::test]
async fn whoever_says_nothing_makes_room_soon() {
    let site = Site::new();
    let waits = async |limit, bytes, after| patience(&site, limit, bytes, after).await;
    assert_eq!(waits(10, b"", 0).await, ("silent", Duration::from_secs(3)));
    assert_eq!(waits(10, b"\x16", 4).await, ("silent", Duration::from_secs(3)));
    assert_eq!(waits(2, b"", 0).await, ("silent", Duration::from_secs(2)));
    // The time for the first byte is part of the whole.
    assert_eq!(waits(10, b"\x16", 2).await, ("timed-out", Duration::from_secs(10)));
}

/// The handshake of a client that sends each byte in a packet of its own.
#[tokio::test(flavor = "multi_thread")]
async fn byte_by_byte_is_as_good_as_at_once() {
    let site = Site::new();
    let alice = site.authority.client("alice").issue().unwrap();
    for version in VERSIONS {
        let acceptor = site.acceptor(ClientAuth::require(site.anchors()));
        let config = Client::with(&site.authority, &alice).version(version).config();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = tokio::task::spawn_blocking(move || {
            let mut tcp = std::net::TcpStream::connect(address).unwrap();
            tcp.set_nodelay(true).unwrap();
            let name = "localhost".try_into().unwrap();
            let mut tls = portcullis_tls::rustls::ClientConnection::new(config, name).unwrap();
            while tls.is_handshaking() {
                let mut flight = Vec::new();
                while tls.wants_write() {
                    tls.write_tls(&mut flight).unwrap();
                }
                for byte in flight {
                    tcp.write_all(&[byte]).unwrap();
                    std::thread::yield_now();
                }
                if tls.is_handshaking() {
                    tls.read_tls(&mut tcp).unwrap();
                    tls.process_new_packets().unwrap();
                }
            }
            let mut flight = Vec::new();
            while tls.wants_write() {
                tls.write_tls(&mut flight).unwrap();
            }
            tcp.write_all(&flight).unwrap();
            let _end = tcp.read(&mut [0; 1]);
        });
        let (tcp, _) = listener.accept().await.unwrap();
        let (stream, connection) = acceptor.accept(tcp).await.unwrap();
        assert_eq!(crate::site::word(&crate::site::peer_at(&connection, crate::site::now())), "verified");
        drop(stream);
        client.await.unwrap();
    }
}
