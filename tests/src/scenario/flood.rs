//! Much of something, and bytes that no certificate is made of (FAULTS, group 7).

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use portcullis_pki::hostile;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::living::meet;
use super::{Scenario, Scope, Stage};
use crate::adapter::Listener;
use crate::bench::{self, Key};
use crate::case::{Mode, Shape, Tls};
use crate::client::{tcp, tls};
use crate::fixtures::{Credentials, fixtures};
use crate::policy;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "D01 five hundred silent clients are given up in time, and counted",
        scope: Scope::Once,
        play: |stage| Box::pin(silent(stage)),
    },
    Scenario {
        name: "D02 fifty clients with a hundred issuers each keep a good one waiting for none of them",
        scope: Scope::EachTls,
        play: |stage| Box::pin(mazes(stage)),
    },
    Scenario {
        name: "D03 whatever the certificate is, there is an answer or an alert",
        scope: Scope::EachTls,
        play: |stage| Box::pin(catalogue(stage)),
    },
    Scenario {
        name: "D03 bytes that are no certificate",
        scope: Scope::EachTls,
        play: |stage| Box::pin(no_certificates(stage)),
    },
    Scenario {
        name: "D06 a client without a certificate learns of its refusal when it reads",
        scope: Scope::EachTls,
        play: |stage| Box::pin(belated(stage)),
    },
];

async fn silent(stage: Stage) -> Result<()> {
    let builder = bench::tls(&Key::of_mode(Mode::Require))?.context("TLS")?;
    let tls = builder.handshake_timeout(Duration::from_secs(1)).build()?;
    let listener = Listener::Tls(tls.clone());
    let server = stage.bench.fresh(policy::authorizer("standard")?, listener, Shape::Standard).await?;
    let mut silent = Vec::new();
    for _ in 0..500 {
        silent.push(tcp(server.address).await?);
    }
    stage.good_client_is_served(server.address).await?;
    let given_up = async {
        for socket in &mut silent {
            // An end or a reset: not a word was said.
            ensure!(!matches!(socket.read(&mut [0; 1]).await, Ok(1..)), "the server speaks first");
        }
        Ok(())
    };
    timeout(Duration::from_secs(10), given_up).await.context("a silent client is kept")??;
    let counted: u64 = tls.status().failed_handshakes.values().sum();
    if stage.bench.adapter == "actix" {
        // actix-web tells nobody of handshakes that it gives up. When it does, the exception goes.
        ensure!(counted == 0, "the exception no longer applies, remove it: {counted}");
    } else {
        ensure!(counted == 500, "{counted} were counted: {:?}", tls.status().failed_handshakes);
    }
    (server.stop)().await;
    Ok(())
}

async fn mazes(stage: Stage) -> Result<()> {
    let address = stage.bench.server(&Key::of_mode(Mode::Require)).await?;
    let maze = Arc::new(stage.client("hostile:junk100")?);
    let mut visits = JoinSet::new();
    for _ in 0..50 {
        let (stage, maze) = (stage.clone(), Arc::clone(&maze));
        visits.spawn(async move { stage.whoami(address, &maze).await.is_err() });
    }
    let begun = Instant::now();
    stage.good_client_is_served(address).await?;
    ensure!(begun.elapsed() < Duration::from_secs(2), "a good client waited {:?}", begun.elapsed());
    while let Some(refused) = visits.join_next().await {
        ensure!(refused?, "a client was let in whose issuers are unknown");
    }
    Ok(())
}

async fn catalogue(stage: Stage) -> Result<()> {
    let address = stage.bench.server(&Key::of_mode(Mode::Request)).await?;
    for name in hostile::NAMES.iter() {
        let config = Arc::new(stage.client(&format!("hostile:{name}"))?);
        let answer = async {
            let mut connection = stage.connect(address, &config).await?;
            let met = meet(&stage, &mut connection, "/admin/").await?;
            anyhow::Ok(met)
        };
        match timeout(Duration::from_secs(5), answer).await.with_context(|| format!("{name} hangs"))? {
            Ok(met) if ["alice", "403 forbidden", "403 certificate-untrusted"].contains(&&*met.word) => {}
            Ok(met) => ensure!(met.word == "ended", "{name}: {met:?}"),
            // The alert of a handshake that failed, or a reset because not everything was read.
            Err(error) => ensure!(error.is::<std::io::Error>(), "{name}: {error:#}"),
        }
    }
    stage.good_client_is_served(address).await
}

async fn no_certificates(stage: Stage) -> Result<()> {
    let mut bytes: Vec<Vec<u8>> = [
        &b""[..],
        b"\0",
        b"\x30\x80",
        // Lengths far beyond what is there.
        b"\x30\x84\x7f\xff\xff\xff",
        b"\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff\x02\x01\x01",
        b"\x30\x82\xff\xff\x30\x82\xff\xfb\xa0\x03\x02\x01\x02",
        b"-----BEGIN CERTIFICATE-----",
    ]
    .map(<[u8]>::to_vec)
    .into();
    // A sequence in a sequence in a sequence.
    bytes.push((0..3000_u16).rev().fold(Vec::new(), |inner, _| nested(inner)));
    let alice = fixtures()?.client("alice")?;
    for length in [1, 2, 4, 10, 100, alice.certificate_der().len() - 1] {
        bytes.push(alice.certificate_der().get(..length).context("a beginning")?.to_vec());
    }
    bytes.push([alice.certificate_der(), b"\0"].concat());
    for mode in [Mode::Require, Mode::Request] {
        let address = stage.bench.server(&Key::of_mode(mode)).await?;
        for leaf in &bytes {
            for chain in [vec![leaf.clone()], vec![leaf.clone(), alice.certificate_der().to_vec()]] {
                let credentials = Credentials { chain, key: alice.clone() };
                let config = tls::config(Some(&credentials), stage.http, stage.tls)?;
                let met = timeout(Duration::from_secs(5), stage.whoami(address, &config.into())).await;
                let met = met.with_context(|| format!("{} hangs", leaf.escape_ascii()))?;
                ensure!(met.is_err(), "let in by {}: {met:?}", leaf.escape_ascii());
            }
        }
        stage.good_client_is_served(address).await?;
    }
    Ok(())
}

/// The bytes as the content of a sequence.
fn nested(content: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[0x30, 0x82][..], &length, &content].concat()
}

async fn belated(stage: Stage) -> Result<()> {
    let address = stage.bench.server(&Key::of_mode(Mode::Require)).await?;
    let nobody = Arc::new(stage.client("nobody")?);
    let connected = tls::connect(address, nobody).await;
    if stage.tls == Tls::Two {
        let error = connected.err().context("a handshake without a certificate")?;
        ensure!(error.to_string().contains("alert"), "{error}");
        return Ok(());
    }
    // The handshake of TLS 1.3 is over for the client before the server has looked at it.
    let mut stream = connected.context("TLS 1.3 tells clients later")?;
    let read = timeout(Duration::from_secs(5), stream.read(&mut [0; 1])).await.context("no word of it")?;
    let error = read.err().context("the server speaks to nobody")?;
    ensure!(error.to_string().contains("CertificateRequired"), "{error}");
    Ok(())
}
