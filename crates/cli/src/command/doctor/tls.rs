//! A TLS client that tells how far it came.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use portcullis_tls::rustls::pki_types::ServerName;
use portcullis_tls::rustls::{AlertDescription, ClientConfig, ClientConnection, Error};

use super::wire::Wire;

/// A connection whose handshake is done, as far as the client can tell.
#[derive(Debug)]
pub(super) struct Secured {
    pub(super) connection: ClientConnection,
    wire: Wire,
}

/// How a connection ended before it should have.
#[derive(Debug)]
pub(super) enum End {
    /// The first bytes are not TLS.
    NotTls(Vec<u8>),
    /// Nothing came for as long as it may take.
    Silent,
    /// The server closed the connection.
    Closed,
    /// The server reset the connection.
    Reset,
    /// The server said why.
    Alert(AlertDescription),
    /// The server did what no server may.
    Protocol(Error),
    /// The network failed.
    Network(std::io::Error),
}

/// A connection that ended, with what was learned until then.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) end: End,
    /// Whether anything of TLS had come from the server.
    pub(super) spoke_tls: bool,
    pub(super) connection: Option<ClientConnection>,
}

/// The types of TLS records that a server may begin with: an alert and a handshake (RFC 8446, 5.1).
pub(super) const RECORDS: [u8; 2] = [0x15, 0x16];

/// The first bytes that a client sends.
pub(super) fn client_hello(config: &Arc<ClientConfig>, name: &ServerName<'static>) -> Option<Vec<u8>> {
    let mut hello = Vec::new();
    let mut connection = ClientConnection::new(config.clone(), name.clone()).ok()?;
    connection.write_tls(&mut hello).ok()?;
    Some(hello)
}

/// Does a handshake.
pub(super) fn handshake(
    mut wire: Wire,
    config: &Arc<ClientConfig>,
    name: &ServerName<'static>,
) -> Result<Secured, Box<Broken>> {
    let mut connection = match ClientConnection::new(config.clone(), name.clone()) {
        Ok(connection) => connection,
        Err(error) => {
            return Err(Box::new(Broken { end: End::Protocol(error), spoke_tls: false, connection: None }));
        }
    };
    let mut spoke_tls = false;
    while connection.is_handshaking() || connection.wants_write() {
        // A server that refuses may close before it has read all: its alert comes first.
        let sent = send(&mut connection, &mut wire);
        if sent.is_ok() && !connection.is_handshaking() {
            break;
        }
        if let Err(end) = receive(&mut connection, &mut wire, &mut spoke_tls) {
            let end = if let (End::Closed | End::Reset, Err(error)) = (&end, sent) { of(error) } else { end };
            return Err(Box::new(Broken { end, spoke_tls, connection: Some(connection) }));
        }
    }
    Ok(Secured { connection, wire })
}

impl Secured {
    /// Waits until the server says anything, for a while at most.
    ///
    /// A server of TLS 1.3 judges the client's certificate after the handshake is done for the client. If it
    /// refuses it while a request is under way, the answer to that may be lost with the connection.
    pub(super) fn settle(&mut self, limit: Duration) -> Result<(), End> {
        self.wire.restart(limit);
        match receive(&mut self.connection, &mut self.wire, &mut true) {
            Ok(()) | Err(End::Silent) => Ok(()),
            Err(end) => Err(end),
        }
    }

    /// Sends a request.
    pub(super) fn send(&mut self, request: &[u8], limit: Duration) -> Result<(), End> {
        self.wire.restart(limit);
        self.connection.writer().write_all(request).map_err(of)?;
        send(&mut self.connection, &mut self.wire).map_err(of)
    }

    /// What comes next; empty at the end.
    pub(super) fn read(&mut self) -> Result<Vec<u8>, End> {
        loop {
            let mut plain = vec![0; 16 * 1024];
            match self.connection.reader().read(&mut plain) {
                Ok(length) => {
                    plain.truncate(length);
                    return Ok(plain);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(of(error)),
            }
            receive(&mut self.connection, &mut self.wire, &mut true)?;
        }
    }

    /// Says goodbye.
    pub(super) fn close(mut self) {
        self.connection.send_close_notify();
        // Nobody waits for it.
        let _ = send(&mut self.connection, &mut self.wire);
    }
}

fn send(connection: &mut ClientConnection, wire: &mut Wire) -> std::io::Result<()> {
    while connection.wants_write() {
        connection.write_tls(wire)?;
    }
    Ok(())
}

/// Reads once, and lets rustls make of it what it can.
fn receive(connection: &mut ClientConnection, wire: &mut Wire, spoke_tls: &mut bool) -> Result<(), End> {
    let mut buffer = [0; 8192];
    let length = wire.read(&mut buffer).map_err(of)?;
    let mut bytes = buffer.get(..length).unwrap_or_default();
    let Some(first) = bytes.first() else { return Err(End::Closed) };
    if !*spoke_tls && !RECORDS.contains(first) {
        return Err(End::NotTls(bytes.to_vec()));
    }
    *spoke_tls = true;
    while !bytes.is_empty() {
        connection.read_tls(&mut bytes).map_err(of)?;
        if let Err(error) = connection.process_new_packets() {
            // What rustls has to say to the server.
            let _ = send(connection, wire);
            return Err(match error {
                Error::AlertReceived(alert) => End::Alert(alert),
                other => End::Protocol(other),
            });
        }
    }
    Ok(())
}

fn of(error: std::io::Error) -> End {
    match error.kind() {
        ErrorKind::TimedOut => End::Silent,
        ErrorKind::UnexpectedEof => End::Closed,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => End::Reset,
        _ => End::Network(error),
    }
}
