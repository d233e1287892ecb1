//! Sockets that do not do what a TLS client does (FAULTS, group 7).

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Scenario, Scope, Stage};
use crate::adapter::Listener;
use crate::bench::{self, Key};
use crate::case::{Mode, Shape};
use crate::client::tcp;
use crate::policy;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "D01 fifty silent clients do not keep a good one waiting",
        scope: Scope::EachTls,
        play: |stage| Box::pin(silent(stage)),
    },
    Scenario {
        name: "D01 a ClientHello byte by byte keeps nobody waiting and is given up in time",
        scope: Scope::Once,
        play: |stage| Box::pin(slow(stage)),
    },
    Scenario {
        name: "D05 plain HTTP on the TLS port",
        scope: Scope::Once,
        play: |stage| Box::pin(plain_http(stage)),
    },
    Scenario {
        name: "D05 something else on the TLS port",
        scope: Scope::Once,
        play: |stage| Box::pin(garbage(stage)),
    },
    Scenario {
        name: "D05 connect and close",
        scope: Scope::Once,
        play: |stage| Box::pin(connect_and_close(stage)),
    },
    Scenario {
        name: "D08 a server that stops cancels half-open handshakes",
        scope: Scope::Once,
        play: |stage| Box::pin(stop(stage)),
    },
];

async fn silent(stage: Stage) -> Result<()> {
    let address = stage.bench.server(&Key::of_mode(Mode::Request)).await?;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(tcp(address).await?);
    }
    stage.good_client_is_served(address).await?;
    // They were there all the time: nothing has been said to them, and none was closed.
    for socket in &silent {
        ensure!(socket.try_read(&mut [0; 1]).is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock));
    }
    Ok(())
}

async fn slow(stage: Stage) -> Result<()> {
    let builder = bench::tls(&Key::of_mode(Mode::Require))?.context("TLS")?;
    let tls = builder.handshake_timeout(Duration::from_secs(2)).build()?;
    let server =
        stage.bench.fresh(policy::authorizer("standard")?, Listener::Tls(tls), Shape::Standard).await?;

    let hello = client_hello(&stage)?;
    let mut slow = tcp(server.address).await?;
    let mut end = [0; 1];
    let given_up = async {
        for byte in hello {
            slow.write_all(&[byte]).await?;
            match timeout(Duration::from_secs(1), slow.read(&mut end)).await {
                // A second has passed, and it is time for the next byte.
                Err(_) => {}
                Ok(_) => return Ok(()),
            }
        }
        anyhow::bail!("the server waited for the whole ClientHello")
    };
    let others = async {
        for _ in 0..3 {
            stage.good_client_is_served(server.address).await?;
        }
        anyhow::Ok(())
    };
    let (given_up, others) = tokio::join!(timeout(Duration::from_secs(15), given_up), others);
    others?;
    let ended = given_up.context("the server never gave up")?;
    // The end may come while a byte is on its way, which is then an error of the write.
    if let Err(error) = ended {
        ensure!(error.is::<std::io::Error>(), "{error}");
    }
    (server.stop)().await;
    Ok(())
}

async fn plain_http(stage: Stage) -> Result<()> {
    let address = stage.bench.server(&Key::of_mode(Mode::Request)).await?;
    let request = b"GET /whoami HTTP/1.1\r\nhost: localhost\r\nx-trial: plain-http\r\n\r\n";
    let answer = everything_after(address, request).await?;
    let text = String::from_utf8_lossy(&answer);
    if stage.bench.adapter == "actix" {
        // actix-web hands connections over only after its own handshake, so nobody can answer in
        // plain text there. When that changes, this fails and the exception goes.
        ensure!(!text.starts_with("HTTP/"), "the exception no longer applies, remove it: {text}");
    } else {
        ensure!(text.starts_with("HTTP/1.1 400 "), "{text:?}");
        ensure!(text.to_ascii_lowercase().contains("connection: close"), "{text}");
        ensure!(text.contains("HTTPS"), "the answer does not say what the port speaks: {text}");
    }
    ensure!(crate::app::runs("plain-http").is_empty(), "a handler ran");
    stage.good_client_is_served(address).await
}

async fn garbage(stage: Stage) -> Result<()> {
    let address = stage.bench.server(&Key::of_mode(Mode::Request)).await?;
    let long = vec![0xff; 70_000];
    for bytes in [
        &b"PROXY TCP4 10.0.0.1 10.0.0.2 1234 443\r\n"[..],
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01",
        b"\x16\x03\x01\xff\xff\x01\0",
        b"\x80\x2e\x01\0\x02",
        &long,
    ] {
        let mut socket = tcp(address).await?;
        // The server may have closed before it has read everything.
        let _sent = socket.write_all(bytes).await;
        let _ended = socket.shutdown().await;
        let answer = rest(&mut socket).await?;
        ensure!(!answer.starts_with(b"HTTP/1.1 2"), "an answer to garbage: {}", answer.escape_ascii());
    }
    stage.good_client_is_served(address).await
}

async fn connect_and_close(stage: Stage) -> Result<()> {
    let address = stage.bench.server(&Key::of_mode(Mode::Require)).await?;
    for _ in 0..100 {
        drop(tcp(address).await?);
    }
    stage.good_client_is_served(address).await
}

async fn stop(stage: Stage) -> Result<()> {
    let tls = bench::tls(&Key::of_mode(Mode::Require))?.context("TLS")?.build()?;
    let server =
        stage.bench.fresh(policy::authorizer("standard")?, Listener::Tls(tls), Shape::Standard).await?;
    let hello = client_hello(&stage)?;
    let mut sockets = Vec::new();
    for _ in 0..100 {
        let mut socket = tcp(server.address).await?;
        socket.write_all(hello.get(..100).context("a ClientHello is longer")?).await?;
        sockets.push(socket);
    }
    stage.good_client_is_served(server.address).await?;
    timeout(Duration::from_secs(8), (server.stop)()).await.context("the server did not stop")?;
    for mut socket in sockets {
        rest(&mut socket).await.context("a half-open handshake outlives its server")?;
    }
    Ok(())
}

/// The bytes that a client of this stage begins with.
fn client_hello(stage: &Stage) -> Result<Vec<u8>> {
    let name = ServerName::try_from("localhost")?;
    let mut connection = ClientConnection::new(stage.client("alice")?.into(), name)?;
    let mut hello = Vec::new();
    connection.write_tls(&mut hello)?;
    Ok(hello)
}

async fn everything_after(address: SocketAddr, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut socket = tcp(address).await?;
    socket.write_all(bytes).await?;
    rest(&mut socket).await
}

/// Everything until the end, which a reset is as well.
async fn rest(socket: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let end = timeout(Duration::from_secs(5), socket.read_to_end(&mut bytes)).await;
    let _reset = end.context("the server keeps the connection open")?;
    Ok(bytes)
}
