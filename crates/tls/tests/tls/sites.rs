//! Several sites on one listener.

use std::sync::Arc;

use portcullis_pki::Authority;
use portcullis_tls::{ClientAuth, KeyPair, ServerTls, Site, TrustAnchors};

use crate::client::{Client, VERSIONS};
use crate::site::{Outcome, answer, meet_as, now, word};

const ADMIN: &str = "admin.example.com";
const PUBLIC: &str = "www.example.com";

/// An open site by default, one for staff, one for guests, and one like the default.
struct Town {
    authority: Authority,
    guests: Authority,
}

impl Town {
    fn new() -> Self {
        Self { authority: Authority::new("Staff CA").unwrap(), guests: Authority::new("Guest CA").unwrap() }
    }

    fn key_pair(&self, names: &[&str]) -> KeyPair {
        let server = names.iter().fold(self.authority.server(), |server, name| server.dns(name));
        let server = server.issue().unwrap();
        KeyPair::from_der(server.chain_der().to_vec(), server.key_der())
    }

    fn anchors(authority: &Authority) -> TrustAnchors {
        TrustAnchors::new().der("members", authority.certificate_der())
    }

    fn tls(&self) -> ServerTls {
        let admin = Site::new([ADMIN], self.key_pair(&[ADMIN]))
            .client_auth(ClientAuth::require(Self::anchors(&self.authority)));
        let guests = Site::new(["*.guests.example.com"], self.key_pair(&["*.guests.example.com"]))
            .client_auth(ClientAuth::request(Self::anchors(&self.guests)));
        let blog = Site::new(["Blog.example.com."], self.key_pair(&["blog.example.com"]));
        let key_pair = self.key_pair(&[PUBLIC, "unknown.example.com"]);
        ServerTls::builder(key_pair).site(admin).site(guests).site(blog).build().unwrap()
    }
}

fn covers(outcome: &Outcome, authority: Option<&str>) -> bool {
    outcome.server.as_ref().unwrap().handle().covers(authority)
}

#[tokio::test]
async fn each_site_has_its_certificate_and_its_clients() {
    let town = Town::new();
    let acceptor = town.tls().acceptor(&[]);
    let alice = town.authority.client("alice").issue().unwrap();
    let gus = town.guests.client("gus").issue().unwrap();
    // A client only accepts the certificate of the name that it asked for, so each is the right one.
    let cases = [
        (PUBLIC, ["anonymous", "anonymous", "anonymous"]),
        ("unknown.example.com", ["anonymous", "anonymous", "anonymous"]),
        ("blog.example.com", ["anonymous", "anonymous", "anonymous"]),
        (ADMIN, ["!certificate-required", "verified", "!unknown-issuer"]),
        ("ADMIN.example.COM", ["!certificate-required", "verified", "!unknown-issuer"]),
        ("a.guests.example.com", ["anonymous", "unknown-issuer", "verified"]),
    ];
    for version in VERSIONS {
        for (name, expected) in cases {
            let clients = [
                Client::anonymous(&town.authority),
                Client::with(&town.authority, &alice),
                Client::with(&town.authority, &gus),
            ];
            for (client, expected) in clients.into_iter().zip(expected) {
                let outcome = meet_as(name, &acceptor, &client.version(version).config()).await;
                assert_eq!(outcome.word(), expected, "{name} {version:?} {outcome:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_for_the_host_of_another_site_is_misdirected() {
    let town = Town::new();
    let tls = town.tls();
    assert!(!tls.has_one_client_auth());
    let acceptor = tls.acceptor(&[]);
    let alice = town.authority.client("alice").issue().unwrap();
    let alice = Client::with(&town.authority, &alice).config();
    let admin = meet_as(ADMIN, &acceptor, &alice).await;
    let public = meet_as(PUBLIC, &acceptor, &alice).await;
    let guests = meet_as("a.guests.example.com", &acceptor, &alice).await;
    for (authority, by_admin, by_public, by_guests) in [
        (ADMIN, true, false, false),
        ("Admin.Example.com.:8443", true, false, false),
        (PUBLIC, false, true, false),
        // Nobody's, so as by default.
        ("other.example.com", false, true, false),
        ("127.0.0.1:8443", false, true, false),
        ("[::1]", false, true, false),
        ("", false, true, false),
        // Judges nobody either.
        ("blog.example.com:443", false, true, false),
        ("b.guests.example.com", false, false, true),
        ("guests.example.com", false, true, false),
        ("c.b.guests.example.com", false, true, false),
    ] {
        let found = [&admin, &public, &guests].map(|outcome| covers(outcome, Some(authority)));
        assert_eq!(found, [by_admin, by_public, by_guests], "{authority}");
    }
    for outcome in [&admin, &public, &guests] {
        assert!(!covers(outcome, None));
    }
}

#[tokio::test]
async fn sites_that_judge_alike_cover_each_other() {
    let town = Town::new();
    let client_auth = || ClientAuth::require(Town::anchors(&town.authority));
    let site = || Site::new([ADMIN], town.key_pair(&[ADMIN]));
    let alike =
        ServerTls::builder(town.key_pair(&[PUBLIC])).client_auth(client_auth()).site(site()).build().unwrap();
    assert!(alike.has_one_client_auth());
    let alice = town.authority.client("alice").issue().unwrap();
    let alice = Client::with(&town.authority, &alice).config();
    let outcome = meet_as(ADMIN, &alike.acceptor(&[]), &alice).await;
    assert_eq!(outcome.word(), "verified");
    for authority in [Some(PUBLIC), Some(ADMIN), Some("elsewhere"), None] {
        assert!(covers(&outcome, authority), "{authority:?}");
    }
    let open = site().without_client_auth();
    let different = ServerTls::builder(town.key_pair(&[PUBLIC])).client_auth(client_auth()).site(open);
    let different = different.build().unwrap();
    assert!(!different.has_one_client_auth() && different.asks_for_certificates());
    let outcome = meet_as(ADMIN, &different.acceptor(&[]), &alice).await;
    assert_eq!((outcome.word().as_str(), covers(&outcome, Some(PUBLIC))), ("anonymous", false));
}

#[tokio::test]
async fn no_session_goes_from_one_site_to_another() {
    let town = Town::new();
    let alice = town.authority.client("alice").issue().unwrap();
    for version in VERSIONS {
        let acceptor = town.tls().acceptor(&[]);
        let client = Client::with(&town.authority, &alice).version(version).config();
        for name in [PUBLIC, ADMIN, "blog.example.com", "a.guests.example.com", "b.guests.example.com"] {
            let outcome = meet_as(name, &acceptor, &client).await;
            assert!(!outcome.is_resumed(), "{name} {outcome:?}");
        }
        let again = meet_as(ADMIN, &acceptor, &client).await;
        assert_eq!((again.word().as_str(), again.is_resumed()), ("verified", true), "{again:?}");
    }
}

/// The way of actix-web: the handshake is done under the configuration of the default site.
#[tokio::test]
async fn handshakes_done_elsewhere_show_the_certificate_of_the_site() {
    let town = Town::new();
    let tls = town.tls();
    for (name, expected) in
        [(PUBLIC, "anonymous"), ("blog.example.com", "anonymous"), (ADMIN, "!certificate-required")]
    {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let server = tokio_rustls::TlsAcceptor::from(tls.server_config(&[]));
        let client = tokio_rustls::TlsConnector::from(Client::anonymous(&town.authority).config());
        let (client, stream) =
            tokio::join!(client.connect(name.try_into().unwrap(), far), server.accept(near));
        let stream = stream.unwrap();
        let found = match tls.connection(stream.get_ref().1, None) {
            Ok(connection) => word(&connection.handle().peer(now()).get().await),
            Err(error) => format!("!{}", error.code()),
        };
        assert_eq!(found, expected, "{name}");
        assert!(client.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn a_hello_in_pieces_is_of_the_same_site() {
    let town = Town::new();
    let acceptor = town.tls().acceptor(&[]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let alice = town.authority.client("alice").issue().unwrap();
    let mut config = Arc::unwrap_or_clone(Client::with(&town.authority, &alice).config());
    // The least that rustls takes: the message is cut into many records.
    config.max_fragment_size = Some(32);
    let client = tokio::spawn(async move {
        let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(ADMIN.try_into().unwrap(), tcp).await.unwrap();
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut [0]).await.unwrap();
    });
    let (tcp, _) = listener.accept().await.unwrap();
    let (stream, connection) = acceptor.accept(tcp).await.unwrap();
    assert_eq!(word(&connection.handle().peer(now()).get().await), "verified");
    assert!(connection.handle().covers(Some(ADMIN)) && !connection.handle().covers(Some(PUBLIC)));
    answer(stream).await;
    client.await.unwrap();
}

#[test]
fn mistaken_sites_are_named() {
    let town = Town::new();
    let build = |names: &[&[&str]]| {
        let builder = ServerTls::builder(town.key_pair(&[PUBLIC]));
        let site = |names: &&[&str]| Site::new(names.iter().copied(), town.key_pair(&[PUBLIC]));
        names
            .iter()
            .map(site)
            .fold(builder, |builder, site| builder.site(site))
            .build()
            .unwrap_err()
            .to_string()
    };
    let cases: [(&[&[&str]], &str); 5] = [
        (&[&[]], "site 1 has no names: "),
        (&[&["a.test"], &["A.TEST."]], "`A.TEST.` is the name of a site already: "),
        (&[&["*.a.test", "*.A.test"]], "`*.A.test` is the name of a site already: "),
        (&[&["a..test"]], "`a..test` is no name of a site: "),
        (
            &[&["b\u{fc}cher.example"]],
            "the site `b\u{fc}cher.example` is named in letters that clients do not send: ",
        ),
    ];
    for (names, expected) in cases {
        let found = build(names);
        assert!(found.starts_with(expected), "{found}");
    }
}
