//! HTTP/2 frames by hand, for requests that no library would send.
//!
//! Only what the body of the response says is read: header blocks come in compressed, and every
//! handler and every denial says in its body what a case asks for.

use anyhow::{Result, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Received, Sent};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// Sends one request on a fresh connection and waits for the body of its response.
///
/// # Errors
///
/// If the server ends the stream or the connection instead.
pub async fn send<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, sent: &Sent) -> Result<Received> {
    let mut opening = PREFACE.to_vec();
    opening.extend(frame(SETTINGS, 0, 0, &[])?);
    opening.extend(frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(sent)?)?);
    stream.write_all(&opening).await?;
    stream.flush().await?;

    let mut received = Received::default();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [a, b, c, kind, flags, number @ ..] = head;
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c]))?];
        stream.read_exact(&mut payload).await?;
        match kind {
            SETTINGS if flags & ACK == 0 => {
                stream.write_all(&frame(SETTINGS, ACK, 0, &[])?).await?;
                stream.flush().await?;
            }
            PING if flags & ACK == 0 => stream.write_all(&frame(PING, ACK, 0, &payload)?).await?,
            DATA => received.body.extend(payload),
            RESET => bail!("the server reset the stream: {}", payload.escape_ascii()),
            GO_AWAY if !is_graceful(&payload) => bail!("the server went away: {}", payload.escape_ascii()),
            _ => {}
        }
        if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            ensure!(u32::from_be_bytes(number) == 1, "a frame of another stream");
            return Ok(received);
        }
    }
}

/// Whether the server still answers the one request, and ends the connection only then.
fn is_graceful(go_away: &[u8]) -> bool {
    match *go_away {
        [a, b, c, d, 0, 0, 0, 0, ..] => u32::from_be_bytes([a & 0x7f, b, c, d]) >= 1,
        _ => false,
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<Vec<u8>> {
    let [_, length @ ..] = u32::try_from(payload.len())?.to_be_bytes();
    let mut frame = length.to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    Ok(frame)
}

/// A header block of literals without indexing or compression (RFC 7541, 6.2.2).
fn block(sent: &Sent) -> Result<Vec<u8>> {
    let mut block = Vec::new();
    field(&mut block, b":method", &sent.method)?;
    field(&mut block, b":scheme", b"https")?;
    field(&mut block, b":path", &sent.target)?;
    let (pseudo, plain): (Vec<_>, Vec<_>) = sent.headers.iter().partition(|(name, _)| name.starts_with(':'));
    for (name, value) in pseudo.into_iter().chain(plain) {
        field(&mut block, name.as_bytes(), value)?;
    }
    Ok(block)
}

fn field(block: &mut Vec<u8>, name: &[u8], value: &[u8]) -> Result<()> {
    block.push(0);
    for text in [name, value] {
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 127);
        let Some(length) = length else { bail!("a field of {} bytes is not needed here", text.len()) };
        block.push(length);
        block.extend(text);
    }
    Ok(())
}
