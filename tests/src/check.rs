//! Compares what came of a case with what must.

use std::fmt::Debug;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::app::{HANDLER, Seen, runs};
use crate::case::{Case, Expect, HandshakeOutcome, Tls};
use crate::client::Received;
use crate::fixtures::{SECRET, fixtures};
use crate::policy;
use crate::trial::{Got, Outcome};

/// A denial's body.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct Problem {
    /// The type, whose end is the kind.
    #[serde(rename = "type")]
    pub type_: String,
    /// The status again.
    pub status: u16,
    /// The id that is in the log, too.
    pub id: String,
}

const DENIAL: &str = "urn:portcullis:denial:";

impl Problem {
    /// The denial in a response; `None` if it is something else.
    #[must_use]
    pub fn of(received: &Received) -> Option<Self> {
        let problem: Self = serde_json::from_slice(&received.body).ok()?;
        problem.type_.starts_with(DENIAL).then_some(problem)
    }

    /// The kind, such as `forbidden`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.type_.strip_prefix(DENIAL).unwrap_or_default()
    }
}

/// Checks everything that a case asserts, and what every denial must be.
///
/// # Errors
///
/// If anything is not as expected.
pub fn outcome(outcome: &Outcome, expect: &Expect, case: &Case, tls: Tls) -> Result<()> {
    let ran = runs(&outcome.trial);
    ensure!(
        expect.starts.is_none() || matches!(outcome.got, Got::NoServer(_)),
        "the server should not have started"
    );
    match &outcome.got {
        Got::NoServer(_) if expect.starts == Some(false) => ensure_none_ran(&ran),
        Got::NoServer(error) => bail!("the server did not start: {error}"),
        Got::Response { received, closed } => {
            ensure!(expect.handshake.is_none(), "the handshake should have failed");
            ensure!(
                expect.closes.is_none() || closed.is_none() || expect.closes == *closed,
                "closed: {closed:?}"
            );
            response(received, &ran, expect, case, tls)
        }
        Got::Alert(_) if expect.handshake.is_some() => ensure_none_ran(&ran),
        Got::End(_) if expect.handshake == Some(HandshakeOutcome::Cut) => ensure_none_ran(&ran),
        Got::End(_) if expect.refused == Some(true) => ensure_none_ran(&ran),
        Got::Alert(error) => bail!("the handshake failed: {error}"),
        Got::End(error) => bail!("there was no response: {error}"),
    }
}

fn response(received: &Received, ran: &[String], expect: &Expect, case: &Case, tls: Tls) -> Result<()> {
    ensure!(!received.text().contains(SECRET) || allows_files(case), "the private file was served");
    let problem = Problem::of(received);
    let is_head = case.request.starts_with("HEAD ");
    let status = received.status.or(problem.as_ref().map(|problem| problem.status));
    if let Some(problem) = &problem {
        denial(problem, received, ran, case)?;
    }
    let denied = match &problem {
        Some(_) => true,
        None => is_head && received.header("content-type") == Some("application/problem+json"),
    };
    if denied {
        ensure_none_ran(ran)?;
    }
    if expect.refused == Some(true) {
        ensure!(problem.as_ref().is_none_or(|problem| problem.kind() == "firewall"), "not by the firewall");
        ensure!(status.is_some_and(|status| (400..500).contains(&status)), "status {status:?}");
        ensure_none_ran(ran)?;
    }
    if expect.kind.is_some() {
        same("kind", problem.as_ref().map(|problem| problem.kind().to_owned()), &expect.kind)?;
    }
    if expect.allowed.is_some() {
        same("allowed", Some(!denied), &expect.allowed)?;
    }
    if expect.status.is_some() {
        same("status", status, &expect.status)?;
    }
    match expect.header.as_deref().map(|line| (line, line.strip_prefix('-'))) {
        Some((_, Some(name))) => ensure!(received.header(name).is_none(), "a header `{name}`"),
        Some((line, None)) => {
            let (name, value) = line.split_once(": ").context("a header is `name: value`")?;
            ensure!(received.headers(name).any(|v| v.eq_ignore_ascii_case(value)), "no `{line}`");
        }
        None => {}
    }
    handler(received, ran, expect, case, tls)
}

/// A field of what the handler saw: its name, what must be in it, and how to read it.
type Field<'a> = (&'static str, &'a Option<String>, fn(Seen) -> Option<String>);

/// What the handler saw.
fn handler(received: &Received, ran: &[String], expect: &Expect, case: &Case, tls: Tls) -> Result<()> {
    let seen: Option<Seen> = serde_json::from_slice(&received.body).ok();
    if expect.handler.is_some() {
        same("handlers that ran", Some(ran.concat()), &expect.handler)?;
        let named = received.header(HANDLER).map(str::to_owned);
        let named = named.or_else(|| seen.as_ref().map(|seen| seen.handler.clone()));
        same("handler", named.unwrap_or_default(), expect.handler.as_ref().unwrap_or(&String::new()))?;
    }
    let is_told = case.mode.has_tls() && !case.app.replaces_connection();
    if seen.as_ref().is_some_and(|seen| seen.handler == "whoami") && is_told {
        let version = match tls {
            Tls::Two => "TLSv1.2",
            Tls::Three => "TLSv1.3",
        };
        same("TLS version", seen.as_ref().and_then(|seen| seen.tls_version.clone()), &Some(version.into()))?;
    }
    let wants = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
    let fields: [Field<'_>; 6] = [
        ("param", &expect.param, |seen| seen.param),
        ("peer", &expect.peer, |seen| Some(seen.peer)),
        ("reason", &expect.reason, |seen| seen.reason),
        ("name", &expect.name, |seen| seen.name),
        ("subject", &expect.subject, |seen| seen.subject),
        ("anchor", &expect.anchor, |seen| seen.anchor),
    ];
    for (what, expected, read) in fields.into_iter().filter(|(_, expected, _)| expected.is_some()) {
        same(what, read(seen.clone().context("no handler answered")?), &wants(expected))?;
    }
    if let Some(roles) = &expect.roles {
        same("roles", seen.context("no handler answered")?.roles, roles)?;
    }
    Ok(())
}

/// What every denial must be, whatever its kind.
fn denial(problem: &Problem, received: &Received, ran: &[String], case: &Case) -> Result<()> {
    ensure_none_ran(ran)?;
    let is_id = problem.id.len() == 32 && problem.id.bytes().all(|b| b.is_ascii_hexdigit());
    ensure!(is_id, "`{}` is no id", problem.id);
    if received.status.is_some() {
        same("status in the body", problem.status, &received.status.unwrap_or_default())?;
        same("content type", received.header("content-type"), &Some("application/problem+json"))?;
        same("cache control", received.header("cache-control"), &Some("no-store"))?;
        let varies = received.headers("vary").any(|vary| vary.eq_ignore_ascii_case("accept"));
        ensure!(varies, "the response does not vary by `accept`");
        ensure!(received.header(HANDLER).is_none(), "a denial names a handler");
    }
    let text = format!("{:?} {}", received.headers, received.text());
    for (what, secret) in secrets(case)? {
        ensure!(!text.contains(&secret), "the denial tells {what}: `{secret}`");
    }
    Ok(())
}

/// What no denial may tell a client.
fn secrets(case: &Case) -> Result<Vec<(&'static str, String)>> {
    let mut secrets = vec![("why a source of roles failed", "secret-directory".into())];
    for route in policy::named(&case.policy)?.routes() {
        secrets.push(("a route", route.pattern().to_string()));
        secrets.push(("a route's id", route.id().into()));
        secrets.push(("a rule", route.rule().to_string()));
    }
    // `anyone()` and the route of `/` are no secrets, and too short to be told from prose.
    secrets.retain(|(_, secret)| secret.len() > 8);
    if case.client != "nobody"
        && let Ok(certificate) =
            portcullis_core::Certificate::from_der(fixtures()?.client(&case.client)?.certificate_der())
        && !certificate.subject().is_empty()
    {
        secrets.push(("the subject", certificate.subject().to_string()));
    }
    Ok(secrets)
}

/// Only a case that says that the handler `files` runs may see the private file.
fn allows_files(case: &Case) -> bool {
    case.expect.handler.as_deref() == Some("files")
}

fn ensure_none_ran(ran: &[String]) -> Result<()> {
    ensure!(ran.is_empty(), "a handler ran: {ran:?}");
    Ok(())
}

fn same<T: PartialEq + Debug>(what: &str, actual: T, expected: &T) -> Result<()> {
    ensure!(actual == *expected, "{what}: {actual:?} instead of {expected:?}");
    Ok(())
}
