//! The client side: real handshakes, and requests that no polite client would send.

pub mod drawer;
pub mod h1;
pub mod h2;
pub mod h2_raw;
pub mod tls;

use std::fmt;
use std::net::SocketAddr;

use anyhow::Result;
use tokio::net::TcpStream;

/// A request as bytes, so that nothing tidies it up on its way.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Sent {
    /// The method.
    pub method: Vec<u8>,
    /// The target.
    pub target: Vec<u8>,
    /// Header lines; `:authority` is HTTP/2's.
    pub headers: Vec<(String, Vec<u8>)>,
    /// All of it instead, for HTTP/1.1.
    pub raw: Option<Vec<u8>>,
}

/// A response.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Received {
    /// The status; absent where only the body was read.
    pub status: Option<u16>,
    /// The header lines, names in lower case; empty where only the body was read.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Sent {
    /// A request for a host.
    #[must_use]
    pub fn new(method: impl Into<Vec<u8>>, target: impl Into<Vec<u8>>) -> Self {
        Self { method: method.into(), target: target.into(), ..Self::default() }
    }

    /// These bytes, whatever they are.
    #[must_use]
    pub fn raw(bytes: Vec<u8>) -> Self {
        Self { raw: Some(bytes), ..Self::default() }
    }

    /// Adds a header line.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl Received {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| &**value)
    }

    /// The values of a header that may stand on several lines, or be a list.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.headers.iter().filter(move |(n, _)| n == name);
        lines.flat_map(|(_, values)| std::iter::once(&**values).chain(values.split(',').map(str::trim)))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {}", self.status, self.headers, self.text())
    }
}

/// A TCP connection without delays.
///
/// # Errors
///
/// If nobody listens.
pub async fn tcp(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
