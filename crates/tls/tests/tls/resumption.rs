//! Sessions that are resumed, and clients that have changed meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::{Duration, SystemTime};

use portcullis_pki::Authority;
use portcullis_tls::{ClientAuth, TlsAcceptor};

use crate::client::{Client, VERSIONS};
use crate::site::{Site, answer, call, meet, now};

/// A certificate that is valid for an hour, and an acceptor whose clock can be moved.
fn short_lived(
    site: &Site,
    client_auth: ClientAuth,
) -> (portcullis_pki::Issued, TlsAcceptor, Arc<AtomicI64>) {
    let hour = Duration::from_secs(3600);
    let valid = (SystemTime::now() - hour, SystemTime::now() + hour);
    let alice = site.authority.client("alice").valid(valid.0, valid.1).issue().unwrap();
    let time = Arc::new(AtomicI64::new(now()));
    let clock = time.clone();
    let tls = site.builder().client_auth(client_auth).clock(move || clock.load(SeqCst)).build().unwrap();
    (alice, tls.acceptor(&[]), time)
}

#[tokio::test]
async fn a_session_does_not_outlive_the_certificate() {
    let site = Site::new();
    for version in VERSIONS {
        for (mode, refused) in [
            (ClientAuth::require as fn(_) -> _, "!expired"),
            (ClientAuth::if_given, "!expired"),
            (ClientAuth::request, "expired"),
        ] {
            // In a resumed handshake it is left to the guard to say so.
            let (alice, acceptor, time) = short_lived(&site, mode(site.anchors()));
            let client = Client::with(&site.authority, &alice).version(version).config();
            let at = || time.load(SeqCst);
            let first = meet(&acceptor, &client).await;
            assert_eq!((first.word_at(at()).as_str(), first.is_resumed()), ("verified", false), "{first:?}");
            // Twice, so that the sessions of resumed handshakes are seen to be kept, too.
            for _ in 0..5 {
                let again = meet(&acceptor, &client).await;
                assert_eq!(
                    (again.word_at(at()).as_str(), again.is_resumed()),
                    ("verified", true),
                    "{again:?}"
                );
                assert!(again.info().resumed && !first.info().resumed);
            }
            time.fetch_add(2 * 3600, SeqCst);
            let late = meet(&acceptor, &client).await;
            assert_eq!(late.word_at(at()), "expired", "{late:?}");
            assert!(late.client.answer.is_ok() && late.is_resumed(), "{late:?}");
            // All its sessions are forgotten, so that it is asked for a new certificate.
            let renewed = meet(&acceptor, &client).await;
            assert_eq!(
                (renewed.word_at(at()).as_str(), renewed.is_resumed()),
                (refused, false),
                "{renewed:?}"
            );
        }
    }
}

#[tokio::test]
async fn hop_by_hop_nobody_gets_beyond_the_end() {
    let site = Site::new();
    for version in VERSIONS {
        let (alice, acceptor, time) = short_lived(&site, ClientAuth::require(site.anchors()));
        let client = Client::with(&site.authority, &alice).version(version).config();
        let mut words = Vec::new();
        for _ in 0..6 {
            words.push(meet(&acceptor, &client).await.word_at(time.load(SeqCst)));
            time.fetch_add(19 * 60, SeqCst);
        }
        assert_eq!(words[..4], ["verified"; 4], "{words:?}");
        assert_eq!(words[4..], ["expired", "!expired"], "{words:?}");
    }
}

#[tokio::test]
async fn whoever_was_told_to_bring_a_certificate_is_asked_for_it() {
    let site = Site::new();
    let alice = site.authority.client("alice").issue().unwrap();
    let stranger = Authority::new("Stranger CA").unwrap().client("alice").issue().unwrap();
    for version in VERSIONS {
        let acceptor = site.acceptor(ClientAuth::request(site.anchors()));
        let client = Client::anonymous(&site.authority).version(version);
        let wallet = client.wallet();
        let client = client.config();
        for expected in ["anonymous", "anonymous"] {
            let outcome = meet(&acceptor, &client).await;
            assert_eq!((outcome.word().as_str(), outcome.is_resumed()), (expected, false), "{outcome:?}");
        }
        wallet.import(&stranger);
        for expected in ["unknown-issuer", "unknown-issuer"] {
            let outcome = meet(&acceptor, &client).await;
            assert_eq!((outcome.word().as_str(), outcome.is_resumed()), (expected, false), "{outcome:?}");
        }
        wallet.import(&alice);
        assert_eq!(meet(&acceptor, &client).await.word(), "verified");
        assert!(meet(&acceptor, &client).await.is_resumed());
    }
}

#[tokio::test]
async fn anonymous_sessions_are_resumed_where_nobody_is_asked() {
    let site = Site::new();
    for version in VERSIONS {
        let acceptor = site.builder().build().unwrap().acceptor(&[]);
        let client = Client::anonymous(&site.authority).version(version).config();
        assert!(!meet(&acceptor, &client).await.is_resumed());
        assert!(meet(&acceptor, &client).await.is_resumed());
    }
}

#[tokio::test]
async fn no_session_goes_from_one_configuration_to_another() {
    let site = Site::new();
    let alice = site.authority.client("alice").issue().unwrap();
    for version in VERSIONS {
        let request = site.builder().client_auth(ClientAuth::request(site.anchors())).build().unwrap();
        let other = site.builder().client_auth(ClientAuth::request(site.anchors())).build().unwrap();
        let require = site.acceptor(ClientAuth::require(site.anchors()));
        let plain = site.builder().build().unwrap();
        let client = || Client::with(&site.authority, &alice).version(version).config();
        for elsewhere in
            [other.acceptor(&[]), require.clone(), plain.acceptor(&[]), request.acceptor(&[b"h2"])]
        {
            let client = client();
            assert_eq!(meet(&request.acceptor(&[]), &client).await.word(), "verified");
            assert!(!meet(&elsewhere, &client).await.is_resumed(), "{elsewhere:?}");
        }
        // A session without a certificate does not open a listener that requires one.
        let nobody = Client::anonymous(&site.authority).version(version).config();
        meet(&plain.acceptor(&[]), &nobody).await;
        assert_eq!(meet(&require, &nobody).await.word(), "!certificate-required");
        // The same list of protocols means the same sessions.
        let client = client();
        meet(&request.acceptor(&[b"h2"]), &client).await;
        assert!(meet(&request.acceptor(&[b"h2"]), &client).await.is_resumed());
        assert!(Arc::ptr_eq(&request.server_config(&[b"h2"]), &request.server_config(&[b"h2"])));
    }
}

#[tokio::test]
async fn early_data_is_never_taken() {
    let site = Site::new();
    let config = site.builder().build().unwrap().server_config(&[b"http/1.1"]);
    assert_eq!((config.max_early_data_size, config.send_half_rtt_data), (0, false));
}

/// As actix-web does it: the handshake by tokio-rustls, then the question who is there.
#[tokio::test]
async fn handshakes_done_elsewhere_are_judged_by_connection() {
    let site = Site::new();
    for version in VERSIONS {
        for (mode, is_kept, refused) in [
            (ClientAuth::require as fn(_) -> _, true, true),
            (ClientAuth::if_given, false, true),
            (ClientAuth::request, false, false),
        ] {
            let (alice, acceptor, time) = short_lived(&site, mode(site.anchors()));
            let tls = acceptor.tls();
            let client = Client::with(&site.authority, &alice).version(version).config();
            let elsewhere = async || {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let tcp = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
                let client = tokio::spawn(call(tcp, client.clone()));
                let (tcp, peer) = listener.accept().await.unwrap();
                let config = Arc::new((*tls.server_config(&[])).clone());
                let stream =
                    tokio_rustls::TlsAcceptor::from(config).accept(tcp).await.map_err(|_| "handshake")?;
                let connection =
                    tls.connection(stream.get_ref().1, Some(peer)).map_err(|error| error.code())?;
                answer(stream).await;
                client.await.unwrap();
                Ok::<_, &str>(connection)
            };
            let first = elsewhere().await.unwrap();
            assert_eq!(crate::site::word(&crate::site::peer_at(&first, now())), "verified");
            // Without an acceptor of ours it is not known in time who is there.
            let second = elsewhere().await.unwrap();
            assert_eq!(second.handle().info().resumed, is_kept);
            time.fetch_add(2 * 3600, SeqCst);
            let late = elsewhere().await;
            match (refused, is_kept) {
                (true, false) => assert_eq!(late.unwrap_err(), "handshake"),
                _ => {
                    let peer = crate::site::peer_at(&late.unwrap(), time.load(SeqCst));
                    assert_eq!(crate::site::word(&peer), "expired");
                }
            }
        }
    }
}
