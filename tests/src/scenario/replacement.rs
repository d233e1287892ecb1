//! A policy that is replaced under load (FAULTS, A13).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use portcullis_core::authorizer::AuthorizerBuilder;
use portcullis_core::{Authorizer, Policy, RoleMap};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Scenario, Scope, Stage, seen};
use crate::case::Http;
use crate::check::Problem;
use crate::client::Received;
use crate::policy::Later;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "A13 a policy that is replaced under load: each request sees one of them",
        scope: Scope::Each,
        play: |stage| Box::pin(replaced(stage, |auth| Ok(auth.roles(users()?)))),
    },
    Scenario {
        name: "A13 a policy that is replaced while a source of roles is being asked",
        scope: Scope::Each,
        play: |stage| Box::pin(replaced(stage, |auth| Ok(auth.roles(Later::new(users()?, Duration::ZERO))))),
    },
];

const TIMES: usize = 500;
const CLIENTS: usize = 4;

/// Two policies that have no answer in common, so that a mixture shows.
///
/// `/reports/{id}` is open on the left and closed on the right; the role that opens the rest has
/// another name on each side, and comes with the role `user`, which the source of roles gives.
fn policy(side: &str) -> Result<Policy> {
    let reports = if side == "left" { "anyone" } else { "nobody" };
    let text = format!(
        r#"
        version = 1
        [roles.left]
        [roles.right]
        [roles.user]
        includes = ["{side}"]
        [[route]]
        match = "GET /whoami"
        allow = 'role("{side}") && !(role("left") && role("right"))'
        [[route]]
        match = "GET /reports/{{id}}"
        allow = "{reports}"
        "#
    );
    Ok(Policy::from_text(&format!("{side}.toml"), &text)?)
}

fn users() -> Result<RoleMap> {
    Ok(RoleMap::new().name("bob", ["user"])?)
}

async fn replaced(stage: Stage, sources: fn(AuthorizerBuilder) -> Result<AuthorizerBuilder>) -> Result<()> {
    let sides = [policy("left")?, policy("right")?];
    let auth = sources(Authorizer::builder(policy("left")?))?.build()?;
    let server = stage.server_of(auth.clone()).await?;

    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let http = if number % 2 == 0 { stage.http } else { Http::Two };
        let stage = Stage { http, ..stage.clone() };
        clients.spawn(ask_until(stage, server.address, Arc::clone(&stop)));
    }
    for policy in sides.iter().cycle().take(TIMES) {
        auth.replace_policy(policy.clone())?;
        sleep(Duration::from_micros(500)).await;
    }
    stop.store(true, Ordering::Relaxed);

    let (mut left, mut right) = (0, 0);
    while let Some(counts) = clients.join_next().await {
        let counts = counts??;
        (left, right) = (left + counts.left, right + counts.right);
    }
    ensure!(left > 10 && right > 10, "one policy was hardly in force: {left} and {right}");

    // The last one stays.
    let bob = Arc::new(stage.client("bob")?);
    let last = stage.whoami(server.address, &bob).await?;
    ensure!(last.roles == ["right", "user"], "{last:?}");
    (server.stop)().await;
    Ok(())
}

/// How often each policy answered.
#[derive(Default)]
struct Counts {
    left: usize,
    right: usize,
}

/// Asks on one connection until it is told to stop.
async fn ask_until(stage: Stage, address: SocketAddr, stop: Arc<AtomicBool>) -> Result<Counts> {
    let bob = Arc::new(stage.client("bob")?);
    let mut connection = stage.connect(address, &bob).await?;
    let mut counts = Counts::default();
    while !stop.load(Ordering::Relaxed) {
        for target in ["/whoami", "/reports/7"] {
            let received = connection.get(target).await.context("a request failed")?;
            match side(target, &received).with_context(|| format!("{target}: {received:?}"))? {
                Side::Left => counts.left += 1,
                Side::Right => counts.right += 1,
            }
        }
    }
    Ok(counts)
}

enum Side {
    Left,
    Right,
}

/// Which of the two policies, and nothing of the other, makes this response.
fn side(target: &str, received: &Received) -> Result<Side> {
    if target != "/whoami"
        && let Some(problem) = Problem::of(received)
    {
        ensure!(problem.kind() == "forbidden", "{problem:?}");
        return Ok(Side::Right);
    }
    let seen = seen(received)?;
    match *seen.roles.iter().map(String::as_str).collect::<Vec<_>>() {
        ["left", "user"] => Ok(Side::Left),
        ["right", "user"] if target == "/whoami" => Ok(Side::Right),
        _ => bail!("a mixture of two policies"),
    }
}
