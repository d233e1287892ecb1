//! The audit trail of real requests (FAULTS, O08 and O09).

use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use portcullis_core::audit::{Audit, AuditEvent, AuditLosses, AuditSink};
use portcullis_core::peer::live::Answer;
use portcullis_core::{Authorizer, Certificate, Distrust, Identity, Peer, Principal, Request};
use serde_json::Value;

use super::{Scenario, Scope, Stage};
use crate::app::runs;
use crate::check::Problem;
use crate::fixtures::fixtures;
use crate::policy;
use crate::trial::mark;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "O08 a sink that panics",
        scope: Scope::Each,
        play: |stage| Box::pin(broken(stage, Audit::to(panicking), |losses| losses.panicked)),
    },
    Scenario {
        name: "O08 a sink that fails",
        scope: Scope::Each,
        play: |stage| Box::pin(broken(stage, Audit::to(Full), |losses| losses.failed)),
    },
    Scenario {
        name: "O08 a sink that never comes back",
        scope: Scope::Each,
        play: |stage| Box::pin(blocked(stage)),
    },
    Scenario {
        name: "O09 an event says which rule of which policy decided about whom, and an explanation agrees",
        scope: Scope::Each,
        play: |stage| Box::pin(said(stage)),
    },
];

/// Twice as many requests: one that may pass and one that may not.
const ROUNDS: u64 = 20;

#[expect(clippy::panic, reason = "a sink that panics is what is tested")]
fn panicking(_event: &AuditEvent<'_>) {
    panic!("a sink panics on purpose");
}

/// A disk without room.
struct Full;

impl AuditSink for Full {
    fn record(&mut self, _event: &AuditEvent<'_>) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

async fn broken(stage: Stage, audit: Audit, count: fn(AuditLosses) -> u64) -> Result<()> {
    let auth = policy::builder("standard")?.audit(audit).build()?;
    serve_as_ever(&stage, &auth).await?;
    ensure!(auth.flush_audit(Duration::from_secs(10)), "the sink's thread is gone");
    let losses = auth.audit_losses();
    ensure!(count(losses) == 2 * ROUNDS && losses.total() == 2 * ROUNDS, "{losses:?}");
    Ok(())
}

async fn blocked(stage: Stage) -> Result<()> {
    const QUEUE: usize = 4;
    let (release, wait) = channel::<()>();
    let sink = Audit::to(move |_: &AuditEvent<'_>| {
        // An error says that it has been released.
        let _ = wait.recv();
    });
    let sink = sink.queue(QUEUE.try_into()?);
    let auth = policy::builder("standard")?.audit(sink).build()?;
    serve_as_ever(&stage, &auth).await?;
    let losses = auth.audit_losses();
    // One event is in the sink's hands.
    let least = 2 * ROUNDS - u64::try_from(QUEUE)? - 1;
    ensure!(losses.overflowed >= least && losses.overflowed == losses.total(), "{losses:?}");
    drop(release);
    ensure!(auth.flush_audit(Duration::from_secs(10)), "the sink does not go on");
    ensure!(auth.audit_losses() == losses, "what had room was lost: {:?}", auth.audit_losses());
    Ok(())
}

/// Responses are what they are without an audit, and as fast.
async fn serve_as_ever(stage: &Stage, auth: &Authorizer) -> Result<()> {
    let server = stage.server_of(auth.clone()).await?;
    let bob = Arc::new(stage.client("bob")?);
    let mut connection = stage.connect(server.address, &bob).await?;
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        let allowed = connection.get("/reports/7").await?;
        ensure!(super::seen(&allowed)?.handler == "report", "{allowed:?}");
        let denied = connection.get("/admin/").await?;
        let problem = Problem::of(&denied).with_context(|| format!("{denied:?}"))?;
        ensure!(problem.kind() == "forbidden", "{problem:?}");
    }
    let took = begun.elapsed();
    ensure!(took < Duration::from_secs(5), "requests wait for the sink: {took:?}");
    (server.stop)().await;
    Ok(())
}

/// A client, a request, and what must be in its event.
struct Asked {
    client: &'static str,
    method: &'static str,
    target: &'static str,
    kind: Option<&'static str>,
    route_id: Option<&'static str>,
    rule: Option<&'static str>,
}

const ADMIN: &str = r#"role("admin") && !role("suspended")"#;

const ASKED: &[Asked] = &[
    Asked {
        client: "dave",
        method: "GET",
        target: "/reports/7",
        kind: None,
        route_id: Some("report"),
        rule: Some(r#"role("user")"#),
    },
    Asked {
        client: "nobody",
        method: "GET",
        target: "/reports/7",
        kind: Some("certificate-required"),
        route_id: Some("report"),
        rule: Some(r#"role("user")"#),
    },
    Asked {
        client: "expired:alice",
        method: "DELETE",
        target: "/admin/users/7",
        kind: Some("certificate-untrusted"),
        route_id: Some("* /admin/{*rest}"),
        rule: Some(ADMIN),
    },
    // Two requirements fail: carol is no admin, and suspended.
    Asked {
        client: "carol",
        method: "GET",
        target: "/admin/",
        kind: Some("forbidden"),
        route_id: Some("* /admin/{*rest}"),
        rule: Some(ADMIN),
    },
    Asked {
        client: "bob",
        method: "GET",
        target: "/rules/not-in-berlin",
        kind: Some("forbidden"),
        route_id: Some("GET /rules/not-in-berlin"),
        rule: Some(r#"subject.L != "Berlin""#),
    },
    Asked { client: "alice", method: "PUT", target: "/", kind: Some("no-rule"), route_id: None, rule: None },
];

async fn said(stage: Stage) -> Result<()> {
    let (sender, events) = channel();
    // Only to make the closure one that threads may share.
    let sender = Mutex::new(sender);
    let sink = move |event: &AuditEvent<'_>| {
        let sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
        // The scenario has ended early if nobody listens.
        let _ = sender.send(event.to_json());
    };
    let auth = policy::builder("company.toml")?.audit(sink).build()?;
    let server = stage.server_of(auth.clone()).await?;
    for asked in ASKED {
        let trial = mark(&stage.bench);
        let config = Arc::new(stage.client(asked.client)?);
        let mut connection = stage.connect(server.address, &config).await?;
        let accept = "application/problem+json";
        let received = connection.ask(&trial, asked.method, asked.target, accept).await?;
        let problem = Problem::of(&received);
        ensure!(auth.flush_audit(Duration::from_secs(10)), "the sink is stuck");
        check(asked, &auth, problem.as_ref(), &events)
            .with_context(|| format!("{} {} {}: {received:?}", asked.client, asked.method, asked.target))?;
        ensure!(runs(&trial).is_empty() == asked.kind.is_some(), "the handler");
    }
    (server.stop)().await;
    Ok(())
}

fn check(
    asked: &Asked,
    auth: &Authorizer,
    problem: Option<&Problem>,
    events: &Receiver<String>,
) -> Result<()> {
    let event: Value = serde_json::from_str(&events.try_recv().context("no event")?)?;
    ensure!(events.try_recv().is_err(), "more than one event");
    let text = |field: &str| event.get(field).and_then(Value::as_str);
    let same = |field: &str, expected: Option<&str>| {
        let actual = text(field);
        if actual == expected { Ok(()) } else { bail!("{field}: {actual:?} instead of {expected:?}") }
    };
    same("decision", Some(if asked.kind.is_some() { "deny" } else { "allow" }))?;
    same("kind", asked.kind)?;
    same("kind", problem.map(Problem::kind))?;
    same("denial_id", problem.map(|problem| &*problem.id))?;
    same("route_id", asked.route_id)?;
    same("rule", asked.rule)?;
    same("method", Some(asked.method))?;
    same("path", Some(asked.target))?;
    same("policy_sha256", Some(&auth.policy().digest().to_string()))?;
    ensure!(event.get("policy_generation").is_some_and(Value::is_u64), "the policy's generation");
    ensure!(text("peer_ip") == Some("127.0.0.1"), "the peer's address");
    let certificate = certificate(asked.client)?;
    same("certificate_sha256", certificate.as_ref().map(|c| c.sha256().to_string()).as_deref())?;
    same("issuer", certificate.as_ref().map(|c| c.issuer().to_string()).as_deref())?;
    same("serial", certificate.as_ref().map(|c| c.serial().to_string()).as_deref())?;

    let principal = principal(auth, asked.client, certificate)?;
    let request = Request::new(asked.method, asked.target).with_host("localhost");
    let explanation = auth.explain(&request, &principal);
    let explained = explanation.decision.denial().map(|denial| denial.kind().name());
    ensure!(explained == asked.kind, "the explanation disagrees:\n{explanation}");
    let route = explanation.route.as_ref().map(|route| &*route.id);
    ensure!(route == asked.route_id, "the explanation is of another route:\n{explanation}");
    if asked.client == "carol" {
        let told = explanation.to_string();
        let both = [r#"false  role("admin")"#, r#"role("suspended")"#];
        ensure!(both.iter().all(|part| told.contains(part)), "not both requirements:\n{told}");
    }
    Ok(())
}

fn certificate(client: &str) -> Result<Option<Certificate>> {
    if client == "nobody" {
        return Ok(None);
    }
    Ok(Some(Certificate::from_der(fixtures()?.client(client)?.certificate_der())?))
}

/// The principal that the guard made, made again.
fn principal(auth: &Authorizer, client: &str, certificate: Option<Certificate>) -> Result<Principal> {
    let peer = match certificate {
        None => Peer::Anonymous,
        Some(certificate) if client.starts_with("expired:") => {
            let reason = Distrust::Expired { not_after: None };
            Peer::Untrusted { certificate: Some(certificate), reason }
        }
        Some(certificate) => Peer::Verified(Identity::assertion(certificate, "staff")),
    };
    match auth.principal(peer) {
        Answer::Ready(principal) => Ok(principal),
        Answer::Pending(_) => bail!("a policy from a file waits for nobody"),
    }
}
