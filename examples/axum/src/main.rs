//! The portcullis example on axum: `cargo run -p example-axum`.

use std::process::ExitCode;

use clap::Parser;
use example_axum::{app, denied};
use example_shared::{Args, Setup, follow, init_log, report};
use portcullis_axum::{guard, serve};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    init_log();
    report(run(&args).await)
}

async fn run(args: &Args) -> anyhow::Result<()> {
    let Setup { listen, tls, auth, limits, greeting, watchers } = args.setup()?;
    follow(watchers)?;
    let mut server = serve(listen, tls, guard(app(), auth).denied(denied))
        .on_bound(move |address| println!("{}", greeting.at(address)))
        .graceful_shutdown(ctrl_c(), limits.shutdown);
    if let Some(connections) = limits.connections {
        server = server.connection_limit(connections);
    }
    if let Some(timeout) = limits.header_read_timeout {
        server = server.header_read_timeout(timeout);
    }
    if let Some(age) = limits.age {
        server = server.max_connection_age(age);
    }
    if let Some(time) = limits.recheck {
        server = server.recheck_every(time);
    }
    server.await?;
    Ok(())
}

async fn ctrl_c() {
    // Without a handler for the signal the process ends by it, so waiting for ever is no harm.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
