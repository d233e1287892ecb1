//! `portcullis doctor --listen`, and how its output looks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use portcullis_tls::ClientAuth;

use crate::bench::{STAFF, Setup, alice, doctor, ours, server, staff};

type Test = fn() -> Result<(), String>;

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("people see each step and one sentence", steps),
    ("a client is told apart by what it sends", client),
    ("a client without a certificate", anonymous),
    ("HTTP on the HTTPS port is told", plain),
    ("nonsense is told, and escaped", nonsense),
    ("bad input is status 3", input),
];

fn steps() -> Result<(), String> {
    let address = ours(&server(), Some(ClientAuth::require(staff())));
    let text = Setup::to(address).showing(&STAFF.hostile("expired_leaf").unwrap()).text();
    for part in [
        "ok    url          https://localhost:",
        "ok    connection   to 127.0.0.1:",
        "ok    tls          TLS 1.3, HTTP/1.1",
        "ok    server       for `localhost`",
        "ok    asks for     a client certificate of `CN=Staff CA`",
        "fail  certificate  the client certificate is no good: expired on",
        "fail  handshake    the server refused the client certificate as expired",
        "\n\nthe client certificate is no good: expired on",
    ] {
        has(&text, part)?;
    }
    Ok(())
}

/// A listening doctor, and where.
fn listen(arguments: &[&str]) -> (Child, BufReader<std::process::ChildStdout>, u16) {
    let mut child = doctor()
        .args(["--listen", "127.0.0.1:0", "--timeout", "5"])
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let port = line.split("127.0.0.1:").nth(1).unwrap().split(' ').next().unwrap().trim().parse().unwrap();
    (child, output, port)
}

fn rest((mut child, mut output, _): (Child, BufReader<std::process::ChildStdout>, u16)) -> String {
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    text
}

fn client() -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, STAFF.certificate_pem().unwrap()).unwrap();
    // One to look at, and one in which doctor tries the other version.
    let listening = listen(&["--connections", "2", "--ca", ca.to_str().unwrap()]);
    Setup::new(format!("https://localhost:{}/hello?x", listening.2)).showing(&alice()).visit();
    let text = rest(listening);
    for part in [
        "name (SNI) localhost",
        "ALPN       http/1.1",
        "version    TLS 1.3",
        "certificate `CN=alice`, issued by `CN=Staff CA`",
        "judgement  trusted",
        "request    GET /hello?x HTTP/1.1",
    ] {
        has(&text, part)?;
    }
    let listening = listen(&["--connections", "2", "--ca", ca.to_str().unwrap()]);
    let expired = STAFF.hostile("expired_leaf").unwrap();
    Setup::new(format!("https://localhost:{}/", listening.2)).showing(&expired).visit();
    has(&rest(listening), "judgement  not trusted: expired on")
}

fn anonymous() -> Result<(), String> {
    let listening = listen(&["--connections", "2"]);
    Setup::new(format!("https://localhost:{}/", listening.2)).visit();
    has(&rest(listening), "certificate none sent")
}

fn plain() -> Result<(), String> {
    let listening = listen(&["--connections", "1"]);
    let mut tcp = TcpStream::connect(("127.0.0.1", listening.2)).unwrap();
    tcp.write_all(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    has(&answer, "Use https:// in the place of http://")?;
    has(&rest(listening), "it speaks plain HTTP on this HTTPS port")
}

fn nonsense() -> Result<(), String> {
    let listening = listen(&["--connections", "2"]);
    let mut tcp = TcpStream::connect(("127.0.0.1", listening.2)).unwrap();
    tcp.write_all(b"\x1b[2Jboo\n").unwrap();
    drop(tcp);
    let mut tcp = TcpStream::connect(("127.0.0.1", listening.2)).unwrap();
    tcp.write_all(&[0x16, 3, 1, 0, 2, 1, 0]).unwrap();
    drop(tcp);
    let text = rest(listening);
    has(&text, r"it began with `\u{1b}[2Jboo`")?;
    has(&text, "problem")?;
    if text.contains('\u{1b}') { Err("an escape got through".into()) } else { Ok(()) }
}

fn input() -> Result<(), String> {
    for arguments in [
        &["https://a@localhost/"][..],
        &["ftp://localhost/"],
        &["https://localhost/", "--ca", "/no/such/file"],
        &["https://localhost/", "--cert", "/no/such/file"],
        &["https://localhost/", "--key", "/no/such/file"],
        &["https://localhost/", "--timeout", "0"],
        &["https://localhost/", "--listen", "127.0.0.1:0"],
        &[],
    ] {
        let output = doctor().args(arguments).output().unwrap();
        if output.status.code() != Some(3) {
            return Err(format!("{arguments:?}: {output:?}"));
        }
    }
    Ok(())
}

fn has(text: &str, part: &str) -> Result<(), String> {
    if text.contains(part) { Ok(()) } else { Err(format!("`{part}` is not in:\n{text}")) }
}
