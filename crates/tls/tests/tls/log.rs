//! What the operator sees of failed handshakes.

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Once};
use std::time::Duration;

use portcullis_pki::Authority;
use portcullis_tls::{ClientAuth, TlsAcceptor};
use tokio::io::AsyncWriteExt;

use crate::client::Client;
use crate::site::{Site, meet};

thread_local! {
    /// What was logged in this thread: a test runs in one.
    static WRITTEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes events as JSON, one a line, for the thread in which they happen.
///
/// One subscriber for all tests, because those that come and go miss events of each other's callsites.
struct Lines;

impl Lines {
    /// The lines of our target since the last call.
    fn take(&self) -> Vec<String> {
        let text = String::from_utf8(WRITTEN.take()).unwrap();
        text.lines().filter(|line| line.contains("portcullis::tls")).map(str::to_owned).collect()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.with_borrow_mut(|written| written.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn watch() -> Lines {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .without_time()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(|| Lines)
            .init();
    });
    Lines.take();
    Lines
}

fn only(lines: &Lines) -> String {
    let mut taken = lines.take();
    assert_eq!(taken.len(), 1, "{taken:?}");
    taken.remove(0)
}

#[tokio::test]
async fn one_event_for_each_failure() {
    let lines = watch();
    let site = Site::new();
    let acceptor = site.acceptor(ClientAuth::require(site.anchors()));
    let start = only(&lines);
    assert!(start.contains(r#""mode":"require","anchors":"staff: 1""#), "{start}");

    let stranger = Authority::new("Other CA").unwrap().client("mal\u{202e}lory").issue().unwrap();
    let sha256 =
        portcullis_core::Certificate::from_der(stranger.certificate_der()).unwrap().sha256().to_string();
    let outcome = meet(&acceptor, &Client::with(&site.authority, &stranger).config()).await;
    let line = only(&lines);
    for part in [
        r#""level":"WARN""#,
        r#""peer":"127.0.0.1:"#,
        r#""code":"unknown-issuer""#,
        r#"handshake failed: the certificate of the client is not trusted: unknown issuer `CN=Other CA`"#,
        r#""remedy":"use a certificate from an issuer"#,
        &sha256,
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!line.contains('\u{202e}'), "{line}");
    assert!(outcome.server.is_err());

    let thief = site.authority.hostile("other_key").unwrap();
    meet(&acceptor, &Client::with(&site.authority, &thief).config()).await;
    let line = only(&lines);
    assert!(line.contains(r#""level":"WARN""#) && line.contains(r#""code":"not-possessed""#), "{line}");
    assert!(line.contains(r#""subject":"CN=alice""#), "{line}");

    meet(&acceptor, &Client::anonymous(&site.authority).config()).await;
    let line = only(&lines);
    assert!(
        line.contains(r#""level":"INFO""#) && line.contains(r#""code":"certificate-required""#),
        "{line}"
    );
    assert!(!line.contains("subject"), "{line}");

    // A client that does not trust this server says so.
    let elsewhere = Authority::new("Elsewhere CA").unwrap();
    meet(&acceptor, &Client::anonymous(&elsewhere).config()).await;
    let line = only(&lines);
    assert!(line.contains("`unknown_ca`: it does not trust the certificate of this server"), "{line}");

    connect(&acceptor, b"").await;
    let line = only(&lines);
    assert!(line.contains(r#""level":"DEBUG""#) && line.contains(r#""code":"closed""#), "{line}");
    connect(&acceptor, b"GET / HTTP/1.1\r\n\r\n").await;
    let line = only(&lines);
    assert!(line.contains(r#""level":"DEBUG""#) && line.contains(r#""code":"plain-http""#), "{line}");

    let alice = site.authority.client("alice").issue().unwrap();
    assert_eq!(meet(&acceptor, &Client::with(&site.authority, &alice).config()).await.word(), "verified");
    assert_eq!(lines.take(), [""; 0]);
}

#[tokio::test]
async fn what_is_let_in_is_not_a_failure() {
    let site = Site::new();
    let acceptor = site.acceptor(ClientAuth::request(site.anchors()));
    let lines = watch();
    let expired = site.authority.hostile("expired_leaf").unwrap();
    assert_eq!(meet(&acceptor, &Client::with(&site.authority, &expired).config()).await.word(), "expired");
    assert_eq!(lines.take(), [""; 0]);
}

#[tokio::test]
async fn a_slow_client_is_an_event_too() {
    let site = Site::new();
    let tls = site.builder().handshake_timeout(Duration::from_millis(50)).build().unwrap();
    let lines = watch();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for (bytes, code, words) in
        [(&b""[..], "silent", "sent nothing for 50ms"), (b"\x16", "timed-out", "was not done after 50ms")]
    {
        let mut slow = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        slow.write_all(bytes).await.unwrap();
        let (tcp, _) = listener.accept().await.unwrap();
        assert_eq!(tls.acceptor(&[]).accept(tcp).await.unwrap_err().code(), code);
        let line = only(&lines);
        assert!(line.contains(r#""level":"INFO""#) && line.contains(words), "{line}");
    }
}

#[tokio::test]
async fn a_crowd_does_not_flood_the_log() {
    let site = Site::new();
    let acceptor = site.builder().handshakes_per_peer(1).build().unwrap().acceptor(&[]);
    let lines = watch();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pair = async || {
        let client = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, listener.accept().await.unwrap().0)
    };
    let (_silent, tcp) = pair().await;
    let first = acceptor.accept(tcp);
    let others = async {
        for _ in 0..2 {
            let (_closed, tcp) = pair().await;
            assert_eq!(acceptor.accept(tcp).await.unwrap_err().code(), "too-many");
        }
    };
    tokio::select! {
        biased;
        _ = first => panic!("it says nothing"),
        () = others => {}
    }
    let logged = lines.take().join("\n");
    assert_eq!(logged.matches(r#""level":"WARN""#).count(), 1, "{logged}");
    assert!(logged.contains(r#""peer":"127.0.0.1""#) && logged.contains("`handshakes_per_peer`"), "{logged}");
    assert_eq!(logged.matches(r#""level":"DEBUG""#).count(), 2, "{logged}");
}

/// The events of handshakes that run at once do not get each other's certificates.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_told_apart_under_load() {
    let site = Arc::new(Site::new());
    let acceptor = site.acceptor(ClientAuth::if_given(site.anchors()));
    let other = Authority::new("Other CA").unwrap();
    let mut meetings = Vec::new();
    for number in 0..40 {
        let issued = other.client(&format!("client {number}")).issue().unwrap();
        let client = Client::with(&site.authority, &issued).config();
        let acceptor = acceptor.clone();
        meetings.push(tokio::spawn(async move { (issued, meet(&acceptor, &client).await) }));
    }
    for meeting in meetings {
        let (issued, outcome) = meeting.await.unwrap();
        let error = outcome.server.unwrap_err();
        assert_eq!(error.certificate().unwrap().der(), issued.certificate_der());
    }
}

async fn connect(acceptor: &TlsAcceptor, bytes: &[u8]) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    client.write_all(bytes).await.unwrap();
    client.shutdown().await.unwrap();
    let (tcp, _) = listener.accept().await.unwrap();
    acceptor.accept(tcp).await.unwrap_err();
}
