//! One case, over one version of HTTP and one of TLS, against one adapter.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::app::TRIAL;
use crate::bench::{Bench, Key};
use crate::case::{Case, Expect, Http, Tls, unescape};
use crate::check;
use crate::client::{Received, Sent, h1, h2, h2_raw, tcp, tls};
use crate::fixtures::fixtures;

/// How long a server may take for anything that it owes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of a case.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The mark of the trial, under which handlers note that they ran.
    pub trial: String,
    /// What the client got.
    pub got: Got,
}

/// What the client got.
#[derive(Debug)]
#[non_exhaustive]
pub enum Got {
    /// The server did not start.
    NoServer(String),
    /// The server refused the handshake with an alert.
    Alert(String),
    /// The connection or the stream ended without a response.
    End(String),
    /// A response.
    Response {
        /// The response.
        received: Received,
        /// Whether the connection ended afterwards, where that was looked at.
        closed: Option<bool>,
    },
}

/// Runs a case and checks what came of it, exceptions included.
///
/// # Errors
///
/// If anything is not as expected, or an exception is no longer needed.
pub async fn run(bench: &Bench, case: &Case, http: Http, tls: Tls) -> Result<()> {
    let trial = async |expect: &Expect| {
        let outcome = perform(bench, case, expect, http, tls).await?;
        check::outcome(&outcome, expect, case, tls).with_context(|| format!("{outcome:?}"))
    };
    let Some(exception) = case.adapters.get(bench.adapter) else {
        return trial(&case.expect).await;
    };
    ensure!(
        trial(&case.expect).await.is_err(),
        "the exception no longer applies, remove it: {}",
        exception.because
    );
    trial(&exception.expect).await.with_context(|| format!("with the exception: {}", exception.because))
}

async fn perform(bench: &Bench, case: &Case, expect: &Expect, http: Http, tls: Tls) -> Result<Outcome> {
    let trial = mark(bench);
    let address = match bench.server(&Key::from(case)).await {
        Ok(address) => address,
        Err(error) => return Ok(Outcome { trial, got: Got::NoServer(format!("{error:#}")) }),
    };
    let sent = request(case, http, address, &trial)?;
    let got = timeout(PATIENCE, async {
        if !case.mode.has_tls() {
            let connection = h1::Connection::new(tcp(address).await?);
            return over_h1(connection, &sent, expect, address).await;
        }
        let credentials =
            fixtures()?.credentials(&case.client, case.key_of.as_deref(), case.send_intermediate)?;
        let config = Arc::new(tls::config(credentials.as_ref(), http, tls)?);
        let mut stream = match tls::connect_as(&case.server_name, address, config).await {
            Ok(stream) => stream,
            Err(error) => return Ok(Got::of_handshake(&error)),
        };
        if expect.handshake.is_some() {
            // TLS 1.3: only reading shows what the server made of the certificate.
            return Ok(match timeout(PATIENCE / 2, stream.read(&mut [0; 1])).await {
                Ok(Err(error)) => Got::of_handshake(&error.into()),
                Ok(Ok(0)) => Got::End("the connection ended without an alert".into()),
                Ok(Ok(_)) => bail!("the handshake succeeded and the server speaks"),
                Err(_) => bail!("the handshake succeeded and the server waits"),
            });
        }
        let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        match (http, h2::faithful(&sent)) {
            (Http::One, _) => over_h1(h1::Connection::new(stream), &sent, expect, address).await,
            _ if protocol.as_deref() != Some(b"h2") => bail!("the server does not speak HTTP/2"),
            (Http::Two, Some(request)) => {
                let mut connection = h2::Connection::new(stream).await?;
                Ok(Got::of_exchange(connection.send(request).await))
            }
            (Http::Two, None) => Ok(Got::of_exchange(h2_raw::send(stream, &sent).await)),
        }
    });
    let got = got.await.with_context(|| format!("nothing came within {PATIENCE:?}"))??;
    Ok(Outcome { trial, got })
}

async fn over_h1<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    mut connection: h1::Connection<S>,
    sent: &Sent,
    expect: &Expect,
    address: SocketAddr,
) -> Result<Got> {
    let mut got = Got::of_exchange(connection.send(sent).await);
    if let (Got::Response { closed, received }, Some(expected)) = (&mut got, expect.closes) {
        if expected {
            ensure!(
                received.header("connection") == Some("close"),
                "the response does not say that it is the last"
            );
            timeout(PATIENCE / 2, connection.wait_for_end()).await.context("the connection stayed")??;
            *closed = Some(true);
        } else {
            let next = Sent::new("GET", "/").header("host", address.to_string());
            connection.send(&next).await.context("a second request on the same connection")?;
            *closed = Some(false);
        }
    }
    Ok(got)
}

/// A mark that no other trial has.
#[must_use]
pub fn mark(bench: &Bench) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", bench.adapter, COUNT.fetch_add(1, Ordering::Relaxed))
}

fn request(case: &Case, http: Http, address: SocketAddr, trial: &str) -> Result<Sent> {
    if let Some(raw) = &case.raw {
        return Ok(Sent::raw(unescape(&raw.replace("{trial}", trial))?));
    }
    let (method, target) = case.request_line()?;
    let mut sent = Sent::new(method, target);
    let authority = case.host.clone().unwrap_or_else(|| format!("localhost:{}", address.port()));
    let host = match http {
        Http::One => "host",
        Http::Two => ":authority",
    };
    let defaults = [(host, &*authority), ("accept", "application/problem+json"), (TRIAL, trial)];
    for (name, value) in defaults {
        let replaced = |line: &String| {
            let given = line.strip_prefix('-').unwrap_or(line);
            given.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
        };
        if !case.headers.iter().any(replaced) {
            sent = sent.header(name, value);
        }
    }
    for line in case.headers.iter().filter(|line| !line.starts_with('-')) {
        let at = line.find(": ").context("a header line is `name: value`")?;
        let (name, value) = line.split_at(at);
        let value = value.get(2..).unwrap_or_default().replace("{authority}", &authority);
        sent = sent.header(name, unescape(&value)?);
    }
    Ok(sent)
}

impl Got {
    /// rustls tells an alert of the server in the words "received fatal alert".
    fn of_handshake(error: &anyhow::Error) -> Self {
        let text = format!("{error:#}");
        if text.contains("received fatal alert") { Self::Alert(text) } else { Self::End(text) }
    }

    fn of_exchange(result: Result<Received>) -> Self {
        match result {
            Ok(received) => Self::Response { received, closed: None },
            Err(error) => Self::of_handshake(&error),
        }
    }
}
