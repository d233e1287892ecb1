//! However slow or broken a sink is, no request notices, and what is lost is counted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy exempts test functions, not what they call")]

mod audited;

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use audited::{Events, Known, decide, peer, policy, roles};
use portcullis_core::audit::{Audit, AuditEvent, AuditSink, JsonLines, JsonLinesError};
use portcullis_core::peer::live::Answer;
use portcullis_core::provider::{Account, Grants, ProviderError, RoleProvider};
use portcullis_core::{Authorizer, Peer, Request};

const LONG: Duration = Duration::from_secs(60);

fn builder() -> portcullis_core::authorizer::AuthorizerBuilder {
    Authorizer::builder(policy()).roles(roles())
}

fn count(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// Asks for one request that passes and one that does not; the answers must not depend on sinks.
fn two_requests(auth: &Authorizer) {
    assert!(decide(auth, "GET", "/admin/", &Known::connection(peer("alice"))).is_allowed());
    assert!(!decide(auth, "GET", "/admin/", &Known::connection(Peer::Anonymous)).is_allowed());
}

#[test]
fn a_panicking_sink_is_called_again_and_counted() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (calls, events) = (Arc::clone(&asked), Events::default());
    let panicking = move |_: &AuditEvent<'_>| {
        calls.fetch_add(1, Ordering::Relaxed);
        panic!("a sink that panics");
    };
    let auth = builder().audit(panicking).audit(events.sink()).build().unwrap();
    two_requests(&auth);
    assert!(auth.flush_audit(LONG));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!((auth.audit_losses().panicked, auth.audit_losses().total()), (2, 2));
    assert_eq!(events.lines().len(), 2, "the other sink is not concerned");
}

/// Fails when it is told an event, or only when it is flushed.
struct Failing {
    at_flush: bool,
}

impl AuditSink for Failing {
    fn record(&mut self, _: &AuditEvent<'_>) -> io::Result<()> {
        if self.at_flush { Ok(()) } else { Err(io::Error::other("no space")) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.at_flush { Err(io::Error::other("no space")) } else { Ok(()) }
    }
}

#[test]
fn a_failing_sink_is_counted_once_for_each_event() {
    for at_flush in [false, true] {
        let auth = builder().audit(Audit::to(Failing { at_flush }).batch(count(10))).build().unwrap();
        for _ in 0..10 {
            two_requests(&auth);
        }
        assert!(auth.flush_audit(LONG));
        assert_eq!((auth.audit_losses().failed, auth.audit_losses().total()), (20, 20), "{at_flush}");
    }
}

#[test]
fn a_blocked_sink_delays_nobody_and_loses_what_its_queue_cannot_hold() {
    let (gate, blocked) = mpsc::channel::<()>();
    let (entered, inside) = mpsc::channel();
    let seen = Arc::new(AtomicUsize::new(0));
    let (counter, events) = (Arc::clone(&seen), Events::default());
    let blocking = move |_: &AuditEvent<'_>| {
        let _ = entered.send(());
        let _ = blocked.recv();
        counter.fetch_add(1, Ordering::Relaxed);
    };
    let auth = builder().audit(Audit::to(blocking).queue(count(4))).audit(events.sink()).build().unwrap();
    two_requests(&auth);
    inside.recv_timeout(LONG).unwrap();
    for _ in 0..50 {
        two_requests(&auth);
    }
    assert!(!auth.flush_audit(Duration::from_millis(20)), "the sink is still blocked");
    // One is in the sink's hands and four are in the queue.
    let lost = auth.audit_losses();
    assert_eq!((lost.overflowed, lost.total()), (102 - 5, 102 - 5));
    drop(gate);
    assert!(auth.flush_audit(LONG));
    assert_eq!(seen.load(Ordering::Relaxed), 5);
    assert_eq!(events.lines().len(), 102);
    let sequences: Vec<_> = events.json().iter().map(|e| e["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (1..=102).collect::<Vec<_>>());
}

#[test]
fn the_sequence_shows_a_gap_where_events_were_lost() {
    let (gate, blocked) = mpsc::channel::<()>();
    let (entered, inside) = mpsc::channel();
    let (sender, told) = mpsc::channel();
    let blocking = move |event: &AuditEvent<'_>| {
        let _ = entered.send(());
        let _ = blocked.recv();
        sender.send(event.sequence).unwrap();
    };
    let auth = builder().audit(Audit::to(blocking).queue(count(1))).build().unwrap();
    let nobody = Known::connection(Peer::Anonymous);
    let _ = decide(&auth, "GET", "/", &nobody);
    inside.recv_timeout(LONG).unwrap();
    for _ in 0..5 {
        let _ = decide(&auth, "GET", "/", &nobody);
    }
    drop(gate);
    assert!(auth.flush_audit(LONG));
    let _ = decide(&auth, "GET", "/", &nobody);
    drop(auth);
    assert_eq!(told.iter().collect::<Vec<_>>(), [1, 2, 7]);
}

#[test]
fn the_longest_queue_is_long_and_finite() {
    let events = Events::default();
    let auth = builder().audit(Audit::to(events.sink()).queue(NonZeroUsize::MAX).batch(NonZeroUsize::MAX));
    let auth = auth.build().unwrap();
    two_requests(&auth);
    drop(auth);
    assert_eq!(events.lines().len(), 2);
}

#[test]
fn dropping_the_authorizer_writes_what_is_left() {
    let events = Events::default();
    let mut sink = events.sink();
    let slow = move |event: &AuditEvent<'_>| {
        std::thread::sleep(Duration::from_millis(5));
        sink(event);
    };
    let auth = builder().audit(slow).build().unwrap();
    for _ in 0..20 {
        two_requests(&auth);
    }
    let clone = auth.clone();
    drop(auth);
    two_requests(&clone);
    drop(clone);
    assert_eq!(events.lines().len(), 42);
}

#[test]
fn many_threads_lose_nothing_and_count_each_event_once() {
    const THREADS: u64 = 8;
    const REQUESTS: u64 = 500;
    let (seen, losing) = (Events::default(), Events::default());
    let auth = builder()
        .audit(Audit::to(seen.sink()).queue(count(100_000)).batch(count(64)))
        .audit(Audit::to(losing.sink()).queue(count(1)))
        .build()
        .unwrap();
    let nobody = Known::connection(Peer::Anonymous);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..REQUESTS {
                    assert!(decide(&auth, "GET", "/", &nobody).is_allowed());
                }
            });
        }
    });
    assert!(auth.flush_audit(LONG));
    let sequences = |events: &Events| -> std::collections::BTreeSet<u64> {
        events.json().iter().map(|event| event["sequence"].as_u64().unwrap()).collect()
    };
    assert_eq!(sequences(&seen), (1..=THREADS * REQUESTS).collect());
    let written = losing.lines().len() as u64;
    assert_eq!(sequences(&losing).len() as u64, written, "no number twice");
    assert_eq!(written + auth.audit_losses().overflowed, THREADS * REQUESTS);
}

/// Answers never, so that the request is given up.
struct Silent;

impl RoleProvider for Silent {
    fn roles(&self, _: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Pending(Box::pin(std::future::pending()))
    }
}

#[test]
fn a_request_that_is_given_up_has_no_decision_and_no_event() {
    let events = Events::default();
    let auth = builder().roles(Silent).audit(events.sink()).build().unwrap();
    let alice = Known::connection(peer("alice"));
    drop(auth.authorize(&Request::new("GET", "/admin/"), Some(&alice)));
    assert!(auth.flush_audit(LONG));
    assert_eq!((events.lines().len(), auth.audit_losses().total()), (0, 0));
}

/// Panics when it goes.
struct BadLoser;

impl AuditSink for BadLoser {
    fn record(&mut self, _: &AuditEvent<'_>) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BadLoser {
    fn drop(&mut self) {
        panic!("a sink that panics at its end");
    }
}

#[test]
fn a_sink_that_panics_at_its_end_harms_nobody() {
    let events = Events::default();
    let auth = builder().audit(BadLoser).audit(events.sink()).build().unwrap();
    two_requests(&auth);
    drop(auth);
    assert_eq!(events.lines().len(), 2);
}

#[test]
fn dropping_the_authorizer_does_not_wait_forever() {
    let (gate, blocked) = mpsc::channel::<()>();
    let auth = builder()
        .audit(move |_: &AuditEvent<'_>| {
            let _ = blocked.recv();
        })
        .audit(|_: &AuditEvent<'_>| {})
        .build()
        .unwrap();
    two_requests(&auth);
    let begun = Instant::now();
    drop(auth);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    drop(gate);
}

#[test]
fn allows_are_sampled_and_denials_never() {
    for (n, allows) in [(0, 0), (1, 100), (10, 10), (1000, 1)] {
        let events = Events::default();
        let auth = builder().audit(Audit::to(events.sink()).sample_allows(n)).build().unwrap();
        for _ in 0..100 {
            two_requests(&auth);
        }
        drop(auth);
        let events = events.json();
        let allowed = events.iter().filter(|e| e["decision"] == "allow").count();
        assert_eq!((allowed, events.len() - allowed), (allows, 100), "one in {n}");
        let last = events.last().unwrap()["sequence"].as_u64().unwrap();
        assert_eq!(last, events.len() as u64, "what is left out on purpose is no gap");
    }
}

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portcullis-audit-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn lines(&self, file: &str) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.0.join(file)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}"))).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn json_lines_are_appended_one_by_one() {
    let folder = Folder::new("append");
    let file = folder.0.join("audit.jsonl");
    for batch in [1, 7] {
        let lines = Audit::to(JsonLines::to(&file).unwrap()).batch(count(batch));
        let auth = builder().audit(lines).build().unwrap();
        for _ in 0..10 {
            two_requests(&auth);
        }
        drop(auth);
    }
    let events = folder.lines("audit.jsonl");
    assert_eq!(events.len(), 40);
    assert!(events.iter().all(|e| e["schema"] == 1));
}

#[test]
fn a_half_written_line_of_a_dead_program_spoils_no_other() {
    let folder = Folder::new("torn");
    let file = folder.0.join("audit.jsonl");
    fs::write(&file, "{\"schema\":1,\"sequ").unwrap();
    let auth = builder().audit(JsonLines::to(&file).unwrap()).build().unwrap();
    two_requests(&auth);
    drop(auth);
    let text = fs::read_to_string(&file).unwrap();
    let readable =
        text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count();
    assert_eq!((text.lines().count(), readable), (3, 2));
}

#[test]
fn a_file_that_is_moved_away_is_made_anew() {
    let folder = Folder::new("rotated");
    let file = folder.0.join("audit.jsonl");
    let auth = builder().audit(JsonLines::to(&file).unwrap()).build().unwrap();
    two_requests(&auth);
    assert!(auth.flush_audit(LONG));
    fs::rename(&file, folder.0.join("audit.jsonl.1")).unwrap();
    two_requests(&auth);
    assert!(auth.flush_audit(LONG));
    fs::rename(&file, folder.0.join("audit.jsonl.2")).unwrap();
    fs::write(&file, "").unwrap();
    two_requests(&auth);
    drop(auth);
    for file in ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"] {
        assert_eq!(folder.lines(file).len(), 2, "{file}");
    }
}

#[cfg(unix)]
#[test]
fn an_audit_file_is_not_for_everybody() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new("mode");
    let file = folder.0.join("audit.jsonl");
    let _lines = JsonLines::to(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o027, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_counted() {
    let auth = builder().audit(JsonLines::to("/dev/full").unwrap()).build().unwrap();
    two_requests(&auth);
    assert!(auth.flush_audit(LONG));
    assert_eq!((auth.audit_losses().failed, auth.audit_losses().total()), (2, 2));
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let folder = Folder::new("missing");
    let error = JsonLines::to(folder.0.join("none").join("audit.jsonl")).unwrap_err();
    assert!(matches!(&error, JsonLinesError::Open { .. }));
    let text = error.to_string();
    assert!(text.contains("none") && text.contains("create its folder"), "{text}");
}
