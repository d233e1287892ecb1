//! Clients that speak something else than TLS.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::HandshakeError;

const BODY: &str = "This port speaks HTTPS. Use https:// in the place of http://.\n";

/// Answers a client that speaks plain HTTP, and closes the connection of any other.
pub(super) async fn refuse(mut tcp: TcpStream, first: u8) -> HandshakeError {
    // The first letter of a method.
    if !first.is_ascii_uppercase() {
        return HandshakeError::NotTls;
    }
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{BODY}",
        BODY.len()
    );
    if tcp.write_all(answer.as_bytes()).await.is_ok() && tcp.shutdown().await.is_ok() {
        // If bytes that nobody read are left, the system resets the connection, and the answer with it.
        let (mut unread, mut nowhere) = (tcp.take(64 * 1024), tokio::io::sink());
        let drained = tokio::io::copy(&mut unread, &mut nowhere);
        let _in_time = tokio::time::timeout(Duration::from_secs(1), drained).await;
    }
    HandshakeError::PlainHttp
}
