//! Servers that do not answer a TLS client with TLS: what is it that they speak?

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use super::report::Finding;
use super::target::Target;
use super::tls::{End, RECORDS};
use super::wire::Wire;

/// Names what the server speaks by its first bytes.
pub(super) fn of_bytes(bytes: &[u8], target: &Target) -> Finding {
    let starts = |word: &[u8]| bytes.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let port = target.port;
    if starts(b"HTTP/") {
        return plain_http(port);
    }
    if starts(b"SSH-") {
        return Finding::fail(
            "ssh",
            format!("an SSH server listens on port {port}"),
            "connect to the port of the HTTPS server",
        );
    }
    if [&b"220"[..], b"+OK", b"* OK"].into_iter().any(starts) {
        return Finding::fail(
            "mail",
            format!("a mail or file server listens on port {port}, which speaks before TLS begins"),
            "connect to the port of the HTTPS server",
        );
    }
    let shown: String = bytes.iter().take(16).map(|byte| byte.escape_ascii().to_string()).collect();
    Finding::fail(
        "not-tls",
        format!("the server does not speak TLS on port {port}: it began with `{shown}`"),
        "connect to the port on which it speaks HTTPS, or configure TLS on this one",
    )
}

fn plain_http(port: u16) -> Finding {
    Finding::fail(
        "plain-http",
        format!("the server speaks plain HTTP on port {port}, without TLS"),
        "configure its certificate and key, or connect to its HTTPS port; without TLS there are no client certificates",
    )
}

/// Tries other ways to speak to a server that said nothing to a TLS client.
pub(super) fn of_wordless(
    end: &End,
    address: SocketAddr,
    hello: Option<&[u8]>,
    target: &Target,
    limit: Duration,
) -> Finding {
    let limit = limit.min(Duration::from_secs(3));
    if hello.is_some_and(|hello| speaks_behind_proxy(address, hello, limit)) {
        return Finding::fail(
            "proxy-protocol",
            "the server expects the PROXY protocol before TLS begins",
            "connect through its proxy, or switch the PROXY protocol off on this port",
        );
    }
    let answer = plain_request(address, target, limit);
    if answer.starts_with(b"HTTP/") {
        return plain_http(target.port);
    }
    let port = target.port;
    match end {
        End::Silent => Finding::fail(
            "silent",
            format!("something accepts connections on port {port}, and says nothing for {limit:?}"),
            "look whether the server hangs, or whether this is the port of something else",
        ),
        End::Reset => Finding::fail(
            "reset",
            format!("the connection to port {port} was reset before anything was said"),
            "look for a firewall, and for a server that is not ready behind its proxy",
        ),
        _ => Finding::fail(
            "closed",
            format!("the server closed the connection on port {port} before anything was said"),
            "look into its log: it may limit who connects, or not be a TLS server",
        ),
    }
}

/// Whether TLS is answered once the PROXY protocol (version 1) has been spoken.
fn speaks_behind_proxy(address: SocketAddr, hello: &[u8], limit: Duration) -> bool {
    let Ok((mut wire, _)) = Wire::connect(&[address], limit) else { return false };
    let Ok(local) = wire.tcp().local_addr() else { return false };
    let family = if address.is_ipv4() { "TCP4" } else { "TCP6" };
    let header =
        format!("PROXY {family} {} {} {} {}\r\n", local.ip(), address.ip(), local.port(), address.port());
    let mut first = [0];
    let sent = wire.write_all(&[header.as_bytes(), hello].concat());
    sent.is_ok() && wire.read_exact(&mut first).is_ok() && first.iter().all(|byte| RECORDS.contains(byte))
}

/// The first bytes of the answer to a request without TLS.
fn plain_request(address: SocketAddr, target: &Target, limit: Duration) -> Vec<u8> {
    let Ok((mut wire, _)) = Wire::connect(&[address], limit) else { return Vec::new() };
    let request = format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", target.authority());
    let mut answer = Vec::new();
    if wire.write_all(request.as_bytes()).is_ok() {
        // Whatever came before it broke off counts.
        let _ = wire.take(16 * 1024).read_to_end(&mut answer);
    }
    answer
}

/// What is behind a URL that says `http`.
pub(super) fn of_plain(
    address: SocketAddr,
    hello: Option<&[u8]>,
    target: &Target,
    limit: Duration,
) -> Finding {
    let answer = plain_request(address, target, limit);
    let text = String::from_utf8_lossy(&answer).to_lowercase();
    let is_alert = answer.first().is_some_and(|byte| RECORDS.contains(byte));
    let is_complaint =
        text.starts_with("http/1.") && text.get(9..12) == Some("400") && text.contains("https");
    let answers_tls = || hello.is_some_and(|hello| speaks_tls(address, hello, limit));
    if is_alert || is_complaint || (answer.is_empty() && answers_tls()) {
        return Finding::fail(
            "http-on-https-port",
            format!("the URL says `http`, and port {} speaks HTTPS", target.port),
            "write `https://` in the place of `http://`",
        );
    }
    let location = text.lines().find_map(|line| line.strip_prefix("location: ")).map(super::printable);
    match location.filter(|location| location.starts_with("https://")) {
        Some(location) => Finding::fail(
            "http-redirect",
            "the URL says `http`, where no client certificate can be shown, and the server sends its clients to HTTPS",
            format!("connect to `{location}`"),
        ),
        None if answer.starts_with(b"HTTP/") => plain_http(target.port),
        None => of_bytes(&answer, target),
    }
}

fn speaks_tls(address: SocketAddr, hello: &[u8], limit: Duration) -> bool {
    let Ok((mut wire, _)) = Wire::connect(&[address], limit) else { return false };
    let mut first = [0];
    let sent = wire.write_all(hello);
    sent.is_ok() && wire.read_exact(&mut first).is_ok() && first.iter().all(|byte| RECORDS.contains(byte))
}
