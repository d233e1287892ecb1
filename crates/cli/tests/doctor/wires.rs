//! Set-ups in which it does not come to TLS.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use portcullis_tls::ClientAuth;
use portcullis_tls::rustls::{ServerConnection, StreamOwned};

use crate::Row;
use crate::bench::{OK, STAFF, Setup, alice, key_pair, ours, server, staff, tcp};

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "the name is unknown",
        code: "dns",
        sentence: "`no-such-host.invalid` cannot be resolved",
        setup: || Setup::new("https://no-such-host.invalid/"),
    },
    Row {
        name: "nothing listens",
        code: "tcp-refused",
        sentence: "nothing listens on `localhost` port",
        setup: || {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            drop(listener);
            Setup::to(address)
        },
    },
    Row {
        name: "nobody accepts",
        code: "tcp-timeout",
        sentence: "did not answer for 2s: look for a firewall",
        setup: full,
    },
    Row {
        name: "plain HTTP on the port",
        code: "plain-http",
        sentence: "speaks plain HTTP",
        setup: || Setup::to(tcp(|mut stream| say(&mut stream, "HTTP/1.1 400 Bad Request\r\n\r\n"))),
    },
    Row {
        name: "plain HTTP that hangs up on TLS",
        code: "plain-http",
        sentence: "without TLS there are no client certificates",
        setup: || {
            Setup::to(tcp(|mut stream| {
                let mut first = [0; 512];
                if stream.read(&mut first).is_ok() && first.starts_with(b"GET ") {
                    say(&mut stream, OK);
                }
            }))
        },
    },
    Row {
        name: "SSH on the port",
        code: "ssh",
        sentence: "an SSH server listens",
        setup: || Setup::to(tcp(|mut stream| say(&mut stream, "SSH-2.0-OpenSSH_9.2p1\r\n"))),
    },
    Row {
        name: "mail on the port",
        code: "mail",
        sentence: "a mail or file server",
        setup: || Setup::to(tcp(|mut stream| say(&mut stream, "220 mail.example.com ESMTP\r\n"))),
    },
    Row {
        name: "something else on the port",
        code: "not-tls",
        sentence: r"it began with `\x1b[2Jhello`",
        setup: || Setup::to(tcp(|mut stream| say(&mut stream, "\x1b[2Jhello"))),
    },
    Row {
        name: "silence",
        code: "silent",
        sentence: "accepts connections on port",
        setup: || Setup::to(tcp(|_stream| thread::sleep(Duration::from_secs(60)))),
    },
    Row {
        name: "closed at once",
        code: "closed",
        sentence: "before anything was said",
        setup: || {
            Setup::to(tcp(|mut stream| {
                let _ = stream.read(&mut [0; 4096]);
            }))
        },
    },
    Row {
        name: "reset at once",
        code: "reset",
        sentence: "was reset before anything was said",
        setup: || {
            // What was not read makes the system reset the connection.
            Setup::to(tcp(|stream| {
                let _ = stream.peek(&mut [0; 1]);
            }))
        },
    },
    Row {
        name: "the PROXY protocol is expected",
        code: "proxy-protocol",
        sentence: "expects the PROXY protocol",
        setup: proxied,
    },
    Row {
        name: "http for https",
        code: "http-on-https-port",
        sentence: "write `https://` in the place of `http://`",
        setup: || {
            let address = ours(&server(), None);
            Setup::new(format!("http://localhost:{}/", address.port()))
        },
    },
    Row {
        name: "http that is told of https",
        code: "http-on-https-port",
        sentence: "speaks HTTPS",
        setup: || {
            let complaint = "HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port";
            let address = tcp(move |mut stream| say(&mut stream, complaint));
            Setup::new(format!("http://localhost:{}/", address.port()))
        },
    },
    Row {
        name: "http that leads to https",
        code: "http-redirect",
        sentence: "connect to `https://example.com/`",
        setup: || {
            let address = tcp(|mut stream| {
                say(&mut stream, "HTTP/1.1 301 Moved\r\nLocation: https://example.com/\r\n\r\n")
            });
            Setup::new(format!("http://localhost:{}/", address.port()))
        },
    },
    Row {
        name: "the handshake stops in the middle",
        code: "stalled",
        sentence: "began to speak TLS",
        setup: || {
            Setup::to(tcp(|mut stream| {
                let _ = stream.write_all(&[0x16, 3, 3, 0, 80, 2]);
                thread::sleep(Duration::from_secs(60));
            }))
        },
    },
    Row {
        name: "TLS that is none",
        code: "protocol",
        sentence: "is no correct TLS",
        setup: || {
            Setup::to(tcp(|mut stream| {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&[0x16, 3, 3, 0, 4, 1, 0, 0, 0]);
                thread::sleep(Duration::from_secs(60));
            }))
        },
    },
    Row {
        name: "closed after the handshake",
        code: "client-refused",
        sentence: "closed the connection right after the handshake without a word",
        setup: || {
            let tls = portcullis_tls::ServerTls::builder(key_pair(&server()))
                .client_auth(ClientAuth::request(staff()));
            let config = tls.build().unwrap().server_config(&[b"http/1.1"]);
            let address = tcp(move |stream| {
                let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
                let _ = stream.conn.complete_io(&mut stream.sock);
                let _ = stream.sock.shutdown(Shutdown::Both);
            });
            Setup::to(address).showing(&alice())
        },
    },
];

fn say(stream: &mut TcpStream, text: &str) {
    let _ = stream.write_all(text.as_bytes());
    // Wait for the other side, or what it sent and was not read would reset the connection.
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

/// A server whose queue is full: the system drops what comes next.
fn full() -> Setup {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().unwrap();
    let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
    let queued: Vec<_> = (0..4).map(connect).collect();
    assert!(queued.last().is_some_and(Option::is_none), "the queue is not full");
    Setup::new(format!("https://{address}/")).keeping(listener).keeping(queued)
}

fn proxied() -> Setup {
    let tls = portcullis_tls::ServerTls::builder(key_pair(&STAFF.server().issue().unwrap()));
    let config = tls.build().unwrap().server_config(&[]);
    Setup::to(tcp(move |mut stream| {
        let mut header = Vec::new();
        let mut byte = [0];
        while header.len() < 107 && !header.ends_with(b"\r\n") {
            if !stream.read(&mut byte).is_ok_and(|length| length == 1) {
                return;
            }
            header.push(byte[0]);
        }
        if header.starts_with(b"PROXY TCP4 127.0.0.1 127.0.0.1 ") {
            let mut connection = ServerConnection::new(config.clone()).unwrap();
            let _ = connection.complete_io(&mut stream);
        }
    }))
}
