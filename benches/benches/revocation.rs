//! Revocation lists of a thousand to a million entries, beside rustls' own check of the same lists.
//!
//! A verdict is timed for chains that were never seen before, once each: a server remembers verdicts.
//! What a list costs is the difference to the same chains judged without one.

#![expect(clippy::expect_used, reason = "a benchmark without its certificates has nothing to measure")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use portcullis_pki::{Authority, Issued, Revoked};
use portcullis_tls::rustls::pki_types::{CertificateDer, UnixTime};
use portcullis_tls::rustls::server::{WebPkiClientVerifier, danger::ClientCertVerifier};
use portcullis_tls::rustls::{RootCertStore, crypto::aws_lc_rs};
use portcullis_tls::{ClientAuth, ClientTrust, Revocation, TrustAnchors};

fn main() {
    // `cargo test --benches` only wants to know whether it runs.
    let is_test = std::env::args().any(|argument| argument == "--test");
    let (sizes, clients): (&[u64], u64) =
        if is_test { (&[1000], 16) } else { (&[1000, 100_000, 1_000_000], 4000) };
    let world = World::new(clients);
    println!("clients directly below the anchor; {clients} chains, medians of blocks of 100");
    for size in sizes {
        world.compare(*size);
    }
}

struct World {
    authority: Authority,
    clients: Vec<Issued>,
    now: u64,
    folder: tempfile::TempDir,
}

impl World {
    fn new(clients: u64) -> Self {
        let authority = Authority::new("Bench CA").expect("an authority is made");
        let issue = |index: u64| authority.client(&format!("client {index}")).issue().expect("it is issued");
        let clients = (0..clients).map(issue).collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs();
        let folder = tempfile::tempdir().expect("there is room");
        Self { authority, clients, now, folder }
    }

    fn compare(&self, size: u64) {
        let path = self.folder.path().join(format!("{size}.crl"));
        let entries = (0..size).map(|index| Revoked::serial(serial(index)));
        let der = self.authority.revocation_list().revoke_all(entries).sign().expect("it is signed");
        std::fs::write(&path, der.der()).expect("there is room");

        let mut load = Duration::ZERO;
        let mut trust = None;
        let memory = allocation_counter::measure(|| {
            let start = Instant::now();
            trust = Some(self.trust(Some(&path)));
            load = start.elapsed();
        });
        let trust = trust.expect("it was made");
        let (path_alone, verdict) = self.verdicts(&self.trust(None), &trust);
        println!(
            "{size:>9}  portcullis: load {:>8.2} ms, keeps {:>6.2} MiB (at most {:>6.2}), verdict {:>9.2} us, {:+.2} us above the path",
            load.as_secs_f64() * 1e3,
            mebibytes(memory.bytes_current),
            mebibytes(i64::try_from(memory.bytes_max).unwrap_or(i64::MAX)),
            micros(verdict),
            micros(verdict) - micros(path_alone),
        );
        drop(trust);

        let mut load = Duration::ZERO;
        let mut verifier = None;
        let memory = allocation_counter::measure(|| {
            let start = Instant::now();
            verifier = Some(self.rustls(&path));
            load = start.elapsed();
        });
        let verifier = verifier.expect("it was made");
        let verdict = self.rustls_verdict(&*verifier, size);
        println!(
            "{:>9}  rustls:     load {:>8.2} ms, keeps {:>6.2} MiB (at most {:>6.2}), verdict {:>9.2} us",
            "",
            load.as_secs_f64() * 1e3,
            mebibytes(memory.bytes_current),
            mebibytes(i64::try_from(memory.bytes_max).unwrap_or(i64::MAX)),
            micros(verdict),
        );
    }

    fn trust(&self, list: Option<&Path>) -> ClientTrust {
        let anchors = TrustAnchors::new().der("bench", self.authority.certificate_der());
        let asked = ClientAuth::require(anchors);
        let asked = match list {
            Some(path) => asked.revocation(Revocation::crl_files([path])),
            None => asked,
        };
        ClientTrust::builder(asked).build().expect("the settings are good")
    }

    /// Without and with lists, block by block in turns, so that a busy machine slows both.
    fn verdicts(&self, without: &ClientTrust, with: &ClientTrust) -> (Duration, Duration) {
        let now = i64::try_from(self.now).expect("it is before the end of time");
        let judge = |trust: &ClientTrust, client: &Issued| {
            black_box(trust.judge(client.chain_der(), now)).expect("everybody is trusted");
        };
        let blocks = self.clients.chunks(BLOCK).map(|clients| {
            let without = time(clients, |client| judge(without, client));
            (without, time(clients, |client| judge(with, client)))
        });
        let (without, with): (Vec<_>, Vec<_>) = blocks.unzip();
        (median(without), median(with))
    }

    fn rustls(&self, list: &Path) -> Arc<dyn ClientCertVerifier> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.authority.certificate_der())).expect("it is an anchor");
        let list = std::fs::read(list).expect("it was written");
        WebPkiClientVerifier::builder_with_provider(roots.into(), aws_lc_rs::default_provider().into())
            .with_crls([list.into()])
            .build()
            .expect("the list is good")
    }

    fn rustls_verdict(&self, verifier: &dyn ClientCertVerifier, size: u64) -> Duration {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(self.now));
        // It takes too long for all of them.
        let (block, count) = if size > 1000 { (5, 50) } else { (BLOCK, self.clients.len()) };
        let blocks = self.clients.get(..count).unwrap_or(&self.clients).chunks(block);
        let verify = |client: &Issued| {
            let leaf = CertificateDer::from(client.certificate_der());
            black_box(verifier.verify_client_cert(&leaf, &[], now)).expect("everybody is trusted");
        };
        median(blocks.map(|clients| time(clients, verify)).collect())
    }
}

const BLOCK: usize = 100;

/// The time that one of these clients takes.
fn time(clients: &[Issued], run: impl FnMut(&Issued)) -> Duration {
    let start = Instant::now();
    clients.iter().for_each(run);
    start.elapsed() / u32::try_from(clients.len()).expect("a block is small")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Sixteen bytes that look random, and that no client has.
fn serial(index: u64) -> [u8; 16] {
    let random = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let high = (random ^ 0x2545_f491_4f6c_dd1d) & 0x3fff_ffff_ffff_ffff;
    (u128::from(high | 1 << 60) << 64 | u128::from(random)).to_be_bytes()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "two digits are printed")]
fn mebibytes(bytes: i64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
