//! The issuers on paths, as far as revocation lists go.

use std::sync::{PoisonError, RwLock};

use portcullis_core::Certificate;
use rustls::pki_types::{SubjectPublicKeyInfoDer, TrustAnchor};
use webpki::Cert;

use crate::trust_anchors::AnchorSet;

/// Whoever has issued a certificate on a path.
pub(super) enum Issuer<'p> {
    Intermediate(&'p Cert<'p>),
    Anchor(&'p TrustAnchor<'p>),
}

impl Issuer<'_> {
    pub(super) fn key(&self) -> SubjectPublicKeyInfoDer<'static> {
        match self {
            Self::Intermediate(certificate) => certificate.subject_public_key_info(),
            Self::Anchor(anchor) => webpki::spki_for_anchor(anchor),
        }
    }
}

/// Which issuers may sign revocation lists: those whose key usage says so, or says nothing.
#[derive(Debug)]
pub(super) struct Signers {
    anchors: Vec<Known>,
    /// Intermediates that were seen. Only an anchor can make more of them.
    intermediates: RwLock<Vec<Known>>,
}

#[derive(Debug)]
struct Known {
    /// The public key of an anchor as webpki keeps it, or an intermediate certificate.
    der: Box<[u8]>,
    may_sign: bool,
}

/// More intermediates than this are read anew each time.
const MOST_INTERMEDIATES: usize = 128;

impl Signers {
    pub(super) fn new(anchors: &AnchorSet) -> Self {
        let known = anchors.for_webpki().iter().filter_map(|anchor| {
            let may_sign = may_sign(&anchors.facts(anchor)?.certificate);
            Some(Known { der: anchor.subject_public_key_info.as_ref().into(), may_sign })
        });
        Self { anchors: known.collect(), intermediates: RwLock::default() }
    }

    pub(super) fn allow(&self, issuer: &Issuer<'_>) -> bool {
        match issuer {
            Issuer::Anchor(anchor) => {
                let key = anchor.subject_public_key_info.as_ref();
                let mut found = self.anchors.iter().filter(|known| *known.der == *key).peekable();
                // Of two certificates for one key, neither may forbid it.
                found.peek().is_some() && found.all(|known| known.may_sign)
            }
            Issuer::Intermediate(certificate) => self.intermediate(certificate),
        }
    }

    fn intermediate(&self, certificate: &Cert<'_>) -> bool {
        let der = certificate.der();
        let known = self.intermediates.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.iter().find(|known| *known.der == *der) {
            return known.may_sign;
        }
        drop(known);
        let may_sign = Certificate::from_der(&der).is_ok_and(|certificate| may_sign(&certificate));
        let mut known = self.intermediates.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST_INTERMEDIATES {
            known.push(Known { der: der.as_ref().into(), may_sign });
        }
        may_sign
    }
}

pub(super) fn may_sign(issuer: &Certificate) -> bool {
    issuer.key_usage().is_none_or(|usage| usage.crl_sign())
}
