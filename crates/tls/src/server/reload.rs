//! Reading everything again, all or nothing.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::Shared;
use super::configs::Templates;
use super::snapshot::{Clients, Snapshot};
use super::status::FailedReload;
use crate::{TlsError, metric};

/// What a reload has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    generation: u64,
    server_certificate: bool,
    anchors: bool,
    revocation: bool,
}

impl Reloaded {
    /// The number of the trust in force since.
    pub fn trust_generation(&self) -> u64 {
        self.generation
    }

    /// Whether anything was found to be different.
    pub fn has_changes(&self) -> bool {
        self.server_certificate || self.anchors || self.revocation
    }

    /// Whether a site shows another certificate now.
    pub fn server_certificate(&self) -> bool {
        self.server_certificate
    }

    /// Whether other authorities vouch for clients now.
    pub fn anchors(&self) -> bool {
        self.anchors
    }

    /// Whether revocation lists have changed, or what the operator blocks.
    pub fn revocation(&self) -> bool {
        self.revocation
    }

    fn between(old: &Snapshot, new: &Snapshot) -> Self {
        let mut sites = old.sites().zip(new.sites());
        let mut reloaded = Self {
            generation: old.generation,
            server_certificate: sites
                .clone()
                .any(|(old, new)| old.certified_key.cert != new.certified_key.cert),
            anchors: sites
                .any(|(old, new)| has_other_anchors(old.clients.as_deref(), new.clients.as_deref())),
            revocation: old.revocations().zip(new.revocations()).any(|(old, new)| !old.is_same(new)),
        };
        if reloaded.has_changes() {
            reloaded.generation = new.generation;
        }
        reloaded
    }
}

fn has_other_anchors(old: Option<&Clients>, new: Option<&Clients>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => !old.judge.anchors().is_same(new.judge.anchors()),
        (None, None) => false,
        _ => true,
    }
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = [
            (self.server_certificate, "the server certificate"),
            (self.anchors, "the trust anchors"),
            (self.revocation, "what is revoked"),
        ];
        let changes: Vec<_> = changes.into_iter().filter_map(|(is, what)| is.then_some(what)).collect();
        match changes.as_slice() {
            [] => f.write_str("nothing has changed"),
            changes => write!(f, "new are {}", changes.join(", ")),
        }
    }
}

/// The reloads so far, one at a time.
pub(super) struct Reloads {
    turn: Mutex<()>,
    pub(super) past: Mutex<Past>,
}

/// When it went well and ill last, in seconds since 1970.
#[derive(Debug, Clone)]
pub(super) struct Past {
    pub(super) last_good: i64,
    pub(super) last_failure: Option<FailedReload>,
    pub(super) failures: u64,
    pub(super) is_current: bool,
}

impl Reloads {
    pub(super) fn new(now: i64) -> Self {
        let past = Past { last_good: now, last_failure: None, failures: 0, is_current: true };
        Self { turn: Mutex::new(()), past: Mutex::new(past) }
    }

    pub(super) fn past(&self) -> Past {
        self.past.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub(super) fn reload(shared: &Arc<Shared>) -> Result<Reloaded, TlsError> {
    let _turn = shared.reloads.turn.lock().unwrap_or_else(PoisonError::into_inner);
    let outcome = replace(shared);
    metric::reloaded(outcome.is_ok());
    let now = shared.settings.clock.now();
    let mut past = shared.reloads.past.lock().unwrap_or_else(PoisonError::into_inner);
    match &outcome {
        Ok(reloaded) => {
            past.last_good = now;
            past.is_current = true;
            tracing::info!(
                target: "portcullis::tls",
                trust_generation = reloaded.generation,
                "certificates and trust were read again: {reloaded}"
            );
        }
        Err(error) => {
            let is_known =
                !past.is_current && past.last_failure.as_ref().is_some_and(|failure| failure.error == *error);
            past.failures += 1;
            past.is_current = false;
            past.last_failure = Some(FailedReload::new(now, error.clone()));
            if is_known {
                tracing::debug!(target: "portcullis::tls", "certificates and trust still stay as they were: {error}");
            } else {
                tracing::error!(
                    target: "portcullis::tls",
                    trust_generation = shared.trust.generation(),
                    "certificates and trust stay as they were: {error}"
                );
            }
        }
    }
    outcome
}

fn replace(shared: &Shared) -> Result<Reloaded, TlsError> {
    let Shared { settings, trust, configs, .. } = shared;
    let old = trust.load();
    let new = settings.load(old.generation + 1)?;
    let templates = Templates::new(settings, &shared.versions, shared.has_tickets, &new, trust)?;
    let reloaded = Reloaded::between(&old, &new);
    if !reloaded.has_changes() {
        return Ok(reloaded);
    }
    for (old, new) in old.revocations().zip(new.revocations()) {
        new.learn_from(old);
    }
    let must_renew = reloaded.server_certificate || reloaded.anchors;
    trust.swap(new);
    // If only what is revoked has changed, sessions may go on: each that is resumed is judged anew.
    if must_renew {
        configs.renew(templates);
    }
    Ok(reloaded)
}
