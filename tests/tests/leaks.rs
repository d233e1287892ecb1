//! Handshakes that fail and lists that are read again leave nothing behind (FAULTS, D07).
//!
//! One adapter after the other, in a process that does nothing else: what is measured is all of its
//! memory.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;

use portcullis_pki::Revoked;
use portcullis_tests::adapter::{Adapter, Listener, actix::Actix, axum::Axum, tower::Tower};
use portcullis_tests::bench::{Bench, Key};
use portcullis_tests::case::{Http, Mode, Shape, Tls};
use portcullis_tests::client::{Sent, h1, tls};
use portcullis_tests::fixtures::{REVOKED, fixtures};
use portcullis_tests::{policy, trust};
use portcullis_tls::Revocation;
use rustls::ClientConfig;
use tokio::io::AsyncReadExt;

const ROUND: usize = 1000;
const RELOADS: usize = 100;

/// More than the allocator needs for its own, and less than a byte for each of what is done.
const ROOM: usize = 4 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_flat() {
    flat::<Axum>().await;
    flat::<Actix>().await;
    flat::<Tower>().await;
}

async fn flat<A: Adapter>() {
    failing_handshakes::<A>().await;
    reloads::<A>().await;
}

async fn failing_handshakes<A: Adapter>() {
    let bench = Bench::new::<A>();
    let address = bench.server(&Key::of_mode(Mode::Require)).await.unwrap();
    let clients: Vec<_> = ["stranger:alice", "expired:alice", "hostile:junk10", "nobody"]
        .into_iter()
        .flat_map(|name| Tls::ALL.map(|tls| client(name, tls)))
        .collect();
    let round = async || {
        for client in clients.iter().cycle().take(ROUND) {
            if let Ok(mut stream) = tls::connect(address, Arc::clone(client)).await {
                let read = stream.read(&mut [0; 1]).await;
                assert!(read.is_err(), "{}: a client that nobody trusts is let in", A::NAME);
            }
        }
    };
    round().await;
    let before = memory();
    round().await;
    round().await;
    let growth = memory().saturating_sub(before);
    assert!(growth < ROOM, "{}: {growth} bytes more after {} failing handshakes", A::NAME, 2 * ROUND);
}

async fn reloads<A: Adapter>() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("staff.crl");
    let staff = &fixtures().unwrap().staff;
    // Large enough to be seen if it stays.
    let list = |number: u64| {
        let entries = (0..5000_u32).map(|serial| Revoked::serial([&[1], &serial.to_be_bytes()[..]].concat()));
        let list = staff.revocation_list().number(number).revoke_all(entries);
        list.revoke(Revoked::serial(REVOKED)).sign().unwrap().der().to_vec()
    };
    let (odd, even) = (list(1), list(2));
    let write =
        |number: usize| std::fs::write(&file, if number.is_multiple_of(2) { &even } else { &odd }).unwrap();
    write(0);
    let anchors = portcullis_tls::TrustAnchors::new().der("staff", staff.certificate_der());
    let builder = trust::builder(Mode::Require.client_auth(anchors).unwrap()).unwrap();
    let tls = builder.revocation(Revocation::crl_files([&file])).build().unwrap();
    let bench = Bench::new::<A>();
    let auth = policy::authorizer("standard").unwrap();
    let server = bench.fresh(auth, Listener::Tls(tls.clone()), Shape::Standard).await.unwrap();
    let stream = tls::connect(server.address, client("alice", Tls::Three)).await.unwrap();
    let mut held = h1::Connection::new(stream);
    let mut before = 0;
    for number in 1..=2 * RELOADS {
        if number == RELOADS {
            before = memory();
        }
        write(number);
        tls.reload().unwrap();
        let sent = Sent::new("GET", "/admin/").header("host", "localhost");
        assert_eq!(held.send(&sent).await.unwrap().status, Some(200), "{}: reload {number}", A::NAME);
    }
    let growth = memory().saturating_sub(before);
    assert!(growth < ROOM, "{}: {growth} bytes more after {RELOADS} reloads", A::NAME);
    (server.stop)().await;
}

fn client(name: &str, tls: Tls) -> Arc<ClientConfig> {
    let credentials = fixtures().unwrap().credentials(name, None, true).unwrap();
    Arc::new(tls::config(credentials.as_ref(), Http::One, tls).unwrap())
}

/// What this process has in memory, in bytes.
fn memory() -> usize {
    const PAGE: usize = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * PAGE
}
