//! All that is known about revocation, and what it says about a path.

use std::collections::HashMap;

use portcullis_core::{Certificate, Distrust};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use webpki::{Cert, VerifiedPath};

use super::deny::DenyList;
use super::issuer::{Issuer, Signers};
use super::list::List;
use super::scope::{self, Role};
use super::status::{Coverage, RevocationCoverage, RevocationListStatus, RevocationStatus};

/// What is asked of the lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    /// Whether there are lists at all, or only a deny list.
    pub(super) has_lists: bool,
    pub(super) leaf_only: bool,
    /// Whether lists must keep rules that only serve good order.
    pub(super) is_strict: bool,
    /// Seconds for which a list is still good when the next one is due.
    pub(super) grace: i64,
    /// Labels of the anchors below which the status need not be known.
    pub(super) waived: Vec<String>,
    /// Labels of the anchors whose clients a responder is asked about.
    pub(super) asked: Vec<String>,
}

/// All that is known about revocation, and what it says about a path.
#[derive(Debug)]
pub(crate) struct RevocationSet {
    rules: Rules,
    denied: DenyList,
    /// By the name of the issuer as webpki gives it.
    lists: HashMap<Box<[u8]>, Vec<List>>,
    signers: Signers,
    anchors: Vec<AnchorKey>,
    supported: WebPkiSupportedAlgorithms,
}

/// An anchor, as far as its lists go.
#[derive(Debug)]
pub(super) struct AnchorKey {
    pub(super) label: String,
    pub(super) name: String,
    /// The subject as webpki gives it.
    pub(super) subject: Box<[u8]>,
    pub(super) key: SubjectPublicKeyInfoDer<'static>,
}

/// What the lists say about one certificate.
enum Status {
    /// It is not revoked; true until this second, included.
    Good {
        until: i64,
    },
    /// The lists do not say.
    Unknown(&'static str),
    Refused(Distrust),
}

/// Whether a certificate is on a list.
#[cfg(feature = "ocsp")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    Good,
    Revoked,
    /// There is no list that would tell.
    Unknown,
}

impl RevocationSet {
    pub(super) fn new(
        rules: Rules,
        denied: DenyList,
        lists: HashMap<Box<[u8]>, Vec<List>>,
        signers: Signers,
        anchors: Vec<AnchorKey>,
        supported: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { rules, denied, lists, signers, anchors, supported }
    }

    /// Judges a path that webpki has found; it holds until the second that is returned, included.
    ///
    /// To be called in webpki's search: another path may end well.
    pub(crate) fn check(&self, path: &VerifiedPath<'_>, label: &str, now: i64) -> Result<i64, Distrust> {
        let leaf: &Cert<'_> = path.end_entity();
        self.check_denied(leaf)?;
        for intermediate in path.intermediate_certificates() {
            self.check_denied(intermediate)?;
        }
        let mut until = i64::MAX;
        if !self.rules.has_lists {
            return Ok(until);
        }
        let (mut certificate, mut role) = (leaf, Role::Client);
        let issuers = path.intermediate_certificates().map(Some).chain([None]);
        for intermediate in issuers {
            let issuer = intermediate.map_or(Issuer::Anchor(path.anchor()), Issuer::Intermediate);
            match self.status(certificate, role, &issuer, now) {
                Status::Good { until: end } => until = until.min(end),
                Status::Unknown(_) if self.rules.waived.iter().any(|waived| waived == label) => {}
                // Whoever is asked about the client knows it better.
                Status::Unknown(_)
                    if role == Role::Client && self.rules.asked.iter().any(|asked| asked == label) => {}
                Status::Unknown(detail) => {
                    return Err(Distrust::RevocationUnknown { detail: detail.to_owned() });
                }
                Status::Refused(reason) => return Err(reason),
            }
            let Some(intermediate) = intermediate.filter(|_| !self.rules.leaf_only) else { break };
            (certificate, role) = (intermediate, Role::Authority);
        }
        Ok(until)
    }

    /// The reason if the operator blocks this certificate.
    pub(crate) fn denied(&self, certificate: &Certificate) -> Option<Distrust> {
        self.denied.denies(certificate)
    }

    /// What the lists that this key has signed say about a certificate of its own.
    #[cfg(feature = "ocsp")]
    pub(crate) fn listed(
        &self,
        subject: &[u8],
        key: &SubjectPublicKeyInfoDer<'_>,
        serial: &[u8],
        now: i64,
    ) -> Listed {
        let lists = self.lists.get(subject).into_iter().flatten();
        let signed: Vec<_> = lists.filter(|list| list.is_signed_by(key, &self.supported)).collect();
        let current = || signed.iter().filter(|list| !signed.iter().any(|other| other.replaces(list)));
        if current().any(|list| list.revokes(serial)) {
            return Listed::Revoked;
        }
        let whole = current().filter(|list| list.includes(Role::Client) && !list.scope.is_part());
        match self.freshest(whole.copied(), now) {
            Status::Good { .. } => Listed::Good,
            Status::Unknown(_) | Status::Refused(_) => Listed::Unknown,
        }
    }

    /// Whether lists count that the issuer of the client on this path has signed.
    #[cfg(feature = "ocsp")]
    pub(crate) fn allows_lists_of_issuer(&self, path: &VerifiedPath<'_>) -> bool {
        let intermediate = path.intermediate_certificates().next();
        self.signers.allow(&intermediate.map_or(Issuer::Anchor(path.anchor()), Issuer::Intermediate))
    }

    /// Whether the same lists are in the same places, and the same is blocked.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let lists = |set: &Self| {
            let lists = set.lists.values().flatten();
            let mut lists: Vec<_> = lists.map(|list| (list.place.clone(), list.sha256)).collect();
            lists.sort_unstable();
            lists
        };
        self.denied == other.denied && lists(self) == lists(other)
    }

    /// Checks signatures by the keys that an older set knows, so that no handshake has to do it.
    pub(crate) fn learn_from(&self, older: &Self) {
        for (issuer, lists) in &self.lists {
            let keys = older.lists.get(issuer).into_iter().flatten().filter_map(List::signer);
            for key in keys {
                for list in lists.iter().filter(|list| !list.is_proven()) {
                    list.is_signed_by(&key, &self.supported);
                }
            }
        }
    }

    /// What there is, for people.
    pub(crate) fn status_at(&self, now: i64) -> RevocationStatus {
        let mut lists = Vec::new();
        for siblings in self.lists.values() {
            for list in siblings {
                let is_replaced = |other: &List| other.replaces(list) && other.signer() == list.signer();
                lists.push(RevocationListStatus {
                    origin: list.place.clone(),
                    issuer: list.issuer_name.clone(),
                    entries: list.entries(),
                    number: list.number.as_ref().map(ToString::to_string),
                    this_update: list.this_update,
                    next_update: list.next_update,
                    proven: list.is_proven(),
                    replaced: siblings.iter().any(is_replaced),
                });
            }
        }
        lists.sort_by(|a, b| (&a.issuer, &a.origin).cmp(&(&b.issuer, &b.origin)));
        RevocationStatus { lists, anchors: self.coverage_at(now), denied: self.denied.len() }
    }

    /// The anchors, and whether there are lists of theirs.
    pub(super) fn coverage_at(&self, now: i64) -> Vec<RevocationCoverage> {
        if !self.rules.has_lists {
            return Vec::new();
        }
        let coverage_of = |anchor: &AnchorKey| {
            let siblings = self.lists.get(&anchor.subject).into_iter().flatten();
            let own = siblings.filter(|list| list.signer().as_ref() == Some(&anchor.key));
            match own.map(|list| self.end(list)).max() {
                Some(end) if now <= end => Coverage::Covered,
                Some(_) => Coverage::Stale,
                None if self.rules.waived.contains(&anchor.label) => Coverage::Waived,
                None => Coverage::Missing,
            }
        };
        let line = |anchor: &AnchorKey| RevocationCoverage {
            label: anchor.label.clone(),
            anchor: anchor.name.clone(),
            coverage: coverage_of(anchor),
        };
        self.anchors.iter().map(line).collect()
    }

    fn check_denied(&self, certificate: &Cert<'_>) -> Result<(), Distrust> {
        if self.denied.is_empty() {
            return Ok(());
        }
        match Certificate::from_der(&certificate.der()) {
            Ok(certificate) => self.denied.denies(&certificate).map_or(Ok(()), Err),
            Err(error) => Err(Distrust::Malformed { detail: error.to_string() }),
        }
    }

    fn status(&self, certificate: &Cert<'_>, role: Role, issuer: &Issuer<'_>, now: i64) -> Status {
        let Some(lists) = self.lists.get(certificate.issuer()) else {
            return Status::Unknown("there is no list of its issuer");
        };
        let key = issuer.key();
        let signed = || lists.iter().filter(|list| list.is_signed_by(&key, &self.supported));
        if signed().next().is_none() {
            return Status::Unknown("another key has signed the list that bears the name of its issuer");
        }
        if !self.signers.allow(issuer) {
            let detail = "its issuer may not sign revocation lists (its keyUsage lacks cRLSign)".to_owned();
            return Status::Refused(Distrust::RevocationUnknown { detail });
        }
        let current = || signed().filter(|list| !signed().any(|other| other.replaces(list)));
        // An issuer numbers its certificates: whichever list has the number, it means this one.
        if current().any(|list| list.revokes(certificate.serial())) {
            return Status::Refused(Distrust::Revoked);
        }
        let included = || current().filter(|list| list.includes(role));
        let whole = self.freshest(included().filter(|list| !list.scope.is_part()), now);
        let has_parts = || included().any(|list| list.scope.is_part());
        match whole {
            Status::Good { .. } => whole,
            Status::Refused(_) if !has_parts() => whole,
            Status::Unknown(_) if !has_parts() => {
                Status::Unknown("the list of its issuer is about other kinds of certificates")
            }
            _ => self.status_in_parts(certificate, &included().collect::<Vec<_>>(), now),
        }
    }

    /// Asks the parts that a certificate names; all of them have to be there.
    fn status_in_parts(&self, certificate: &Cert<'_>, lists: &[&List], now: i64) -> Status {
        let Ok(points) = scope::distribution_points(&certificate.der()) else {
            return Status::Unknown("its distribution points cannot be read");
        };
        if points.is_empty() {
            return Status::Unknown(
                "its issuer has lists in parts, and it does not say on which it would be",
            );
        }
        let mut until = i64::MAX;
        for point in points {
            let parts = lists.iter().copied().filter(|list| list.scope.is_of(&point));
            match self.freshest(parts, now) {
                Status::Good { until: end } => until = until.min(end),
                Status::Unknown(_) => {
                    return Status::Unknown("a part of its issuer's list is missing that it may be on");
                }
                refused @ Status::Refused(_) => return refused,
            }
        }
        Status::Good { until }
    }

    /// How long the best of these lists is good.
    fn freshest<'l>(&self, lists: impl Iterator<Item = &'l List>, now: i64) -> Status {
        let mut is_future = false;
        let made = lists.filter(|list| {
            is_future |= list.this_update > now;
            list.this_update <= now
        });
        let Some(best) = made.max_by_key(|list| list.next_update) else {
            if !is_future {
                return Status::Unknown("there is no list of its issuer");
            }
            let detail = "the list of its issuer is of the future".to_owned();
            return Status::Refused(Distrust::RevocationUnknown { detail });
        };
        let until = self.end(best);
        if now <= until {
            Status::Good { until }
        } else {
            Status::Refused(Distrust::RevocationStale { next_update: best.next_update })
        }
    }

    /// The last second at which a list is good.
    fn end(&self, list: &List) -> i64 {
        list.next_update.saturating_add(self.rules.grace).saturating_sub(1)
    }
}
