//! The authorities that client certificates are judged by.

mod error;
mod set;

use std::fmt;
use std::path::PathBuf;

use rustls::crypto::WebPkiSupportedAlgorithms;

pub use self::error::TrustAnchorsError;
pub(crate) use self::set::{AnchorFacts, AnchorSet};
use crate::pem::{self, Input};

/// Certificates of the authorities that are trusted to vouch for clients, each under a label.
///
/// The label is what policies speak of: it names the authority that really vouched, whatever the
/// issuer field of a client's certificate says. Nothing is read before the configuration is built.
/// Then every certificate is judged: it must be one of an authority, in date, with a strong key.
///
/// # Security
///
/// If an authority is listed here, then whoever it certifies gets in as far as the policy goes.
///
/// # Examples
///
/// ```
/// use portcullis_tls::{ClientAuth, KeyPair, ServerTls, TlsError, TrustAnchors, TrustAnchorsError};
///
/// # let staff = portcullis_pki::Authority::new("Staff CA")?;
/// # let server = staff.server().issue()?;
/// # let key_pair = || KeyPair::from_der(server.chain_der().to_vec(), server.key_der());
/// let anchors = TrustAnchors::new().pem("staff", staff.certificate_pem()?);
/// assert!(ServerTls::builder(key_pair()).client_auth(ClientAuth::require(anchors)).build().is_ok());
///
/// // The certificate of a server is no anchor.
/// let anchors = TrustAnchors::new().der("staff", server.certificate_der());
/// let refused = ServerTls::builder(key_pair()).client_auth(ClientAuth::require(anchors)).build();
/// assert!(matches!(refused, Err(TlsError::TrustAnchors(TrustAnchorsError::NotAuthority { .. }))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct TrustAnchors {
    sources: Vec<Source>,
}

#[derive(Clone)]
struct Source {
    label: String,
    input: Input,
    is_der: bool,
    /// Whether these are certificates of clients themselves.
    is_pinned: bool,
}

impl TrustAnchors {
    /// No anchors yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the certificates of a PEM file.
    pub fn pem_file(self, label: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.with(label.into(), Input::File(path.into()), false, false)
    }

    /// Adds the certificates of a PEM text.
    pub fn pem(self, label: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(label.into(), Input::Memory(bytes.into()), false, false)
    }

    /// Adds one certificate in DER.
    pub fn der(self, label: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(label.into(), Input::Memory(bytes.into()), true, false)
    }

    /// Trusts one client by its very certificate, in DER, whoever has signed it.
    ///
    /// It is the way for certificates that their owners have signed themselves. It must be in date,
    /// have a strong key, and fit for clients if it says what it is for.
    ///
    /// # Security
    ///
    /// If its key leaks, then whoever has it gets in until the certificate is taken out here: no issuer
    /// revokes it.
    pub fn pinned_certificate(self, label: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(label.into(), Input::Memory(bytes.into()), true, true)
    }

    /// Trusts clients by the very certificates of a PEM file, as
    /// [`pinned_certificate`](Self::pinned_certificate).
    pub fn pinned_certificate_file(self, label: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.with(label.into(), Input::File(path.into()), false, true)
    }

    fn with(mut self, label: String, input: Input, is_der: bool, is_pinned: bool) -> Self {
        self.sources.push(Source { label, input, is_der, is_pinned });
        self
    }

    /// The files that they are read from.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.sources.iter().filter_map(|source| source.input.file()).map(PathBuf::from)
    }

    /// Reads and judges all of them.
    ///
    /// What has expired is an error at start. In a reload it vouches for nobody and is warned of: it
    /// would keep everything else from being replaced, such as a list of who is blocked.
    pub(crate) fn load(
        &self,
        now: i64,
        supported: &WebPkiSupportedAlgorithms,
        is_reload: bool,
    ) -> Result<AnchorSet, TrustAnchorsError> {
        let mut loading = set::Loading::new(now, supported, is_reload);
        for source in &self.sources {
            source.load(&mut loading)?;
        }
        loading.finish()
    }
}

impl Source {
    fn load(&self, loading: &mut set::Loading<'_>) -> Result<(), TrustAnchorsError> {
        if self.label.trim().is_empty() || self.label.chars().any(char::is_control) {
            return Err(TrustAnchorsError::Label { label: self.label.escape_debug().to_string() });
        }
        let what = format!("the trust anchors `{}`", self.label);
        let (bytes, origin) = self.input.read(&what)?;
        if self.is_der {
            return self.add(loading, bytes, &origin);
        }
        let mut certificates = 0;
        for block in pem::blocks(&bytes, &origin)? {
            if block.label != "CERTIFICATE" {
                return Err(TrustAnchorsError::ForeignBlock { origin, line: block.line, label: block.label });
            }
            certificates += 1;
            let place = format!("certificate {certificates} in {origin} (line {})", block.line);
            self.add(loading, block.der(&origin)?, &place)?;
        }
        Ok(())
    }

    fn add(
        &self,
        loading: &mut set::Loading<'_>,
        der: Vec<u8>,
        place: &str,
    ) -> Result<(), TrustAnchorsError> {
        if self.is_pinned {
            loading.pin(&self.label, der, place)
        } else {
            loading.add(&self.label, der, place)
        }
    }
}

impl fmt::Debug for TrustAnchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = self.sources.iter().map(|source| (&source.label, source.input.origin("bytes")));
        f.debug_map().entries(sources).finish()
    }
}
