//! Trust that is read again while clients are connected.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use portcullis_core::Peer;
use portcullis_pki::{Authority, Issued, Revoked};
use portcullis_tls::rustls::ClientConfig;
use portcullis_tls::{ClientAuth, KeyPair, Revocation, ServerTls, ServerTlsBuilder, TrustAnchors};
use tempfile::TempDir;

use crate::client::{Client, VERSIONS};
use crate::site::{Outcome, Site, meet, now};

/// A site whose inputs are files.
struct Files {
    site: Site,
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self { site: Site::new(), folder: tempfile::tempdir().unwrap() };
        files.show(&files.site.server);
        files.trust(&[&files.site.authority]);
        files.revoke(&[]);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn show(&self, server: &Issued) {
        fs::write(self.path("server.pem"), server.chain_pem().unwrap()).unwrap();
        fs::write(self.path("server.key"), server.key_pem().unwrap()).unwrap();
    }

    fn trust(&self, authorities: &[&Authority]) {
        let anchors: String =
            authorities.iter().map(|authority| authority.certificate_pem().unwrap()).collect();
        fs::write(self.path("staff-ca.pem"), anchors).unwrap();
    }

    fn revoke(&self, clients: &[&Issued]) {
        let revoked = clients.iter().map(|client| Revoked::certificate(client.certificate_der()).unwrap());
        let list = self.site.authority.revocation_list().revoke_all(revoked).sign().unwrap();
        fs::write(self.path("staff.crl"), list.pem().unwrap()).unwrap();
    }

    fn anchors(&self) -> TrustAnchors {
        TrustAnchors::new().pem_file("staff", self.path("staff-ca.pem"))
    }

    fn builder(&self, client_auth: ClientAuth) -> ServerTlsBuilder {
        let key_pair = KeyPair::from_pem_files(self.path("server.pem"), self.path("server.key"));
        ServerTls::builder(key_pair).client_auth(client_auth)
    }

    fn with_lists(&self, client_auth: ClientAuth) -> ServerTlsBuilder {
        self.builder(client_auth).revocation(Revocation::crl_files([self.path("staff.crl")]))
    }
}

const MODES: [fn(TrustAnchors) -> ClientAuth; 3] =
    [ClientAuth::require, ClientAuth::if_given, ClientAuth::request];

fn is_request(mode: fn(TrustAnchors) -> ClientAuth) -> bool {
    format!("{:?}", mode(TrustAnchors::new())).contains("Request")
}

fn admits(outcome: &Outcome) -> bool {
    outcome.server.as_ref().unwrap().handle().admits(&outcome.peer_at(now()))
}

fn generation(outcome: &Outcome) -> Option<u64> {
    outcome.server.as_ref().unwrap().handle().trust_generation()
}

#[tokio::test]
async fn an_authority_that_is_taken_out_is_gone_with_the_next_request() {
    let files = Files::new();
    let site = &files.site;
    let guests = Authority::new("Guest CA").unwrap();
    let alice = site.authority.client("alice").issue().unwrap();
    let bob = guests.client("bob").issue().unwrap();
    for mode in MODES {
        for version in VERSIONS {
            files.trust(&[&site.authority, &guests]);
            let tls = files.builder(mode(files.anchors())).build().unwrap();
            let acceptor = tls.acceptor(&[]);
            let client = |issued| Client::with(&site.authority, issued).version(version).config();
            let (alice, bob) = (client(&alice), client(&bob));
            let (first, second) = (meet(&acceptor, &alice).await, meet(&acceptor, &bob).await);
            assert_eq!((first.word(), second.word()), ("verified".into(), "verified".into()));
            assert_eq!((generation(&first), tls.trust_generation()), (Some(1), 1));

            files.trust(&[&site.authority]);
            let reloaded = tls.reload().unwrap();
            assert_eq!(
                (reloaded.trust_generation(), reloaded.to_string().as_str()),
                (2, "new are the trust anchors")
            );
            assert_eq!((first.word(), second.word()), ("verified".into(), "unknown-issuer".into()));
            assert_eq!((generation(&first), generation(&second)), (Some(2), Some(2)));
            let is_request = is_request(mode);
            assert_eq!((admits(&first), admits(&second)), (true, is_request));
            // Sessions of before are gone, so he is asked anew.
            let again = meet(&acceptor, &bob).await;
            let expected = if is_request { "unknown-issuer" } else { "!unknown-issuer" };
            assert_eq!((again.word().as_str(), again.is_resumed()), (expected, false), "{again:?}");
            assert_eq!(meet(&acceptor, &alice).await.word(), "verified");

            files.trust(&[&site.authority, &guests]);
            tls.reload().unwrap();
            assert_eq!((first.word(), second.word()), ("verified".into(), "verified".into()));
        }
    }
}

/// What was presented is kept whole, though some of it was of no use at first.
#[tokio::test]
async fn an_anchor_can_become_an_intermediate() {
    let files = Files::new();
    let team = files.site.authority.intermediate("Team CA").unwrap();
    let alice = team.client("alice").issue().unwrap();
    files.trust(&[&team]);
    let tls = files.builder(ClientAuth::require(files.anchors())).build().unwrap();
    let outcome = meet(&tls.acceptor(&[]), &Client::with(&files.site.authority, &alice).config()).await;
    assert_eq!(outcome.word(), "verified");
    files.trust(&[&files.site.authority]);
    tls.reload().unwrap();
    assert_eq!(outcome.word(), "verified");
}

#[tokio::test]
async fn a_reload_is_all_or_nothing() {
    let files = Files::new();
    let site = &files.site;
    let other = Authority::new("Other CA").unwrap();
    let bob = other.client("bob").issue().unwrap();
    let tls = files.with_lists(ClientAuth::request(files.anchors())).build().unwrap();
    let mut named = tls.files();
    named.sort();
    assert_eq!(named, ["server.key", "server.pem", "staff-ca.pem", "staff.crl"].map(|name| files.path(name)));
    let outcome = meet(&tls.acceptor(&[]), &Client::with(&site.authority, &bob).config()).await;
    for broken in ["server.pem", "server.key", "staff-ca.pem", "staff.crl"] {
        // Everything else would be good, and would let bob in.
        files.trust(&[&site.authority, &other]);
        let list = other.revocation_list().sign().unwrap().pem().unwrap();
        let lists = fs::read_to_string(files.path("staff.crl")).unwrap();
        fs::write(files.path("staff.crl"), lists + &list).unwrap();
        for content in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let good = fs::read(files.path(broken)).unwrap();
            fs::write(files.path(broken), content).unwrap();
            let error = tls.reload().unwrap_err();
            assert!(error.to_string().contains(broken), "{broken}: {error}");
            assert_eq!((tls.trust_generation(), outcome.word().as_str()), (1, "unknown-issuer"), "{broken}");
            assert_eq!(tls.status().last_failed_reload.unwrap().error, error);
            fs::write(files.path(broken), good).unwrap();
        }
        files.revoke(&[]);
    }
    assert_eq!(tls.status().failed_reloads, 8);
    files.trust(&[&site.authority, &other]);
    let lists = [&site.authority, &other].map(|by| by.revocation_list().sign().unwrap().pem().unwrap());
    fs::write(files.path("staff.crl"), lists.concat()).unwrap();
    assert_eq!(tls.reload().unwrap().trust_generation(), 2);
    assert_eq!(outcome.word(), "verified");
    assert_eq!(tls.status().last_failed_reload.map(|failed| failed.at <= now()), Some(true));
}

#[tokio::test]
async fn what_has_not_changed_keeps_its_number() {
    let files = Files::new();
    let tls = files.builder(ClientAuth::request(files.anchors())).build().unwrap();
    let config = tls.server_config(&[]);
    let reloaded = tls.reload().unwrap();
    assert_eq!((reloaded.has_changes(), reloaded.trust_generation()), (false, 1));
    assert!(Arc::ptr_eq(&config, &tls.server_config(&[])));
}

#[tokio::test]
async fn the_revoked_lose_access_in_every_way() {
    let files = Files::new();
    let site = &files.site;
    for has_tickets in [false, true] {
        for mode in MODES {
            for version in VERSIONS {
                files.revoke(&[]);
                let (alice, bob) = (site.authority.client("alice"), site.authority.client("bob"));
                let (alice, bob) = (alice.issue().unwrap(), bob.issue().unwrap());
                let builder = files.with_lists(mode(files.anchors()));
                let tls = if has_tickets { builder.session_tickets() } else { builder }.build().unwrap();
                let acceptor = tls.acceptor(&[]);
                let client = |issued| Client::with(&site.authority, issued).version(version).config();
                let (alice, bob, bobs) = (client(&alice), client(&bob), &bob);
                meet(&acceptor, &alice).await;
                let open = meet(&acceptor, &bob).await;
                assert_eq!(open.word(), "verified");

                files.revoke(&[bobs]);
                assert!(tls.reload().unwrap().revocation());
                let is_request = is_request(mode);
                assert_eq!((open.word().as_str(), admits(&open)), ("revoked", is_request));
                // Sessions go on, and are judged anew.
                let other = meet(&acceptor, &alice).await;
                assert_eq!((other.word().as_str(), other.is_resumed()), ("verified", true), "{other:?}");
                let resumed = meet(&acceptor, &bob).await;
                assert_eq!((resumed.word().as_str(), resumed.is_resumed()), ("revoked", true), "{resumed:?}");
                assert_eq!(admits(&resumed), is_request);
                // After that he begins anew, and is told by TLS.
                let anew = meet(&acceptor, &bob).await;
                let expected = if is_request { "revoked" } else { "!revoked" };
                assert_eq!((anew.word().as_str(), anew.is_resumed()), (expected, false), "{anew:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_new_server_certificate_is_shown_in_old_configurations_too() {
    let files = Files::new();
    let site = &files.site;
    let tls = files.builder(ClientAuth::request(files.anchors())).build().unwrap();
    let acceptor = tls.acceptor(&[]);
    let old = tls.server_config(&[]);
    let renewed = site.authority.server().issue().unwrap();
    let client = || Client::anonymous(&site.authority).config();
    assert_eq!(shown(&old, &client()).await, site.server.certificate_der());
    files.show(&renewed);
    let reloaded = tls.reload().unwrap();
    assert!(reloaded.server_certificate() && !reloaded.anchors());
    assert_eq!(shown(&old, &client()).await, renewed.certificate_der());
    assert_eq!(shown(&tls.server_config(&[]), &client()).await, renewed.certificate_der());
    assert_eq!(meet(&acceptor, &client()).await.word(), "anonymous");
}

/// The certificate that a server with this configuration shows.
async fn shown(config: &Arc<portcullis_tls::rustls::ServerConfig>, client: &Arc<ClientConfig>) -> Vec<u8> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let server = tokio_rustls::TlsAcceptor::from(config.clone());
    let client = tokio_rustls::TlsConnector::from(client.clone());
    let (server, client) =
        tokio::join!(server.accept(near), client.connect("localhost".try_into().unwrap(), far));
    server.unwrap();
    client.unwrap().get_ref().1.peer_certificates().unwrap().first().unwrap().to_vec()
}

#[tokio::test]
async fn the_status_tells_what_is_in_force() {
    let files = Files::new();
    let site = &files.site;
    let alice = site.authority.client("alice").issue().unwrap();
    let tls = files.with_lists(ClientAuth::if_given(files.anchors())).build().unwrap();
    let acceptor = tls.acceptor(&[]);
    let alice = Client::with(&site.authority, &alice).config();
    let stranger = Authority::new("Stranger CA").unwrap().client("alice").issue().unwrap();
    for _ in 0..3 {
        meet(&acceptor, &alice).await;
    }
    meet(&acceptor, &Client::with(&site.authority, &stranger).config()).await;
    let status = tls.status();
    assert_eq!((status.full_handshakes, status.resumed_handshakes), (1, 2));
    assert_eq!(status.failed_handshakes.into_iter().collect::<Vec<_>>(), [("unknown-issuer", 1)]);
    assert_eq!((status.verdicts_searched, status.verdicts_remembered), (2, 2));
    let shown = &status.sites[0];
    let anchor = portcullis_core::Certificate::from_der(site.authority.certificate_der()).unwrap();
    assert_eq!((shown.mode, shown.names.len(), shown.anchors.len()), (Some("if_given"), 0, 1));
    assert_eq!((shown.anchors[0].label.as_str(), shown.anchors[0].not_after), ("staff", anchor.not_after()));
    assert_eq!(&shown.anchors[0].spki_sha256, anchor.spki_sha256());
    assert_eq!(shown.revocation.as_ref().unwrap().lists.len(), 1);
    assert!(shown.certificate_not_after > now());
}

#[tokio::test]
async fn revocation_that_nobody_is_judged_by_is_a_mistake() {
    let files = Files::new();
    let key_pair = files.site.key_pair();
    let error = ServerTls::builder(key_pair).revocation(Revocation::deny_list()).build().unwrap_err();
    assert!(error.to_string().contains("no client is judged by it"), "{error}");
}

#[tokio::test]
async fn a_handshake_judged_before_a_reload_is_judged_again() {
    let files = Files::new();
    let bob = files.site.authority.client("bob").issue().unwrap();
    let tls = files.with_lists(ClientAuth::require(files.anchors())).build().unwrap();
    let outcomes = 20;
    let client = Client::with(&files.site.authority, &bob).config();
    let acceptor = tls.acceptor(&[]);
    let handshakes = async {
        let mut met = Vec::new();
        for _ in 0..outcomes {
            met.push(meet(&acceptor, &client).await);
        }
        met
    };
    let reload = async {
        tokio::task::yield_now().await;
        files.revoke(&[&bob]);
        tls.reload().unwrap();
    };
    let (met, ()) = tokio::join!(handshakes, reload);
    for outcome in met.iter().filter(|outcome| outcome.server.is_ok()) {
        assert!(matches!(outcome.peer_at(now()), Peer::Untrusted { .. }), "{outcome:?}");
    }
}
