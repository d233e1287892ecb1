//! What a refused client is told, and what it is not (FAULTS, O02), and refusals that never come (A02).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use portcullis_core::Certificate;
use tokio::time::timeout;

use super::{Scenario, Scope, Stage};
use crate::app::runs;
use crate::bench::Key;
use crate::case::Mode;
use crate::check::Problem;
use crate::client::Received;
use crate::fixtures::fixtures;
use crate::policy;
use crate::trial::mark;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "O02 untrusted certificates are refused in the same words, whatever is wrong with them",
        scope: Scope::Each,
        play: |stage| Box::pin(same_words(stage, UNTRUSTED)),
    },
    Scenario {
        name: "O02 callers are refused in the same words, whatever a rule came to",
        scope: Scope::Each,
        play: |stage| Box::pin(same_words(stage, FORBIDDEN)),
    },
    Scenario {
        name: "O02 requests without a rule are refused in the same words",
        scope: Scope::Each,
        play: |stage| Box::pin(same_words(stage, UNKNOWN)),
    },
    Scenario {
        name: "O02 odd requests are refused in the same words",
        scope: Scope::Each,
        play: |stage| Box::pin(same_words(stage, ODD)),
    },
    Scenario {
        name: "O02 whatever fails is told in the same words",
        scope: Scope::Each,
        play: |stage| Box::pin(same_words(stage, UNAVAILABLE)),
    },
    Scenario {
        name: "A02 a source of roles that never answers lets nobody in and keeps nobody else waiting",
        scope: Scope::Each,
        play: |stage| Box::pin(never(stage)),
    },
];

/// A client, a policy, and a target that it is refused.
type Refusal = (&'static str, &'static str, &'static str);

const UNTRUSTED: &[Refusal] = &[
    ("stranger:alice", "standard", "/admin/"),
    ("expired:alice", "standard", "/admin/"),
    ("future:alice", "standard", "/reports/7"),
    ("hostile:v1", "standard", "/admin/"),
    ("hostile:crit_ext", "standard", "/admin/"),
    ("hostile:server_eku", "standard", "/admin/"),
    ("hostile:selfsigned", "standard", "/reports/7"),
    ("hostile:missing_inter", "standard", "/admin/"),
    ("hostile:nc_dns_bad", "standard", "/admin/"),
    ("expired:alice", "company.toml", "/rules/email"),
];

const FORBIDDEN: &[Refusal] = &[
    ("bob", "standard", "/admin/"),
    ("carol", "standard", "/admin/"),
    ("dave", "standard", "/reports/7"),
    ("alice", "standard", "/closed"),
    ("hostile:dup_cn", "standard", "/reports/7"),
    ("hostile:nul_cn", "standard", "/rules/authenticated"),
    ("bob", "company.toml", "/rules/not-in-berlin"),
    ("bob", "company.toml", "/rules/fails"),
    ("bob", "company.toml", "/rules/panics"),
    ("alice", "undecided.toml", "/rules/sealed"),
];

const UNKNOWN: &[Refusal] = &[
    ("nobody", "standard", "/nothing"),
    ("alice", "standard", "/uncovered"),
    ("expired:alice", "standard", "/nothing"),
    ("bob", "company.toml", "/reports"),
];

const ODD: &[Refusal] = &[
    ("nobody", "standard", "//admin"),
    ("alice", "standard", "/admin/%2e%2e/reports"),
    ("bob", "company.toml", "/admin%2fusers"),
    ("expired:bob", "company.toml", "/admin;x=y"),
];

const UNAVAILABLE: &[Refusal] = &[
    ("alice", "roles fail", "/admin/"),
    ("bob", "roles fail", "/rules/no-admin"),
    ("dave", "roles panic", "/reports/7"),
];

/// Words that only somebody who has read the certificate, the policy or the code can know.
const INNER_WORDS: [&str; 12] = [
    "rustls",
    "webpki",
    "UnknownIssuer",
    "unknown-issuer",
    "not-yet",
    "secret-directory",
    "panick",
    "Berlin",
    "example.com",
    "Portcullis Test",
    "role(",
    "suspended",
];

async fn same_words(stage: Stage, refusals: &[Refusal]) -> Result<()> {
    for accept in ["application/problem+json", "text/html"] {
        let mut told = BTreeMap::new();
        for (client, policy, target) in refusals {
            let key = Key { policy: (*policy).into(), ..Key::of_mode(Mode::Request) };
            let address = stage.bench.server(&key).await?;
            let config = Arc::new(stage.client(client)?);
            let trial = mark(&stage.bench);
            let mut connection = stage.connect(address, &config).await?;
            let received = connection.ask(&trial, "GET", target, accept).await?;
            ensure!(runs(&trial).is_empty(), "{client} {target}: a handler ran");
            let words = without_id(&received).with_context(|| format!("{client} {target}: {received:?}"))?;
            for inner in INNER_WORDS.into_iter().map(str::to_owned).chain(facts(client)?) {
                ensure!(!words.contains(&inner), "{client} {target}: it tells `{inner}`: {words}");
            }
            told.entry(words).or_insert_with(Vec::new).push((client, target));
        }
        ensure!(told.len() == 1, "the reasons can be told apart: {told:#?}");
    }
    Ok(())
}

/// Everything that a response says but the id, which is new each time, and the time of day.
fn without_id(received: &Received) -> Result<String> {
    let text = received.text();
    let is_id = |word: &&str| word.len() == 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let id = text.split(|c: char| !c.is_ascii_alphanumeric()).find(is_id).context("no id")?;
    // actix sends headers in an order that is new each time.
    let headers: BTreeSet<_> = received.headers.iter().filter(|(name, _)| name != "date").collect();
    Ok(format!("{:?} {headers:?} {}", received.status, text.replace(id, "ID")))
}

/// What a certificate says of its holder.
fn facts(client: &str) -> Result<Vec<String>> {
    if client == "nobody" {
        return Ok(Vec::new());
    }
    let issued = fixtures()?.client(client)?;
    let mut facts = vec![issued.name().to_owned()];
    if let Ok(certificate) = Certificate::from_der(issued.certificate_der()) {
        facts.extend([certificate.sha256().to_string(), certificate.serial().to_string()]);
        facts.extend([certificate.subject().to_string(), certificate.issuer().to_string()]);
    }
    // A name of one letter is in every text.
    facts.retain(|fact| fact.len() > 3);
    Ok(facts)
}

async fn never(stage: Stage) -> Result<()> {
    let server = stage.server_of(policy::authorizer("roles never come")?).await?;
    let alice = Arc::new(stage.client("alice")?);
    let trial = mark(&stage.bench);
    let mut waiting = stage.connect(server.address, &alice).await?;
    let begun = Instant::now();
    let asked = async {
        let answer = waiting.ask(&trial, "GET", "/admin/", "application/problem+json").await;
        answer.map(|answer| (answer, begun.elapsed()))
    };
    let (asked, others) =
        tokio::join!(timeout(Duration::from_secs(10), asked), others(&stage, server.address));
    let (answer, waited) = asked.context("the source is waited for without a limit")??;
    let problem = Problem::of(&answer).with_context(|| format!("{answer:?}"))?;
    ensure!(problem.kind() == "unavailable", "{problem:?}");
    ensure!(waited >= policy::SOURCE_LIMIT, "an answer without the roles after {waited:?}");
    ensure!(runs(&trial).is_empty(), "a handler ran without the roles");
    // There are two of them, one after the other.
    ensure!(others? < policy::SOURCE_LIMIT * 2, "others wait for the same source");

    // Whoever goes away while the source is asked leaves nothing behind that keeps the server.
    let gone = timeout(policy::SOURCE_LIMIT / 3, waiting.get("/admin/")).await;
    ensure!(gone.is_err(), "an answer without the roles: {gone:?}");
    drop(waiting);
    timeout(Duration::from_secs(5), (server.stop)()).await.context("the server does not stop")
}

/// How long they wait for whom no source is asked.
async fn others(stage: &Stage, address: std::net::SocketAddr) -> Result<Duration> {
    let begun = Instant::now();
    for client in ["nobody", "expired:alice"] {
        let config = Arc::new(stage.client(client)?);
        let received = stage.connect(address, &config).await?.get("/").await?;
        ensure!(received.status == Some(200), "{client}: {received:?}");
    }
    Ok(begun.elapsed())
}
