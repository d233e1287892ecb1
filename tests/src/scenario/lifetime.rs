//! Connections that outlive what their client was let in for.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use portcullis_pki::Issued;

use super::living::{LIFE, Living, Sessions, forgetful, meet, short_lived};
use super::{Scenario, Scope, Stage, seen};
use crate::bench::Key;
use crate::case::{Http, Mode};
use crate::check::Problem;
use crate::fixtures::fixtures;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "S04 a certificate that expires in the middle of a connection",
        scope: Scope::Each,
        play: |stage| Box::pin(expiry(stage)),
    },
    Scenario {
        name: "S04 a certificate that is revoked in the middle of a connection",
        scope: Scope::Each,
        play: |stage| Box::pin(revocation(stage)),
    },
    Scenario {
        name: "S07 no verdict is remembered beyond its trust or its certificate",
        scope: Scope::Each,
        play: |stage| Box::pin(remembered(stage)),
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
    outlived(stage, |server, _| {
        server.pass(LIFE + Duration::from_secs(1));
        Ok(())
    })
    .await
}

async fn revocation(stage: Stage) -> Result<()> {
    outlived(stage, |server, bob| server.revoke(&[bob])).await
}

type Change = fn(&Living, &Issued) -> Result<()>;

async fn outlived(stage: Stage, change: Change) -> Result<()> {
    for mode in [Mode::Require, Mode::IfGiven, Mode::Request] {
        let server = Living::start(&stage, mode, Sessions::AtTheServer).await?;
        let issued = short_lived("bob")?;
        let bob = forgetful(&stage, &issued)?;
        let mut busy = server.connect(&stage, &bob).await?;
        // Somebody else, whom it does not concern.
        let mut other = server.connect(&stage, &Arc::new(stage.client("alice")?)).await?;
        for connection in [&mut busy, &mut other] {
            let met = meet(&stage, connection, "/reports/7").await?;
            ensure!(["alice", "bob"].contains(&&*met.word), "{met:?}");
        }
        change(&server, &issued)?;
        let met = meet(&stage, &mut busy, "/reports/7").await?;
        ensure!(met.is_refused(), "{mode:?}: let in all the same: {met:?}");
        let met = meet(&stage, &mut other, "/reports/7").await?;
        ensure!(met.word == "alice", "{mode:?}: somebody else is concerned: {met:?}");
        let ended = busy.wait_for_end().await;
        if stage.bench.adapter == "actix" && stage.http == Http::Two {
            // actix-web cannot end one HTTP/2 connection. When it can, this fails and the exception goes.
            ensure!(ended.is_err(), "the exception no longer applies, remove it");
        } else {
            ended?;
        }
        server.stop().await;
    }
    Ok(())
}

/// A verdict is remembered by chain and trust, and no longer than the certificate is good.
async fn remembered(stage: Stage) -> Result<()> {
    for (change, undo) in [
        (
            (|server, alice| server.revoke(&[alice])) as Change,
            Some((|server, _| server.revoke(&[])) as Change),
        ),
        (
            |server, _| server.trust(&[&fixtures()?.partner]),
            Some(|server, _| server.trust(&[&fixtures()?.staff])),
        ),
        (
            |server, _| {
                server.pass(LIFE + Duration::from_secs(1));
                Ok(())
            },
            None,
        ),
    ] {
        let server = Living::start(&stage, Mode::Require, Sessions::AtTheServer).await?;
        let issued = short_lived("alice")?;
        let alice = forgetful(&stage, &issued)?;
        for _ in 0..3 {
            let met = server.visit(&stage, &alice).await;
            ensure!(met.word == "alice", "{met:?}");
        }
        let status = server.tls.status();
        ensure!(status.verdicts_remembered >= 2, "nothing was remembered: {status:?}");
        change(&server, &issued)?;
        for _ in 0..2 {
            let met = server.visit(&stage, &alice).await;
            ensure!(met.word == "ended", "an old verdict counts: {met:?}");
        }
        if let Some(undo) = undo {
            undo(&server, &issued)?;
            let met = server.visit(&stage, &alice).await;
            ensure!(met.word == "alice", "an old refusal counts: {met:?}");
        }
        server.stop().await;
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
