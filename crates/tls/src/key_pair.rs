//! The server's own certificate and its private key.

#[cfg(feature = "pkcs12")]
mod bundle;
mod error;
mod locked;
mod material;
mod unlock;

use std::fmt;
use std::path::PathBuf;

use portcullis_core::Certificate;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

pub use self::error::KeyPairError;
use self::material::KeyMaterial;
use self::unlock::Remembered;
use crate::Passphrase;
use crate::clock::Clock;
use crate::pem::Input;

const DAY: i64 = 24 * 60 * 60;

/// Certificates are renewed long before, unless something has gone wrong.
const EXPIRES_SOON: i64 = 30 * DAY;

/// A certificate chain, the server's own certificate first, and the private key that belongs to it.
///
/// Nothing is read before the configuration is built, so every fault is reported there. Keys are
/// PKCS#8, PKCS#1 (`RSA PRIVATE KEY`) or SEC1 (`EC PRIVATE KEY`), as PEM or DER. Keys that are
/// encrypted, as PKCS#8 or in OpenSSL's old way, are opened with a [`passphrase`](Self::passphrase).
///
/// Reading blocks: a key may be encrypted so that each try of a passphrase takes a second, and
/// somebody may have to type it. Build the configuration before the server runs, or on a thread that
/// may block. A certificate that expires within 30 days is a warning in the log.
///
/// # Security
///
/// If the key leaks, then whoever has it can pose as this server.
///
/// # Examples
///
/// ```
/// use portcullis_tls::{KeyPair, KeyPairError, ServerTls, TlsError};
///
/// # let server = portcullis_pki::Authority::new("Example CA")?.server().issue()?;
/// let good = KeyPair::from_pem(server.chain_pem()?, server.key_pem()?);
/// assert!(ServerTls::builder(good).build().is_ok());
///
/// let swapped = KeyPair::from_pem(server.key_pem()?, server.chain_pem()?);
/// let refused = ServerTls::builder(swapped).build();
/// assert!(matches!(refused, Err(TlsError::KeyPair(KeyPairError::NoCertificate { .. }))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeyPair {
    source: Source,
    passphrase: Option<Passphrase>,
    remembered: Remembered,
}

enum Source {
    Parts {
        chain: Chain,
        key: Key,
    },
    #[cfg(feature = "pkcs12")]
    Bundle(Input),
}

enum Chain {
    Pem(Input),
    Der(Vec<CertificateDer<'static>>),
}

enum Key {
    Pem(Input),
    Der(Vec<u8>),
}

/// What was read, and where it was found.
struct Loaded {
    chain: Vec<CertificateDer<'static>>,
    chain_origin: String,
    key: PrivateKeyDer<'static>,
    key_origin: String,
}

impl KeyPair {
    /// The certificates of one PEM file and the key of another one, or of the same one.
    ///
    /// The file with the key may also be DER.
    pub fn from_pem_files(certificates: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self::from_parts(Chain::Pem(Input::File(certificates.into())), Key::Pem(Input::File(key.into())))
    }

    /// Certificates and key in PEM.
    pub fn from_pem(certificates: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self::from_parts(Chain::Pem(Input::Memory(certificates.into())), Key::Pem(Input::Memory(key.into())))
    }

    /// Certificates and key in DER.
    pub fn from_der(
        certificates: impl IntoIterator<Item = impl Into<Vec<u8>>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        let certificates = certificates.into_iter().map(|der| CertificateDer::from(der.into()));
        Self::from_parts(Chain::Der(certificates.collect()), Key::Der(key.into()))
    }

    /// Key and certificates of one PKCS#12 file (`.p12`, `.pfx`).
    ///
    /// The certificate of the key comes first, then the ones that vouch for it; the root and whatever
    /// else is in the bundle are left out. Bundles with an empty passphrase need none to be set.
    #[cfg(feature = "pkcs12")]
    pub fn from_pkcs12_file(bundle: impl Into<PathBuf>) -> Self {
        Self::new(Source::Bundle(Input::File(bundle.into())))
    }

    /// Key and certificates of one PKCS#12 bundle, as by [`from_pkcs12_file`](Self::from_pkcs12_file).
    #[cfg(feature = "pkcs12")]
    pub fn from_pkcs12(bundle: impl Into<Vec<u8>>) -> Self {
        Self::new(Source::Bundle(Input::Memory(bundle.into())))
    }

    /// Where the passphrase of the key comes from. It is asked for only if the key is encrypted.
    #[must_use]
    pub fn passphrase(mut self, passphrase: Passphrase) -> Self {
        self.passphrase = Some(passphrase);
        self
    }

    /// Reads both, for a TLS client of this process that shows them.
    ///
    /// It blocks, as building the configuration of a server does.
    ///
    /// # Errors
    ///
    /// [`KeyPairError`] if certificate or key cannot be used, or do not belong together.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_tls::rustls::crypto::aws_lc_rs;
    /// use portcullis_tls::{KeyPair, KeyPairError};
    ///
    /// # let authority = portcullis_pki::Authority::new("Example CA")?;
    /// # let (alice, bob) = (authority.client("alice").issue()?, authority.client("bob").issue()?);
    /// let provider = aws_lc_rs::default_provider();
    /// let own = KeyPair::from_pem(alice.chain_pem()?, alice.key_pem()?);
    /// assert!(own.certified_key(&provider).is_ok());
    ///
    /// let of_two = KeyPair::from_pem(alice.chain_pem()?, bob.key_pem()?);
    /// assert!(matches!(of_two.certified_key(&provider), Err(KeyPairError::Mismatch { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn certified_key(&self, provider: &CryptoProvider) -> Result<CertifiedKey, KeyPairError> {
        self.load(provider, Clock::default().now())
    }

    fn from_parts(chain: Chain, key: Key) -> Self {
        Self::new(Source::Parts { chain, key })
    }

    fn new(source: Source) -> Self {
        Self { source, passphrase: None, remembered: Remembered::default() }
    }

    /// The files that certificates, key and passphrase are read from.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let inputs = match &self.source {
            Source::Parts { chain, key } => {
                let chain = match chain {
                    Chain::Pem(input) => Some(input),
                    Chain::Der(_) => None,
                };
                let key = match key {
                    Key::Pem(input) => Some(input),
                    Key::Der(_) => None,
                };
                [chain, key]
            }
            #[cfg(feature = "pkcs12")]
            Source::Bundle(input) => [Some(input), None],
        };
        let passphrase = self.passphrase.as_ref().and_then(Passphrase::followed_file);
        let inputs = inputs.into_iter().flatten().filter_map(Input::file);
        inputs.chain(passphrase).map(PathBuf::from).collect()
    }

    /// Reads both, and checks that they belong together. It blocks.
    pub(crate) fn load(&self, provider: &CryptoProvider, now: i64) -> Result<CertifiedKey, KeyPairError> {
        let Loaded { chain, chain_origin, key, key_origin } = self.read()?;
        let certificates = parse_chain(&chain, &chain_origin)?;
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|_| KeyPairError::UnusableKey { origin: key_origin.clone() })?;
        let position = match key.public_key() {
            Some(public_key) => {
                certificates.iter().position(|certificate| certificate.spki_der() == public_key.as_ref())
            }
            // A key that keeps that to itself, as in hardware.
            None => Some(0),
        };
        let Some(position) = position else {
            return Err(KeyPairError::Mismatch { certificates: chain_origin, key: key_origin });
        };
        if let Some(own) = certificates.get(position) {
            warn_of_expiry(own, &chain_origin, now);
        }
        match &self.source {
            #[cfg(feature = "pkcs12")]
            Source::Bundle(_) => Ok(CertifiedKey::new(bundle::arrange(&chain, &certificates, position), key)),
            Source::Parts { .. } if position > 0 => {
                Err(KeyPairError::Order { origin: chain_origin, position: position + 1 })
            }
            Source::Parts { .. } => Ok(CertifiedKey::new(chain, key)),
        }
    }

    fn read(&self) -> Result<Loaded, KeyPairError> {
        let passphrase = self.passphrase.as_ref();
        match &self.source {
            Source::Parts { chain, key } => {
                let (chain, chain_origin) = chain.read()?;
                let (key, key_origin) = key.read()?;
                let key = match key {
                    KeyMaterial::Plain(key) => {
                        if passphrase.is_some() {
                            tracing::info!(
                                target: "portcullis::tls",
                                "the private key in {key_origin} is not encrypted: its passphrase is not asked for"
                            );
                        }
                        key
                    }
                    KeyMaterial::Locked(locked) => {
                        let open = |passphrase: &[u8]| Ok(locked.open(passphrase));
                        let key = self.remembered.unlock(passphrase, &key_origin, open)?;
                        locked.warn_if_weak(&key_origin);
                        key
                    }
                };
                Ok(Loaded { chain, chain_origin, key, key_origin })
            }
            #[cfg(feature = "pkcs12")]
            Source::Bundle(input) => {
                let (bytes, origin) = input.read("the PKCS#12 bundle of the server")?;
                let (chain, key) = bundle::read(&bytes, &origin, passphrase, &self.remembered)?;
                Ok(Loaded { chain, chain_origin: origin.clone(), key, key_origin: origin })
            }
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("KeyPair");
        match &self.source {
            Source::Parts { chain, key } => {
                let certificates = match chain {
                    Chain::Pem(input) => input.origin("PEM"),
                    Chain::Der(_) => "DER".into(),
                };
                let key = match key {
                    Key::Pem(input) => input.origin("PEM"),
                    Key::Der(_) => "DER".into(),
                };
                shown.field("certificates", &certificates).field("key", &key);
            }
            #[cfg(feature = "pkcs12")]
            Source::Bundle(input) => {
                shown.field("bundle", &input.origin("PKCS#12"));
            }
        }
        shown.field("passphrase", &self.passphrase).finish()
    }
}

fn parse_chain(chain: &[CertificateDer<'_>], origin: &str) -> Result<Vec<Certificate>, KeyPairError> {
    if chain.is_empty() {
        return Err(KeyPairError::NoCertificate { origin: origin.to_owned(), found: "nothing".into() });
    }
    let parse = |(index, der): (usize, &CertificateDer<'_>)| {
        Certificate::from_der(der).map_err(|error| KeyPairError::Certificate {
            origin: origin.to_owned(),
            position: index + 1,
            reason: error.to_string(),
        })
    };
    chain.iter().enumerate().map(parse).collect()
}

/// A matter for the clients, and for whoever runs the tests of tomorrow.
fn warn_of_expiry(own: &Certificate, origin: &str, now: i64) {
    let remaining = own.not_after().saturating_sub(now);
    if !own.is_valid_at(now) {
        tracing::warn!(target: "portcullis::tls", "the server's certificate in {origin} is out of date");
    } else if remaining < EXPIRES_SOON {
        let days = remaining / DAY;
        tracing::warn!(
            target: "portcullis::tls",
            days,
            "the server's certificate in {origin} expires in less than {} days: renew it", days + 1
        );
    }
}
