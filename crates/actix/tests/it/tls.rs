//! Real handshakes: the three modes, connections that end, sessions that are resumed.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use portcullis_actix::core::Connection as CoreConnection;
use portcullis_actix::tls::rustls;
use portcullis_actix::{
    AskAgain, Authorizer, BindPortcullis, ClientAuth, Connection, ConnectionOptions, Guard, Peer,
};
use portcullis_pki::Authority;

use crate::common::{auth, ran, verified};
use crate::wire::{Client, World, serve};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn who(peer: Peer) -> String {
    match peer {
        Peer::Verified(identity) => identity.certificate().subject().to_string(),
        Peer::Untrusted { reason, .. } => reason.code().into(),
        Peer::Anonymous => "anonymous".into(),
    }
}

async fn connection(connection: Connection) -> String {
    assert_eq!(connection.peer_address().unwrap().ip().to_string(), "127.0.0.1");
    assert!(connection.tls_version().is_some_and(|version| version.starts_with("TLSv1.")));
    format!("{} {:?}", connection.is_resumed(), connection.server_name())
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(who))
        .route("/open/connection", web::get().to(connection))
        .route("/open/again", web::get().to(async || AskAgain::mark(ran("again"))))
        .route("/reports/{id}", web::get().to(async || ran("report")))
        .route("/admin", web::get().to(async || ran("admin")));
}

type Mode = fn(portcullis_actix::TrustAnchors) -> ClientAuth;

#[actix_web::test]
async fn each_mode_lets_in_whom_it_should() {
    let world = World::new();
    let good = world.client("bob");
    let stranger = Authority::new("Other CA").unwrap().client("bob").issue().unwrap();
    let modes: [(&str, Mode, Option<&str>, Option<&str>); 3] = [
        ("require", ClientAuth::require, None, None),
        ("if_given", ClientAuth::if_given, Some("anonymous"), None),
        ("request", ClientAuth::request, Some("anonymous"), Some("unknown-issuer")),
    ];
    for (name, mode, nobody, untrusted) in modes {
        let tls = world.tls(mode(world.anchors())).build().unwrap();
        let server = serve(&tls, Guard::new(auth()), routes, ConnectionOptions::default());
        for versions in [[&rustls::version::TLS12], [&rustls::version::TLS13]] {
            for (shown, expected) in
                [(None, nobody), (Some(&good), Some("CN=bob")), (Some(&stranger), untrusted)]
            {
                let connector = world.connector_for(shown, &versions);
                // In TLS 1.3 a client learns of a refusal when it reads.
                let answer = match Client::connect(&connector, server.address).await {
                    Ok(mut client) => client.get("/").await.ok().map(|reply| reply.body),
                    Err(_) => None,
                };
                assert_eq!(answer.as_deref(), expected, "{name} {versions:?}");
            }
        }
        server.stop().await;
    }
}

#[actix_web::test]
async fn a_denial_that_asks_for_a_certificate_ends_the_connection() {
    let world = World::new();
    let stranger = Authority::new("Other CA").unwrap().client("alice").issue().unwrap();
    let tls = world.tls(ClientAuth::request(world.anchors())).build().unwrap();
    let server = serve(&tls, Guard::new(auth()), routes, ConnectionOptions::default());
    for shown in [None, Some(&stranger)] {
        let mut client = Client::connect(&world.connector(shown), server.address).await.unwrap();
        let welcome = client.get("/").await.unwrap();
        assert!(welcome.status == 200 && !welcome.says_close(), "{welcome:?}");
        let denied = client.get("/admin").await.unwrap();
        assert!(denied.status == 403 && denied.says_close(), "{denied:?}");
        assert!(client.is_ended().await);

        let mut client = Client::connect(&world.connector(shown), server.address).await.unwrap();
        let again = client.get("/open/again").await.unwrap();
        assert!(again.status == 200 && again.says_close(), "{again:?}");
        assert!(client.is_ended().await);
    }

    // Nothing would change for somebody who is known.
    let bob = world.client("bob");
    let mut client = Client::connect(&world.connector(Some(&bob)), server.address).await.unwrap();
    for _ in 0..2 {
        let forbidden = client.get("/admin").await.unwrap();
        assert!(forbidden.status == 403 && !forbidden.says_close(), "{forbidden:?}");
    }
    assert_eq!(client.get("/reports/1").await.unwrap().body, "report ran");
    server.stop().await;
}

#[actix_web::test]
async fn a_pipelined_request_is_judged_like_any_other() {
    let world = World::new();
    let tls = world.tls(ClientAuth::if_given(world.anchors())).build().unwrap();
    let server = serve(&tls, Guard::new(auth()), routes, ConnectionOptions::default());
    let bob = world.client("bob");
    let mut client = Client::connect(&world.connector(Some(&bob)), server.address).await.unwrap();
    let one = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    client.send(&[one("/reports/1"), one("/admin"), one("/reports/2")].concat()).await.unwrap();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(client.reply(true).await.unwrap().status);
    }
    assert_eq!(statuses, [200, 403, 200]);
    server.stop().await;
}

#[actix_web::test]
async fn a_refused_head_request_has_no_body() {
    let world = World::new();
    let tls = world.tls(ClientAuth::request(world.anchors())).build().unwrap();
    let server = serve(&tls, Guard::new(auth()), routes, ConnectionOptions::default());
    let bob = world.client("bob");
    let mut client = Client::connect(&world.connector(Some(&bob)), server.address).await.unwrap();
    assert_eq!(client.head("/admin").await.unwrap().status, 403);
    assert_eq!(client.get("/").await.unwrap().body, "CN=bob", "the connection is still in step");
    server.stop().await;
}

#[actix_web::test]
async fn each_request_is_judged_when_it_is_made() {
    let world = World::new();
    let now = SystemTime::now();
    let bob = world.authority.client("bob").valid(now - HOUR, now + HOUR).issue().unwrap();
    let time = Arc::new(AtomicI64::new(unix(now)));
    let clock = Arc::clone(&time);
    let tls = world.tls(ClientAuth::require(world.anchors())).clock(move || clock.load(SeqCst));
    let server = serve(&tls.build().unwrap(), Guard::new(auth()), routes, ConnectionOptions::default());
    let mut client = Client::connect(&world.connector(Some(&bob)), server.address).await.unwrap();
    assert_eq!(client.get("/").await.unwrap().body, "CN=bob");
    // The handshake happened while the certificate was good, this request comes when it no longer is.
    time.store(unix(now + HOUR) + 1, SeqCst);
    // Even where anyone may go in: the connection is for clients with a trusted certificate.
    let denied = client.get("/").await.unwrap();
    assert!(denied.status == 403 && denied.says_close(), "{denied:?}");
    server.stop().await;
}

/// The list of revoked certificates of a world, as a file.
struct List(tempfile::NamedTempFile);

impl List {
    fn new(world: &World) -> Self {
        let list = Self(tempfile::NamedTempFile::new().unwrap());
        list.write(world, &[]);
        list
    }

    fn write(&self, world: &World, revoked: &[&portcullis_pki::Issued]) {
        let entry = |issued: &&portcullis_pki::Issued| {
            portcullis_pki::Revoked::certificate(issued.certificate_der()).unwrap()
        };
        let list = world.authority.revocation_list().revoke_all(revoked.iter().map(entry)).sign().unwrap();
        std::fs::write(self.0.path(), list.der()).unwrap();
    }

    fn revocation(&self) -> portcullis_actix::tls::Revocation {
        portcullis_actix::tls::Revocation::crl_files([self.0.path()])
    }
}

#[actix_web::test]
async fn a_resumed_session_is_judged_again() {
    let world = World::new();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (list, bob) = (List::new(&world), world.client("bob"));
        let tls = world.tls(ClientAuth::require(world.anchors())).revocation(list.revocation());
        let tls = tls.build().unwrap();
        let server = serve(&tls, Guard::new(auth()), routes, ConnectionOptions::default());
        let connector = world.connector_for(Some(&bob), &[version]);

        for (round, is_resumed) in [(1, false), (2, true)] {
            let mut client = Client::connect(&connector, server.address).await.unwrap();
            let facts = client.get("/open/connection").await.unwrap().body;
            assert!(facts.contains(&format!("{is_resumed} Some(\"localhost\")")), "round {round}: {facts}");
            assert_eq!(client.get("/").await.unwrap().body, "CN=bob");
        }
        let mut open = Client::connect(&connector, server.address).await.unwrap();
        assert_eq!(open.get("/").await.unwrap().body, "CN=bob");

        list.write(&world, &[&bob]);
        assert!(tls.reload().unwrap().revocation());
        // The session is good, the certificate is not: he is told so on every route, and that is all.
        let mut resumed = Client::connect(&connector, server.address).await.unwrap();
        assert!(resumed.is_resumed(), "{version:?}");
        for client in [&mut resumed, &mut open] {
            let denied = client.get("/").await.unwrap();
            assert!(denied.status == 403 && denied.says_close(), "{version:?} {denied:?}");
        }
        // Then he has to begin anew, and does not get through the handshake.
        let refused = match Client::connect(&connector, server.address).await {
            Ok(mut client) => !client.is_resumed() && client.get("/").await.is_err(),
            Err(_) => true,
        };
        assert!(refused, "{version:?}");
        server.stop().await;
    }
}

#[actix_web::test]
async fn a_request_that_comes_along_with_a_bad_session_is_not_served() {
    static SERVED: AtomicUsize = AtomicUsize::new(0);
    fn routes(config: &mut web::ServiceConfig) {
        let count = async || format!("{}", SERVED.fetch_add(1, Ordering::Relaxed));
        config.route("/", web::get().to(count));
    }
    let world = World::new();
    let (list, bob, alice) = (List::new(&world), world.client("bob"), world.client("alice"));
    let tls = world.tls(ClientAuth::require(world.anchors())).revocation(list.revocation()).build().unwrap();
    // Even where the policy would let anybody in.
    let guard = Guard::new(Authorizer::without_certificates(["GET /"]).unwrap());
    let server = serve(&tls, guard, routes, ConnectionOptions::default());
    let connect = |client| Arc::clone(world.connector_for(Some(client), &[&rustls::version::TLS13]).config());
    let (bobs, alices, address) = (connect(&bob), connect(&alice), server.address);
    let hasty = move |config: &Arc<rustls::ClientConfig>| {
        let config = Arc::clone(config);
        actix_web::rt::task::spawn_blocking(move || hasty_request(config, address))
    };

    assert!(!hasty(&bobs).await.unwrap(), "a full handshake comes first");
    assert!(hasty(&bobs).await.unwrap(), "then a resumed one");
    assert_eq!(SERVED.load(Ordering::Relaxed), 2);

    list.write(&world, &[&bob]);
    assert!(tls.reload().unwrap().revocation());
    assert!(hasty(&bobs).await.unwrap(), "the session is still resumed");
    // The only worker is through with that request when it has answered another one.
    hasty(&alices).await.unwrap();
    assert_eq!(SERVED.load(Ordering::Relaxed), 3, "but the request in between is not served");
    server.stop().await;
}

/// Sends the end of the handshake and a request in one write, and waits for the end of the connection.
///
/// Tells whether the session was resumed.
fn hasty_request(config: Arc<rustls::ClientConfig>, address: SocketAddr) -> bool {
    let mut tcp = std::net::TcpStream::connect(address).unwrap();
    let mut tls = rustls::ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    while tls.is_handshaking() {
        while tls.wants_write() && tls.is_handshaking() {
            tls.write_tls(&mut tcp).unwrap();
        }
        tls.read_tls(&mut tcp).unwrap();
        tls.process_new_packets().unwrap();
    }
    tls.writer().write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut flight = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut flight).unwrap();
    }
    tcp.write_all(&flight).unwrap();
    while tls.read_tls(&mut tcp).is_ok_and(|bytes| bytes > 0) && tls.process_new_packets().is_ok() {}
    tls.handshake_kind() == Some(rustls::HandshakeKind::Resumed)
}

#[actix_web::test]
async fn an_old_connection_ends_with_its_next_response() {
    let world = World::new();
    let tls = world.tls(ClientAuth::request(world.anchors())).build().unwrap();
    let bob = world.client("bob");
    for (age, ends) in [(Duration::ZERO, true), (Duration::MAX, false)] {
        let options = ConnectionOptions::default().max_connection_age(age);
        let server = serve(&tls, Guard::new(auth()), routes, options);
        let connector = world.connector(Some(&bob));
        for (target, status) in [("/", 200), ("/admin", 403)] {
            let mut client = Client::connect(&connector, server.address).await.unwrap();
            let reply = client.get(target).await.unwrap();
            assert_eq!((reply.status, reply.says_close()), (status, ends), "{age:?} {target}");
        }
        server.stop().await;
    }
}

/// Whether the socket sends at once.
struct Remembered(bool);

#[actix_web::test]
async fn the_users_callback_runs_first_and_replaces_nothing() {
    fn routes(config: &mut web::ServiceConfig) {
        let seen =
            |request: HttpRequest| async move { request.conn_data::<Remembered>().unwrap().0.to_string() };
        config.route("/", web::get().to(who)).route("/open/seen", web::get().to(seen));
    }
    let world = World::new();
    let tls = world.tls(ClientAuth::request(world.anchors())).build().unwrap();
    let options = ConnectionOptions::default().on_connect(|io, extensions| {
        let stream: &actix_tls::accept::rustls_0_23::TlsStream<TcpStream> = io.downcast_ref().unwrap();
        extensions.insert(Remembered(stream.get_ref().0.nodelay().unwrap()));
        extensions.insert(CoreConnection::assertion(verified("alice")));
    });
    let server = serve(&tls, Guard::new(auth()), routes, options);
    let mut client = Client::connect(&world.connector(None), server.address).await.unwrap();
    assert_eq!(client.get("/").await.unwrap().body, "anonymous");
    assert_eq!(client.get("/open/seen").await.unwrap().body, "true", "nodelay is set");
    server.stop().await;
}

#[actix_web::test]
async fn a_plain_listener_has_no_peers() {
    let world = World::new();
    let tls = world.tls(ClientAuth::request(world.anchors())).build().unwrap();
    for (auth, status) in
        [(auth(), 500), (Authorizer::without_certificates(["GET /open/{*rest}"]).unwrap(), 200)]
    {
        let guard = Guard::new(auth);
        let app =
            move || App::new().route("/open/health", web::get().to(HttpResponse::Ok)).wrap(guard.clone());
        // The callback for the TLS listener is also called for the plain one.
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .bind_portcullis("127.0.0.1:0", &tls)
            .unwrap()
            .bind("127.0.0.1:0")
            .unwrap();
        let address = server.addrs()[1];
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let reply = actix_web::rt::task::spawn_blocking(move || {
            use std::io::Read;
            let mut tcp = std::net::TcpStream::connect(address).unwrap();
            tcp.write_all(b"GET /open/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                .unwrap();
            let mut reply = String::new();
            tcp.read_to_string(&mut reply).unwrap();
            reply
        })
        .await
        .unwrap();
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{reply}");
        handle.stop(false).await;
    }
}

#[actix_web::test]
async fn sites_that_differ_in_client_authentication_are_not_served() {
    use portcullis_actix::tls::Site;
    let world = World::new();
    let server = world.authority.server().dns("admin.test").issue().unwrap();
    let key_pair = || portcullis_actix::KeyPair::from_der(server.chain_der().to_vec(), server.key_der());
    let site = || Site::new(["admin.test"], key_pair());
    let tls = || world.tls(ClientAuth::request(world.anchors()));
    let different = tls().site(site().without_client_auth()).build().unwrap();
    let error = HttpServer::new(App::new).bind_portcullis("127.0.0.1:0", &different).err().unwrap();
    assert!(error.to_string().contains("the sites differ in client authentication"), "{error}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(HttpServer::new(App::new).listen_portcullis(taken, &different).is_err());

    let alike = tls().site(site()).build().unwrap();
    assert!(HttpServer::new(App::new).bind_portcullis("127.0.0.1:0", &alike).is_ok());
}

#[actix_web::test]
async fn a_taken_address_is_named() {
    let world = World::new();
    let tls = world.tls(ClientAuth::request(world.anchors())).build().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = HttpServer::new(App::new).bind_portcullis(address.as_str(), &tls).err().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on `{address}`: the address is in use: stop the other program or choose another port"
        )
    );

    let error = HttpServer::new(App::new).bind_portcullis("no port here", &tls).err().unwrap();
    assert!(error.to_string().starts_with("cannot listen on `no port here`: "), "{error}");
    assert!(error.to_string().ends_with("such as `127.0.0.1:8443` or `[::]:8443`"), "{error}");

    let given = HttpServer::new(App::new).listen_portcullis(taken, &tls).unwrap();
    assert_eq!(given.addrs()[0].to_string(), address);
}

fn unix(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}
