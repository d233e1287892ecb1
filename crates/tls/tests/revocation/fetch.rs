//! Lists from a web server that cannot be relied on.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portcullis_pki::{Authority, KeyUsage, RevocationListBuilder};
use portcullis_tls::{CrlFetch, CrlFetchBuilder, CrlFetchError, Revocation};

use crate::{World, at, now, revoked, verdict};

/// A server that gives one answer to everything, until it is told another one.
struct Server {
    url: String,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    fn new(answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/staff.crl", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new(answer));
        let server = Self { url, answer: answer.clone() };
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut request = [0; 4096];
                let _ = connection.read(&mut request);
                let answer = answer.lock().unwrap().clone();
                let _ = connection.write_all(&answer);
            }
        });
        server
    }

    fn says(&self, answer: Vec<u8>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn has(&self, list: &RevocationListBuilder<'_>) {
        self.says(ok(list.sign().unwrap().der()));
    }
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A server, a folder with a file for the list, and settings to fetch it.
struct Site {
    world: World,
    server: Server,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("staff.crl");
        Self { world: World::new(), server: Server::new(Vec::new()), file, _folder: folder }
    }

    fn builder(&self) -> CrlFetchBuilder {
        let issuer = self.world.root.certificate_pem().unwrap();
        CrlFetch::builder(&self.server.url, &self.file, issuer).clock(now)
    }

    fn fetch(&self) -> Result<bool, CrlFetchError> {
        self.builder().build().unwrap().fetch().map(|fetched| fetched.is_new)
    }

    fn alice(&self) -> String {
        verdict(&self.world.trust(Revocation::crl_files([&self.file])).unwrap(), &self.world.alice)
    }
}

#[test]
fn a_new_list_takes_the_place_of_the_old_one() {
    let site = Site::new();
    let list = || site.world.root.revocation_list();
    site.server.has(&list().this_update(at(-200)));
    assert_eq!(site.fetch(), Ok(true));
    assert_eq!(site.alice(), "trusted");
    assert_eq!(site.fetch(), Ok(false));
    let newer = list().this_update(at(-100)).number(2).revoke(revoked(&site.world.alice)).sign().unwrap();
    site.server.says(ok(newer.pem().unwrap().as_bytes()));
    assert_eq!(site.fetch(), Ok(true));
    assert_eq!(site.alice(), "revoked");
    assert_eq!(fs::read(&site.file).unwrap(), newer.der(), "it is DER, whatever was fetched");
    assert_eq!(fs::read_dir(site.file.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    // Whoever plays back the old one brings nobody back.
    site.server.has(&list().this_update(at(-200)));
    assert!(matches!(site.fetch(), Err(CrlFetchError::Older { .. })));
    assert_eq!(site.alice(), "revoked");
}

#[test]
fn whatever_is_no_good_list_leaves_the_last_good_one() {
    let site = Site::new();
    let list = || site.world.root.revocation_list().this_update(at(-50)).number(9);
    let good = site.world.root.revocation_list().this_update(at(-100)).sign().unwrap();
    site.server.says(ok(good.der()));
    assert_eq!(site.fetch(), Ok(true));
    let other = Authority::new("Staff CA").unwrap();
    let signed = |list: RevocationListBuilder<'_>| list.sign().unwrap();
    let whole = ok(signed(list()).der());
    let pem = signed(list()).pem().unwrap();
    let status = |line: &str| format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n").into_bytes();
    let table = [
        (ok(b""), "is empty"),
        (ok(b"<html>not found</html>"), "has no PEM block"),
        (ok(signed(list()).truncated(100).der()), "is cut off"),
        (whole[..whole.len() - 10].to_vec(), "cannot be fetched: "),
        (ok(signed(list().signed_by(&other)).der()), "is not signed by `CN=Staff CA`"),
        (ok(signed(site.world.team.revocation_list()).der()), "is not signed by `CN=Staff CA`"),
        (ok(signed(list().next_update(at(0))).der()), "is out of date"),
        (ok(signed(list().this_update(at(10))).der()), "is of the future"),
        (ok(signed(list().delta(1)).der()), "(delta)"),
        (ok(format!("{pem}{pem}").as_bytes()), "several lists"),
        (status("404 Not Found"), "status 404"),
        (status("500 Oops"), "status 500"),
        (status("204 No Content"), "status 204"),
        (status(&format!("302 Found\r\nLocation: {}", site.server.url)), "redirect"),
        (b"no http at all\r\n\r\n".to_vec(), "cannot be fetched: "),
        (Vec::new(), "cannot be fetched: "),
    ];
    for (answer, expected) in table {
        let shown = String::from_utf8_lossy(&answer).into_owned();
        site.server.says(answer);
        let text = site.fetch().unwrap_err().to_string();
        assert!(text.contains(expected) && text.contains("http://127.0.0.1"), "{expected}: {text}\n{shown}");
        assert_eq!(fs::read(&site.file).unwrap(), good.der(), "{expected}");
    }
    site.server.has(&list());
    assert_eq!(site.fetch(), Ok(true));
}

#[test]
fn size_and_time_have_limits() {
    let site = Site::new();
    let list = site.world.root.revocation_list().sign().unwrap();
    let size = list.der().len() as u64;
    let with = |limit| site.builder().largest_list(limit).build().unwrap().fetch();
    let endless = [&b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"[..], list.der()].concat();
    for answer in [ok(list.der()), endless] {
        site.server.says(answer);
        assert!(matches!(with(size - 1), Err(CrlFetchError::TooLarge { .. })));
        assert!(!site.file.exists());
    }
    assert!(with(size).is_ok());

    // One that takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let issuer = site.world.root.certificate_pem().unwrap();
    let fetch =
        CrlFetch::builder(url, &site.file, issuer).timeout(Duration::from_millis(100)).build().unwrap();
    let text = fetch.fetch().unwrap_err().to_string();
    assert!(text.contains("timeout"), "{text}");
}

#[test]
fn a_damaged_file_is_replaced() {
    let site = Site::new();
    fs::write(&site.file, "half a li").unwrap();
    site.server.has(&site.world.root.revocation_list());
    assert_eq!(site.fetch(), Ok(true));
    assert_eq!(site.alice(), "trusted");
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    let site = Site::new();
    let pem = || site.world.root.certificate_pem().unwrap();
    let build = |url: &str, issuer: String| CrlFetch::builder(url, &site.file, issuer).build().map(|_| ());
    let silent = Authority::builder("Staff CA").key_usage(&[KeyUsage::KeyCertSign]).build().unwrap();
    assert!(matches!(build("ldap://a/b", pem()), Err(CrlFetchError::Url { .. })));
    assert!(matches!(build("https://a/b", pem()), Err(CrlFetchError::NoAuthorities { .. })));
    for issuer in [silent.certificate_pem().unwrap(), pem() + &pem(), site.world.root.key_pem().unwrap()] {
        assert!(matches!(build("http://a/b", issuer), Err(CrlFetchError::Issuer { .. })));
    }
    assert!(matches!(build("http://a/b", String::new()), Err(CrlFetchError::Pem(_))));
}

#[test]
fn the_task_fetches_until_it_is_dropped() {
    let site = Site::new();
    site.server.has(&site.world.root.revocation_list());
    let (sender, receiver) = channel();
    let fetch = site.builder().every(Duration::from_secs(1)).retry(Duration::from_secs(1)).build().unwrap();
    let task = fetch.start(move || sender.send(()).unwrap()).unwrap();
    receiver.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(site.alice(), "trusted");
    drop(task);
    // The function goes with the thread.
    assert!(receiver.recv_timeout(Duration::from_secs(30)).is_err());
}
