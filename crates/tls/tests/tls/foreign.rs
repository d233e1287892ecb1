//! Connections that were made under somebody else's rustls configuration.

use std::sync::Arc;

use portcullis_pki::Authority;
use portcullis_tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use portcullis_tls::rustls::server::WebPkiClientVerifier;
use portcullis_tls::rustls::{RootCertStore, ServerConfig, crypto::aws_lc_rs};
use portcullis_tls::{ClientAuth, HandshakeError, ServerTls, TlsConnection};
use tokio::net::{TcpListener, TcpStream};

use crate::client::Client;
use crate::site::{Site, answer, call, now, peer_at, word};

/// A configuration for the same server that trusts another authority, or asks for nothing.
fn foreign(site: &Site, trusted: Option<&Authority>) -> Arc<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = match trusted {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(trusted) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from(trusted.certificate_der().to_vec())).unwrap();
            WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build().unwrap()
        }
    };
    let chain = site.server.chain_der().iter().map(|der| CertificateDer::from(der.clone())).collect();
    let key = PrivateKeyDer::try_from(site.server.key_der().to_vec()).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap())
}

/// What we make of alice, whom this authority certified, after a handshake under that configuration.
async fn judge(
    site: &Site,
    tls: &ServerTls,
    config: Arc<ServerConfig>,
    issuer: &Authority,
) -> Result<TlsConnection, HandshakeError> {
    let client = Client::with(&site.authority, &issuer.client("alice").issue().unwrap()).config();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let client = tokio::spawn(call(tcp, client));
    let (tcp, peer) = listener.accept().await.unwrap();
    let stream = tokio_rustls::TlsAcceptor::from(config).accept(tcp).await.unwrap();
    let judged = tls.connection(stream.get_ref().1, Some(peer));
    answer(stream).await;
    client.await.unwrap().answer.unwrap();
    judged
}

#[tokio::test]
async fn a_foreign_configuration_vouches_for_nobody() {
    let site = Site::new();
    let other = Authority::new("Other CA").unwrap();
    let strict = site.acceptor(ClientAuth::require(site.anchors())).tls().clone();
    let soft = site.acceptor(ClientAuth::request(site.anchors())).tls().clone();
    let refused = async |config, issuer| judge(&site, &strict, config, issuer).await.unwrap_err().code();
    assert_eq!(refused(foreign(&site, Some(&other)), &other).await, "unknown-issuer");
    assert_eq!(refused(foreign(&site, None), &site.authority).await, "certificate-required");
    let let_in = async |config, issuer| {
        let connection = judge(&site, &soft, config, issuer).await.unwrap();
        word(&peer_at(&connection, now()))
    };
    assert_eq!(let_in(foreign(&site, Some(&other)), &other).await, "unknown-issuer");
    assert_eq!(let_in(foreign(&site, None), &site.authority).await, "anonymous");
    // What rustls itself has checked holds here, too.
    assert_eq!(let_in(foreign(&site, Some(&site.authority)), &site.authority).await, "verified");
}
