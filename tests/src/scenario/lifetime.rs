//! Connections that outlive what their client was let in for.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use super::{Scenario, Scope, Stage, seen};
use crate::bench::Key;
use crate::case::{Http, Mode};
use crate::check::Problem;
use crate::client::tls;
use crate::fixtures::{Credentials, fixtures};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "S04 a certificate that expires in the middle of a connection",
        scope: Scope::Each,
        play: |stage| Box::pin(expiry(stage)),
    },
    Scenario {
        name: "a kept-alive connection serves many requests, each decided by itself",
        scope: Scope::Each,
        play: |stage| Box::pin(many_requests(stage)),
    },
    Scenario {
        name: "a certificate denial ends the connection in request mode",
        scope: Scope::Each,
        play: |stage| Box::pin(denial_ends(stage, "nobody", "certificate-required")),
    },
    Scenario {
        name: "an untrusted certificate's denial ends the connection in request mode",
        scope: Scope::Each,
        play: |stage| Box::pin(denial_ends(stage, "expired:alice", "certificate-untrusted")),
    },
];

async fn expiry(stage: Stage) -> Result<()> {
    let address = stage.bench.server(&Key::of_mode(Mode::Require)).await?;
    let end = SystemTime::now() + Duration::from_secs(4);
    let issued = fixtures()?.staff.client("bob").valid(SystemTime::now() - Duration::from_secs(60), end);
    let issued = issued.issue()?;
    let credentials = Credentials { chain: issued.chain_der().to_vec(), key: issued };
    let config = Arc::new(tls::config(Some(&credentials), stage.http, stage.tls)?);

    let mut connection = stage.connect(address, &config).await?;
    let first = connection.get("/reports/7").await?;
    ensure!(first.status == Some(200), "while it was valid: {first:?}");
    // notAfter is a whole second and still valid, hence one more and a bit.
    sleep(end.duration_since(SystemTime::now()).unwrap_or_default() + Duration::from_millis(1200)).await;
    match connection.get("/reports/7").await {
        Ok(second) => {
            let denied = Problem::of(&second).with_context(|| format!("let in after its end: {second:?}"))?;
            ensure!(denied.kind() == "certificate-untrusted", "{denied:?}");
        }
        // The connection may have been ended with the certificate.
        Err(_ended) => {}
    }
    Ok(())
}

async fn many_requests(stage: Stage) -> Result<()> {
    let address = stage.bench.server(&Key::of_mode(Mode::Request)).await?;
    let bob = Arc::new(stage.client("bob")?);
    let mut connection = stage.connect(address, &bob).await?;
    for _ in 0..5 {
        let allowed = connection.get("/reports/7").await?;
        ensure!(seen(&allowed)?.handler == "report", "{allowed:?}");
        let denied = connection.get("/admin/").await?;
        let problem = Problem::of(&denied).with_context(|| format!("{denied:?}"))?;
        ensure!(problem.kind() == "forbidden", "{problem:?}");
        let odd = connection.get("/reports//7").await?;
        let problem = Problem::of(&odd).with_context(|| format!("{odd:?}"))?;
        ensure!(problem.kind() == "firewall", "{problem:?}");
    }
    Ok(())
}

async fn denial_ends(stage: Stage, client: &str, kind: &str) -> Result<()> {
    let address = stage.bench.server(&Key::of_mode(Mode::Request)).await?;
    let config = Arc::new(stage.client(client)?);
    let mut connection = stage.connect(address, &config).await?;
    ensure!(connection.get("/").await?.status == Some(200), "an open page");
    let denied = connection.get("/admin/").await?;
    let problem = Problem::of(&denied).with_context(|| format!("{denied:?}"))?;
    ensure!(problem.kind() == kind, "{problem:?}");
    let ended = connection.wait_for_end().await;
    if stage.bench.adapter == "actix" && stage.http == Http::Two {
        // actix-web cannot end one HTTP/2 connection. When it can, this fails and the exception goes.
        ensure!(ended.is_err(), "the exception no longer applies, remove it");
        return Ok(());
    }
    ended
}
