//! O11: whatever holds a key, a passphrase or a salt does not print it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod search;

use std::path::Path;

use actix_web::{App, HttpServer};
use portcullis_actix::{BindPortcullis, ConnectionOptions};
use portcullis_core::audit::{Audit, AuditEvent, AuditField, JsonLines};
use portcullis_core::rule::anyone;
use portcullis_core::{Authorizer, Policy};
use portcullis_pki::{Authority, Issued, KeyAlgorithm, development};
use portcullis_tls::rustls::pki_types::PrivatePkcs8KeyDer;
use portcullis_tls::rustls::pki_types::pem::PemObject;
use portcullis_tls::{
    ClientAuth, Configuration, KeyPair, PolicyWatcher, ServerTls, ServerTlsBuilder, TlsListener, TrustAnchors,
};
use search::{PASSPHRASE, SALT, Secrets};

const KEYS: [KeyAlgorithm; 4] =
    [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Ed25519, KeyAlgorithm::Rsa2048];

fn server(key: KeyAlgorithm) -> Issued {
    Authority::new("Secret CA").unwrap().server().key(key).issue().unwrap()
}

fn builder(issued: &Issued) -> ServerTlsBuilder {
    let pair = KeyPair::from_pem(issued.chain_pem().unwrap(), issued.key_pem().unwrap());
    let anchors = TrustAnchors::new().der("staff", issued.root_der());
    ServerTls::builder(pair).client_auth(ClientAuth::request(anchors))
}

#[tokio::test]
async fn o11_what_serves_with_a_key_does_not_print_it() {
    for key in KEYS {
        let issued = server(key);
        let secrets = Secrets::of(issued.key_der());
        let pair = KeyPair::from_pem(issued.chain_pem().unwrap(), issued.key_pem().unwrap());
        secrets.assert_hidden("a key pair of PEM", &pair);
        let pair = KeyPair::from_der(issued.chain_der().to_vec(), issued.key_der());
        secrets.assert_hidden("a key pair of DER", &pair);
        secrets.assert_hidden("a builder", &builder(&issued));

        let tls = builder(&issued).build().unwrap();
        let acceptor = tls.acceptor(&[b"http/1.1"]);
        secrets.assert_hidden("the TLS of a server", &tls);
        secrets.assert_hidden("an acceptor", &acceptor);
        secrets.assert_hidden("the configuration of rustls", &tls.server_config(&[b"h2"]));
        let listener = TlsListener::bind("127.0.0.1:0", acceptor).await.unwrap();
        secrets.assert_hidden("a listener", &listener);
        let auth = Authorizer::without_certificates(["GET /health"]).unwrap();
        let app = portcullis_axum::guard(axum::Router::new(), auth);
        secrets.assert_hidden("axum's server", &portcullis_axum::serve("127.0.0.1:0", tls, app));
    }
}

#[test]
fn o11_what_makes_certificates_does_not_print_keys() {
    for key in KEYS {
        let authority = Authority::builder("Secret CA").key(key).build().unwrap();
        let secrets = Secrets::of(&pkcs8(&authority.key_pem().unwrap()));
        secrets.assert_hidden("an authority", &authority);
        secrets.assert_hidden("a certificate to be", &authority.client("alice"));
        let below = authority.intermediate("Below").unwrap();
        Secrets::of(&pkcs8(&below.key_pem().unwrap())).assert_hidden("an intermediate", &below);

        let issued = authority.client("alice").key(key).issue().unwrap();
        let secrets = Secrets::of(issued.key_der());
        secrets.assert_hidden("a certificate with its key", &issued);
        let presenting = issued.presenting([authority.certificate_der().to_vec()]);
        secrets.assert_hidden("the same with another chain", &presenting);
    }
    let folder = tempfile::tempdir().unwrap();
    let development = development(folder.path()).unwrap();
    for client in ["alice", "bob", "mallory", "expired"] {
        let client = development.client(client).unwrap();
        let secrets = Secrets::of(client.issued().key_der());
        secrets.assert_hidden("a client for development", client);
        secrets.assert_hidden("everything for development", &development);
    }
    Secrets::of(development.server().key_der()).assert_hidden("everything for development", &development);
}

/// What is in a PEM text with one key.
fn pkcs8(pem: &str) -> Vec<u8> {
    PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap().secret_pkcs8_der().to_vec()
}

/// A configuration that names these files.
fn configuration(certificate: &str, key: &str, policy: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n\
         [policy]\nfile = \"{policy}\"\n"
    )
}

/// A folder with a certificate, its key, a policy and a configuration.
fn files(issued: &Issued) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("server.pem", issued.chain_pem().unwrap()),
        ("server.key", issued.key_pem().unwrap()),
        ("policy.toml", "version = 1\n[[route]]\nmatch = 'GET /'\nallow = 'anyone'\n".into()),
        ("including.toml", "version = 1\ninclude = [\"server.key\"]\n".into()),
        ("portcullis.toml", configuration("server.pem", "server.key", "policy.toml")),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn o11_what_is_configured_by_files_does_not_print_what_they_hold() {
    let issued = server(KeyAlgorithm::P256);
    let (secrets, folder) = (Secrets::of(issued.key_der()), files(&issued));
    let configuration = Configuration::from_file(folder.path().join("portcullis.toml")).unwrap();
    secrets.assert_hidden("a configuration", &configuration);
    secrets.assert_hidden("its builder", &configuration.server_tls_builder().unwrap());
    let tls = configuration.server_tls().unwrap();
    secrets.assert_hidden("its TLS", &tls);
    let auth = configuration.authorizer(configuration.policy().unwrap());
    secrets.assert_hidden("its authorizer to be", &auth);
    let auth = auth.build().unwrap();
    secrets.assert_hidden("its watchers", &configuration.watch(&tls, &auth).unwrap());
    let watcher = PolicyWatcher::builder(folder.path().join("policy.toml"), &auth);
    secrets.assert_hidden("a watcher to be", &watcher);
}

#[test]
fn o11_a_key_in_the_wrong_place_is_not_quoted() {
    let issued = server(KeyAlgorithm::P256);
    let (secrets, folder) = (Secrets::of(issued.key_der()), files(&issued));
    let path = |name: &str| folder.path().join(name);
    let read = |text: &str| Configuration::from_text(path("portcullis.toml"), text);

    for (certificate, key) in [("server.key", "server.pem"), ("server.key", "server.key")] {
        let swapped = read(&configuration(certificate, key, "policy.toml")).unwrap();
        secrets.assert_quiet("files that are swapped", &swapped.server_tls().unwrap_err());
    }
    let mistake =
        read(&configuration("server.pem", "server.key", "server.key")).unwrap().policy().unwrap_err();
    secrets.assert_quiet("a key in place of a policy", &mistake);
    assert!(mistake.to_string().contains("check which file is which"), "{mistake}");
    let mistake = Configuration::from_file(path("server.key")).unwrap_err();
    secrets.assert_quiet("a key in place of a configuration", &mistake);
    assert!(mistake.to_string().contains("check which file is which"), "{mistake}");
    let mistake = Policy::from_file(path("including.toml")).unwrap_err();
    secrets.assert_quiet("a key that a policy includes", &mistake);
    assert!(mistake.to_string().contains("check which file is which"), "{mistake}");
    let auth = Authorizer::without_certificates(["GET /health"]).unwrap();
    let mistake = PolicyWatcher::start(path("server.key"), &auth).unwrap_err();
    secrets.assert_quiet("a key in place of a policy that is watched", &mistake);

    // The key itself where the name of its file belongs.
    let key = issued.key_pem().unwrap();
    for inline in [key.replace('\n', "\\n"), key.replace('\n', "")] {
        for text in [
            configuration("server.pem", &inline, "policy.toml"),
            configuration(&inline, "server.key", "policy.toml"),
        ] {
            match read(&text).and_then(|configured| configured.server_tls()) {
                Err(mistake) => secrets.assert_quiet("a key in place of a file's name", &mistake),
                Ok(_) => panic!("a key is no file: {text}"),
            }
        }
    }
    let allow = format!("version = 1\n[[route]]\nmatch = 'GET /'\nallow = '''{key}'''\n");
    let mistake = Policy::from_text("policy.toml", &allow).unwrap_err();
    secrets.assert_quiet("a key in place of a rule", &mistake);
}

#[test]
fn o11_errors_about_keys_do_not_quote_them() {
    let (issued, other) = (server(KeyAlgorithm::P256), server(KeyAlgorithm::P256));
    let secrets = Secrets::of(issued.key_der());
    let (chain, key) = (issued.chain_pem().unwrap(), issued.key_pem().unwrap());
    let lines: Vec<&str> = key.lines().collect();
    let pairs = [
        ("swapped", key.clone(), chain.clone()),
        ("no certificate", key.clone(), key.clone()),
        ("two keys", chain.clone(), key.clone() + &key),
        ("of another certificate", other.chain_pem().unwrap(), key.clone()),
        ("a word in the middle", chain.clone(), key.replacen('\n', "\n!not base64!\n", 2)),
        ("half of it", chain.clone(), lines[..2].join("\n")),
        ("no end", chain.clone(), lines[..lines.len() - 1].join("\n")),
        ("another label", chain.clone(), key.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY")),
        ("no label", chain.clone(), key.replace('-', "")),
        ("no lines", chain.clone(), key.replace('\n', "")),
        ("encrypted", chain.clone(), issued.encrypted_key_pem(PASSPHRASE).unwrap()),
        ("both in one", chain.clone() + &key, String::new()),
    ];
    for (what, chain, key) in pairs {
        let pair = KeyPair::from_pem(chain, key);
        secrets.assert_hidden(what, &pair);
        secrets.assert_quiet(what, &ServerTls::builder(pair).build().expect_err(what));
    }

    let anchors = TrustAnchors::new().pem("staff", issued.key_pem().unwrap());
    secrets.assert_hidden("trust anchors", &anchors);
    let error = builder(&issued).client_auth(ClientAuth::require(anchors)).build().unwrap_err();
    secrets.assert_quiet("a key as a trust anchor", &error);
    let anchors = TrustAnchors::new().pem_file("staff", issued.key_pem().unwrap());
    secrets.assert_hidden("trust anchors of a key for a name", &anchors);
    let error = builder(&issued).client_auth(ClientAuth::require(anchors)).build().unwrap_err();
    secrets.assert_quiet("a key as the name of a trust anchor's file", &error);

    let files = [("/no/such.pem", &*key), (&*key, "/no/such.key"), (&*key, &*key)];
    for (certificates, key) in files {
        let pair = || KeyPair::from_pem_files(Path::new(certificates), Path::new(key));
        secrets.assert_hidden("a key in place of its file's name", &pair());
        let error = ServerTls::builder(pair()).build().unwrap_err();
        secrets.assert_quiet("a key in place of its file's name", &error);
    }
}

#[test]
fn o11_servers_that_cannot_start_do_not_print_keys() {
    let issued = server(KeyAlgorithm::P256);
    let secrets = Secrets::of(issued.key_der());
    let tls = builder(&issued).build().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    secrets.assert_hidden("the options of actix", &ConnectionOptions::default());
    let Err(error) = HttpServer::new(App::new).bind_portcullis("no such host:1", &tls) else {
        panic!("there is no such host")
    };
    secrets.assert_quiet("actix that cannot listen", &error);

    let auth = Authorizer::without_certificates(["GET /health"]).unwrap();
    let app = portcullis_axum::guard(axum::Router::new(), auth);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(async { portcullis_axum::serve(address, tls, app).await }).unwrap_err();
    secrets.assert_quiet("axum that cannot listen", &error);
}

#[test]
fn o11_audits_do_not_print_their_salt() {
    let secrets = Secrets::of_audit();
    let folder = tempfile::tempdir().unwrap();
    let audit = || {
        let audit = Audit::to(|_: &AuditEvent<'_>| {}).pseudonym(AuditField::Name);
        audit.salt(SALT.as_bytes())
    };
    secrets.assert_hidden("an audit", &audit());
    secrets.assert_hidden("a file for it", &JsonLines::to(folder.path().join("audit.jsonl")).unwrap());
    let policy = Policy::builder().route("GET /", anyone()).build().unwrap();
    let auth = Authorizer::builder(policy).audit(audit());
    secrets.assert_hidden("an authorizer to be", &auth);
    secrets.assert_hidden("an authorizer", &auth.build().unwrap());
    secrets.assert_quiet("no folder for it", &JsonLines::to(folder.path().join("no/such")).unwrap_err());
}
