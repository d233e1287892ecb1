//! The portcullis example on axum: `cargo run -p example-axum`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use example_axum::{app, denied};
use example_shared::{Args, authorizer, init_log, instructions, report};
use portcullis_axum::{guard, serve};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    init_log();
    report(run(&args).await)
}

async fn run(args: &Args) -> anyhow::Result<()> {
    let material = args.material()?;
    let tls = args.server_tls(&material)?;
    let app = guard(app(), authorizer()?).denied(denied);
    serve(args.listen, tls, app)
        .on_bound(move |address| println!("{}", instructions(address, &material)))
        .graceful_shutdown(ctrl_c(), Duration::from_secs(10))
        .await?;
    Ok(())
}

async fn ctrl_c() {
    // Without a handler for the signal the process ends by it, so waiting for ever is no harm.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
