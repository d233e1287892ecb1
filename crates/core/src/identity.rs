//! A certificate that somebody vouched for.

use std::fmt;
use std::sync::Arc;

use crate::certificate::{Certificate, Fingerprint};

/// A certificate that was proven to belong to the caller, and who vouched for it.
///
/// There are three doors. The TLS crate makes one after a handshake that proved possession of the
/// key and a path to a trust anchor; a trusted proxy's header makes one with its own
/// [`Provenance`]; and [`Identity::assertion`] makes one from nothing, for tests and exotic set-ups.
///
/// Cloning is cheap.
#[derive(Clone)]
pub struct Identity(Arc<Proven>);

struct Proven {
    certificate: Certificate,
    anchor: Anchor,
    provenance: Provenance,
}

impl Identity {
    /// An identity that the TLS handshake or a trusted proxy has proven.
    ///
    /// # Security
    ///
    /// If anything but a verified end-entity certificate is passed in, its holder is believed to be
    /// whoever the certificate names. Only the TLS crate and the forwarded-header decoders call this.
    #[must_use]
    pub fn vouched(certificate: Certificate, anchor: Anchor, provenance: Provenance) -> Self {
        Self(Arc::new(Proven { certificate, anchor, provenance }))
    }

    /// An identity that is simply claimed, under the anchor label given.
    ///
    /// # Security
    ///
    /// If this is called outside of tests, whoever supplies the certificate gets in without a proof.
    /// Rules can tell it by its provenance, [`Provenance::Asserted`].
    #[must_use]
    pub fn assertion(certificate: Certificate, anchor_label: &str) -> Self {
        Self::vouched(certificate, Anchor::new(anchor_label, None), Provenance::Asserted)
    }

    /// The end-entity certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.0.certificate
    }

    /// The trust anchor that really vouched, whatever the certificate's issuer field says.
    #[must_use]
    pub fn anchor(&self) -> &Anchor {
        &self.0.anchor
    }

    /// How the proof reached this service.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.0.provenance
    }

    /// Whether both are the outcome of the same verification, not merely equal.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificate", &self.0.certificate)
            .field("anchor", &self.0.anchor)
            .field("provenance", &self.0.provenance)
            .finish()
    }
}

/// The trust anchor that a verified path ended in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    label: Arc<str>,
    spki_sha256: Option<Fingerprint>,
    has_siblings: bool,
}

impl Anchor {
    /// An anchor by the label that the operator gave it and the SHA-256 of its public key.
    #[must_use]
    pub fn new(label: &str, spki_sha256: Option<Fingerprint>) -> Self {
        Self { label: label.into(), spki_sha256, has_siblings: false }
    }

    /// Notes that the same configuration also trusts anchors under another label.
    ///
    /// Names of two anchors must not mix, so callers of such a configuration have a name only if
    /// the policy says for each label which field names them.
    #[must_use]
    pub fn among_others(mut self, has_siblings: bool) -> Self {
        self.has_siblings = has_siblings;
        self
    }

    /// The operator's label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// SHA-256 of the anchor's SubjectPublicKeyInfo; absent for asserted identities.
    #[must_use]
    pub fn spki_sha256(&self) -> Option<&Fingerprint> {
        self.spki_sha256.as_ref()
    }

    pub(crate) fn has_siblings(&self) -> bool {
        self.has_siblings
    }
}

/// How an identity was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provenance {
    /// By the client itself, in the TLS handshake of this connection.
    Tls,
    /// By a trusted proxy, which passed the certificate on.
    Forwarded {
        /// Who the proxy is.
        by: Arc<str>,
    },
    /// By nobody: [`Identity::assertion`].
    Asserted,
}

impl Provenance {
    /// One word for logs and responses: `tls`, `forwarded` or `asserted`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Forwarded { .. } => "forwarded",
            Self::Asserted => "asserted",
        }
    }
}
