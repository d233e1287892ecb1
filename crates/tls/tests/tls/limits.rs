//! How much work a chain may make, and which of those that lead to an anchor are trusted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use portcullis_core::certificate::Fingerprint;
use portcullis_core::{Certificate, Distrust};
use portcullis_pki::{Authority, DistinguishedName, Extension, Issued, KeyAlgorithm, RawCertificate};
use portcullis_tls::rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use portcullis_tls::rustls::pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use portcullis_tls::{ClientAuth, ClientTrust, TlsError, TrustAnchors};

use crate::client::Client;
use crate::site::{Site, meet, now};

/// Counts the signatures that are checked, and finds them bad unless they are good.
#[derive(Debug)]
struct Counting;

static CHECKED: AtomicUsize = AtomicUsize::new(0);
static ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[&Counting];

impl SignatureVerificationAlgorithm for Counting {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        CHECKED.fetch_add(1, SeqCst);
        webpki_p256().verify_signature(key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

fn webpki_p256() -> &'static dyn SignatureVerificationAlgorithm {
    let all = aws_lc_rs::default_provider().signature_verification_algorithms.all;
    let is_p256 = |one: &&&dyn SignatureVerificationAlgorithm| {
        one.public_key_alg_id() == alg_id::ECDSA_P256 && one.signature_alg_id() == alg_id::ECDSA_SHA256
    };
    *all.iter().find(is_p256).unwrap()
}

fn counting() -> Arc<CryptoProvider> {
    let signature_verification_algorithms = WebPkiSupportedAlgorithms { all: ALGORITHMS, mapping: &[] };
    Arc::new(CryptoProvider { signature_verification_algorithms, ..aws_lc_rs::default_provider() })
}

fn authority_named(name: &str) -> RawCertificate {
    RawCertificate::new(DistinguishedName::common_name(name))
        .extension(Extension::basic_constraints(true, None))
}

/// Certificates of authorities by their name and that of their issuer, two of each.
///
/// None is signed by the anchor, as a stranger cannot have that: each way to its name has to be tried.
struct Maze {
    names: Vec<&'static str>,
    authorities: Vec<[Vec<u8>; 2]>,
}

impl Maze {
    fn new(names: &[&'static str]) -> Self {
        let roots: Vec<_> = names.iter().map(|name| authority_named(name).root().unwrap()).collect();
        let pair = |name: &str, issuer: &Authority| {
            [(); 2].map(|()| authority_named(name).intermediate(issuer).unwrap().certificate_der().to_vec())
        };
        let authorities = names.iter().flat_map(|name| roots.iter().map(|root| pair(name, root)));
        Self { authorities: authorities.collect(), names: names.to_vec() }
    }

    /// Five of these names, each issued by whom the digits of a number say.
    fn chain(&self, five: [usize; 5], mut number: usize) -> Vec<Vec<u8>> {
        let mut chain = Vec::new();
        for (place, name) in five.into_iter().enumerate() {
            let issuer = number % self.names.len();
            number /= self.names.len();
            let [one, other] = self.authorities.get(name * self.names.len() + issuer).unwrap();
            chain.push(if place % 2 == 0 { one.clone() } else { other.clone() });
        }
        chain
    }
}

/// One test, so that nobody else counts meanwhile.
#[test]
fn whoever_sends_junk_makes_little_work() {
    let root = Authority::new("Example CA").unwrap();
    let anchors = TrustAnchors::new().der("staff", root.certificate_der());
    let trust = ClientTrust::builder(ClientAuth::request(anchors)).provider(counting()).build().unwrap();
    let checked = |issued: &Issued| {
        let before = CHECKED.load(SeqCst);
        let outcome = trust.judge(issued.chain_der(), now());
        (outcome.map(drop), CHECKED.load(SeqCst) - before)
    };
    assert_eq!(checked(&root.client("alice").issue().unwrap()), (Ok(()), 1));
    for name in ["junk10", "junk100", "chain6", "chain10"] {
        assert_eq!(checked(&root.hostile(name).unwrap()), (Err(Distrust::TooLong), 0), "{name}");
    }
    // Every way in which five can name each other, at most two of one name.
    let names = ["A CA", "B CA", "C CA", "Example CA"];
    let maze = Maze::new(&names);
    let stranger = RawCertificate::new(DistinguishedName::common_name("alice"));
    let leaf = stranger.issue(&authority_named("A CA").root().unwrap()).unwrap();
    let mut most = 0;
    for five in [[0, 0, 1, 1, 2], [0, 0, 1, 1, 3], [0, 0, 1, 3, 3], [0, 1, 2, 3, 3]] {
        for number in 0..names.len().pow(5) {
            let chain = maze.chain(five, number);
            let leaf = leaf.clone();
            let own = leaf.certificate_der().to_vec();
            let (outcome, signatures) = checked(&leaf.presenting(std::iter::once(own).chain(chain)));
            assert!(outcome.is_err());
            most = most.max(signatures);
        }
    }
    assert!((2..=MOST_SIGNATURES).contains(&most), "{most} signatures");
}

/// At 60 microseconds for one of RSA with 4096 bits, about a millisecond.
const MOST_SIGNATURES: usize = 16;

fn judge(client_auth: ClientAuth, issued: &Issued) -> String {
    let trust = ClientTrust::builder(client_auth).build().unwrap();
    match trust.judge(issued.chain_der(), now()) {
        Ok(vouched) => vouched.anchor().label().to_owned(),
        Err(reason) => format!("!{}", reason.code()),
    }
}

#[test]
fn a_chain_is_bounded_in_all_its_parts() {
    let root = Authority::new("Example CA").unwrap();
    let anchors = || TrustAnchors::new().der("staff", root.certificate_der());
    let request = || ClientAuth::request(anchors());
    let chain5 = root.hostile("chain5").unwrap();
    assert_eq!(judge(request(), &chain5), "staff");
    assert_eq!(judge(request().longest_path(5), &chain5), "staff");
    assert_eq!(judge(request().longest_path(4), &chain5), "!too-long");
    assert_eq!(judge(request().most_intermediate_bytes(1000), &chain5), "!too-long");
    let bulky = Extension::new("1.3.6.1.4.1.99999.1".parse().unwrap(), false, vec![0x04; 9000]);
    let fat = |name: &str| root.intermediate_builder(name).extension(bulky.clone()).build().unwrap();
    let alice = fat("Fat CA").client("alice").issue().unwrap();
    assert_eq!(judge(request(), &alice), "staff");
    assert_eq!(judge(request().largest_certificate(8000), &alice), "!too-long");
}

#[test]
fn weak_keys_are_refused_wherever_they_are_on_the_path() {
    let strong = Authority::new("Strong CA").unwrap();
    let rsa = Authority::builder("RSA CA").key(KeyAlgorithm::Rsa2048).build().unwrap();
    let middle = strong.intermediate_builder("Middle CA").key(KeyAlgorithm::Rsa2048).build().unwrap();
    let cases = [
        (rsa.client("alice").issue().unwrap(), &rsa),
        (middle.client("alice").issue().unwrap(), &strong),
        (strong.client("alice").key(KeyAlgorithm::Rsa2048).issue().unwrap(), &strong),
    ];
    for (issued, root) in cases {
        let request = || ClientAuth::request(TrustAnchors::new().der("staff", root.certificate_der()));
        assert_eq!(judge(request(), &issued), "staff");
        assert_eq!(judge(request().smallest_rsa_key(3072), &issued), "!weak-key");
        let elliptic = strong.client("bob").issue().unwrap();
        let trusted = ClientAuth::request(TrustAnchors::new().der("staff", strong.certificate_der()));
        assert_eq!(judge(trusted.smallest_rsa_key(3072), &elliptic), "staff");
        let error = ClientTrust::builder(request().smallest_rsa_key(1024)).build().unwrap_err();
        assert_eq!(error, TlsError::SmallKeys { bits: 1024, smallest: 2048 });
    }
}

fn spki(der: &[u8]) -> Fingerprint {
    *Certificate::from_der(der).unwrap().spki_sha256()
}

#[test]
fn only_what_is_pinned_is_trusted_below_a_label() {
    let root = Authority::new("Example CA").unwrap();
    let other = Authority::new("Other CA").unwrap();
    let team = root.intermediate("Team CA").unwrap();
    let anchors =
        || TrustAnchors::new().der("staff", root.certificate_der()).der("others", other.certificate_der());
    let request = || ClientAuth::request(anchors());
    let [alice, bob] = ["alice", "bob"].map(|name| root.client(name).issue().unwrap());
    let member = team.client("carol").issue().unwrap();
    let stranger = other.client("dave").issue().unwrap();
    let by_key = || request().pin_spki("staff", [spki(alice.certificate_der())]);
    let by_issuer = || request().pin_spki("staff", [spki(team.certificate_der())]);
    let by_certificate = || request().pin_certificates("staff", [Fingerprint::of(bob.certificate_der())]);
    let both = || by_key().pin_certificates("staff", [Fingerprint::of(bob.certificate_der())]);
    for (client_auth, expected) in [
        (&by_key as &dyn Fn() -> ClientAuth, ["staff", "!not-pinned", "!not-pinned", "others"]),
        (&by_issuer, ["!not-pinned", "!not-pinned", "staff", "others"]),
        (&by_certificate, ["!not-pinned", "staff", "!not-pinned", "others"]),
        (&both, ["staff", "staff", "!not-pinned", "others"]),
    ] {
        let found = [&alice, &bob, &member, &stranger].map(|issued| judge(client_auth(), issued));
        assert_eq!(found, expected);
    }
    // An intermediate that is merely sent along does not help.
    let chain = [bob.chain_der(), member.chain_der().get(1..).unwrap()].concat();
    assert_eq!(judge(by_issuer(), &bob.clone().presenting(chain)), "!not-pinned");
    for (client_auth, expected) in [
        (request().pin_spki("staff", []), "nothing is pinned for the trust anchors `staff`"),
        (
            request().pin_spki("stuff", [spki(alice.certificate_der())]),
            "no trust anchor has the label `stuff`",
        ),
    ] {
        let error = ClientTrust::builder(client_auth).build().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[tokio::test]
async fn a_self_signed_client_is_trusted_only_if_it_is_pinned() {
    let site = Site::new();
    for name in ["selfsigned", "selfsigned_ca"] {
        let alice = site.authority.hostile(name).unwrap();
        let double = site.authority.hostile(name).unwrap();
        let pinned = || TrustAnchors::new().pinned_certificate("partner", alice.certificate_der());
        assert_eq!(judge(ClientAuth::request(site.anchors()), &alice).get(..1), Some("!"));
        // The same names with another key are somebody else.
        assert_eq!(judge(ClientAuth::request(pinned()), &double).get(..1), Some("!"));
        assert_eq!(judge(ClientAuth::request(pinned()), &alice), "partner");
        let acceptor = site.acceptor(ClientAuth::require(
            site.anchors().pinned_certificate("partner", alice.certificate_der()),
        ));
        let client = Client::with(&site.authority, &alice);
        let wallet = client.wallet();
        let outcome = meet(&acceptor, &client.config()).await;
        assert_eq!(outcome.word(), "verified", "{outcome:?}");
        // Its issuer is told to clients, so that browsers offer it.
        let subject = Certificate::from_der(alice.certificate_der()).unwrap();
        assert!(wallet.hints.lock().unwrap().iter().any(|hint| hint == subject.issuer_der()));
        // Whoever has a copy, but not the key, gets nowhere.
        let thief = Client::forger(
            &site.authority,
            alice.chain_der(),
            portcullis_tls::rustls::SignatureAlgorithm::ECDSA,
        );
        assert_eq!(meet(&acceptor, &thief.config()).await.word(), "!not-possessed");
        // It vouches for nobody else.
        let end = Certificate::from_der(alice.certificate_der()).unwrap().not_after();
        assert_eq!(outcome.word_at(end), "verified");
        assert_eq!(outcome.word_at(end + 1), "expired");
    }
    let expired = site.authority.client("alice").expired().issue().unwrap();
    let weak = TrustAnchors::new().pinned_certificate("partner", expired.certificate_der());
    let error = ClientTrust::builder(ClientAuth::request(weak)).build().unwrap_err();
    assert!(error.to_string().contains("expired: replace"), "{error}");
    let server_only = site.authority.hostile("server_eku").unwrap();
    let anchors = TrustAnchors::new().pinned_certificate("partner", server_only.certificate_der());
    assert_eq!(judge(ClientAuth::request(anchors), &server_only), "!not-for-clients");
}
