//! What the operator blocks.

use std::fs;

use portcullis_core::Certificate;
use portcullis_pki::{Authority, Issued};
use portcullis_tls::{Denied, Revocation};

use crate::{World, of, verdict};

fn certificate(der: &[u8]) -> Certificate {
    Certificate::from_der(der).unwrap()
}

fn ways(certificate: &Certificate) -> [Denied; 3] {
    [
        Denied::certificate_sha256(*certificate.sha256()),
        Denied::spki_sha256(*certificate.spki_sha256()),
        Denied::serial(&certificate.issuer().to_string(), certificate.serial().clone()).unwrap(),
    ]
}

#[test]
fn each_way_blocks_the_client_and_nobody_else() {
    let world = World::new();
    for denied in ways(&certificate(world.alice.certificate_der())) {
        let trust = world.trust(Revocation::deny_list().deny(denied.clone())).unwrap();
        assert_eq!(verdict(&trust, &world.alice), "denied", "{denied:?}");
        assert_eq!(verdict(&trust, &world.bob), "trusted", "{denied:?}");
    }
}

#[test]
fn each_way_blocks_all_below_an_intermediate() {
    let world = World::new();
    for denied in ways(&certificate(world.team.certificate_der())) {
        let trust = world.trust(Revocation::deny_list().deny(denied.clone())).unwrap();
        assert_eq!(verdict(&trust, &world.bob), "denied", "{denied:?}");
        assert_eq!(verdict(&trust, &world.alice), "trusted", "{denied:?}");
    }
}

#[test]
fn a_key_is_blocked_with_a_new_certificate_and_a_number_only_of_its_issuer() {
    let world = World::new();
    let alice = certificate(world.alice.certificate_der());
    let other = Denied::serial("CN=Another CA", alice.serial().clone()).unwrap();
    let trust = world.trust(Revocation::deny_list().deny(other)).unwrap();
    assert_eq!(verdict(&trust, &world.alice), "trusted");
}

#[test]
fn a_good_list_does_not_unblock() {
    let world = World::new();
    let alice = Denied::spki_sha256(*certificate(world.alice.certificate_der()).spki_sha256());
    let list = world.root.revocation_list();
    let trust = world.trust(of(&[&list]).deny(alice).danger_allow_unknown_status("staff")).unwrap();
    assert_eq!(verdict(&trust, &world.alice), "denied");
    assert_eq!(verdict(&trust, &world.bob), "trusted");
}

#[test]
fn a_file_blocks_and_its_mistakes_are_told() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("denied.txt");
    let with = |text: &str| {
        fs::write(&path, text).unwrap();
        world.trust(Revocation::deny_list().deny_list_file(&path))
    };
    let alice = certificate(world.alice.certificate_der());
    let line = format!("# stolen\nserial:{} issuer:\"{}\"\n", alice.serial(), alice.issuer());
    let blocked = |issued: &Issued| verdict(&with(&line).unwrap(), issued);
    assert_eq!([&world.alice, &world.bob].map(blocked), ["denied", "trusted"]);
    // An empty file blocks nobody, a missing one is a mistake.
    assert_eq!(verdict(&with("").unwrap(), &world.alice), "trusted");
    let error = with("\nsha256:12\n").unwrap_err().to_string();
    assert!(error.contains("denied.txt`, line 2: a SHA-256 fingerprint has 64"), "{error}");
    fs::remove_file(&path).unwrap();
    let error = world.trust(Revocation::deny_list().deny_list_file(&path)).unwrap_err().to_string();
    assert!(error.starts_with("cannot read `") && error.contains("denied.txt"), "{error}");
}

#[test]
fn the_printed_name_of_an_odd_issuer_is_found_again() {
    for name in ["Quote \" CA", "Hash # CA", "Back \\ slash, Inc. + more", "Jörg"] {
        let root = Authority::new(name).unwrap();
        let alice = root.client("alice").issue().unwrap();
        let read = certificate(alice.certificate_der());
        let text = format!("serial:{} issuer:\"{}\" # comment", read.serial(), read.issuer());
        let revocation = Revocation::deny_list().deny(text.parse().unwrap());
        let trust = crate::trust(&[("staff", &root)], revocation).unwrap();
        assert_eq!(verdict(&trust, &alice), "denied", "{text}");
    }
}
