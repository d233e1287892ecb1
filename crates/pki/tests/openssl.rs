//! OpenSSL, which shares no code with this crate, agrees with what it makes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::{fs, io::Write, path::Path, process::Command};

use portcullis_pki::{Authority, Issued, KeyAlgorithm, RevocationReason, Revoked, development};
use tempfile::TempDir;

const PASSPHRASE: &str = "correct horse";

/// Runs `openssl`; true if it succeeds. `None`, said loudly, where it is not installed; in CI that fails.
fn openssl(folder: &Path, arguments: &[&str]) -> Option<(bool, String)> {
    match Command::new("openssl").current_dir(folder).args(arguments).output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
        }
        Err(error) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "`openssl` cannot be run, and CI skips nothing: {error}"
            );
            // not `eprintln!`, which the test harness keeps to itself
            let message = format!("SKIPPED, because `openssl` cannot be run: {}\n", arguments.join(" "));
            std::io::stderr().write_all(message.as_bytes()).unwrap();
            None
        }
    }
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let Some((success, text)) = openssl(folder, arguments) else { return String::new() };
    assert!(success, "openssl {}: {text}", arguments.join(" "));
    text
}

fn fails(folder: &Path, arguments: &[&str]) {
    let Some((success, text)) = openssl(folder, arguments) else { return };
    assert!(!success, "openssl {} should have failed: {text}", arguments.join(" "));
}

/// Writes root, certificate, intermediates and keys into a folder.
fn unpack(issued: &Issued) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).unwrap();
    write("root.der", issued.root_der());
    write("leaf.pem", issued.certificate_pem().unwrap().as_bytes());
    write("chain.pem", issued.chain_pem().unwrap().as_bytes());
    write("plain.key", issued.key_pem().unwrap().as_bytes());
    write("encrypted.key", issued.encrypted_key_pem(PASSPHRASE).unwrap().as_bytes());
    write("bundle.p12", &issued.p12(PASSPHRASE).unwrap());
    succeeds(folder.path(), &["x509", "-inform", "DER", "-in", "root.der", "-out", "root.pem"]);
    folder
}

fn verify(purpose: &str) -> [&str; 9] {
    [
        "verify",
        "-x509_strict",
        "-purpose",
        purpose,
        "-CAfile",
        "root.pem",
        "-untrusted",
        "chain.pem",
        "leaf.pem",
    ]
}

#[test]
fn clients_are_clients_and_servers_are_servers() {
    let root = Authority::new("Example CA").unwrap();
    let lower = root.intermediate("Upper CA").unwrap().intermediate("Lower CA").unwrap();
    for authority in [&root, &lower] {
        let client = unpack(&authority.client("alice").email("alice@example.com").issue().unwrap());
        succeeds(client.path(), &verify("sslclient"));
        fails(client.path(), &verify("sslserver"));

        let server = unpack(&authority.server().issue().unwrap());
        succeeds(server.path(), &verify("sslserver"));
        fails(server.path(), &verify("sslclient"));
        for (option, name) in [("-checkhost", "localhost"), ("-checkip", "127.0.0.1"), ("-checkip", "::1")] {
            let text = succeeds(server.path(), &["x509", "-in", "leaf.pem", "-noout", option, name]);
            assert!(!text.contains("NOT"), "{text}");
        }
    }
}

#[test]
fn certificates_out_of_time_or_of_another_authority_are_refused() {
    let authority = Authority::new("Example CA").unwrap();
    fails(unpack(&authority.client("alice").expired().issue().unwrap()).path(), &verify("sslclient"));
    fails(unpack(&authority.client("alice").not_yet_valid().issue().unwrap()).path(), &verify("sslclient"));

    let mallory = unpack(&Authority::new("Example CA").unwrap().client("alice").issue().unwrap());
    succeeds(mallory.path(), &verify("sslclient"));
    fs::write(mallory.path().join("root.pem"), authority.certificate_pem().unwrap()).unwrap();
    fails(mallory.path(), &verify("sslclient"));
}

#[test]
fn every_kind_of_key_verifies_and_opens() {
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa2048, KeyAlgorithm::Ed25519] {
        let authority = Authority::builder("Example CA").key(algorithm).build().unwrap();
        let folder = unpack(&authority.client("alice").key(algorithm).issue().unwrap());
        let folder = folder.path();
        succeeds(folder, &verify("sslclient"));

        let public = succeeds(folder, &["x509", "-in", "leaf.pem", "-noout", "-pubkey"]);
        assert_eq!(succeeds(folder, &["pkey", "-in", "plain.key", "-pubout"]), public, "{algorithm:?}");
        let opened = ["pkey", "-in", "encrypted.key", "-passin", "pass:correct horse", "-pubout"];
        assert_eq!(succeeds(folder, &opened), public, "{algorithm:?}");
        fails(folder, &["pkey", "-in", "encrypted.key", "-passin", "pass:wrong", "-pubout"]);

        let bundle = |passphrase| {
            ["pkcs12", "-info", "-in", "bundle.p12", "-passin", passphrase, "-nodes", "-out", "opened.pem"]
        };
        let text = succeeds(folder, &bundle("pass:correct horse"));
        if !text.is_empty() {
            assert!(text.contains("AES-256-CBC") && text.contains("sha256"), "{text}");
        }
        assert_eq!(succeeds(folder, &["pkey", "-in", "opened.pem", "-pubout"]), public, "{algorithm:?}");
        fails(folder, &bundle("pass:wrong"));
    }
}

#[test]
fn subject_and_alternative_names_are_what_was_asked_for() {
    let authority = Authority::new("Example CA").unwrap();
    let builder = authority.client("j\u{f6}rg").country("DE").state("Berlin").locality("Mitte");
    let builder = builder.organization("Example").organizational_unit("a").organizational_unit("b");
    let builder = builder.email("j@example.com").attribute("UID", "u1").attribute("1.2.3.4", "odd");
    let builder = builder.dns("client.example").uri("spiffe://td/j").ip([10, 0, 0, 1]).upn("j@corp.example");
    let issued = builder.serial(&[0x80, 1]).issue().unwrap();
    let folder = unpack(&issued);
    let arguments = [
        "x509",
        "-in",
        "leaf.pem",
        "-noout",
        "-subject",
        "-serial",
        "-ext",
        "subjectAltName,extendedKeyUsage,keyUsage",
        "-nameopt",
        "RFC2253,utf8,-esc_msb",
    ];
    let text = succeeds(folder.path(), &arguments);
    if text.is_empty() {
        return;
    }
    for part in [
        "subject=emailAddress=j@example.com,CN=j\u{f6}rg,1.2.3.4=#0C036F6464,UID=u1,OU=b,OU=a,O=Example,L=Mitte,ST=Berlin,C=DE",
        "serial=8001",
        "email:j@example.com, DNS:client.example, URI:spiffe://td/j, IP Address:10.0.0.1, othername: UPN::j@corp.example",
        "TLS Web Client Authentication",
        "Digital Signature",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}

#[test]
fn the_development_folder_is_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let pki = development(folder.path()).unwrap();
    let folder = folder.path();
    succeeds(folder, &["verify", "-purpose", "sslserver", "-CAfile", "ca.pem", "server.pem"]);
    for name in ["alice.pem", "bob.pem"] {
        succeeds(folder, &["verify", "-purpose", "sslclient", "-CAfile", "ca.pem", name]);
    }
    for name in ["mallory.pem", "expired.pem"] {
        fails(folder, &["verify", "-purpose", "sslclient", "-CAfile", "ca.pem", name]);
    }
    succeeds(folder, &["verify", "-purpose", "sslclient", "-CAfile", "mallory-ca.pem", "mallory.pem"]);
    let passphrase = format!("pass:{}", pki.p12_passphrase());
    for name in ["alice", "bob", "mallory", "expired"] {
        let bundle = format!("{name}.p12");
        succeeds(folder, &["pkcs12", "-in", &bundle, "-passin", &passphrase, "-nodes", "-out", "opened"]);
        let public = succeeds(folder, &["x509", "-in", &format!("{name}.pem"), "-noout", "-pubkey"]);
        assert_eq!(succeeds(folder, &["pkey", "-in", &format!("{name}.key"), "-pubout"]), public);
        assert_eq!(succeeds(folder, &["pkey", "-in", "opened", "-pubout"]), public);
    }
    // browsers refuse more than 398 days
    let days = |days: u32| (days * 24 * 3600).to_string();
    succeeds(folder, &["x509", "-in", "server.pem", "-noout", "-checkend", &days(390)]);
    fails(folder, &["x509", "-in", "server.pem", "-noout", "-checkend", &days(397)]);
}

#[test]
fn hostile_certificates_fail_for_the_reason_they_are_named_after() {
    let authority = Authority::new("Example CA").unwrap();
    // the numbers are those of X509_V_ERR, whose texts differ between versions
    for (name, error) in [
        ("server_eku", 26),
        ("email_eku", 26),
        ("any_eku", 26),
        ("ku_no_ds", 26),
        ("crit_ext", 34),
        ("selfsigned", 18),
        ("expired_leaf", 10),
        ("future_leaf", 9),
        ("expired_inter", 10),
        ("missing_inter", 20),
        ("inter_not_ca", 79),
        ("inter_no_bc", 79),
        ("inter_no_certsign", 32),
        ("inter_server_eku", 26),
        ("inter_is_leaf", 79),
        ("pathlen", 25),
        ("otherca", 7),
        ("forged_first", 18),
        ("nc_dns_bad", 47),
        ("nc_uri_bad", 47),
        ("nc_email_bad", 47),
        ("nc_dn_bad", 47),
    ] {
        let text = verdict(&authority, name);
        assert!(text.is_empty() || text.contains(&format!("error {error} at ")), "{name}: {text}");
    }
    for name in ["good", "no_eku", "ku_absent", "no_bc", "chain10", "junk100", "forged_third", "with_root"]
        .into_iter()
        .chain([
            "nc_dns_ok",
            "nc_uri_ok",
            "nc_email_ok",
            "nc_dn_ok",
            "dup_cn",
            "multi_rdn",
            "inj_comma",
            "nul_cn",
        ])
        .chain(["utf8_cn", "bmp_cn", "empty_dn_san", "spiffe_ok", "big70k", "san10000"])
    {
        let text = verdict(&authority, name);
        assert!(text.is_empty() || text.ends_with("leaf.pem: OK\n"), "{name}: {text}");
    }
}

/// What `openssl verify` says; nothing if the test is skipped.
fn verdict(authority: &Authority, case: &str) -> String {
    let issued = authority.hostile(case).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("leaf.pem"), issued.certificate_pem().unwrap()).unwrap();
    fs::write(folder.path().join("chain.pem"), issued.chain_pem().unwrap()).unwrap();
    fs::write(folder.path().join("root.pem"), authority.certificate_pem().unwrap()).unwrap();
    let arguments =
        ["verify", "-purpose", "sslclient", "-CAfile", "root.pem", "-untrusted", "chain.pem", "leaf.pem"];
    openssl(folder.path(), &arguments).map(|(_, text)| text).unwrap_or_default()
}

#[test]
fn revoked_certificates_are_revoked_for_openssl_too() {
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa2048, KeyAlgorithm::Ed25519] {
        let authority = Authority::builder("Example CA").key(algorithm).build().unwrap();
        let bob = authority.client("bob").issue().unwrap();
        let bob_is_out = Revoked::certificate(bob.certificate_der()).unwrap();
        let list = authority
            .revocation_list()
            .number(7)
            .revoke(bob_is_out.reason(RevocationReason::KeyCompromise))
            .sign()
            .unwrap();
        let checked = |issued: &Issued| {
            let folder = unpack(issued);
            fs::write(folder.path().join("list.pem"), list.pem().unwrap()).unwrap();
            folder
        };
        let arguments =
            [&["verify", "-crl_check", "-CRLfile", "list.pem"][..], &verify("sslclient")[1..]].concat();
        succeeds(checked(&authority.client("alice").issue().unwrap()).path(), &arguments);
        let bob = checked(&bob);
        fails(bob.path(), &arguments);
        let text = succeeds(bob.path(), &["crl", "-in", "list.pem", "-noout", "-text"]);
        for part in ["Key Compromise", "CRL Number", "Version 2"] {
            assert!(text.is_empty() || text.contains(part), "{part}: {text}");
        }
    }
}
