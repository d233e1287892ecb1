//! Connections that serve several hosts, and clients that say oddly which they want (FAULTS, group 2).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustls::ClientConnection;
use rustls::crypto::aws_lc_rs::kx_group::{SECP256R1, X25519, X25519MLKEM768};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::{Scenario, Scope, Stage, seen};
use crate::bench::Key;
use crate::case::{Http, Mode, Tls};
use crate::check::Problem;
use crate::client::{tcp, tls};
use crate::fixtures::fixtures;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "H05 a connection is used for a second host that judges clients in another way",
        scope: Scope::Each,
        play: |stage| Box::pin(coalescing(stage)),
    },
    Scenario {
        name: "H05 a connection is used for a second host that judges clients in the same way",
        scope: Scope::Each,
        play: |stage| Box::pin(alike(stage)),
    },
    Scenario {
        name: "H06 a ClientHello in pieces is of the same site",
        scope: Scope::EachTls,
        play: |stage| Box::pin(pieces(stage)),
    },
    Scenario {
        name: "H06 however the server is spelled, its clients are asked",
        scope: Scope::Once,
        play: |stage| Box::pin(spellings(stage)),
    },
    Scenario {
        name: "H06 names of servers that are none",
        scope: Scope::Once,
        play: |stage| Box::pin(no_names(stage)),
    },
];

/// The address of a server with several sites; `None` where there can be none.
async fn sites(stage: &Stage, mode: Mode) -> Result<Option<SocketAddr>> {
    let server = stage.bench.server(&Key::of_trust(mode, "sites")).await;
    if stage.bench.adapter == "actix" {
        // actix-web cannot choose the configuration after the first message of a client, so the server
        // does not start. When that changes, this fails and the exception goes.
        let error = server.err().context("the exception no longer applies, remove it")?;
        ensure!(format!("{error:#}").contains("client authentication"), "{error:#}");
        return Ok(None);
    }
    server.map(Some)
}

async fn coalescing(stage: Stage) -> Result<()> {
    let Some(address) = sites(&stage, Mode::Request).await? else { return Ok(()) };
    let alice = Arc::new(stage.client("alice")?);
    let mut connection = stage.connect_as("open.test", address, &alice).await?;
    for _ in 0..3 {
        let own = connection.ask_host("open.test", "/whoami").await?;
        ensure!(seen(&own)?.peer == "anonymous", "{own:?}");
        for host in ["admin.test", "a.internal.test", "partner.test", "localhost"] {
            let other = connection.ask_host(host, "/whoami").await?;
            let problem = Problem::of(&other).with_context(|| format!("{host}: {other:?}"))?;
            ensure!((problem.status, problem.kind()) == (421, "misdirected"), "{host}: {problem:?}");
        }
    }
    Ok(())
}

async fn alike(stage: Stage) -> Result<()> {
    let address = stage.bench.server(&Key::of_trust(Mode::Require, "sites alike")).await?;
    let alice = Arc::new(stage.client("alice")?);
    let mut connection = stage.connect_as("admin.test", address, &alice).await?;
    for host in ["admin.test", "localhost", "open.test"] {
        let answer = connection.ask_host(host, "/whoami").await?;
        ensure!(seen(&answer)?.name.as_deref() == Some("alice"), "{host}: {answer:?}");
    }
    Ok(())
}

async fn pieces(stage: Stage) -> Result<()> {
    let Some(address) = sites(&stage, Mode::NoClientAuth).await? else { return Ok(()) };
    // With the keys of ML-KEM the message is longer than one packet.
    for groups in [vec![X25519MLKEM768, X25519], vec![X25519, SECP256R1]] {
        for size in [None, Some(32), Some(100)] {
            let provider = CryptoProvider { kx_groups: groups.clone(), ..aws_lc_rs::default_provider() };
            let alice = fixtures()?.credentials("alice", None, true)?;
            let mut config = tls::config_of(provider.into(), alice.as_ref(), stage.http, stage.tls)?;
            config.max_fragment_size = size;
            let mut connection = stage.connect_as("admin.test", address, &Arc::new(config)).await?;
            let answer = connection.ask_host("admin.test", "/whoami").await?;
            ensure!(seen(&answer)?.name.as_deref() == Some("alice"), "{size:?}: {answer:?}");
        }
    }
    // And byte by byte, as far as the hello goes.
    let hello = hello(&stage, "admin.test")?;
    let mut socket = tcp(address).await?;
    for byte in hello {
        socket.write_all(&[byte]).await?;
    }
    let mut first = [0; 1];
    timeout(Duration::from_secs(5), socket.read_exact(&mut first)).await.context("no answer")??;
    ensure!(first == [HANDSHAKE], "no ServerHello but {first:?}");
    Ok(())
}

const HANDSHAKE: u8 = 22;
const CERTIFICATE_REQUEST: u8 = 13;
const SERVER_HELLO_DONE: u8 = 14;

async fn spellings(stage: Stage) -> Result<()> {
    let Some(address) = sites(&stage, Mode::NoClientAuth).await? else { return Ok(()) };
    // In TLS 1.2 it can be seen on the wire whom the server asks for a certificate.
    let stage = Stage { http: Http::One, tls: Tls::Two, ..stage };
    for (name, spelling, asks) in [
        ("admin.test", "admin.test", true),
        ("admin.test", "ADMIN.TEST", true),
        ("admin.test", "Admin.Test", true),
        ("b.internal.test", "B.INTERNAL.test", true),
        ("xn--bcher-kva.test", "XN--Bcher-KVA.test", true),
        ("open.test", "OPEN.test", false),
        ("unknown.test", "UNKNOWN.test", false),
    ] {
        let hello = renamed(&hello(&stage, name)?, name, spelling.as_bytes())?;
        ensure!(asks_for_certificate(address, &hello).await? == asks, "{spelling}");
    }
    Ok(())
}

async fn no_names(stage: Stage) -> Result<()> {
    let Some(address) = sites(&stage, Mode::Require).await? else { return Ok(()) };
    let stage = Stage { http: Http::One, tls: Tls::Two, ..stage };
    let whole = hello(&stage, "admin.test")?;
    let long = "a.".repeat(150) + "internal.test";
    for name in [&b""[..], b".", b"admin.test\0", b"\0", b"open.test.", b"[::1]", b"a b", long.as_bytes()] {
        let hello = renamed(&whole, "admin.test", name)?;
        // Either the name is refused, or it is nobody's, whose clients are asked as by default.
        let asked = asks_for_certificate(address, &hello).await;
        let is_open = name == b"open.test.";
        ensure!(is_open || asked.unwrap_or(true), "{}: nobody is asked", name.escape_ascii());
    }
    stage.good_client_is_served(address).await
}

/// Whether the server asks for a certificate, in the answer to a ClientHello of TLS 1.2.
///
/// An alert instead is an error.
async fn asks_for_certificate(address: SocketAddr, hello: &[u8]) -> Result<bool> {
    let mut socket = tcp(address).await?;
    socket.write_all(hello).await?;
    let mut messages = Vec::new();
    let mut asks = false;
    let answer = async {
        loop {
            let mut head = [0; 5];
            socket.read_exact(&mut head).await?;
            let [kind, _, _, high, low] = head;
            let mut record = vec![0; usize::from(u16::from_be_bytes([high, low]))];
            socket.read_exact(&mut record).await?;
            ensure!(kind == HANDSHAKE, "an alert: {record:?}");
            messages.extend(record);
            while let Some(message) = split_message(&mut messages) {
                asks |= message == CERTIFICATE_REQUEST;
                if message == SERVER_HELLO_DONE {
                    return Ok(asks);
                }
            }
        }
    };
    timeout(Duration::from_secs(5), answer).await.context("no answer to a ClientHello")?
}

/// Takes the first message away, if it is complete, and tells its type.
fn split_message(messages: &mut Vec<u8>) -> Option<u8> {
    let [kind, a, b, c, ..] = *messages.as_slice() else { return None };
    let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()? + 4;
    if messages.len() < length {
        return None;
    }
    messages.drain(..length);
    Some(kind)
}

/// The bytes with which a client begins that asks for this server.
fn hello(stage: &Stage, name: &str) -> Result<Vec<u8>> {
    let name = ServerName::try_from(name.to_owned())?;
    let mut connection = ClientConnection::new(Arc::new(stage.client("alice")?), name)?;
    let mut hello = Vec::new();
    connection.write_tls(&mut hello)?;
    Ok(hello)
}

/// The same ClientHello with another name in it, and all the lengths around it.
fn renamed(hello: &[u8], old: &str, new: &[u8]) -> Result<Vec<u8>> {
    let at = hello.windows(old.len()).position(|bytes| bytes == old.as_bytes()).context("no such name")?;
    let difference = i64::try_from(new.len())? - i64::try_from(old.len())?;
    let mut renamed = hello.to_vec();
    renamed.splice(at..at + old.len(), new.iter().copied());
    // Of the record, of the message, of all extensions, of this one, of the list in it, and of the name.
    for at in [3, 7, extensions_at(hello)?, at - 7, at - 5, at - 2] {
        let length = renamed.get_mut(at..at + 2).context("a length")?;
        let &mut [high, low] = length else { anyhow::bail!("a length of two bytes") };
        let changed = u16::try_from(i64::from(u16::from_be_bytes([high, low])) + difference)?;
        length.copy_from_slice(&changed.to_be_bytes());
    }
    Ok(renamed)
}

/// Where the length of all extensions is: behind session, cipher suites and compressions.
fn extensions_at(hello: &[u8]) -> Result<usize> {
    let byte = |at: usize| hello.get(at).copied().map(usize::from).context("a short ClientHello");
    let suites = 43 + 1 + byte(43)?;
    let compressions = suites + 2 + byte(suites)? * 256 + byte(suites + 1)?;
    Ok(compressions + 1 + byte(compressions)?)
}
