//! HTTP/2 through hyper, for every request that the `http` crate can hold as it is.

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

use super::{Received, Sent};

/// A connection that speaks HTTP/2.
#[derive(Debug)]
pub struct Connection {
    sender: http2::SendRequest<Empty<Bytes>>,
    driver: JoinHandle<hyper::Result<()>>,
}

impl Connection {
    /// Speaks over a stream.
    ///
    /// # Errors
    ///
    /// If the connection ends at once.
    pub async fn new<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Result<Self> {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        Ok(Self { sender, driver: tokio::spawn(connection) })
    }

    /// Sends a request and waits for its response.
    ///
    /// # Errors
    ///
    /// If the connection or the stream ends before the response does.
    pub async fn send(&mut self, request: http::Request<Empty<Bytes>>) -> Result<Received> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let headers = parts.headers.iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let body = body.collect().await?.to_bytes().to_vec();
        Ok(Received { status: Some(parts.status.as_u16()), headers, body })
    }

    /// Waits for the end of the connection, its reason aside.
    ///
    /// # Errors
    ///
    /// If the task that drives it panicked.
    pub async fn wait_for_end(self) -> Result<()> {
        // The sender stays: dropping it would end the connection from this side.
        let _ended = self.driver.await.context("the connection's task")?;
        drop(self.sender);
        Ok(())
    }
}

/// The request for hyper; `None` if the `http` crate would change it or cannot hold it.
#[must_use]
pub fn faithful(sent: &Sent) -> Option<http::Request<Empty<Bytes>>> {
    let method = http::Method::from_bytes(&sent.method).ok()?;
    let path = http::uri::PathAndQuery::try_from(&*sent.target).ok()?;
    if path.as_str().as_bytes() != sent.target || !sent.target.starts_with(b"/") || method == "CONNECT" {
        return None;
    }
    let authority = sent.headers.iter().find(|(name, _)| name == ":authority")?;
    let uri = http::Uri::builder().scheme("https").authority(&*authority.1).path_and_query(path);
    let mut request = http::Request::builder().method(method).uri(uri.build().ok()?);
    for (name, value) in sent.headers.iter().filter(|(name, _)| !name.starts_with(':')) {
        request = request.header(name, &**value);
    }
    request.body(Empty::new()).ok()
}
