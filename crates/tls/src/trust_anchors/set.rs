//! Trust anchors that were read and found good.

use portcullis_core::certificate::Fingerprint;
use portcullis_core::{Anchor, Certificate};
use rustls::DistinguishedName;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, TrustAnchor};

use super::TrustAnchorsError;

/// Trust anchors that were read and found good.
#[derive(Debug)]
pub(crate) struct AnchorSet {
    /// What webpki searches; the facts about each stand at the same place in `facts`.
    anchors: Vec<TrustAnchor<'static>>,
    facts: Vec<AnchorFacts>,
    /// Certificates of clients that are trusted by themselves.
    pinned: Vec<AnchorFacts>,
}

/// What webpki does not keep of an anchor.
#[derive(Debug)]
pub(crate) struct AnchorFacts {
    pub(crate) anchor: Anchor,
    pub(crate) certificate: Certificate,
}

impl AnchorSet {
    pub(crate) fn for_webpki(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// The facts about an anchor that webpki found in this very set.
    pub(crate) fn facts(&self, found: &TrustAnchor<'_>) -> Option<&AnchorFacts> {
        let index = self.anchors.iter().position(|anchor| std::ptr::eq(anchor, found))?;
        self.facts.get(index)
    }

    /// Whether this is the certificate of an anchor, which need not be sent.
    pub(crate) fn contains(&self, der: &[u8]) -> bool {
        self.facts.iter().any(|facts| facts.certificate.der() == der)
    }

    /// Whether the same certificates are trusted under the same labels.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let is_same = |one: &AnchorFacts, other: &AnchorFacts| {
            one.certificate.der() == other.certificate.der() && one.anchor == other.anchor
        };
        self.facts.len() == other.facts.len()
            && self.pinned.len() == other.pinned.len()
            && self.all_facts().zip(other.all_facts()).all(|(one, other)| is_same(one, other))
    }

    /// The facts about those who may issue, without clients who vouch for themselves.
    pub(crate) fn issuers(&self) -> impl Iterator<Item = &AnchorFacts> {
        self.facts.iter()
    }

    /// The facts about everybody whose word counts: the anchors, and clients who vouch for themselves.
    pub(crate) fn all_facts(&self) -> impl Iterator<Item = &AnchorFacts> {
        self.facts.iter().chain(&self.pinned)
    }

    /// The anchor that this certificate of a client is for itself, if it is pinned.
    pub(crate) fn pinned(&self, leaf: &Certificate) -> Option<&Anchor> {
        self.pinned.iter().find(|facts| facts.certificate.der() == leaf.der()).map(|facts| &facts.anchor)
    }

    /// The names of all issuers that are trusted, each once.
    pub(crate) fn subjects(&self) -> Vec<DistinguishedName> {
        let mut subjects: Vec<DistinguishedName> = Vec::new();
        let of_anchors = self.facts.iter().map(|facts| facts.certificate.subject_der());
        let of_pinned = self.pinned.iter().map(|facts| facts.certificate.issuer_der());
        for subject in of_anchors.chain(of_pinned) {
            if !subjects.iter().any(|known| known.as_ref() == subject) {
                subjects.push(DistinguishedName::from(subject.to_vec()));
            }
        }
        subjects
    }

    /// The labels with the number of anchors under each, for the log.
    pub(crate) fn summary(&self) -> String {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for facts in self.all_facts() {
            let label = facts.anchor.label();
            match counts.iter_mut().find(|(known, _)| *known == label) {
                Some((_, count)) => *count += 1,
                None => counts.push((label, 1)),
            }
        }
        let counts: Vec<_> = counts.iter().map(|(label, count)| format!("{label}: {count}")).collect();
        counts.join(", ")
    }
}

impl AnchorFacts {
    fn new(label: &str, certificate: Certificate) -> Self {
        let spki_sha256 = Fingerprint::of(certificate.spki_der());
        Self { anchor: Anchor::new(label, Some(spki_sha256)), certificate }
    }
}

fn read(der: &[u8], place: &str) -> Result<Certificate, TrustAnchorsError> {
    let malformed = |reason: String| TrustAnchorsError::Malformed { anchor: place.to_owned(), reason };
    Certificate::from_der(der).map_err(|error| malformed(error.to_string()))
}

fn name(place: &str, certificate: &Certificate) -> String {
    format!("{place}, `{}`,", certificate.subject())
}

fn illegible(name: &str) -> TrustAnchorsError {
    TrustAnchorsError::Malformed {
        anchor: name.to_owned(),
        reason: "it has extensions or an encoding that cannot be judged".to_owned(),
    }
}

/// Anchors that are being added, one by one.
pub(super) struct Loading<'a> {
    now: i64,
    supported: &'a WebPkiSupportedAlgorithms,
    takes_expired: bool,
    set: AnchorSet,
}

impl<'a> Loading<'a> {
    pub(super) fn new(now: i64, supported: &'a WebPkiSupportedAlgorithms, takes_expired: bool) -> Self {
        Self {
            now,
            supported,
            takes_expired,
            set: AnchorSet { anchors: Vec::new(), facts: Vec::new(), pinned: Vec::new() },
        }
    }

    /// Judges a certificate and adds it; the same one twice under one label is added once.
    pub(super) fn add(&mut self, label: &str, der: Vec<u8>, place: &str) -> Result<(), TrustAnchorsError> {
        let certificate = read(&der, place)?;
        let name = name(place, &certificate);
        let der = CertificateDer::from(der);
        let anchor = self.judge(&certificate, &der, &name)?;
        self.check_label(label, &certificate, &name)?;
        if !self.set.contains(certificate.der()) {
            self.set.anchors.push(anchor);
            self.set.facts.push(AnchorFacts::new(label, certificate));
        }
        Ok(())
    }

    /// Judges a certificate of a client and adds it, to be trusted by itself.
    pub(super) fn pin(&mut self, label: &str, der: Vec<u8>, place: &str) -> Result<(), TrustAnchorsError> {
        let certificate = read(&der, place)?;
        let name = name(place, &certificate);
        self.check_validity(&certificate, &name)?;
        if webpki::EndEntityCert::try_from(&CertificateDer::from(der)).is_err() {
            return Err(illegible(&name));
        }
        self.check_label(label, &certificate, &name)?;
        if self.set.pinned(&certificate).is_none() {
            self.set.pinned.push(AnchorFacts::new(label, certificate));
        }
        Ok(())
    }

    /// Whether the key is under no other label: it could not be said who vouched.
    fn check_label(
        &self,
        label: &str,
        certificate: &Certificate,
        name: &str,
    ) -> Result<(), TrustAnchorsError> {
        let has_same_key = |known: &&AnchorFacts| {
            known.certificate.spki_sha256() == certificate.spki_sha256() && known.anchor.label() != label
        };
        match self.set.all_facts().find(has_same_key) {
            None => Ok(()),
            Some(known) => Err(TrustAnchorsError::TwoLabels {
                anchor: name.to_owned(),
                other: known.anchor.label().to_owned(),
            }),
        }
    }

    /// Whether it is in date, and its key is strong.
    fn check_validity(&self, certificate: &Certificate, name: &str) -> Result<(), TrustAnchorsError> {
        let anchor = || name.to_owned();
        if self.now > certificate.not_after() {
            let expired = TrustAnchorsError::Expired { anchor: anchor(), not_after: certificate.not_after() };
            if !self.takes_expired {
                return Err(expired);
            }
            tracing::warn!(target: "portcullis::tls", "{expired}; nobody is trusted by its word");
        }
        if self.now < certificate.not_before() {
            let not_before = certificate.not_before();
            return Err(TrustAnchorsError::NotYetValid { anchor: anchor(), not_before });
        }
        match certificate.public_key().weakness() {
            Some(key) => Err(TrustAnchorsError::WeakKey { anchor: anchor(), key }),
            None => Ok(()),
        }
    }

    /// What webpki and rustls never do: whether this is an authority that may be trusted at all.
    fn judge(
        &self,
        certificate: &Certificate,
        der: &CertificateDer<'_>,
        name: &str,
    ) -> Result<TrustAnchor<'static>, TrustAnchorsError> {
        let anchor = || name.to_owned();
        let is_authority = certificate.basic_constraints().is_some_and(|constraints| constraints.ca);
        if certificate.version() != 3 || !is_authority {
            return Err(TrustAnchorsError::NotAuthority { anchor: anchor() });
        }
        if certificate.key_usage().is_some_and(|usage| !usage.key_cert_sign()) {
            return Err(TrustAnchorsError::CannotIssue { anchor: anchor() });
        }
        self.check_validity(certificate, name)?;
        let read = webpki::anchor_from_trusted_cert(der).map_err(|error| {
            tracing::debug!(target: "portcullis::tls", %error, "webpki cannot read a trust anchor");
            illegible(name)
        })?;
        if !self.knows_key(&read) {
            let key = certificate.public_key().algorithm().to_owned();
            return Err(TrustAnchorsError::UnknownKey { anchor: anchor(), key });
        }
        Ok(read.to_owned())
    }

    /// Whether signatures of this key can be checked at all.
    fn knows_key(&self, anchor: &TrustAnchor<'_>) -> bool {
        self.supported.all.iter().any(|algorithm| {
            let identifier = algorithm.public_key_alg_id();
            // The SubjectPublicKeyInfo, without its outer header, begins with the identifier.
            let rest = match anchor.subject_public_key_info.as_ref() {
                [0x30, length, rest @ ..] if usize::from(*length) == identifier.len() => rest,
                _ => return false,
            };
            rest.starts_with(&identifier)
        })
    }

    pub(super) fn finish(mut self) -> Result<AnchorSet, TrustAnchorsError> {
        let Some(first) = self.set.all_facts().next() else { return Err(TrustAnchorsError::None) };
        let label = first.anchor.label().to_owned();
        let has_siblings = self.set.all_facts().any(|facts| facts.anchor.label() != label);
        for facts in self.set.facts.iter_mut().chain(&mut self.set.pinned) {
            facts.anchor = facts.anchor.clone().among_others(has_siblings);
        }
        Ok(self.set)
    }
}
