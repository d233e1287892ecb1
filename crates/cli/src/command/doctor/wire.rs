//! A TCP connection on which nothing lasts longer than it may.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::report::Finding;
use super::target::Target;

/// A TCP connection whose reads and writes fail once a common limit is reached.
#[derive(Debug)]
pub(super) struct Wire {
    tcp: TcpStream,
    until: Instant,
}

impl Wire {
    /// Connects to the first of the addresses that answers.
    pub(super) fn connect(addresses: &[SocketAddr], limit: Duration) -> io::Result<(Self, SocketAddr)> {
        let until = Instant::now() + limit;
        let mut failure = ErrorKind::AddrNotAvailable.into();
        for address in addresses {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            match TcpStream::connect_timeout(address, left) {
                Ok(tcp) => {
                    tcp.set_nodelay(true)?;
                    return Ok((Self::new(tcp, limit), *address));
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    pub(super) fn new(tcp: TcpStream, limit: Duration) -> Self {
        Self { tcp, until: Instant::now() + limit }
    }

    /// Gives what comes next so much time.
    pub(super) fn restart(&mut self, limit: Duration) {
        self.until = Instant::now() + limit;
    }

    pub(super) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.left()?))?;
        self.tcp.read(buffer).map_err(timed_out)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.left()?))?;
        self.tcp.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// Unix says that the call would block when a time limit is reached.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}

/// The addresses of a host.
pub(super) fn resolve(target: &Target, limit: Duration) -> Result<Vec<SocketAddr>, Finding> {
    let (sender, receiver) = mpsc::channel();
    let host = (target.host.clone(), target.port);
    // The system's resolver knows no time limit of ours; if it is late, nobody waits for it.
    thread::spawn(move || sender.send(host.to_socket_addrs().map(Iterator::collect::<Vec<_>>)));
    let name = &target.host;
    let why = match receiver.recv_timeout(limit) {
        Ok(Ok(addresses)) if !addresses.is_empty() => return Ok(addresses),
        Ok(Ok(_)) => "there is no address for it".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer for {limit:?}"),
    };
    Err(Finding::fail(
        "dns",
        format!("the name `{name}` cannot be resolved ({why})"),
        "check its spelling, and that this machine's DNS or hosts file knows it",
    ))
}

/// Why there is no connection.
pub(super) fn unreachable(target: &Target, error: &io::Error, limit: Duration) -> Finding {
    let place = format!("`{}` port {}", target.host, target.port);
    match error.kind() {
        ErrorKind::ConnectionRefused => Finding::fail(
            "tcp-refused",
            format!("nothing listens on {place}"),
            "start the server, and check the port and the address it is bound to",
        ),
        ErrorKind::TimedOut => Finding::fail(
            "tcp-timeout",
            format!("{place} did not answer for {limit:?}"),
            "look for a firewall that drops packets, and check that the server is up and accepts connections",
        ),
        _ => Finding::fail(
            "tcp-unreachable",
            format!("{place} cannot be reached ({error})"),
            "check the address, the routes and the network of this machine",
        ),
    }
}
