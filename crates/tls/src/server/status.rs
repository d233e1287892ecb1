//! What is in force, for operators.

use std::collections::BTreeMap;

use portcullis_core::certificate::Fingerprint;

use super::Shared;
use super::snapshot::SiteState;
use crate::{RevocationStatus, TlsError};

/// What is in force at one moment, and what happened until then.
///
/// Times are in seconds since the Unix epoch. There is nothing about single clients in it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TlsStatus {
    /// The number of the trust in force.
    pub trust_generation: u64,
    /// When everything was last read and found good.
    pub last_good_reload: i64,
    /// The last reload that changed nothing because of a mistake.
    pub last_failed_reload: Option<FailedReload>,
    /// How many reloads have failed.
    pub failed_reloads: u64,
    /// Whether the last reload went well, so that what the files say is in force.
    pub is_current: bool,
    /// The sites, first the one for clients that name no other.
    pub sites: Vec<SiteStatus>,
    /// Handshakes that went through, not counting resumed ones.
    pub full_handshakes: u64,
    /// Handshakes that resumed a session.
    pub resumed_handshakes: u64,
    /// Handshakes that came to nothing, by the code of the reason.
    pub failed_handshakes: BTreeMap<&'static str, u64>,
    /// Verdicts on certificates that took a search for a path.
    pub verdicts_searched: u64,
    /// Verdicts on certificates that were remembered.
    pub verdicts_remembered: u64,
}

/// A reload that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedReload {
    /// When it was.
    pub at: i64,
    /// What was wrong.
    pub error: TlsError,
}

/// How a site appears, and whom it trusts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SiteStatus {
    /// Its names; none for the default one.
    pub names: Vec<String>,
    /// The last second of its own certificate.
    pub certificate_not_after: i64,
    /// `require`, `if_given` or `request`; none if nobody is asked for a certificate.
    pub mode: Option<&'static str>,
    /// Who vouches for its clients.
    pub anchors: Vec<AnchorStatus>,
    /// What is known about revoked certificates; none if nobody says which are.
    pub revocation: Option<RevocationStatus>,
}

/// A trust anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnchorStatus {
    /// The operator's label.
    pub label: String,
    /// The name of the authority, in RFC 4514 form.
    pub subject: String,
    /// SHA-256 of its public key.
    pub spki_sha256: Fingerprint,
    /// The last second of its certificate.
    pub not_after: i64,
}

impl FailedReload {
    pub(super) fn new(at: i64, error: TlsError) -> Self {
        Self { at, error }
    }
}

pub(super) fn of(shared: &Shared) -> TlsStatus {
    let snapshot = shared.trust.load();
    let now = shared.settings.clock.now();
    let past = shared.reloads.past();
    let counters = &shared.settings.counters;
    let (full_handshakes, resumed_handshakes) = counters.handshakes();
    let (verdicts_searched, verdicts_remembered) = counters.verdicts();
    TlsStatus {
        trust_generation: snapshot.generation,
        last_good_reload: past.last_good,
        last_failed_reload: past.last_failure,
        failed_reloads: past.failures,
        is_current: past.is_current,
        sites: snapshot.sites().map(|state| site(state, now)).collect(),
        full_handshakes,
        resumed_handshakes,
        failed_handshakes: counters.failures(),
        verdicts_searched,
        verdicts_remembered,
    }
}

fn site(state: &SiteState, now: i64) -> SiteStatus {
    let clients = state.clients.as_deref();
    let facts = clients.into_iter().flat_map(|clients| clients.judge.anchors().all_facts());
    let anchors = facts.map(|facts| AnchorStatus {
        label: facts.anchor.label().to_owned(),
        subject: facts.certificate.subject().to_string(),
        spki_sha256: *facts.certificate.spki_sha256(),
        not_after: facts.certificate.not_after(),
    });
    SiteStatus {
        names: state.names.clone(),
        certificate_not_after: state.certificate.not_after(),
        mode: clients.map(|clients| clients.mode.as_str()),
        anchors: anchors.collect(),
        revocation: clients.and_then(|clients| Some(clients.judge.revocation()?.status_at(now))),
    }
}
