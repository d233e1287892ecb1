//! Keys that are too weak, and signatures over weak hashes.

use std::path::PathBuf;

use portcullis_core::Peer;
use portcullis_tls::rustls::SignatureAlgorithm;
use portcullis_tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use portcullis_tls::{ClientAuth, TlsError, TrustAnchors, TrustAnchorsError};

use crate::client::{Client, VERSIONS};
use crate::site::{Site, meet, now};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn der(name: &str) -> Vec<u8> {
    CertificateDer::from_pem_file(fixture(name)).unwrap().to_vec()
}

#[tokio::test]
async fn weak_clients_are_refused_and_told_why() {
    let site = Site::new();
    let anchors = || TrustAnchors::new().pem_file("fixture", fixture("ca.pem"));
    let cases = [
        (vec!["sha1"], "signature-algorithm", "the signature algorithm ECDSA with SHA-1 is not accepted"),
        (vec!["below1024", "inter1024"], "weak-key", "its key is too weak (RSA 1024, of an issuer)"),
    ];
    for (chain, code, words) in cases {
        let key = PrivateKeyDer::from_pem_file(fixture(&format!("{}.key", chain[0]))).unwrap();
        let chain: Vec<_> = chain.iter().map(|name| der(&format!("{name}.pem"))).collect();
        for version in VERSIONS {
            let client =
                Client::with_pair(&site.authority, &chain, key.clone_key()).version(version).config();
            for mode in [ClientAuth::require, ClientAuth::if_given] {
                let error = meet(&site.acceptor(mode(anchors())), &client).await.server.unwrap_err();
                assert_eq!(error.code(), code);
                assert!(error.to_string().ends_with(words), "{error}");
            }
            let outcome = meet(&site.acceptor(ClientAuth::request(anchors())), &client).await;
            let Peer::Untrusted { reason, .. } = outcome.peer_at(now()) else { panic!("{outcome:?}") };
            assert_eq!((reason.code(), reason.to_string().as_str()), (code, words));
        }
    }
}

/// No provider checks signatures of such a key, so `request` cannot let it in either.
#[tokio::test]
async fn a_key_that_is_too_small_proves_nothing() {
    let site = Site::new();
    for mode in [ClientAuth::require, ClientAuth::if_given, ClientAuth::request] {
        let acceptor = site.acceptor(mode(TrustAnchors::new().pem_file("fixture", fixture("ca.pem"))));
        for version in VERSIONS {
            let client = Client::forger(&site.authority, &[der("rsa1024.pem")], SignatureAlgorithm::RSA);
            let outcome = meet(&acceptor, &client.version(version).config()).await;
            let error = outcome.server.unwrap_err();
            assert!(error.to_string().ends_with("its key is too weak (RSA 1024)"), "{error}");
            assert!(outcome.client.answer.is_err());
        }
    }
}

#[test]
fn weak_anchors_are_refused() {
    let site = Site::new();
    let cases = [("root1024.pem", "RSA 1024"), ("rootp192.pem", "EC P-192")];
    for (file, expected) in cases {
        let anchors = TrustAnchors::new().pem_file("staff", fixture(file));
        let error = site.builder().client_auth(ClientAuth::require(anchors)).build().unwrap_err();
        let TlsError::TrustAnchors(TrustAnchorsError::WeakKey { key, .. }) = error else { panic!("{error}") };
        assert_eq!(key, expected);
    }
    // Not pretty, but not weak either.
    let anchors = TrustAnchors::new().pem_file("staff", fixture("exponent3.pem"));
    assert!(site.builder().client_auth(ClientAuth::require(anchors)).build().is_ok());
}

#[test]
fn odd_exponents_are_refused() {
    let site = Site::new();
    let good = portcullis_pki::Authority::builder("Odd CA")
        .key(portcullis_pki::KeyAlgorithm::Rsa2048)
        .build()
        .unwrap()
        .certificate_der()
        .to_vec();
    let place = good.windows(5).position(|bytes| bytes == [2, 3, 1, 0, 1]).unwrap();
    // Even, and no exponent of RSA.
    let mut even = good.clone();
    even[place + 4] = 0;
    for (der, expected) in [(good, None), (even, Some("RSA 2048 with exponent 65536"))] {
        let anchors = TrustAnchors::new().der("staff", der);
        match site.builder().client_auth(ClientAuth::require(anchors)).build() {
            Ok(_) => assert_eq!(expected, None),
            Err(TlsError::TrustAnchors(TrustAnchorsError::WeakKey { key, .. })) => {
                assert_eq!(Some(&*key), expected)
            }
            Err(error) => panic!("{error}"),
        }
    }
}
