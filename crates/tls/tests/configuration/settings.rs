//! What comes of what is set.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::{Connection, DenialKind, Peer, Request};
use portcullis_pki::Authority;
use portcullis_tls::{
    Configuration, ConfigurationError, PolicyWatcherError, TlsError, TrustAnchorsError, WatchError,
};
use tempfile::TempDir;

use crate::{EVERYTHING, LEAST};

/// A folder with everything that the configurations name, and another current folder.
fn site() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("Staff CA").unwrap();
    let server = authority.server().issue().unwrap();
    let write = |name: &str, content: String| fs::write(folder.path().join(name), content).unwrap();
    write("server.pem", server.chain_pem().unwrap());
    write("server.key", server.key_pem().unwrap());
    write("staff-ca.pem", authority.certificate_pem().unwrap());
    write("partners.pem", Authority::new("Partners CA").unwrap().certificate_pem().unwrap());
    write("admin.pem", server.chain_pem().unwrap());
    write("admin.key", server.key_pem().unwrap());
    let list = || authority.revocation_list().sign().unwrap().pem().unwrap();
    write("staff.crl", list());
    write("blocked", String::new());
    fs::create_dir(folder.path().join("crls")).unwrap();
    write("crls/staff.crl", list());
    write("policy.toml", "version = 1\n[[route]]\nmatch = 'GET /'\nallow = 'anyone'\n".into());
    write("next.toml", "version = 1\n".into());
    write("least.toml", LEAST.into());
    write("everything.toml", EVERYTHING.into());
    folder
}

fn load(folder: &Path, name: &str) -> Configuration {
    Configuration::from_file(folder.join(name)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn everything_that_is_set_arrives() {
    let site = site();
    let configuration = load(site.path(), "everything.toml");
    assert_eq!(configuration.listen(), "127.0.0.1:8443");
    assert_eq!(configuration.connection_limit(), Some(10_000));
    assert_eq!(configuration.header_read_timeout(), Some(Duration::from_secs(20)));
    assert_eq!(configuration.max_connection_age(), Some(Duration::from_secs(600)));
    assert_eq!(configuration.shutdown_timeout(), Some(Duration::from_secs(30)));
    assert_eq!(configuration.recheck_interval(), Some(Duration::from_secs(1)));
    assert_eq!(configuration.policy_file(), site.path().join("policy.toml"));
    assert_eq!(configuration.candidate_file(), Some(site.path().join("next.toml").as_path()));

    let builder = format!("{:?}", configuration.server_tls_builder().unwrap());
    for part in [
        "in the environment variable `KEY_PASSPHRASE`",
        "mode: Request",
        "handshake_timeout: 5s",
        "concurrent_handshakes: 64",
        "handshakes_per_peer: 32",
        "intermediates: 3",
        "bytes: 8192",
        "names: 20",
        "intermediate_bytes: 16384",
        "path_length: 2",
        "rsa_bits: 3072",
        "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "grace: 3600",
        "leaf_only: true",
        "waived: [\"staff\"]",
        "denied: 1",
        "admin.example.com",
        "in the environment variable `ADMIN_PASSPHRASE`",
        "mode: Require",
        "needs_extended_key_usage: false",
        "takes_any_extended_key_usage: true",
        "respects_key_usage: false",
        "\"staff\"",
    ] {
        assert!(builder.contains(part), "`{part}` is missing in {builder}");
    }
    let tls = configuration.server_tls().unwrap();
    assert!(tls.asks_for_certificates());
    assert_eq!(tls.handshake_timeout(), Duration::from_secs(5));
    let status = tls.status();
    let modes: Vec<_> = status.sites.iter().map(|site| (site.names.len(), site.mode)).collect();
    assert_eq!(modes, [(0, Some("request")), (1, Some("require"))]);
    let revocation = status.sites[0].revocation.as_ref().unwrap();
    assert_eq!((revocation.lists.len(), revocation.denied), (2, 1), "{revocation:?}");
    for name in ["staff.crl", "crls/staff.crl", "blocked", "admin.key", "partners.pem"] {
        assert!(tls.files().contains(&site.path().join(name)), "{name}");
    }

    let auth = configuration.authorizer(configuration.policy().unwrap()).build().unwrap();
    let nobody = Connection::assertion(Peer::Anonymous);
    let decide = |request: Request<'_>| auth.decide(&request.with_host("a.example"), Some(&nobody));
    assert!(decide(Request::new("GET", "/")).is_allowed());
    let kind = |request| decide(request).denial().unwrap().kind();
    assert_eq!(kind(Request::new("GET", "/a%2fb")), DenialKind::NoRule, "the firewall lets it through");
    assert_eq!(kind(Request::new("GET", "/a//b")), DenialKind::Firewall);
    let post = Request::new("POST", "/");
    assert_eq!(kind(post.with_origin(Some("https://evil.example"))), DenialKind::CrossSite);
    assert_eq!(kind(post.with_origin(Some("https://partner.example"))), DenialKind::NoRule);

    let watchers = configuration.watch(&tls, &auth).unwrap();
    assert_eq!(watchers.policies().len(), 2);
    assert_eq!(auth.candidate().unwrap().routes().count(), 0);

    // Files are not followed here: what changes holds when the server is told.
    fs::write(site.path().join("blocked"), "serial:1 issuer:\"CN=Staff CA\"\n").unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(tls.trust_generation(), 1);
    watchers.reload();
    let begun = std::time::Instant::now();
    while tls.trust_generation() == 1 || watchers.policies().iter().any(|policy| policy.generation() == 1) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", tls.status());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(tls.status().sites[0].revocation.as_ref().unwrap().denied, 2);
}

#[cfg(feature = "fetch")]
#[test]
fn a_list_that_is_not_there_is_fetched_first() {
    let site = site();
    let text = crate::COMPLETE.replace("http://", "https://");
    let configuration = Configuration::from_text(site.path().join("x.toml"), &text).unwrap();
    assert!(configuration.server_tls().is_ok(), "the list is there");
    fs::remove_file(site.path().join("staff.crl")).unwrap();
    let error = configuration.server_tls().unwrap_err();
    assert!(matches!(&error, ConfigurationError::CrlFetch(_)), "{error:?}");
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
}

#[test]
fn what_is_not_set_is_as_in_the_builders() {
    let site = site();
    let configuration = load(site.path(), "least.toml");
    assert_eq!(configuration.connection_limit(), None);
    assert_eq!((configuration.header_read_timeout(), configuration.max_connection_age()), (None, None));
    assert_eq!((configuration.shutdown_timeout(), configuration.candidate_file()), (None, None));
    let tls = configuration.server_tls().unwrap();
    assert!(!tls.asks_for_certificates());
    assert_eq!(tls.handshake_timeout(), Duration::from_secs(10));
    let auth = configuration.authorizer(configuration.policy().unwrap()).build().unwrap();
    let nobody = Connection::assertion(Peer::Anonymous);
    let denial = auth.decide(&Request::new("GET", "/a%2fb"), Some(&nobody));
    assert_eq!(denial.denial().unwrap().kind(), DenialKind::Firewall);
    assert_eq!(configuration.watch(&tls, &auth).unwrap().policies().len(), 1);
}

#[test]
fn only_tls_1_3_is_spoken_where_that_is_wanted() {
    let site = site();
    for (version, expected) in [("1.3", false), ("1.2", true)] {
        let text = LEAST.replace("[policy]", &format!("min_tls_version = \"{version}\"\n[policy]"));
        let configuration = Configuration::from_text(site.path().join("x.toml"), &text).unwrap();
        let config = configuration.server_tls().unwrap().server_config(&[]);
        let offered = config.crypto_provider().cipher_suites.iter().any(|suite| suite.tls13().is_none());
        assert!(offered, "the provider knows suites of TLS 1.2");
        assert_eq!(format!("{config:?}").contains("TLSv1_2"), expected, "{config:?}");
    }
}

#[test]
fn encrypted_keys_and_bundles_are_opened() {
    let site = site();
    let server = Authority::new("Staff CA").unwrap().server().issue().unwrap();
    fs::write(site.path().join("server.pem"), server.chain_pem().unwrap()).unwrap();
    fs::write(site.path().join("server.key"), server.encrypted_key_pem("secret").unwrap()).unwrap();
    fs::write(site.path().join("server.p12"), server.p12("secret").unwrap()).unwrap();
    fs::write(site.path().join("right"), "secret\n").unwrap();
    fs::write(site.path().join("wrong"), "Secret\n").unwrap();
    let build = |server: &str| {
        let text = format!("[server]\nlisten = '[::]:8443'\n{server}\n[policy]\nfile = 'policy.toml'\n");
        let configuration = Configuration::from_text(site.path().join("x.toml"), &text).unwrap();
        configuration.server_tls().map(drop).map_err(|error| error.to_string())
    };
    let parts = "certificate = 'server.pem'\nkey = 'server.key'";
    let error = build(parts).unwrap_err();
    assert!(error.contains("is encrypted"), "{error}");
    assert_eq!(build(&format!("{parts}\nkey_passphrase = {{ file = 'right' }}")), Ok(()));
    let error = build(&format!("{parts}\nkey_passphrase = {{ file = 'wrong' }}")).unwrap_err();
    assert!(error.contains("does not open"), "{error}");
    let error = build(&format!("{parts}\nkey_passphrase = {{ env = 'NOT_SET' }}")).unwrap_err();
    assert!(error.contains("`NOT_SET` is not set"), "{error}");
    let error = build(&format!("{parts}\nkey_passphrase = {{ fd = 987 }}")).unwrap_err();
    assert!(error.contains("file descriptor 987"), "{error}");
    if cfg!(feature = "pkcs12") {
        assert_eq!(build("key = 'server.p12'\nkey_passphrase = { file = 'right' }"), Ok(()));
        assert!(build("key = 'server.p12'").unwrap_err().contains("is encrypted"));
    } else {
        let text = LEAST.replace("certificate = \"server.pem\"\n", "").replace("server.key", "server.p12");
        let error = Configuration::from_text("x.toml", &text).unwrap_err().to_string();
        assert!(error.contains("feature `pkcs12`"), "{error}");
    }
}

#[test]
fn where_a_passphrase_comes_from_is_said_in_one_way() {
    for (value, part) in [
        ("'hunter2'", "must say where the passphrase comes from"),
        ("{ file = 'a', env = 'B' }", "in one way"),
        ("{}", "in one way"),
        ("3", "must be a table, not an integer"),
        ("{ fd = -1 }", "must not be less than 0"),
        ("{ fd = 4294967296 }", "is too large"),
        ("{ fiel = 'a' }", "did you mean `file`?"),
        ("'prompt'\nkey = 'server.p12'", "which has the certificate, too"),
    ] {
        let text = EVERYTHING.replace("{ env = \"KEY_PASSPHRASE\" }", value);
        let text = if value.contains(".p12") { text.replace("key = \"server.key\"\n", "") } else { text };
        let error = Configuration::from_text("x.toml", &text).unwrap_err().to_string();
        assert!(error.contains(part), "{part} is missing in {error}");
    }
}

#[test]
fn the_files_that_are_named_are_judged_when_they_are_needed() {
    let site = site();
    let with = |from: &str, to: &str| {
        let path: PathBuf = site.path().join("changed.toml");
        fs::write(&path, EVERYTHING.replace(from, to)).unwrap();
        Configuration::from_file(&path).unwrap()
    };
    let error = with("\"staff-ca.pem\"", "\"absent.pem\"").server_tls().unwrap_err();
    assert!(matches!(&error, ConfigurationError::Tls(TlsError::TrustAnchors(TrustAnchorsError::Pem(_)))));
    assert!(error.to_string().contains(site.path().join("absent.pem").to_str().unwrap()), "{error}");
    for (file, part) in
        [("absent.pem", "No such file"), ("server.key", "a `PRIVATE KEY` block begins in line 1")]
    {
        let error = with("\"partners.pem\"", &format!("\"{file}\"")).server_tls().unwrap_err();
        assert!(matches!(&error, ConfigurationError::Advertised { .. }), "{error:?}");
        assert!(error.to_string().contains(part) && error.to_string().contains(file), "{error}");
    }
    assert!(with("\"policy.toml\"", "\"absent.toml\"").policy().is_err());
    let auth = with("", "").authorizer(load(site.path(), "least.toml").policy().unwrap()).build().unwrap();
    let tls = load(site.path(), "least.toml").server_tls().unwrap();
    let error = with("\"next.toml\"", "\"absent.toml\"").watch(&tls, &auth).unwrap_err();
    assert!(matches!(&error, WatchError::Policy(PolicyWatcherError::Policy(_))), "{error:?}");
    assert!(error.to_string().contains("absent.toml"), "{error}");
}
