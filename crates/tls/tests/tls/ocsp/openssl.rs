//! The responder of OpenSSL understands the questions, and its answers are understood.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::responder::ok;
use super::{World, verdict_at};
use crate::site::now;

/// Whether `openssl` is there. Said loudly where it is not; in CI that fails.
fn has_openssl() -> bool {
    let is_there = Command::new("openssl").arg("version").output().is_ok();
    if !is_there {
        assert!(std::env::var_os("CI").is_none(), "`openssl` cannot be run, and CI skips nothing");
        eprintln!("SKIPPED: `openssl` is not installed");
    }
    is_there
}

fn respond(folder: &Path, request: &[u8]) -> Vec<u8> {
    let file = |name: &str| folder.join(name).display().to_string();
    fs::write(file("request"), request).unwrap();
    let output = Command::new("openssl")
        .args(["ocsp", "-index", &file("index"), "-CA", &file("ca.pem"), "-rsigner", &file("ca.pem")])
        .args(["-rkey", &file("ca.key"), "-reqin", &file("request"), "-respout", &file("response")])
        .args(["-nmin", "5"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(file("response")).unwrap()
}

#[tokio::test]
async fn openssl_answers_as_its_index_says() {
    if !has_openssl() {
        return;
    }
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("ca.pem", &world.site.authority.certificate_pem().unwrap());
    write("ca.key", &world.site.authority.key_pem().unwrap());
    let alice = portcullis_core::Certificate::from_der(world.alice.certificate_der()).unwrap();
    let serial = alice.serial().to_string().replace(':', "").to_uppercase();
    let path = folder.path().to_path_buf();
    world.responder.does(move |request| Some(ok(&respond(&path, request))));
    let table = [
        (format!("V\t491231235959Z\t\t{serial}\tunknown\t/CN=alice\n"), "verified"),
        (format!("R\t491231235959Z\t260101000000Z,keyCompromise\t{serial}\tunknown\t/CN=alice\n"), "revoked"),
        ("V\t491231235959Z\t\t01\tunknown\t/CN=bob\n".to_owned(), "does not know it"),
    ];
    for (index, expected) in table {
        write("index", &index);
        for settings in [world.settings(), world.settings().nonce(), world.settings().sha256()] {
            let connection = world.connect(&world.acceptor(settings)).await;
            let said = verdict_at(&connection, now()).await;
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
}
