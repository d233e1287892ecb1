//! The client's side of a handshake, with whatever certificate and key a case presents.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use anyhow::Result;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme, version};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::case::{Http, Tls};
use crate::fixtures::{Credentials, fixtures};

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// A client configuration that trusts the servers of the fixtures and remembers no session.
///
/// # Errors
///
/// If the key cannot sign.
pub fn config(credentials: Option<&Credentials>, http: Http, tls: Tls) -> Result<ClientConfig> {
    config_of(Arc::clone(&PROVIDER), credentials, http, tls)
}

/// The same with other cryptography.
///
/// # Errors
///
/// As [`config`], and if it has nothing for this version of TLS.
pub fn config_of(
    provider: Arc<CryptoProvider>,
    credentials: Option<&Credentials>,
    http: Http,
    tls: Tls,
) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(fixtures()?.service.certificate_der().to_vec().into())?;
    let versions = match tls {
        Tls::Two => &[&version::TLS12],
        Tls::Three => &[&version::TLS13],
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_root_certificates(roots);
    let mut config = match credentials {
        None => config.with_no_client_auth(),
        Some(credentials) => config.with_client_cert_resolver(Arc::new(Always(certified(credentials)?))),
    };
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![match http {
        Http::One => b"http/1.1".to_vec(),
        Http::Two => b"h2".to_vec(),
    }];
    Ok(config)
}

/// A handshake with a server of the fixtures.
///
/// In TLS 1.3 it succeeds although the server is about to refuse the client: read before you believe it.
///
/// # Errors
///
/// If nobody listens, or the handshake fails.
pub async fn connect(address: SocketAddr, config: Arc<ClientConfig>) -> Result<TlsStream<TcpStream>> {
    connect_as("localhost", address, config).await
}

/// A handshake with a server by one of its names.
///
/// # Errors
///
/// As [`connect`], and if that is no name.
pub async fn connect_as(
    name: &str,
    address: SocketAddr,
    config: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name.to_owned())?;
    Ok(TlsConnector::from(config).connect(name, super::tcp(address).await?).await?)
}

/// Chain and key without a look at the certificate: some of them are meant to be unreadable.
fn certified(credentials: &Credentials) -> Result<Arc<CertifiedKey>> {
    let key = PrivateKeyDer::try_from(credentials.key.key_der().to_vec()).map_err(anyhow::Error::msg)?;
    let key = PROVIDER.key_provider.load_private_key(key)?;
    let chain = credentials.chain.iter().map(|der| der.clone().into()).collect();
    Ok(Arc::new(CertifiedKey::new(chain, key)))
}

/// Presents the same chain to everybody, whatever authorities the server names.
struct Always(Arc<CertifiedKey>);

impl ResolvesClientCert for Always {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for Always {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Always")
    }
}
