//! Reading all sources, and judging them by the trust anchors.

use std::collections::HashMap;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::TrustAnchor;

use super::RevocationError;
use super::deny::DenyList;
use super::issuer::{Issuer, Signers};
use super::list::List;
use super::set::{AnchorKey, RevocationSet, Rules};
use super::source::Source;
use super::status::{Coverage, RevocationStatus};
use crate::trust_anchors::AnchorSet;

type Lists = HashMap<Box<[u8]>, Vec<List>>;

/// What sources and anchors together give.
pub(super) fn load(
    sources: &[Source],
    limit: u64,
    rules: Rules,
    denied: DenyList,
    anchors: &AnchorSet,
    supported: &WebPkiSupportedAlgorithms,
    now: i64,
) -> Result<RevocationSet, RevocationError> {
    check_labels(&rules, anchors)?;
    let lists = read(sources, limit, rules.is_strict, supported, now)?;
    let keys = anchor_keys(anchors);
    check_signers(&lists, &keys, anchors, supported)?;
    let set = RevocationSet::new(rules, denied, lists, Signers::new(anchors), keys, *supported);
    log(&set.status_at(now));
    Ok(set)
}

fn anchor_keys(anchors: &AnchorSet) -> Vec<AnchorKey> {
    let key = |anchor: &TrustAnchor<'_>| {
        let facts = anchors.facts(anchor)?;
        Some(AnchorKey {
            label: facts.anchor.label().to_owned(),
            name: facts.certificate.subject().to_string(),
            subject: anchor.subject.as_ref().into(),
            key: webpki::spki_for_anchor(anchor),
        })
    };
    anchors.for_webpki().iter().filter_map(key).collect()
}

/// An exception under a label with a typing error would be none, or one for somebody else.
fn check_labels(rules: &Rules, anchors: &AnchorSet) -> Result<(), RevocationError> {
    for label in &rules.waived {
        let facts = anchors.for_webpki().iter().filter_map(|anchor| anchors.facts(anchor));
        if !facts.into_iter().any(|facts| facts.anchor.label() == label) {
            return Err(RevocationError::UnknownLabel { label: label.clone() });
        }
    }
    Ok(())
}

fn read(
    sources: &[Source],
    limit: u64,
    is_strict: bool,
    supported: &WebPkiSupportedAlgorithms,
    now: i64,
) -> Result<Lists, RevocationError> {
    let mut lists = Lists::new();
    for source in sources {
        for found in source.find(limit)? {
            let list = List::read(found.der, found.place, supported)?;
            if list.this_update > now {
                return Err(RevocationError::Future { list: list.place, this_update: list.this_update });
            }
            if let (true, Some(violation)) = (is_strict, list.violation) {
                return Err(RevocationError::Nonconforming { list: list.place, violation });
            }
            let siblings = lists.entry(list.issuer.clone()).or_default();
            // The same file twice, as a folder of links may have it.
            if siblings.iter().all(|known| known.sha256 != list.sha256) {
                siblings.push(list);
            }
        }
    }
    Ok(lists)
}

/// Says whose lists they are, as far as that can be said without intermediates.
fn check_signers(
    lists: &Lists,
    keys: &[AnchorKey],
    anchors: &AnchorSet,
    supported: &WebPkiSupportedAlgorithms,
) -> Result<(), RevocationError> {
    let siblings = |anchor: &AnchorKey| lists.get(&anchor.subject).map(Vec::as_slice).unwrap_or_default();
    let signers = Signers::new(anchors);
    for (anchor, found) in keys.iter().zip(anchors.for_webpki()) {
        for list in siblings(anchor).iter().filter(|list| list.is_signed_by(&anchor.key, supported)) {
            if !signers.allow(&Issuer::Anchor(found)) {
                let (list, issuer) = (list.place.clone(), anchor.name.clone());
                return Err(RevocationError::CannotSign { list, issuer });
            }
        }
    }
    keys.iter().try_for_each(|anchor| check_foreign(siblings(anchor), &anchor.name))
}

/// A list in an anchor's name that no anchor has signed is an error, unless the name has another one.
///
/// While an authority changes its key, its old and its new list are there, and a new key that only
/// the old one vouches for shows up in handshakes.
fn check_foreign(siblings: &[List], anchor: &str) -> Result<(), RevocationError> {
    let Some(foreign) = siblings.iter().find(|list| !list.is_proven()) else { return Ok(()) };
    let list = foreign.place.clone();
    if siblings.iter().any(List::is_proven) {
        tracing::warn!(
            target: "portcullis::tls",
            list,
            issuer = foreign.issuer_name,
            "no trust anchor has signed this revocation list: it counts for nobody until an issuer with its key shows up"
        );
        return Ok(());
    }
    Err(RevocationError::WrongKey { list, issuer: anchor.to_owned() })
}

fn log(status: &RevocationStatus) {
    for list in &status.lists {
        tracing::info!(
            target: "portcullis::tls",
            list = list.origin,
            issuer = list.issuer,
            entries = list.entries,
            number = list.number,
            this_update = list.this_update,
            next_update = list.next_update,
            proven = list.proven,
            "revocation list loaded"
        );
    }
    for anchor in &status.anchors {
        let (label, name, coverage) = (&anchor.label, &anchor.anchor, anchor.coverage.code());
        match anchor.coverage {
            Coverage::Covered => {
                tracing::info!(target: "portcullis::tls", label, anchor = name, coverage, "revocation is checked");
            }
            Coverage::Waived => tracing::warn!(
                target: "portcullis::tls", label, anchor = name, coverage,
                "no revocation list of this trust anchor: what it has revoked is trusted"
            ),
            Coverage::Missing | Coverage::Stale => tracing::warn!(
                target: "portcullis::tls", label, anchor = name, coverage,
                "no current revocation list of this trust anchor: certificates that it has issued itself are refused"
            ),
        }
    }
    if status.denied > 0 {
        tracing::info!(target: "portcullis::tls", entries = status.denied, "deny list loaded");
    }
}
