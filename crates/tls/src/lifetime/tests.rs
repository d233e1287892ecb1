//! The life of a connection: judged anew, cut, and forgotten.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use portcullis_core::peer::live::Answer;
use portcullis_core::rule::{authenticated, nobody};
use portcullis_core::{
    Authorizer, Certificate, ConnectionInfo, Distrust, Identity, Live, Peer, Policy, Request,
};
use portcullis_pki::Authority;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep, timeout};

use super::*;

/// A connection whose peer changes, and that notes down when it is told to close.
#[derive(Clone)]
struct Changing(Arc<(Mutex<Peer>, AtomicUsize, Option<Duration>)>);

impl Changing {
    fn new(peer: Peer, takes: Option<Duration>) -> Self {
        Self(Arc::new((Mutex::new(peer), AtomicUsize::new(0), takes)))
    }

    fn become_(&self, peer: Peer) {
        *self.0.0.lock().unwrap() = peer;
    }
}

impl Live for Changing {
    fn peer(&self, _now: i64) -> Answer<Peer> {
        let peer = self.0.0.lock().unwrap().clone();
        match self.0.2 {
            None => Answer::Ready(peer),
            Some(takes) => Answer::Pending(Box::pin(async move {
                sleep(takes).await;
                peer
            })),
        }
    }
    fn close(&self) {
        self.0.1.fetch_add(1, SeqCst);
    }
    fn info(&self) -> &ConnectionInfo {
        static INFO: std::sync::LazyLock<ConnectionInfo> = std::sync::LazyLock::new(Default::default);
        &INFO
    }
}

const REVOKED: Peer = Peer::Untrusted { certificate: None, reason: Distrust::Revoked };
const TICK: Duration = Duration::from_secs(5);
const LATE: Duration = Duration::from_millis(5_200);

fn alice() -> Peer {
    let issued = Authority::new("Test CA").unwrap().client("alice").issue().unwrap();
    let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
    Peer::Verified(Identity::assertion(certificate, "staff"))
}

/// A connection that is looked after, with the far end of its socket.
fn begin(lives: &Lives, connection: Connection) -> (Watched<DuplexStream>, DuplexStream) {
    let (near, far) = tokio::io::duplex(64);
    (lives.watch_connection(near, connection), far)
}

/// How long a read that waits lasts, unless it goes on for hours.
async fn lasts(stream: &mut Watched<DuplexStream>) -> Option<Duration> {
    let begun = Instant::now();
    let read = timeout(Duration::from_secs(10_000), stream.read_u8()).await.ok()?;
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionAborted);
    Some(begun.elapsed())
}

fn young() -> Lives {
    Lives::plain(Lifetime::default().max_age(Duration::from_secs(1_000_000)))
}

#[tokio::test(start_paused = true)]
async fn whoever_loses_trust_is_cut_and_nobody_else() {
    let lives = young();
    for (before, after, is_cut) in [
        (alice(), alice(), false),
        (alice(), REVOKED, true),
        (alice(), Peer::Anonymous, true),
        (REVOKED, Peer::Anonymous, false),
        (Peer::Anonymous, REVOKED, false),
        (REVOKED, alice(), false),
    ] {
        for takes in [None, Some(Duration::from_secs(1))] {
            let changing = Changing::new(before.clone(), takes);
            let (mut stream, _far) = begin(&lives, Connection::new(changing.clone()));
            // A judgement that takes time has to come to an end before anything can be lost.
            sleep(if takes.is_some() { TICK * 2 } else { Duration::ZERO }).await;
            changing.become_(after.clone());
            let lasted = lasts(&mut stream).await;
            assert_eq!(lasted.is_some(), is_cut, "{before:?} {after:?} {takes:?}");
            assert_eq!(changing.0.1.load(SeqCst), usize::from(is_cut), "closed before it is cut");
            assert!(lasted.is_none_or(|lasted| lasted <= LATE + takes.unwrap_or_default() * 2), "{lasted:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_judgement_that_never_comes_ends_trust() {
    let changing = Changing::new(alice(), Some(Duration::from_secs(1)));
    let (mut stream, _far) = begin(&young(), Connection::new(changing));
    assert_eq!(lasts(&mut stream).await, None);

    struct Hanging(Mutex<Option<Peer>>);
    impl Live for Hanging {
        fn peer(&self, _now: i64) -> Answer<Peer> {
            let first = self.0.lock().unwrap().take();
            first.map_or_else(|| Answer::Pending(Box::pin(std::future::pending())), Answer::Ready)
        }
        fn close(&self) {}
        fn info(&self) -> &ConnectionInfo {
            unreachable!("nobody asks")
        }
    }
    let (near, _far) = tokio::io::duplex(64);
    let lives = young();
    let mut stream = lives.watch_connection(near, Connection::new(Hanging(Mutex::new(Some(alice())))));
    let waiting = stream.read_u8();
    assert!(timeout(Duration::from_secs(16), waiting).await.is_ok_and(|read| read.is_err()));
}

#[tokio::test(start_paused = true)]
async fn trust_that_is_replaced_is_looked_at_at_once() {
    let (replace, trust) = watch::channel(1);
    let lives = Lives::new(Lifetime::default(), Clock::default(), Some(trust));
    let changing = Changing::new(alice(), None);
    let (mut stream, _far) = begin(&lives, Connection::new(changing.clone()));
    changing.become_(REVOKED);
    replace.send(2).unwrap();
    assert!(lasts(&mut stream).await.unwrap() < Duration::from_millis(200));
    // Without anybody to replace it, there is still the clock.
    drop(replace);
    let changing = Changing::new(alice(), None);
    let (mut stream, _far) = begin(&lives, Connection::new(changing.clone()));
    changing.become_(REVOKED);
    assert!(lasts(&mut stream).await.unwrap() <= LATE);
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_connection_is_cut_by_policy() {
    let policy = |rule| Policy::builder().route("GET /socket", rule).build().unwrap();
    let auth = Authorizer::builder(policy(authenticated())).build().unwrap();
    let request = Request::new("GET", "/socket");
    let lives = young();
    let (upgraded, other) = (Changing::new(alice(), None), Changing::new(alice(), None));
    let connection = Connection::new(upgraded);
    let Answer::Ready(verdict) = auth.authorize(&request, Some(&connection)) else { unreachable!() };
    connection.hold(auth.permit(&request, Some(&connection), &verdict.into_result().unwrap()));
    let (mut upgraded, _far) = begin(&lives, connection);
    let (mut other, mut far) = begin(&lives, Connection::new(other));
    assert!(timeout(TICK * 10, upgraded.read_u8()).await.is_err());
    auth.replace_policy(policy(nobody())).unwrap();
    assert!(lasts(&mut upgraded).await.unwrap() <= LATE);
    far.write_all(b"x").await.unwrap();
    assert_eq!(other.read_u8().await.unwrap(), b'x', "it lives on");
}

#[tokio::test(start_paused = true)]
async fn old_age_closes_and_then_cuts() {
    for (age, grace) in [(3600, 30), (10, 10)] {
        let lives = Lives::plain(Lifetime::default().max_age(Duration::from_secs(age)));
        let closed = Arc::new(Mutex::new(None));
        let (begun, noted) = (Instant::now(), Arc::clone(&closed));
        let (near, _far) = tokio::io::duplex(64);
        let mut stream = lives.watch(near, move || {
            assert!(noted.lock().unwrap().replace(begun.elapsed().as_secs()).is_none(), "once");
        });
        let lasted = lasts(&mut stream).await.unwrap().as_secs();
        let closed = closed.lock().unwrap().unwrap();
        assert!((age..=age + 5).contains(&closed), "{closed}");
        assert!((age + grace..=age + grace + 5).contains(&lasted), "{lasted}");
    }
}

#[tokio::test(start_paused = true)]
async fn readers_and_writers_are_woken_by_the_end() {
    let lives = young();
    let (stream, mut far) = begin(&lives, Connection::assertion(alice()));
    let (mut input, mut output) = tokio::io::split(stream);
    far.write_all(b"hello").await.unwrap();
    let mut bytes = [0; 5];
    input.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"hello");
    let reading = tokio::spawn(async move { input.read(&mut [0; 8]).await.map(drop) });
    let writing = tokio::spawn(async move { output.write_all(&[0; 100]).await });
    sleep(Duration::from_millis(20)).await;
    assert!(!reading.is_finished() && !writing.is_finished());
    lives.cut_all();
    for ended in [reading.await.unwrap(), writing.await.unwrap()] {
        assert_eq!(ended.unwrap_err().kind(), std::io::ErrorKind::ConnectionAborted);
    }
    let (mut late, _far) = begin(&lives, Connection::assertion(alice()));
    assert!(late.read_u8().await.is_err(), "whoever comes after the end finds it");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_crowd() {
    let lives = young();
    let changing = Changing::new(alice(), None);
    let crowd: Vec<_> = (0..20_000).map(|_| begin(&lives, Connection::new(changing.clone()))).collect();
    assert_eq!(lives.count(), 20_000);
    sleep(TICK * 2).await;
    assert_eq!(Arc::strong_count(&changing.0), 20_001);
    drop(crowd);
    assert_eq!(lives.count(), 0);
    assert!(lives.living(|living| living.lives.capacity()) <= 2048);
    tokio::task::yield_now().await;
    assert_eq!(Arc::strong_count(&changing.0), 1);
}

#[test]
fn a_sweep_that_ended_with_its_runtime_begins_again() {
    let lives = young();
    for _ in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let changing = Changing::new(alice(), None);
            let (mut stream, _far) = begin(&lives, Connection::new(changing.clone()));
            changing.become_(REVOKED);
            assert!(lasts(&mut stream).await.unwrap() <= LATE);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn the_sweep_ends_with_its_listener() {
    let lives = young();
    drop(begin(&lives, Connection::assertion(alice())));
    let weak = Arc::downgrade(&lives.0);
    drop(lives);
    sleep(TICK * 2).await;
    assert_eq!(weak.strong_count(), 0);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}
