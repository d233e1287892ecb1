//! Sources of roles that have to wait, hang, or go wrong on the way.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy exempts test functions, not what they call")]

mod audited;

use std::future::{Future, pending, poll_fn, ready as at_once};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use audited::{Events, ready};
use portcullis_core::authorizer::AuthorizerBuilder;
use portcullis_core::peer::live::Answer;
use portcullis_core::provider::{Account, Grants, ProviderError, RoleProvider};
use portcullis_core::rule::{anyone, authenticated, role};
use portcullis_core::{
    Authorizer, Connection, ConnectionInfo, Decision, DenialKind, Live, Peer, Policy, Request, RoleMap,
};

type Said = Result<Grants, ProviderError>;

/// A source that says what the future says which `F` makes.
struct Waits<F>(F);

impl<F, T> RoleProvider for Waits<F>
where
    F: Fn() -> T + Send + Sync + 'static,
    T: Future<Output = Said> + Send + 'static,
{
    fn roles(&self, _: Account<'_>) -> Answer<Said> {
        Answer::Pending(Box::pin((self.0)()))
    }
}

fn builder() -> AuthorizerBuilder {
    let policy = Policy::builder()
        .role("admin", [])
        .role("auditor", [])
        .role("suspended", [])
        .route("GET /", anyone())
        .route("GET /me", authenticated())
        .route("GET /admin", role("admin"))
        .route("GET /audit", role("auditor"))
        .route("GET /pay", !role("suspended"))
        .build()
        .unwrap();
    Authorizer::builder(policy)
}

fn alice() -> Connection {
    Connection::assertion(audited::peer("alice"))
}

fn decide(auth: &Authorizer, path: &str) -> Decision {
    ready(auth.authorize(&Request::new("GET", path), Some(&alice()))).decision
}

/// The decision when the time is out at once.
fn decide_late(auth: &Authorizer, path: &str) -> Decision {
    ready(auth.authorize_with_timer(&Request::new("GET", path), Some(&alice()), |_| at_once(()))).decision
}

fn assert_unavailable(decision: &Decision, cause: &str) {
    let denial = decision.denial().unwrap();
    assert_eq!((denial.kind(), denial.status()), (DenialKind::Unavailable, 503));
    assert!(denial.to_string().contains(cause), "{denial}");
}

#[test]
fn all_sources_are_waited_for_at_the_same_time() {
    let second_has_begun = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&second_has_begun);
    let first = Waits(move || {
        let seen = Arc::clone(&seen);
        poll_fn(move |_| if seen.load(Relaxed) { Poll::Ready(Ok(["admin"].into())) } else { Poll::Pending })
    });
    let second = Waits(move || {
        let second_has_begun = Arc::clone(&second_has_begun);
        async move {
            second_has_begun.store(true, Relaxed);
            Ok(["auditor"].into())
        }
    });
    let auth = builder().roles(first).roles(second).build().unwrap();
    let verdict = ready(auth.authorize(&Request::new("GET", "/admin"), Some(&alice())));
    assert!(verdict.decision.is_allowed());
    assert!(verdict.principal.unwrap().has_role("auditor"));
}

/// Panics at its n-th poll, and counts the polls.
fn panics_at(poll: usize, polls: &Arc<AtomicUsize>) -> impl RoleProvider + use<> {
    let polls = Arc::clone(polls);
    Waits(move || {
        let polls = Arc::clone(&polls);
        poll_fn(move |_| {
            assert!(polls.fetch_add(1, Relaxed) + 1 < poll, "a bug in the source");
            Poll::Pending
        })
    })
}

/// Says at its n-th poll that the caller is an auditor.
fn auditor_at(poll: usize) -> impl RoleProvider {
    Waits(move || {
        let mut polls = 0;
        poll_fn(move |_| {
            polls += 1;
            if polls < poll { Poll::Pending } else { Poll::Ready(Ok(["auditor"].into())) }
        })
    })
}

#[test]
fn a_panic_while_waiting_is_a_failure_and_is_not_polled_again() {
    for poll in 1..=3 {
        let (events, polls) = (Events::default(), Arc::new(AtomicUsize::new(0)));
        let auth = builder().roles(panics_at(poll, &polls)).roles(auditor_at(5)).audit(events.sink());
        let auth = auth.build().unwrap();
        assert_unavailable(&decide(&auth, "/admin"), "source 1: it panicked");
        assert_eq!(polls.swap(0, Relaxed), poll);
        assert_unavailable(&decide(&auth, "/pay"), "source 1: it panicked");
        polls.store(0, Relaxed);
        assert!(decide(&auth, "/").is_allowed());
        polls.store(0, Relaxed);
        assert!(decide(&auth, "/audit").is_allowed(), "the other source has said it");
        drop(auth);
        let events = events.json();
        let told: Vec<_> = events.iter().map(|event| event["source_failure"].as_str()).collect();
        assert_eq!(told, [Some("source 1: it panicked"); 4]);
    }
}

/// Ends badly.
struct Bomb(Poll<()>);

impl Future for Bomb {
    type Output = Said;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Said> {
        self.0.map(|()| Ok(["admin"].into()))
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a future that panics at its end");
    }
}

#[test]
fn a_panic_at_the_end_of_a_future_is_a_failure() {
    for state in [Poll::Ready(()), Poll::Pending] {
        let auth = builder().roles(Waits(move || Bomb(state))).build().unwrap();
        assert_unavailable(&decide_late(&auth, "/admin"), "source 1: it panicked");
        assert!(decide_late(&auth, "/me").is_allowed());
    }
}

/// A source that hangs.
fn hangs() -> impl RoleProvider {
    Waits(pending::<Said>)
}

#[test]
fn a_source_that_is_late_counts_as_failed() {
    let late = "source 2: it did not answer within 0.5 s";
    let events = Events::default();
    let auditors = RoleMap::new().name("alice", ["auditor"]).unwrap();
    let auth = builder().roles(auditors).roles(hangs()).source_limit(Duration::from_millis(500));
    let auth = auth.audit(events.sink()).build().unwrap();
    assert_unavailable(&decide_late(&auth, "/admin"), late);
    assert_unavailable(&decide_late(&auth, "/pay"), late);
    for path in ["/", "/me", "/audit"] {
        assert!(decide_late(&auth, path).is_allowed(), "{path} does not depend on it");
    }
    drop(auth);
    let events = events.json();
    assert_eq!(events.len(), 5);
    for event in events {
        assert_eq!(event["source_failure"], late);
    }
}

#[test]
fn the_first_source_that_failed_is_named_whoever_is_faster() {
    let fails = || Waits(|| async { Err(ProviderError::new("down")) });
    let auth = builder().roles(hangs()).roles(fails()).roles(hangs()).build().unwrap();
    assert_unavailable(&decide_late(&auth, "/admin"), "source 1: it did not answer within 10 s");
    let auth = builder().roles(fails()).roles(hangs()).build().unwrap();
    assert_unavailable(&decide_late(&auth, "/admin"), "source 1: down");
}

#[test]
fn an_answer_that_comes_with_the_end_of_the_time_still_counts() {
    let auth = builder().roles(Waits(|| async { Ok(["admin"].into()) })).build().unwrap();
    assert!(decide_late(&auth, "/admin").is_allowed());
    let auth = builder().roles(auditor_at(2)).build().unwrap();
    assert_unavailable(&decide_late(&auth, "/audit"), "did not answer");
}

#[test]
fn the_timer_gets_the_limit_and_is_never_made_in_vain() {
    let timer = |expected| {
        move |limit: Duration| {
            assert_eq!(limit, Duration::from_secs(expected));
            at_once(())
        }
    };
    let request = Request::new("GET", "/admin");
    let auth = builder().roles(hangs()).build().unwrap();
    assert_eq!(auth.source_limit(), Duration::from_secs(10));
    let _ = ready(auth.authorize_with_timer(&request, Some(&alice()), timer(10)));
    let auth = builder().roles(hangs()).source_limit(Duration::from_secs(3)).build().unwrap();
    let _ = ready(auth.authorize_with_timer(&request, Some(&alice()), timer(3)));

    let in_vain = |_| -> std::future::Pending<()> { panic!("nothing to wait for") };
    let nobody = Connection::assertion(Peer::Anonymous);
    let _ = ready(auth.authorize_with_timer(&request, Some(&nobody), in_vain));
    let _ = ready(auth.authorize_with_timer(&request, None, in_vain));
    let auth = builder().roles(RoleMap::new().name("alice", ["admin"]).unwrap()).build().unwrap();
    assert!(ready(auth.authorize_with_timer(&request, Some(&alice()), in_vain)).decision.is_allowed());
}

#[test]
fn the_timer_is_asked_first_and_never_again_after_its_end() {
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (of_source, of_timer) = (Arc::clone(&order), Arc::clone(&order));
    let source = Waits(move || {
        let order = Arc::clone(&of_source);
        poll_fn(move |cx| {
            order.lock().unwrap().push("source");
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    });
    let auth = builder().roles(source).build().unwrap();
    let mut polls = 0;
    let timer = poll_fn(move |_| {
        of_timer.lock().unwrap().push("timer");
        polls += 1;
        assert!(polls <= 2, "polled after its end");
        if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
    });
    let answer = auth.authorize_with_timer(&Request::new("GET", "/admin"), Some(&alice()), |_| timer);
    assert_unavailable(&ready(answer).decision, "did not answer");
    assert_eq!(*order.lock().unwrap(), ["timer", "source", "timer", "source"]);
}

#[test]
fn without_a_timer_a_source_is_waited_for() {
    let auth = builder().roles(hangs()).build().unwrap();
    let mut waiting = Box::pin(auth.authorize(&Request::new("GET", "/"), Some(&alice())).get());
    for _ in 0..100 {
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}

/// A transport that takes so many polls to say who the peer is.
struct Transport(usize, ConnectionInfo);

impl Transport {
    fn connection(polls: usize) -> Connection {
        Connection::new(Self(polls, ConnectionInfo::default()))
    }
}

impl Live for Transport {
    fn peer(&self, _now: i64) -> Answer<Peer> {
        let (mut left, peer) = (self.0, audited::peer("alice"));
        Answer::Pending(Box::pin(poll_fn(move |_| {
            left = left.saturating_sub(1);
            if left == 0 { Poll::Ready(peer.clone()) } else { Poll::Pending }
        })))
    }

    fn close(&self) {}

    fn info(&self) -> &ConnectionInfo {
        &self.1
    }
}

#[test]
fn a_peer_that_cannot_be_judged_in_time_is_not_trusted() {
    let auth = builder().roles(RoleMap::new().name("alice", ["admin"]).unwrap()).build().unwrap();
    let decide = |path, polls| {
        let connection = Transport::connection(polls);
        ready(auth.authorize_with_timer(&Request::new("GET", path), Some(&connection), |_| at_once(())))
            .decision
    };
    assert!(decide("/admin", 1).is_allowed());
    assert!(decide("/", usize::MAX).is_allowed());
    let denied = decide("/admin", usize::MAX);
    let denial = denied.denial().unwrap();
    assert_eq!(denial.kind(), DenialKind::CertificateUntrusted);
    assert!(denial.to_string().contains("did not answer within 10 s"), "{denial}");
}

#[test]
fn one_limit_is_for_the_peer_and_the_sources_together() {
    let auth = builder().roles(hangs()).build().unwrap();
    let mut polls = 0;
    let timer = poll_fn(move |_| {
        polls += 1;
        assert!(polls <= 1, "polled after its end");
        Poll::Ready(())
    });
    let connection = Transport::connection(1);
    let answer = auth.authorize_with_timer(&Request::new("GET", "/admin"), Some(&connection), |_| timer);
    assert_unavailable(&ready(answer).decision, "did not answer");
}
