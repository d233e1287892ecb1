//! Everything is read again, half of the time with mistakes, while many clients keep asking.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use portcullis_core::{Authorizer, Policy};
use portcullis_pki::{Issued, Revoked};
use portcullis_tests::adapter::Listener;
use portcullis_tests::adapter::actix::Actix;
use portcullis_tests::adapter::axum::Axum;
use portcullis_tests::bench::Bench;
use portcullis_tests::case::{Http, Shape, Tls};
use portcullis_tests::client::{Sent, h1, tls};
use portcullis_tests::fixtures::fixtures;
use portcullis_tls::rustls::ClientConfig;
use portcullis_tls::{ClientAuth, KeyPair, Revocation, ServerTls, TrustAnchors};
use tempfile::TempDir;

const RELOADS: usize = 500;
/// Connections of clients that stay trusted, and of one that is revoked and let in again.
const GOOD: usize = 190;
const REVOKED: usize = 10;
/// How many certificates the good ones have.
const CERTIFICATES: usize = 19;
/// What a process may grow by that has warmed up: far less than 400 snapshots take.
const GROWTH: u64 = 32 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn axum_serves_on_while_everything_is_read_again() {
    run(Bench::new::<Axum>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn actix_serves_on_while_everything_is_read_again() {
    run(Bench::new::<Actix>()).await;
}

/// What the clients and the operator know of each other.
#[derive(Default)]
struct World {
    /// Odd from when a reload that revokes has returned until the next one begins.
    epoch: AtomicU64,
    served: AtomicU64,
    refused: AtomicU64,
    is_over: AtomicBool,
}

async fn run(bench: Bench) {
    // Memory and time are those of the process.
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _alone = ALONE.lock().await;
    let site = Site::new();
    let (server, auth) = (site.server_tls(), site.authorizer());
    let running = bench.fresh(auth.clone(), Listener::Tls(server.clone()), Shape::Standard).await.unwrap();
    let world = Arc::new(World::default());
    let mut clients = Vec::new();
    for number in 0..GOOD {
        let config = client(&format!("cn:client-{}", number % CERTIFICATES));
        clients.push(tokio::spawn(good(running.address, config, world.clone())));
    }
    for _ in 0..REVOKED {
        clients.push(tokio::spawn(revoked(running.address, site.bob.clone(), world.clone())));
    }
    let begun = Instant::now();
    while world.served.load(SeqCst) < GOOD as u64 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the clients do not get in");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    let operator = Operator { site, server, auth, world: world.clone(), address: running.address };
    let operator = operate(operator).await;
    world.is_over.store(true, SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    let status = operator.server.status();
    assert_eq!(status.failed_reloads, (RELOADS / 2 - RELOADS / 8) as u64, "the others are of policies");
    assert_eq!(status.sites[0].anchors.first().unwrap().label, "staff");
    let (served, refused) = (world.served.load(SeqCst), world.refused.load(SeqCst));
    println!("{}: {served} served, {refused} refused, {:?}", bench.adapter, begun.elapsed());
    assert!(served > 2 * GOOD as u64 && refused > REVOKED as u64, "{served} served, {refused} refused");
    (running.stop)().await;
}

/// Never refused, and never on another connection.
async fn good(address: SocketAddr, config: Arc<ClientConfig>, world: Arc<World>) {
    let mut connection = h1::Connection::new(tls::connect(address, config).await.unwrap());
    while !world.is_over.load(SeqCst) {
        let response = connection.send(&request()).await.unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(response.status, Some(200), "{response:?}");
        world.served.fetch_add(1, SeqCst);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Refused as soon as a reload that revokes has returned, on whatever connection.
async fn revoked(address: SocketAddr, config: Arc<ClientConfig>, world: Arc<World>) {
    let mut connection = None;
    while !world.is_over.load(SeqCst) {
        let before = world.epoch.load(SeqCst);
        let status = ask(address, &config, &mut connection).await;
        let is_revoked = before % 2 == 1 && world.epoch.load(SeqCst) == before;
        assert!(!(is_revoked && status == Some(200)), "let in after it was revoked");
        if status == Some(403) {
            world.refused.fetch_add(1, SeqCst);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

type Kept = Option<h1::Connection<tokio_rustls::client::TlsStream<tokio::net::TcpStream>>>;

/// The status on the connection that is open, or else on a new one; none if it was ended instead.
async fn ask(address: SocketAddr, config: &Arc<ClientConfig>, kept: &mut Kept) -> Option<u16> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => h1::Connection::new(tls::connect(address, config.clone()).await.ok()?),
    };
    let status = connection.send(&request()).await.ok()?.status;
    *kept = (status == Some(200)).then_some(connection);
    status
}

fn request() -> Sent {
    Sent::new("GET", "/reports/7").header("host", "localhost").header("accept", "application/problem+json")
}

fn client(name: &str) -> Arc<ClientConfig> {
    let credentials = fixtures().unwrap().credentials(name, None, true).unwrap();
    Arc::new(tls::config(credentials.as_ref(), Http::One, Tls::Three).unwrap())
}

/// The files of a server.
struct Site {
    folder: TempDir,
    bob: Arc<ClientConfig>,
    bob_der: Vec<u8>,
    /// Several, made beforehand, as making them is no part of the load.
    servers: Vec<Issued>,
}

impl Site {
    fn new() -> Self {
        let fixtures = fixtures().unwrap();
        let bob = fixtures.client("bob").unwrap();
        let servers = (0..4).map(|_| fixtures.service.server().issue().unwrap()).collect();
        let folder = tempfile::tempdir().unwrap();
        let site = Self { folder, bob: client("bob"), bob_der: bob.certificate_der().to_vec(), servers };
        site.write_good(0);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a file as a whole.
    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(".new"), content).unwrap();
        fs::rename(self.path(".new"), self.path(name)).unwrap();
    }

    /// Everything as it is at this step: bob is revoked at every other one.
    fn write_good(&self, step: usize) {
        let fixtures = fixtures().unwrap();
        let server = &self.servers[step / 5 % self.servers.len()];
        self.put("server.pem", server.chain_pem().unwrap());
        self.put("server.key", server.key_pem().unwrap());
        let partner = fixtures.partner.certificate_pem().unwrap();
        let staff = fixtures.staff.certificate_pem().unwrap();
        self.put("ca.pem", if step % 6 < 3 { staff } else { staff + &partner });
        let revoked = (step % 2 == 1).then(|| Revoked::certificate(&self.bob_der).unwrap());
        let list = fixtures.staff.revocation_list().number(step as u64).revoke_all(revoked).sign().unwrap();
        self.put("staff.crl", list.pem().unwrap());
        let more = if step % 4 < 2 { "" } else { "[[route]]\nmatch = 'GET /more'\nallow = 'anyone'\n" };
        self.put("policy.toml", format!("{POLICY}{more}"));
    }

    /// A mistake in one of the files, on top of what else would be new.
    fn write_broken(&self, step: usize) {
        self.write_good(step);
        match step % 4 {
            0 => self.put("staff.crl", "-----BEGIN X509 CRL-----\nMIIB\n"),
            1 => self.put("ca.pem", ""),
            2 => self.put("server.key", self.servers[(step / 5 + 1) % self.servers.len()].key_pem().unwrap()),
            _ => self.put("policy.toml", format!("{POLICY}[[route]]\nmatch = 'GET /'\nallow = 'anyoen'\n")),
        }
    }

    fn server_tls(&self) -> ServerTls {
        let anchors = TrustAnchors::new().pem_file("staff", self.path("ca.pem"));
        ServerTls::builder(KeyPair::from_pem_files(self.path("server.pem"), self.path("server.key")))
            .client_auth(ClientAuth::request(anchors))
            .revocation(Revocation::crl_files([self.path("staff.crl")]))
            .build()
            .unwrap()
    }

    fn authorizer(&self) -> Authorizer {
        let policy = Policy::from_file(self.path("policy.toml")).unwrap();
        Authorizer::builder(policy).build().unwrap()
    }
}

const POLICY: &str = "version = 1\n[[route]]\nmatch = 'GET /reports/{id}'\nallow = 'authenticated'\n";

/// Who reloads, and looks at once whether bob gets in.
struct Operator {
    site: Site,
    server: ServerTls,
    auth: Authorizer,
    world: Arc<World>,
    address: SocketAddr,
}

async fn operate(mut operator: Operator) -> Operator {
    let mut kept = None;
    let mut warm = 0;
    let mut good = 0;
    for number in 0..RELOADS {
        if number == RELOADS / 5 {
            warm = resident();
        }
        let is_broken = number % 2 == 1;
        if !is_broken {
            good += 1;
            // From here until the reload has returned, both answers are right.
            let epoch = operator.world.epoch.load(SeqCst);
            operator.world.epoch.store(epoch + epoch % 2, SeqCst);
        }
        operator =
            tokio::task::spawn_blocking(move || operator.reload(good, number, is_broken)).await.unwrap();
        let is_revoked = good % 2 == 1;
        if !is_broken {
            operator.world.epoch.fetch_add(if is_revoked { 1 } else { 2 }, SeqCst);
        }
        // His open connection first, if he has one.
        let status = ask(operator.address, &operator.site.bob, &mut kept).await;
        match is_revoked {
            true => assert_ne!(status, Some(200), "reload {number}"),
            // Those who were let in on the way have a new connection to try.
            false if status.is_none() => {
                assert_eq!(ask(operator.address, &operator.site.bob, &mut kept).await, Some(200));
            }
            false => assert_eq!(status, Some(200), "reload {number}"),
        }
    }
    let grown = resident().saturating_sub(warm);
    assert!(grown < GROWTH, "the process has grown by {grown} bytes");
    operator
}

impl Operator {
    fn reload(self, good: usize, number: usize, is_broken: bool) -> Self {
        let Self { site, server, auth, .. } = &self;
        if is_broken {
            let kind = number / 2;
            site.write_broken(kind);
            if kind % 4 == 3 {
                assert!(Policy::from_file(site.path("policy.toml")).is_err(), "reload {number}");
            } else {
                assert!(server.reload().is_err(), "reload {number}");
            }
        } else {
            site.write_good(good);
            assert!(server.reload().unwrap().has_changes(), "reload {number}");
            auth.replace_policy(Policy::from_file(site.path("policy.toml")).unwrap()).unwrap();
        }
        self
    }
}

/// How many bytes the process has in memory; 0 where that is not told in Linux's way.
fn resident() -> u64 {
    let Ok(text) = fs::read_to_string("/proc/self/statm") else { return 0 };
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap();
    pages * 4096
}
