//! What is under way ends when its certificate or its policy does, and nothing else ends with it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::body::{BodySize, MessageBody};
use actix_web::rt::time::{Sleep, sleep, timeout};
use actix_web::web::{self, Bytes};
use actix_web::{HttpResponse, Responder};
use portcullis_actix::core::audit::AuditEvent;
use portcullis_actix::rule::{authenticated, nobody};
use portcullis_actix::tls::Revocation;
use portcullis_actix::{Authorizer, ClientAuth, ConnectionOptions, Guard, Policy, ServerTls};
use portcullis_pki::{Issued, Revoked};

use crate::wire::{Client, Running, World, serve};

const OFTEN: Duration = Duration::from_millis(50);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A byte every 10 ms.
#[derive(Default)]
struct Endless(Option<Pin<Box<Sleep>>>);

impl MessageBody for Endless {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let pause = self.0.get_or_insert_with(|| Box::pin(sleep(Duration::from_millis(10))));
        std::task::ready!(pause.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(Some(Ok(Bytes::from_static(b"x"))))
    }
}

async fn endless() -> impl Responder {
    HttpResponse::Ok().body(Endless::default())
}

async fn echo(payload: web::Payload) -> impl Responder {
    HttpResponse::SwitchingProtocols().upgrade("websocket").streaming(payload)
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/events", web::get().to(endless))
        .route("/steady", web::get().to(endless))
        .route("/socket", web::get().to(echo));
}

fn policy(is_open: bool) -> Policy {
    let rule = || if is_open { authenticated() } else { nobody() };
    let policy = Policy::builder().route("GET /steady", authenticated());
    policy.route("GET /events", rule()).route("GET /socket", rule()).build().unwrap()
}

/// Somebody whose trust can be taken away in one way or another, and somebody who stays.
struct Scene {
    world: World,
    alice: Issued,
    bob: Issued,
    list: tempfile::NamedTempFile,
    time: Arc<AtomicI64>,
    tls: ServerTls,
    auth: Authorizer,
    denied: Arc<Mutex<Vec<String>>>,
    server: Running,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let now = SystemTime::now();
        let issue = |name: &str, valid| world.authority.client(name).valid(now - HOUR, now + valid).issue();
        let (alice, bob) = (issue("alice", HOUR).unwrap(), issue("bob", HOUR * 24).unwrap());
        let list = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(list.path(), world.authority.revocation_list().sign().unwrap().der()).unwrap();
        let now = now.duration_since(UNIX_EPOCH).unwrap().as_secs();
        let time = Arc::new(AtomicI64::new(i64::try_from(now).unwrap()));
        let clock = Arc::clone(&time);
        let tls = world.tls(ClientAuth::request(world.anchors()));
        let tls = tls.revocation(Revocation::crl_files([list.path()]));
        let tls = tls.clock(move || clock.load(SeqCst)).build().unwrap();
        let denied = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&denied);
        let auth = Authorizer::builder(policy(true)).recheck_every(OFTEN);
        let auth = auth.audit(move |event: &AuditEvent<'_>| {
            if let Some(kind) = event.kind {
                noted.lock().unwrap().push(format!("{} {}", kind.name(), event.path));
            }
        });
        let auth = auth.build().unwrap();
        let server = serve(&tls, Guard::new(auth.clone()), routes, ConnectionOptions::default());
        Self { world, alice, bob, list, time, tls, auth, denied, server }
    }

    fn revoke(&self) {
        let entry = Revoked::certificate(self.alice.certificate_der()).unwrap();
        let list = self.world.authority.revocation_list().revoke_all([entry]).sign().unwrap();
        std::fs::write(self.list.path(), list.der()).unwrap();
        assert!(self.tls.reload().unwrap().revocation());
    }

    fn expire(&self) {
        self.time.fetch_add(2 * 60 * 60, SeqCst);
    }

    fn close(&self) {
        self.auth.replace_policy(policy(false)).unwrap();
    }

    async fn begin(&self, who: &Issued, target: &str) -> Client {
        let mut client =
            Client::connect(&self.world.connector(Some(who)), self.server.address).await.unwrap();
        let upgrade = if target == "/socket" { "connection: upgrade\r\nupgrade: websocket\r\n" } else { "" };
        client.send(&format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{upgrade}\r\n")).await.unwrap();
        let expected = if target == "/socket" { 101 } else { 200 };
        assert_eq!(client.reply(false).await.unwrap().status, expected);
        client
    }
}

type Change = fn(&Scene);

#[actix_web::test]
async fn streams_and_upgrades_end_and_the_others_go_on() {
    let changes: [(&str, Change); 3] = [
        ("certificate-untrusted", Scene::revoke),
        ("certificate-untrusted", Scene::expire),
        ("forbidden", Scene::close),
    ];
    for (kind, change) in changes {
        let scene = Scene::new();
        let mut events = scene.begin(&scene.alice, "/events").await;
        let mut socket = scene.begin(&scene.alice, "/socket").await;
        let mut steady = scene.begin(&scene.bob, "/steady").await;
        socket.send("hello").await.unwrap();
        assert_eq!(socket.read(5).await.unwrap(), "hello");

        change(&scene);
        let ends = async {
            assert!(!events.rest().await.ends_with("0\r\n\r\n"), "not a clean end");
            socket.rest().await;
        };
        timeout(Duration::from_secs(5), ends).await.unwrap();
        // Each piece is a chunk of six bytes.
        assert_eq!(timeout(Duration::from_secs(5), steady.read(120)).await.unwrap().unwrap().len(), 120);
        // Upload and download of the upgraded connection are one request.
        sleep(OFTEN * 4).await;
        assert!(scene.auth.flush_audit(Duration::from_secs(5)));
        let mut denied = std::mem::take(&mut *scene.denied.lock().unwrap());
        denied.sort();
        assert_eq!(denied, ["/events", "/socket"].map(|path| format!("{kind} {path}")));
        scene.server.stop().await;
    }
}
