//! The first request of a server's life is decided by the same rules as the last (FAULTS, P28).

use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::{Scenario, Scope, Stage};
use crate::adapter::Listener;
use crate::bench::{self, Key};
use crate::case::{Mode, Shape};
use crate::check::Problem;
use crate::policy;

pub(super) const SCENARIOS: &[Scenario] = &[Scenario {
    name: "P28 the first request is already judged",
    scope: Scope::Once,
    play: |stage| Box::pin(first_request(stage)),
}];

async fn first_request(stage: Stage) -> Result<()> {
    let bob = Arc::new(stage.client("bob")?);
    for _ in 0..5 {
        let tls = bench::tls(&Key::of_mode(Mode::Request))?.context("TLS")?.build()?;
        let server =
            stage.bench.fresh(policy::authorizer("standard")?, Listener::Tls(tls), Shape::Standard).await?;
        let received = stage.connect(server.address, &bob).await?.get("/admin/users").await?;
        let problem = Problem::of(&received).with_context(|| format!("{received:?}"))?;
        ensure!(problem.kind() == "forbidden", "{problem:?}");
        (server.stop)().await;
    }
    Ok(())
}
