//! Clients that send whatever certificate they are told to, with whatever key.

use std::sync::{Arc, Mutex};

use portcullis_pki::{Authority, Issued};
use portcullis_tls::rustls::client::ResolvesClientCert;
use portcullis_tls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use portcullis_tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use portcullis_tls::rustls::sign::{CertifiedKey, Signer, SigningKey};
use portcullis_tls::rustls::version::{TLS12, TLS13};
use portcullis_tls::rustls::{
    ClientConfig, Error, RootCertStore, SignatureAlgorithm, SignatureScheme, SupportedProtocolVersion,
};

pub(crate) const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A client that trusts this authority for servers.
pub(crate) struct Client<'a> {
    authority: &'a Authority,
    version: Option<&'static SupportedProtocolVersion>,
    wallet: Wallet,
    provider: Arc<CryptoProvider>,
}

/// What a client has to show; it can be given to a client that is at work already.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wallet {
    key: Arc<Mutex<Option<Arc<CertifiedKey>>>>,
    /// The names of authorities that the server told last.
    pub(crate) hints: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Wallet {
    pub(crate) fn import(&self, issued: &Issued) {
        let key = PrivateKeyDer::try_from(issued.key_der().to_vec()).unwrap();
        self.import_pair(issued.chain_der(), key);
    }

    fn import_pair(&self, certificates: &[Vec<u8>], key: PrivateKeyDer<'static>) {
        let key = aws_lc_rs::default_provider().key_provider.load_private_key(key).unwrap();
        self.put(CertifiedKey::new(chain(certificates), key));
    }

    fn put(&self, key: CertifiedKey) {
        *self.key.lock().unwrap() = Some(Arc::new(key));
    }
}

impl<'a> Client<'a> {
    /// One without a certificate.
    pub(crate) fn anonymous(authority: &'a Authority) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        Self { authority, version: None, wallet: Wallet::default(), provider }
    }

    /// One with this certificate and key, whether they fit or not.
    pub(crate) fn with(authority: &'a Authority, issued: &Issued) -> Self {
        let client = Self::anonymous(authority);
        client.wallet.import(issued);
        client
    }

    /// One with this certificate and key from elsewhere.
    pub(crate) fn with_pair(
        authority: &'a Authority,
        certificates: &[Vec<u8>],
        key: PrivateKeyDer<'static>,
    ) -> Self {
        let client = Self::anonymous(authority);
        client.wallet.import_pair(certificates, key);
        client
    }

    /// One with this certificate that signs with nothing but zeros.
    pub(crate) fn forger(
        authority: &'a Authority,
        certificates: &[Vec<u8>],
        algorithm: SignatureAlgorithm,
    ) -> Self {
        let client = Self::anonymous(authority);
        client.wallet.put(CertifiedKey::new(chain(certificates), Arc::new(Zeros(algorithm))));
        client
    }

    pub(crate) fn wallet(&self) -> Wallet {
        self.wallet.clone()
    }

    pub(crate) fn version(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.version = Some(version);
        self
    }

    pub(crate) fn provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.provider = provider;
        self
    }

    pub(crate) fn config(self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.authority.certificate_der().to_vec())).unwrap();
        let versions = self.version.map_or(VERSIONS.to_vec(), |version| vec![version]);
        let config = ClientConfig::builder_with_provider(self.provider)
            .with_protocol_versions(&versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_client_cert_resolver(Arc::new(self.wallet));
        Arc::new(config)
    }
}

fn chain(certificates: &[Vec<u8>]) -> Vec<CertificateDer<'static>> {
    certificates.iter().map(|der| CertificateDer::from(der.clone())).collect()
}

/// Sends the same certificate to everybody, never mind the names of authorities.
impl ResolvesClientCert for Wallet {
    fn resolve(&self, hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        *self.hints.lock().unwrap() = hints.iter().map(|hint| hint.to_vec()).collect();
        self.key.lock().unwrap().clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A key for those who have none.
#[derive(Debug)]
struct Zeros(SignatureAlgorithm);

impl SigningKey for Zeros {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let wanted = match self.0 {
            SignatureAlgorithm::RSA => SignatureScheme::RSA_PSS_SHA256,
            _ => SignatureScheme::ECDSA_NISTP256_SHA256,
        };
        offered.contains(&wanted).then(|| Box::new(ZeroSigner(wanted)) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0
    }
}

#[derive(Debug)]
struct ZeroSigner(SignatureScheme);

impl Signer for ZeroSigner {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(vec![0; 128])
    }

    fn scheme(&self) -> SignatureScheme {
        self.0
    }
}
