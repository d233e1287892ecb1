//! Handshakes with client certificates, beside bare rustls with the same keys and anchors.
//!
//! Client and server talk in memory, and only the server is timed: from its first message to the
//! verdict that a request is let in by. Each client shows a chain that was never seen before, then the
//! same chain again, then it resumes its session. Clients visit the servers in small groups that take
//! turns, so that a busy machine slows both servers, and each finds its code in the processor's cache
//! as under load; bare rustls stands there twice, to show what chance alone does.

#![expect(clippy::expect_used, reason = "a benchmark whose handshakes fail has nothing to measure")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_core::Connection;
use portcullis_pki::{Authority, Issued, Revoked};
use portcullis_tls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use portcullis_tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use portcullis_tls::rustls::server::WebPkiClientVerifier;
use portcullis_tls::rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection,
};
use portcullis_tls::{ClientAuth, KeyPair, Revocation, ServerTls, TrustAnchors};

fn main() {
    // `cargo test --benches` only wants to know whether it runs.
    let is_test = std::env::args().any(|argument| argument == "--test");
    let (clients, clients_with_list, entries) = if is_test { (8, 4, 100) } else { (3000, 300, 100_000) };
    println!("TLS 1.3, P-256, server side alone: medians in us, and handshakes/s beside bare rustls");
    for has_intermediate in [false, true] {
        let world = World::new(has_intermediate);
        let path = if has_intermediate { "via an intermediate" } else { "directly below the anchor" };
        world.compare(&format!("{path}, {clients} clients"), clients, None);
        let name = format!("{path}, {clients_with_list} clients, a list of {entries} entries");
        world.compare(&name, clients_with_list, Some(entries));
    }
}

/// Who vouches for clients and server.
struct World {
    root: Authority,
    intermediate: Option<Authority>,
    server: Issued,
    provider: Arc<CryptoProvider>,
}

/// Revocation lists in DER.
type Lists = Vec<Vec<u8>>;

impl World {
    fn new(has_intermediate: bool) -> Self {
        let root = Authority::new("Bench CA").expect("an authority is made");
        let intermediate =
            has_intermediate.then(|| root.intermediate("Bench Issuing CA").expect("an authority is made"));
        let server = root.server().issue().expect("it is issued");
        Self { root, intermediate, server, provider: Arc::new(aws_lc_rs::default_provider()) }
    }

    fn compare(&self, name: &str, clients: usize, entries: Option<u64>) {
        let lists = entries.map(|entries| self.lists(entries));
        let bare = self.rustls(lists.as_ref());
        let portcullis = self.portcullis(lists.as_ref());
        let no_verdict = |connection: &ServerConnection| {
            black_box(connection.peer_certificates()).expect("there is one");
            None
        };
        let verdict = |connection: &ServerConnection| {
            let admitted = portcullis.connection(connection, None).expect("everybody is trusted");
            Some(admitted.handle().clone())
        };
        let config = portcullis.server_config(&[]);
        let mut times = Times::default();
        let all: Vec<_> = (0..clients).map(|number| self.client(number)).collect();
        for (number, group) in all.chunks(GROUP).enumerate() {
            // A session each, so that no server is offered that of another one.
            let visitors = || group.iter().map(|client| self.client_config(client)).collect::<Vec<_>>();
            let [of_bare, again, of_portcullis, once_more] = [(); 4].map(|()| visitors());
            let visit_bare = |times: &mut Times| {
                visit(&mut times.bare, &bare, &of_bare, HandshakeKind::Full, no_verdict);
                visit(&mut times.bare_again, &bare, &again, HandshakeKind::Full, no_verdict);
                visit(&mut times.bare_resumed, &bare, &of_bare, HandshakeKind::Resumed, no_verdict);
            };
            let visit_portcullis = |times: &mut Times| {
                visit(&mut times.new, &config, &of_portcullis, HandshakeKind::Full, verdict);
                visit(&mut times.remembered, &config, &once_more, HandshakeKind::Full, verdict);
                visit(&mut times.resumed, &config, &of_portcullis, HandshakeKind::Resumed, verdict);
            };
            if number % 2 == 0 {
                visit_bare(&mut times);
                visit_portcullis(&mut times);
            } else {
                visit_portcullis(&mut times);
                visit_bare(&mut times);
            }
        }
        times.print(name);
        let searched = portcullis.status().verdicts_searched;
        assert_eq!(searched, u64::try_from(clients).expect("a number"), "the other verdicts are remembered");
    }

    /// Who issues to clients.
    fn issuer(&self) -> &Authority {
        self.intermediate.as_ref().unwrap_or(&self.root)
    }

    fn client(&self, number: usize) -> Issued {
        self.issuer().client(&format!("client {number}")).issue().expect("it is issued")
    }

    /// A list of the clients' issuer, and an empty one of the anchor if that is somebody else.
    fn lists(&self, entries: u64) -> Lists {
        let revoked = (0..entries).map(|index| Revoked::serial(serial(index)));
        let of_issuer = self.issuer().revocation_list().revoke_all(revoked);
        let of_root = self.intermediate.as_ref().map(|_| self.root.revocation_list());
        [of_issuer]
            .into_iter()
            .chain(of_root)
            .map(|list| list.sign().expect("it is signed").der().to_vec())
            .collect()
    }

    fn portcullis(&self, lists: Option<&Lists>) -> ServerTls {
        let key_pair = KeyPair::from_der(self.server.chain_der().to_vec(), self.server.key_der());
        let anchors = TrustAnchors::new().der("bench", self.root.certificate_der());
        let mut asked = ClientAuth::require(anchors);
        if let Some(lists) = lists {
            let revocation =
                lists.iter().fold(Revocation::deny_list(), |lists, list| lists.crl_der(list.clone()));
            asked = asked.revocation(revocation);
        }
        ServerTls::builder(key_pair)
            .client_auth(asked)
            .provider(self.provider.clone())
            .build()
            .expect("the settings are good")
    }

    fn rustls(&self, lists: Option<&Lists>) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.root.certificate_der())).expect("it is an anchor");
        let lists = lists.into_iter().flatten().map(|list| list.clone().into());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), self.provider.clone())
            .with_crls(lists)
            .build()
            .expect("the lists are good");
        let config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .expect("the provider has their ciphers")
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain(&self.server), key(&self.server))
            .expect("the key is that of the certificate");
        Arc::new(config)
    }

    fn client_config(&self, client: &Issued) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.root.certificate_der())).expect("it is an anchor");
        let config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .expect("the provider has their ciphers")
            .with_root_certificates(roots)
            .with_client_auth_cert(chain(client), key(client))
            .expect("the key is that of the certificate");
        Arc::new(config)
    }
}

fn chain(issued: &Issued) -> Vec<CertificateDer<'static>> {
    issued.chain_der().iter().map(|der| CertificateDer::from(der.clone())).collect()
}

fn key(issued: &Issued) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(issued.key_der().to_vec()).expect("it is a private key")
}

/// How many clients visit one server before it is the turn of the other one.
///
/// A server keeps 256 sessions, two for each visit.
const GROUP: usize = 25;

fn visit(
    times: &mut Vec<Duration>,
    server: &Arc<ServerConfig>,
    clients: &[Arc<ClientConfig>],
    kind: HandshakeKind,
    verdict: impl Fn(&ServerConnection) -> Option<Connection> + Copy,
) {
    times.extend(clients.iter().map(|client| handshake(server, client, kind, verdict)));
}

/// The time that the server spends on a handshake, the verdict included.
fn handshake(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
    kind: HandshakeKind,
    verdict: impl Fn(&ServerConnection) -> Option<Connection>,
) -> Duration {
    let name = "localhost".try_into().expect("it is a name");
    let mut client = ClientConnection::new(client.clone(), name).expect("a client");
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    let mut spent = Duration::ZERO;
    let begun = Instant::now();
    let mut server = ServerConnection::new(server.clone()).expect("a server");
    spent += begun.elapsed();
    while client.wants_write() || server.wants_write() {
        while client.wants_write() {
            client.write_tls(&mut to_server).expect("memory is written");
        }
        let begun = Instant::now();
        let mut unread = to_server.as_slice();
        while !unread.is_empty() {
            server.read_tls(&mut unread).expect("memory is read");
            server.process_new_packets().expect("the client is let in");
        }
        while server.wants_write() {
            server.write_tls(&mut to_client).expect("memory is written");
        }
        spent += begun.elapsed();
        let mut unread = to_client.as_slice();
        while !unread.is_empty() {
            client.read_tls(&mut unread).expect("memory is read");
            client.process_new_packets().expect("the server is trusted");
        }
        to_server.clear();
        to_client.clear();
    }
    assert!(!server.is_handshaking() && server.handshake_kind() == Some(kind));
    let begun = Instant::now();
    let connection = black_box(verdict(&server));
    spent += begun.elapsed();
    drop(connection);
    spent
}

#[derive(Default)]
struct Times {
    bare: Vec<Duration>,
    bare_again: Vec<Duration>,
    bare_resumed: Vec<Duration>,
    new: Vec<Duration>,
    remembered: Vec<Duration>,
    resumed: Vec<Duration>,
}

impl Times {
    fn print(self, name: &str) {
        let (full, resumed) = (median(self.bare), median(self.bare_resumed));
        println!("\n{name}");
        println!("  full:    bare rustls {full:>8.1}   again {}", beside(self.bare_again, full));
        println!("           a new chain          {}   budget 0.98", beside(self.new, full));
        println!("           a remembered chain   {}   budget 1.2", beside(self.remembered, full));
        println!("  resumed: bare rustls {resumed:>8.1}");
        println!("           judged again         {}   budget 0.95", beside(self.resumed, resumed));
    }
}

fn beside(times: Vec<Duration>, bare: f64) -> String {
    let own = median(times);
    format!("{own:>8.1} = {:.3}x", bare / own)
}

/// In microseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64() * 1e6
}

/// Sixteen bytes that look random, and that no client has.
fn serial(index: u64) -> [u8; 16] {
    let random = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let high = (random ^ 0x2545_f491_4f6c_dd1d) & 0x3fff_ffff_ffff_ffff;
    (u128::from(high | 1 << 60) << 64 | u128::from(random)).to_be_bytes()
}
