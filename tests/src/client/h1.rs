//! HTTP/1.1 by hand: the request goes out byte for byte.

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Received, Sent};

/// A connection that speaks HTTP/1.1.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Speaks over a stream.
    pub fn new(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// Sends a request and waits for its response.
    ///
    /// # Errors
    ///
    /// If the connection ends before the response does, or the response is none.
    pub async fn send(&mut self, sent: &Sent) -> Result<Received> {
        self.write(&head(sent)).await?;
        self.receive(sent.method == b"HEAD").await
    }

    /// Sends bytes.
    ///
    /// # Errors
    ///
    /// If the connection has ended.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    /// Waits for a response.
    ///
    /// # Errors
    ///
    /// If the connection ends before the response does, or the response is none.
    pub async fn receive(&mut self, bodiless: bool) -> Result<Received> {
        let (mut received, body_at) = loop {
            if let Some(parsed) = parse(&self.buffer)? {
                break parsed;
            }
            ensure!(self.fill().await? > 0, "the connection ended before a response");
        };
        self.buffer.drain(..body_at);
        if bodiless || received.status == Some(304) {
            return Ok(received);
        }
        ensure!(received.header("transfer-encoding").is_none(), "a chunked response: {received:?}");
        match received.header("content-length").map(str::parse::<usize>).transpose()? {
            Some(length) => {
                while self.buffer.len() < length {
                    ensure!(self.fill().await? > 0, "the connection ended within a response");
                }
                received.body = self.buffer.drain(..length).collect();
            }
            None => {
                while self.fill().await? > 0 {}
                received.body = std::mem::take(&mut self.buffer);
            }
        }
        Ok(received)
    }

    /// Waits for the end of the connection.
    ///
    /// # Errors
    ///
    /// If something else comes first.
    pub async fn wait_for_end(&mut self) -> Result<()> {
        match self.fill().await {
            Ok(0) => Ok(()),
            Ok(_) => bail!("more came: `{}`", String::from_utf8_lossy(&self.buffer).escape_debug()),
            // A reset is an end as well.
            Err(_) => Ok(()),
        }
    }

    async fn fill(&mut self) -> Result<usize> {
        Ok(self.stream.read_buf(&mut self.buffer).await?)
    }
}

/// The head of a request.
#[must_use]
pub fn head(sent: &Sent) -> Vec<u8> {
    if let Some(raw) = &sent.raw {
        return raw.clone();
    }
    let mut head = [&*sent.method, b" ", &*sent.target, b" HTTP/1.1\r\n"].concat();
    for (name, value) in &sent.headers {
        head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    head
}

/// The head of a response and where its body begins, once all of it is there.
fn parse(bytes: &[u8]) -> Result<Option<(Received, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let status = response.parse(bytes);
    let status = status.with_context(|| format!("no response: `{}`", bytes.escape_ascii()))?;
    let httparse::Status::Complete(length) = status else { return Ok(None) };
    let headers = response.headers.iter();
    let headers = headers
        .map(|h| (h.name.to_ascii_lowercase(), String::from_utf8_lossy(h.value).into_owned()))
        .collect();
    Ok(Some((Received { status: response.code, headers, body: Vec::new() }, length)))
}
