//! Keys and certificates that a path must have, by the label of its anchor.

use portcullis_core::Certificate;
use portcullis_core::certificate::Fingerprint;

use crate::TlsError;
use crate::trust_anchors::AnchorSet;

/// Which paths are trusted below the anchors of a label, of all that lead there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pins(Vec<Pin>);

#[derive(Debug, Clone)]
struct Pin {
    label: String,
    kind: PinKind,
    fingerprints: Vec<Fingerprint>,
}

/// What a fingerprint is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PinKind {
    PublicKey,
    Certificate,
}

impl Pins {
    pub(crate) fn add(&mut self, label: String, kind: PinKind, fingerprints: Vec<Fingerprint>) {
        self.0.push(Pin { label, kind, fingerprints });
    }

    /// Whether one of these certificates is pinned, or nothing is under this label.
    pub(super) fn allow<'a>(&self, label: &str, path: impl Iterator<Item = &'a Certificate> + Clone) -> bool {
        let mut pins = self.0.iter().filter(|pin| pin.label == label).peekable();
        pins.peek().is_none() || pins.any(|pin| path.clone().any(|certificate| pin.fits(certificate)))
    }

    /// Whether all labels are known and have pins, so that somebody can be trusted.
    pub(super) fn check(&self, anchors: &AnchorSet) -> Result<(), TlsError> {
        for Pin { label, fingerprints, .. } in &self.0 {
            if fingerprints.is_empty() {
                return Err(TlsError::NoPins { label: label.clone() });
            }
            if !anchors.all_facts().any(|facts| facts.anchor.label() == label) {
                return Err(TlsError::PinnedLabel { label: label.escape_debug().to_string() });
            }
        }
        Ok(())
    }
}

impl Pin {
    fn fits(&self, certificate: &Certificate) -> bool {
        let fingerprint = match self.kind {
            PinKind::PublicKey => certificate.spki_sha256(),
            PinKind::Certificate => certificate.sha256(),
        };
        self.fingerprints.contains(fingerprint)
    }
}
