//! Every mode, with every kind of client, in both versions of TLS.

use portcullis_core::Peer;
use portcullis_pki::{DistinguishedName, KeyAlgorithm, RawCertificate, hostile};
use portcullis_tls::{ClientAuth, HandshakeError, TrustAnchors};

use crate::client::{Client, VERSIONS};
use crate::site::{Site, meet, now};

type Mode = fn(TrustAnchors) -> ClientAuth;

/// What becomes of a certificate: the verdict, and `proof` if the key cannot be checked either, so
/// that not even `request` lets it in.
const VERDICTS: &[(&str, &str)] = &[
    ("good", "verified"),
    ("no_eku", "not-for-clients"),
    ("server_eku", "not-for-clients"),
    ("any_eku", "not-for-clients"),
    ("email_eku", "not-for-clients"),
    ("ku_no_ds", "key-usage"),
    ("ku_absent", "verified"),
    ("leaf_is_ca", "authority-as-client"),
    ("no_bc", "verified"),
    ("v1", "version"),
    ("v1_extensions", "malformed, no proof"),
    ("crit_ext", "critical-extension"),
    ("dup_ext", "malformed, no proof"),
    ("san_garbage", "malformed, no proof"),
    ("selfsigned", "unknown-issuer"),
    ("selfsigned_ca", "authority-as-client"),
    ("empty_dn_san", "verified"),
    ("spiffe_ca", "authority-as-client"),
    ("big15k", "verified"),
    ("big40k", "malformed"),
    ("many_extensions", "malformed"),
    ("expired_leaf", "expired"),
    ("future_leaf", "not-yet-valid"),
    ("expired_inter", "expired"),
    ("missing_inter", "unknown-issuer"),
    ("inter_not_ca", "issuer-not-authority"),
    ("inter_no_bc", "issuer-not-authority"),
    ("inter_no_certsign", "issuer-not-authority"),
    ("inter_server_eku", "not-for-clients"),
    ("inter_is_leaf", "issuer-not-authority"),
    ("pathlen", "too-long"),
    ("chain1", "verified"),
    ("chain5", "verified"),
    ("chain6", "too-long"),
    ("chain7", "too-long"),
    ("chain10", "too-long"),
    ("junk10", "too-long"),
    ("junk100", "too-long"),
    ("forged_third", "verified"),
    ("forged_first", "unknown-issuer"),
    ("with_root", "verified"),
    ("otherca", "bad-signature"),
    ("under_exproot", "unknown-issuer"),
    ("under_notcaroot", "unknown-issuer"),
    // webpki can follow constraints on DNS names only, and refuses what it cannot follow.
    ("nc_dns_ok", "verified"),
    ("nc_dns_bad", "name-constraint"),
    ("nc_dns_wild", "verified"),
    ("nc_dns_cn_only", "verified"),
    ("nc_uri_ok", "name-constraint"),
    ("nc_uri_bad", "name-constraint"),
    ("nc_email_ok", "name-constraint"),
    ("nc_email_bad", "name-constraint"),
    ("nc_dn_ok", "name-constraint"),
    ("nc_dn_bad", "name-constraint"),
];

/// What the server makes of a verdict, in the order of the modes below.
fn expected(verdict: &str) -> [String; 3] {
    match verdict.strip_suffix(", no proof") {
        Some(reason) => [(); 3].map(|()| format!("!{reason}")),
        None if verdict == "verified" => [(); 3].map(|()| verdict.to_owned()),
        None => [format!("!{verdict}"), format!("!{verdict}"), verdict.to_owned()],
    }
}

const MODES: [Mode; 3] = [ClientAuth::require, ClientAuth::if_given, ClientAuth::request];

#[tokio::test]
async fn each_certificate_gets_its_verdict_in_every_mode() {
    let site = Site::new();
    let acceptors = MODES.map(|mode| site.acceptor(mode(site.anchors())));
    let mut wrong = Vec::new();
    for (name, verdict) in VERDICTS {
        let issued = site.authority.hostile(name).unwrap();
        for (acceptor, expected) in acceptors.iter().zip(expected(verdict)) {
            for version in VERSIONS {
                let client = Client::with(&site.authority, &issued).version(version).config();
                let outcome = meet(acceptor, &client).await;
                let found = outcome.word();
                if found != expected || outcome.client.answer.is_ok() == found.starts_with('!') {
                    let mode = acceptor.tls();
                    wrong.push(format!("{name} {version:?} {mode:?}: {found}, not {expected}; {outcome:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn modes_agree_on_every_odd_certificate() {
    let site = Site::new();
    let require = site.acceptor(ClientAuth::require(site.anchors()));
    let request = site.acceptor(ClientAuth::request(site.anchors()));
    for name in hostile::NAMES.iter() {
        let issued = site.authority.hostile(name).unwrap();
        let client = Client::with(&site.authority, &issued).config();
        let (strict, soft) = (meet(&require, &client).await, meet(&request, &client).await);
        let is_verified = soft.word() == "verified";
        assert_eq!(strict.server.is_ok(), is_verified, "{name}: {strict:?} {soft:?}");
        assert_eq!(strict.client.answer.is_ok(), is_verified, "{name}: {strict:?}");
        assert_ne!(soft.word(), "anonymous", "{name}: {soft:?}");
    }
}

#[tokio::test]
async fn without_a_certificate() {
    let site = Site::new();
    let plain = site.builder().build().unwrap();
    for version in VERSIONS {
        let client = Client::anonymous(&site.authority).version(version).config();
        for (mode, expected) in MODES.iter().zip(["!certificate-required", "anonymous", "anonymous"]) {
            let outcome = meet(&site.acceptor(mode(site.anchors())), &client).await;
            assert_eq!(outcome.word(), expected, "{outcome:?}");
            assert_eq!(outcome.client.answer.is_ok(), expected == "anonymous", "{outcome:?}");
        }
        assert_eq!(meet(&plain.acceptor(&[]), &client).await.word(), "anonymous");
    }
    // Where none is asked for, none is looked at.
    let alice = site.authority.client("alice").issue().unwrap();
    let outcome = meet(&plain.acceptor(&[]), &Client::with(&site.authority, &alice).config()).await;
    assert_eq!(outcome.word(), "anonymous");
}

#[tokio::test]
async fn a_stolen_certificate_is_refused_in_every_mode() {
    let site = Site::new();
    // Good, unreadable for webpki in two ways, and unknown: whatever the verdict, the key decides.
    for name in ["good", "v1", "crit_ext", "otherca", "expired_leaf"] {
        let stolen = site.authority.hostile(name).unwrap();
        let thief = site.authority.client("mallory").issue().unwrap();
        let stolen = thief.presenting(stolen.chain_der().to_vec());
        for mode in MODES {
            for version in VERSIONS {
                let client = Client::with(&site.authority, &stolen).version(version).config();
                let outcome = meet(&site.acceptor(mode(site.anchors())), &client).await;
                assert!(outcome.client.answer.is_err(), "{name}: {outcome:?}");
                let error = outcome.server.unwrap_err();
                let is_known = matches!(error, HandshakeError::CertificateUntrusted { .. });
                assert!(is_known || error.code() == "not-possessed", "{name}: {error:?}");
                assert!(error.certificate().is_some(), "{name}: {error:?}");
            }
        }
    }
}

/// What webpki cannot read is checked with the bare key, whatever its kind.
#[tokio::test]
async fn old_certificates_prove_possession_with_every_kind_of_key() {
    let site = Site::new();
    let acceptor = site.acceptor(ClientAuth::request(site.anchors()));
    let keys = [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa2048, KeyAlgorithm::Ed25519];
    for key in keys {
        let old = || {
            let old = RawCertificate::new(DistinguishedName::common_name("alice")).version(1).key(key);
            old.issue(&site.authority).unwrap()
        };
        let (owner, other) = (old(), old());
        let thief = other.presenting(owner.chain_der().to_vec());
        for version in VERSIONS {
            for (issued, expected) in [(&owner, "version"), (&thief, "!not-possessed")] {
                let client = Client::with(&site.authority, issued).version(version).config();
                let outcome = meet(&acceptor, &client).await;
                assert_eq!(outcome.word(), expected, "{key:?} {version:?} {outcome:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_stolen_certificate_of_another_kind_of_key_is_refused() {
    let site = Site::new();
    let rsa = site.authority.client("alice").key(KeyAlgorithm::Rsa2048).issue().unwrap();
    let thief = site.authority.client("mallory").issue().unwrap();
    let stolen = thief.presenting(rsa.chain_der().to_vec());
    for version in VERSIONS {
        let client = Client::with(&site.authority, &stolen).version(version).config();
        let outcome = meet(&site.acceptor(ClientAuth::request(site.anchors())), &client).await;
        assert_eq!(outcome.word(), "!not-possessed", "{outcome:?}");
    }
}

#[tokio::test]
async fn identity_is_that_of_the_first_certificate_and_of_the_anchor_that_vouched() {
    let site = Site::new();
    let other = portcullis_pki::Authority::new("Example CA").unwrap();
    // The same name for both: only the key tells which one vouched.
    let anchors = site.anchors().der("guests", other.certificate_der());
    let acceptor = site.acceptor(ClientAuth::require(anchors));
    let forged = site.authority.hostile("forged_third").unwrap();
    let guest = other.client("alice").issue().unwrap();
    for (client, label, anchor) in [(&forged, "staff", &site.authority), (&guest, "guests", &other)] {
        let outcome = meet(&acceptor, &Client::with(&site.authority, client).config()).await;
        let Peer::Verified(identity) = outcome.peer_at(now()) else { panic!("{outcome:?}") };
        assert_eq!(identity.certificate().der(), client.certificate_der());
        assert_eq!(identity.anchor().label(), label);
        let anchor = portcullis_core::Certificate::from_der(anchor.certificate_der()).unwrap();
        assert_eq!(identity.anchor().spki_sha256(), Some(anchor.spki_sha256()));
        assert_eq!(identity.provenance(), &portcullis_core::Provenance::Tls);
        let info = outcome.info();
        assert_eq!((info.tls_version, info.resumed), (Some("TLSv1.3"), false));
        assert_eq!(info.server_name.as_deref(), Some("localhost"));
    }
}

#[tokio::test]
async fn danger_lets_in_what_it_says_and_no_more() {
    let site = Site::new();
    let absent = ClientAuth::request(site.anchors()).danger_allow_absent_extended_key_usage();
    let any = ClientAuth::request(site.anchors()).danger_allow_any_extended_key_usage();
    let usage = ClientAuth::request(site.anchors()).danger_ignore_key_usage();
    let cases = [
        (
            absent,
            vec![("no_eku", "verified"), ("any_eku", "not-for-clients"), ("server_eku", "not-for-clients")],
        ),
        (any, vec![("no_eku", "not-for-clients"), ("any_eku", "verified"), ("email_eku", "not-for-clients")]),
        (
            usage,
            vec![
                ("ku_no_ds", "verified"),
                ("inter_no_certsign", "verified"),
                ("leaf_is_ca", "authority-as-client"),
            ],
        ),
    ];
    for (client_auth, clients) in cases {
        let acceptor = site.acceptor(client_auth);
        for (name, expected) in clients {
            let issued = site.authority.hostile(name).unwrap();
            let outcome = meet(&acceptor, &Client::with(&site.authority, &issued).config()).await;
            assert_eq!(outcome.word(), expected, "{name}");
        }
    }
}

#[tokio::test]
async fn limits_can_be_moved() {
    let site = Site::new();
    let narrow = ClientAuth::request(site.anchors())
        .most_intermediates(1)
        .largest_certificate(1000)
        .most_alternative_names(2);
    let narrow = site.acceptor(narrow);
    let wide =
        site.acceptor(ClientAuth::request(site.anchors()).most_intermediates(6).largest_certificate(50_000));
    let two = site.authority.client("alice").dns("a.test").dns("b.test");
    let three = site.authority.client("alice").dns("a.test").dns("b.test").dns("c.test");
    let (two, three) = (two.issue().unwrap(), three.issue().unwrap());
    let hostile = |name| site.authority.hostile(name).unwrap();
    let cases = [
        (&narrow, hostile("chain1"), "verified"),
        (&narrow, hostile("chain5"), "too-long"),
        (&narrow, hostile("big15k"), "malformed"),
        (&narrow, two, "verified"),
        (&narrow, three, "malformed"),
        (&wide, hostile("chain6"), "verified"),
        (&wide, hostile("chain7"), "too-long"),
        (&wide, hostile("big40k"), "verified"),
    ];
    for (acceptor, issued, expected) in cases {
        let outcome = meet(acceptor, &Client::with(&site.authority, &issued).config()).await;
        assert_eq!(outcome.word(), expected, "{outcome:?}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_neither_read_nor_kept() {
    let site = Site::new();
    for (name, word, is_read) in [("big40k", "malformed", false), ("chain7", "too-long", true)] {
        let client = Client::with(&site.authority, &site.authority.hostile(name).unwrap()).config();
        let outcome = meet(&site.acceptor(ClientAuth::request(site.anchors())), &client).await;
        let Peer::Untrusted { certificate, reason } = outcome.peer_at(now()) else { panic!("{outcome:?}") };
        assert_eq!((reason.code(), certificate.is_some()), (word, is_read));
        let error =
            meet(&site.acceptor(ClientAuth::if_given(site.anchors())), &client).await.server.unwrap_err();
        assert_eq!((error.code(), error.certificate().is_some()), (word, is_read));
    }
}
