//! The portcullis example on actix-web: `cargo run -p example-actix`.

use std::process::ExitCode;

use actix_web::{App, HttpServer};
use clap::Parser;
use example_actix::{app, denied};
use example_shared::{Args, authorizer, init_log, instructions, report};
use portcullis_actix::{BindPortcullis, Guard};

#[actix_web::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    init_log();
    report(run(&args).await)
}

async fn run(args: &Args) -> anyhow::Result<()> {
    let material = args.material()?;
    let tls = args.server_tls(&material)?;
    let auth = authorizer()?;
    let server =
        HttpServer::new(move || App::new().configure(app).wrap(Guard::new(auth.clone()).denied(denied)))
            .shutdown_timeout(10)
            .bind_portcullis(args.listen, &tls)?;
    for address in server.addrs() {
        println!("{}", instructions(address, &material));
    }
    Ok(server.run().await?)
}
