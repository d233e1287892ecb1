//! A throw-away server that tells what its clients send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use portcullis_core::Certificate;
use portcullis_pki::{Authority, PkiError};
use portcullis_tls::rustls::server::Acceptor;
use portcullis_tls::rustls::{Error, ProtocolVersion, ServerConfig, ServerConnection, StreamOwned};
use portcullis_tls::{ClientAuth, ClientTrust, KeyPair, ServerTls, TrustAnchors};
use serde::Serialize;

use super::wire::Wire;
use super::{Arguments, facts, own, printable};
use crate::outcome::{Failure, Outcome};
use crate::output::Output;

/// How many connections may be under way; a browser opens a handful.
const AT_ONCE: usize = 64;

/// What one client sent.
#[derive(Debug, Default, Serialize)]
struct Visitor {
    from: String,
    /// What it is, if it is no TLS client, or why its handshake failed.
    problem: Option<String>,
    server_name: Option<String>,
    protocols: Vec<String>,
    version: Option<&'static str>,
    /// The subjects of the certificates that it sent, its own first.
    certificates: Vec<String>,
    /// Whether its certificate is trusted, and why not.
    judgement: Option<String>,
    request: Option<String>,
}

/// What all connections share.
struct Shared {
    config: Arc<ServerConfig>,
    trust: Option<ClientTrust>,
    limit: Duration,
}

pub(super) fn run(
    arguments: &Arguments,
    address: SocketAddr,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    let shared = Arc::new(shared(arguments)?);
    let listener = TcpListener::bind(address)
        .map_err(|error| Failure::Other(format!("cannot listen on {address}: {error}")))?;
    let bound = listener.local_addr().unwrap_or(address);
    let banner = match &arguments.cert {
        Some(_) => format!("listening on https://{bound}"),
        None => format!(
            "listening on https://{bound} with a throw-away certificate for localhost: have the client not check it (`curl -k`)"
        ),
    };
    output.result(&banner, &serde_json::json!({ "listening": bound.to_string() }))?;
    let (sender, receiver) = mpsc::sync_channel(AT_ONCE);
    thread::spawn(move || accept(&listener, &shared, &sender));
    let mut left = arguments.connections;
    while left != Some(0) {
        let Ok(visitor) = receiver.recv() else { break };
        output.result(&text(&visitor), &visitor)?;
        left = left.map(|left| left.saturating_sub(1));
    }
    Ok(Outcome::Fine)
}

fn shared(arguments: &Arguments) -> Result<Shared, Failure> {
    let input = |error: portcullis_tls::TlsError| Failure::Input(error.to_string());
    let made = |error: PkiError| Failure::Other(format!("cannot make a throw-away certificate: {error}"));
    let authority = Authority::new("portcullis doctor").map_err(made)?;
    let own = match &arguments.cert {
        Some(certificate) => {
            own::pair(certificate, arguments.key.as_deref(), arguments.passphrase()?.as_ref())?
        }
        None => {
            let issued = authority.server().issue().map_err(made)?;
            KeyPair::from_der(issued.chain_der().to_vec(), issued.key_der())
        }
    };
    let anchors = |file: &Path| TrustAnchors::new().pem_file("ca", file);
    // Without `--ca` everybody is asked for any certificate, and nobody is trusted.
    let client_auth = match &arguments.ca {
        Some(file) => ClientAuth::request(anchors(file)),
        None => ClientAuth::request(TrustAnchors::new().der("none", authority.certificate_der()))
            .advertise_no_names(),
    };
    let tls = ServerTls::builder(own).client_auth(client_auth).build().map_err(input)?;
    let trust = match &arguments.ca {
        Some(file) => Some(ClientTrust::builder(ClientAuth::require(anchors(file))).build().map_err(input)?),
        None => None,
    };
    Ok(Shared { config: tls.server_config(&[b"http/1.1"]), trust, limit: arguments.limit() })
}

/// Looks at each client in a thread of its own, so that a silent one keeps nobody waiting.
fn accept(listener: &TcpListener, shared: &Arc<Shared>, sender: &mpsc::SyncSender<Visitor>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        if Arc::strong_count(shared) > AT_ONCE {
            // Dropping it tells the client to come back.
            continue;
        }
        let (shared, sender) = (shared.clone(), sender.clone());
        // Nobody listens any more once enough clients have come.
        thread::spawn(move || drop(sender.send(look(stream, &shared))));
    }
}

fn look(stream: TcpStream, shared: &Shared) -> Visitor {
    let from = stream.peer_addr().map(|peer| peer.to_string()).unwrap_or_default();
    let mut visitor = Visitor { from, ..Visitor::default() };
    if let Err(problem) = talk(stream, shared, &mut visitor) {
        visitor.problem = Some(problem);
    }
    visitor
}

/// The handshake and one request, noted down as far as they come.
fn talk(stream: TcpStream, shared: &Shared, visitor: &mut Visitor) -> Result<(), String> {
    let mut first = [0];
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::TimedOut => "it said nothing more in time".to_owned(),
        _ => format!("the connection failed: {error}"),
    };
    stream.set_read_timeout(Some(shared.limit)).map_err(failed)?;
    let seen = stream.peek(&mut first).map_err(|_| "it connected and said nothing".to_owned())?;
    let [byte] = first;
    let mut wire = Wire::new(stream, shared.limit);
    if seen == 0 {
        return Err("it connected and went away".into());
    }
    if byte != 0x16 {
        return Err(plain(wire, visitor));
    }
    let connection = handshake(&mut wire, shared, visitor)?;
    visitor.version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => Some("TLS 1.3"),
        Some(ProtocolVersion::TLSv1_2) => Some("TLS 1.2"),
        _ => None,
    };
    judge(&connection, shared, visitor);
    wire.restart(shared.limit);
    let mut stream = StreamOwned::new(connection, wire);
    visitor.request = request_line(&mut stream);
    if visitor.request.is_some() {
        answer(&mut stream, visitor).map_err(failed)?;
    }
    Ok(())
}

fn handshake(wire: &mut Wire, shared: &Shared, visitor: &mut Visitor) -> Result<ServerConnection, String> {
    let mut acceptor = Acceptor::default();
    let accepted = loop {
        match acceptor.read_tls(wire) {
            Ok(0) => return Err("it went away during the handshake".into()),
            Ok(_) => {}
            Err(error) => return Err(format!("the handshake was not done: {error}")),
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => break accepted,
            Ok(None) => {}
            Err((error, mut alert)) => {
                let _ = alert.write_all(wire);
                return Err(format!("its first message is no TLS 1.2 or 1.3: {error}"));
            }
        }
    };
    let hello = accepted.client_hello();
    visitor.server_name = hello.server_name().map(printable);
    let protocols = hello.alpn().into_iter().flatten();
    visitor.protocols =
        protocols.take(8).map(|protocol| printable(&String::from_utf8_lossy(protocol))).collect();
    let mut connection = match accepted.into_connection(shared.config.clone()) {
        Ok(connection) => connection,
        Err((error, mut alert)) => {
            let _ = alert.write_all(wire);
            return Err(refused(&error));
        }
    };
    while connection.is_handshaking() {
        if let Err(error) = connection.complete_io(wire) {
            let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
            return Err(tls.map_or_else(|| format!("the handshake was not done: {error}"), refused));
        }
    }
    Ok(connection)
}

fn refused(error: &Error) -> String {
    match error {
        Error::AlertReceived(alert) => format!(
            "it broke the handshake off with the alert `{}`: most likely it does not trust this server's certificate (`curl -k` does not check it)",
            super::refusal::name(*alert)
        ),
        Error::InvalidCertificate(_) => {
            "it could not prove that it has the key of its certificate: certificate and key are not a pair"
                .into()
        }
        other => format!("the handshake failed: {other}"),
    }
}

/// The certificates that were sent, and what is to be thought of them.
fn judge(connection: &ServerConnection, shared: &Shared, visitor: &mut Visitor) {
    let chain = connection.peer_certificates().unwrap_or_default();
    let shown = |der: &portcullis_tls::rustls::pki_types::CertificateDer<'_>| match Certificate::from_der(der)
    {
        Ok(certificate) => format!("`{}`, issued by `{}`", certificate.subject(), certificate.issuer()),
        Err(error) => format!("one that cannot be read: {error}"),
    };
    visitor.certificates = chain.iter().map(shown).collect();
    let Some(first) = chain.first() else { return };
    let now = crate::clock::now();
    visitor.judgement = Some(match &shared.trust {
        Some(trust) => match trust.judge(chain, now) {
            Ok(_) => "trusted".to_owned(),
            Err(reason) => format!("not trusted: {reason}; {}", reason.remedy()),
        },
        None => match Certificate::from_der(first).map(|leaf| facts::of_client(&leaf, now)) {
            Ok(findings) if findings.is_empty() => {
                "nothing is wrong with it by itself; pass its authority to `--ca` to have it judged".into()
            }
            Ok(findings) => {
                let causes: Vec<_> = findings.into_iter().map(|finding| finding.cause).collect();
                causes.join("; ")
            }
            Err(error) => format!("it cannot be read: {error}"),
        },
    });
}

/// The first line of the request; none if nothing came.
fn request_line(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 2048];
    while bytes.len() < 16 * 1024 && !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(length @ 1..) => bytes.extend_from_slice(buffer.get(..length).unwrap_or_default()),
            _ => break,
        }
    }
    let line = bytes.split(|byte| *byte == b'\n').next()?.trim_ascii_end();
    (!line.is_empty()).then(|| printable(&String::from_utf8_lossy(line)))
}

fn answer(stream: &mut StreamOwned<ServerConnection, Wire>, visitor: &Visitor) -> std::io::Result<()> {
    let body = text(visitor) + "\n";
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// A client that does not speak TLS.
fn plain(mut wire: Wire, visitor: &mut Visitor) -> String {
    let line = request_line(&mut wire).unwrap_or_default();
    if !line.contains(" HTTP/1.") {
        let start: String = line.chars().take(40).collect();
        return format!("it does not speak TLS: it began with `{start}`");
    }
    visitor.request = Some(line);
    let body = "This port speaks HTTPS. Use https:// in the place of http://.\n";
    let _ = write!(
        wire,
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    "it speaks plain HTTP on this HTTPS port: write `https://` in the place of `http://`".into()
}

fn text(visitor: &Visitor) -> String {
    let mut lines = vec![format!("client       {}", visitor.from)];
    let mut line = |name: &str, value: &str| lines.push(format!("  {name:<11}{value}"));
    if let Some(problem) = &visitor.problem {
        line("problem", problem);
    }
    if visitor.version.is_some() || visitor.server_name.is_some() || !visitor.protocols.is_empty() {
        let name = visitor.server_name.as_deref().unwrap_or("none, as it connects to an address");
        line("name (SNI)", name);
        let protocols = visitor.protocols.join(", ");
        line("ALPN", if protocols.is_empty() { "none" } else { &protocols });
    }
    if let Some(version) = visitor.version {
        line("version", version);
        match visitor.certificates.split_first() {
            None => line("certificate", " none sent"),
            Some((own, others)) => {
                line("certificate", &format!(" {own}"));
                others.iter().for_each(|other| line("with", other));
            }
        }
    }
    if let Some(judgement) = &visitor.judgement {
        line("judgement", judgement);
    }
    if let Some(request) = &visitor.request {
        line("request", request);
    }
    lines.join("\n")
}
