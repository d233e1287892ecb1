//! An example, running.

use std::{fs::File, path::Path, process::Stdio, time::Duration};

use anyhow::Context;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::site::Site;

/// A server with the certificates of the site, on a port of its own.
#[derive(Debug)]
pub struct Example {
    origin: String,
    _process: Child,
    // Closed, it would break the pipe of a server that still has something to say.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl Example {
    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    ///
    /// If it ends, or does not listen soon.
    pub async fn start(site: &Site, name: &str, log: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(site.program(name)?);
        command.args(["--listen", "127.0.0.1:0"]);
        command.arg("--server-cert").arg(site.file("server/localhost.pem"));
        command.arg("--server-key").arg(site.file("server/localhost.key"));
        command.arg("--client-ca").arg(site.file("ca.pem"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(log)?).kill_on_drop(true);
        let mut process = command.spawn().with_context(|| format!("`{name}` cannot be started"))?;
        let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        let origin = said(&mut lines, "listening on ", "/").await.with_context(|| format!("`{name}`"))?;
        Ok(Self { origin, _process: process, _lines: lines })
    }

    /// Where it is, such as `https://localhost:8443`.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// What a program says between two texts, on the first line that has both.
pub(crate) async fn said(
    lines: &mut Lines<BufReader<ChildStdout>>,
    before: &str,
    after: &str,
) -> anyhow::Result<String> {
    let find = async {
        while let Some(line) = lines.next_line().await? {
            let rest = line.split_once(before).map(|(_, rest)| rest);
            if let Some((text, _)) = rest.and_then(|rest| rest.rsplit_once(after)) {
                return Ok(text.to_owned());
            }
        }
        anyhow::bail!("it ended before it said `{before}`")
    };
    tokio::time::timeout(Duration::from_secs(30), find)
        .await
        .with_context(|| format!("waited for `{before}`"))?
}
