//! What the log says, on one line for each event.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy exempts test functions, not what they call"
)]

mod audited;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use audited::{Known, decide, peer, policy, roles, verdict};
use portcullis_core::audit::{Audit, AuditEvent};
use portcullis_core::rule::{anyone, nobody};
use portcullis_core::{Authorizer, Peer, Policy, Request};
use tracing::Level;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log of some work, as JSON objects.
fn log(level: Level, work: impl FnOnce()) -> Vec<serde_json::Value> {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().json().with_max_level(level).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, work);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}"))).collect()
}

fn of<'a>(events: &'a [serde_json::Value], target: &str) -> Vec<&'a serde_json::Value> {
    events.iter().filter(|event| event["target"] == target).map(|event| &event["fields"]).collect()
}

#[test]
fn denials_are_told_and_allows_only_when_asked_for() {
    let work = || {
        let auth = Authorizer::builder(policy()).roles(roles()).build().unwrap();
        let request = Request::new("GET", "/admin/x")
            .with_traceparent(Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        let _ = verdict(&auth, &request, &Known::connection(peer("alice")));
        let _ = verdict(&auth, &request, &Known::connection(peer("bob")));
    };
    let quiet = log(Level::INFO, work);
    assert_eq!(quiet.len(), 1, "{quiet:?}");
    let denial = of(&quiet, "portcullis::denial")[0];
    for (field, value) in [
        ("kind", "forbidden"),
        ("method", "GET"),
        ("path", "/admin/x"),
        ("peer_address", "192.0.2.7:51234"),
        ("peer", "verified"),
        ("name", "bob"),
        ("route", "* /admin/{*rest}"),
        ("rule", "role(\"admin\")"),
        ("cause", "the rule is false"),
        ("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"),
    ] {
        assert_eq!(denial[field], value, "{field}");
    }
    let all = log(Level::DEBUG, work);
    let allow = of(&all, "portcullis::allow")[0];
    assert_eq!((&allow["name"], &allow["route"]), (&"alice".into(), &"* /admin/{*rest}".into()));
}

#[test]
fn whatever_a_client_sends_stays_on_its_line() {
    for hostile in
        ["\n2026-01-01 INFO request allowed", "\r", "\u{2028}", "\u{202e}x", "\u{1b}[2J", "\u{0}", "\u{85}"]
    {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let auth = Authorizer::builder(policy()).roles(roles()).build().unwrap();
            let alice = Known::connection(peer("alice"));
            let _ = decide(&auth, "GET", hostile, &alice);
            let _ = decide(&auth, hostile, "/me", &alice);
            let _ = verdict(&auth, &Request::new("GET", "/me").with_host(hostile), &alice);
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let records = text.lines().filter(|line| line.contains("portcullis::denial: request denied")).count();
        let suggestions = text.lines().filter(|line| line.contains("no rule matches")).count();
        assert!(records >= 2, "{text}");
        // A suggestion is a block of three lines under its own.
        assert_eq!(text.lines().count(), records + suggestions * 4, "{text}");
        assert!(!text.chars().any(|c| c != '\n' && (c.is_control() || matches!(c, '\u{2028}' | '\u{202e}'))));
    }
}

#[test]
fn a_candidate_is_told_once_for_each_route_and_direction() {
    let events = log(Level::WARN, || {
        let auth = Authorizer::builder(policy()).roles(roles()).build().unwrap();
        let candidate =
            Policy::builder().role("admin", []).route("GET /", nobody()).route("GET /me", anyone());
        auth.set_candidate(candidate.build().unwrap()).unwrap();
        for _ in 0..5 {
            let _ = decide(&auth, "GET", "/", &Known::connection(Peer::Anonymous));
            let _ = decide(&auth, "GET", "/me", &Known::connection(Peer::Anonymous));
        }
    });
    let told: Vec<_> = of(&events, "portcullis::candidate")
        .into_iter()
        .map(|e| (e["difference"].as_str().unwrap(), e["route"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("closes", "GET /"), ("opens", "GET /me")]);
}

#[test]
fn losses_are_told_less_and_less_often() {
    let events = log(Level::WARN, || {
        let (gate, blocked) = std::sync::mpsc::channel::<()>();
        let blocking = move |_: &AuditEvent<'_>| {
            let _ = blocked.recv();
        };
        let audit = Audit::to(blocking).queue(std::num::NonZeroUsize::MIN);
        let auth = Authorizer::builder(policy()).roles(roles()).audit(audit).build().unwrap();
        for _ in 0..100 {
            let _ = decide(&auth, "GET", "/", &Known::connection(Peer::Anonymous));
        }
        drop(gate);
    });
    let totals: Vec<_> =
        of(&events, "portcullis::audit").iter().map(|e| e["total"].as_u64().unwrap()).collect();
    assert_eq!(totals, [1, 2, 4, 8, 16, 32, 64]);
}
