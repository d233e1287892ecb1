//! The portcullis example on actix-web: `cargo run -p example-actix`.

use std::num::NonZero;
use std::process::ExitCode;
use std::thread;

use actix_web::{App, HttpServer};
use anyhow::ensure;
use clap::Parser;
use example_actix::{app, denied};
use example_shared::{Args, Setup, follow, init_log, report};
use portcullis_actix::{BindPortcullis, ConnectionOptions, Guard};

#[actix_web::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    init_log();
    report(run(&args).await)
}

async fn run(args: &Args) -> anyhow::Result<()> {
    let Setup { listen, tls, auth, limits, greeting, watchers } = args.setup()?;
    follow(watchers)?;
    let mut server =
        HttpServer::new(move || App::new().configure(app).wrap(Guard::new(auth.clone()).denied(denied)))
            .shutdown_timeout(limits.shutdown.as_secs().max(1));
    if let Some(connections) = limits.connections {
        // actix counts the connections of each worker.
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        server = server.workers(workers).max_connections((connections / workers).max(1));
    }
    if let Some(timeout) = limits.header_read_timeout {
        server = server.client_request_timeout(timeout).keep_alive(timeout);
    }
    ensure!(limits.recheck.is_none(), "`recheck_interval` cannot be set with actix-web: leave it out");
    let mut options = ConnectionOptions::default();
    if let Some(age) = limits.age {
        options = options.max_connection_age(age);
    }
    let server = server.bind_portcullis_with(listen, &tls, options)?;
    for address in server.addrs() {
        println!("{}", greeting.at(address));
    }
    server.run().await?;
    Ok(())
}
