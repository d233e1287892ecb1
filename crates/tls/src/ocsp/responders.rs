//! The responders that were set up, ready to be asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portcullis_core::Certificate;
use rustls::crypto::CryptoProvider;
use tokio::sync::Semaphore;
use webpki::VerifiedPath;

use super::answers::Answers;
use super::inquiry::Inquiry;
use super::settings::{OcspResponder, Rules};
use crate::revocation::{CrlFetchError, Download, RevocationError, RevocationSet};
use crate::trust_anchors::AnchorSet;

/// All responders, by the labels of the anchors.
#[derive(Debug)]
pub(crate) struct Responders(HashMap<String, Arc<Responder>>);

/// A responder, ready to be asked.
#[derive(Debug)]
pub(super) struct Responder {
    pub(super) label: String,
    pub(super) client: Download,
    pub(super) rules: Rules,
    pub(super) answers: Arc<Answers>,
    pub(super) turns: Arc<Semaphore>,
    pub(super) provider: Arc<CryptoProvider>,
    is_failing: AtomicBool,
}

impl Responders {
    pub(crate) fn load(
        asked: &[OcspResponder],
        anchors: &AnchorSet,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, RevocationError> {
        let mut responders = HashMap::new();
        for responder in asked {
            let label = &responder.label;
            let refused = |reason: &str| {
                Err(RevocationError::Responder { label: label.clone(), reason: reason.to_owned() })
            };
            if !anchors.all_facts().any(|facts| facts.anchor.label() == label) {
                return Err(RevocationError::UnknownLabel { label: label.clone() });
            }
            if responder.rules.concurrent == 0 || responder.rules.timeout.is_zero() {
                return refused("it is never asked: raise `concurrent` and `timeout` above zero");
            }
            let loaded = Responder::load(responder, provider)?;
            if responders.insert(label.clone(), Arc::new(loaded)).is_some() {
                return refused("there is another one for the same anchors: name one");
            }
        }
        Ok(Self(responders))
    }

    /// What is to be asked about the client at the end of this path, below an anchor of this label.
    pub(crate) fn inquiry(
        &self,
        leaf: &Certificate,
        path: &VerifiedPath<'_>,
        label: &str,
        revocation: &Arc<RevocationSet>,
        generation: u64,
    ) -> Option<Inquiry> {
        let responder = self.0.get(label)?;
        Some(Inquiry::new(responder, leaf, path, revocation, generation))
    }
}

impl Responder {
    fn load(asked: &OcspResponder, provider: &Arc<CryptoProvider>) -> Result<Self, RevocationError> {
        let OcspResponder { label, url, authorities, rules, answers } = asked;
        let client =
            Download::new(url.clone(), authorities.as_deref(), rules.timeout, rules.largest, provider);
        let client = client.map_err(|error| {
            let reason = match error {
                CrlFetchError::Issuer { reason } => format!("the authorities of its server: {reason}"),
                error => error.to_string(),
            };
            RevocationError::Responder { label: label.clone(), reason }
        })?;
        Ok(Self {
            label: label.clone(),
            client,
            rules: rules.clone(),
            answers: answers.clone(),
            turns: Arc::new(Semaphore::new(rules.concurrent.min(Semaphore::MAX_PERMITS))),
            provider: provider.clone(),
            is_failing: AtomicBool::new(false),
        })
    }

    /// Tells the operator when it stops answering, and when it answers again.
    pub(super) fn tell(&self, failure: Option<&dyn std::fmt::Display>) {
        let was_failing = self.is_failing.swap(failure.is_some(), Ordering::Relaxed);
        let (anchors, url) = (&*self.label, self.client.url());
        match failure {
            Some(reason) if was_failing => {
                tracing::debug!(target: "portcullis::tls", anchors, url, "still no answer about a client: {reason}");
            }
            Some(reason) => {
                let consequence = if self.rules.is_soft { "trusted all the same" } else { "refused" };
                tracing::warn!(
                    target: "portcullis::tls",
                    anchors,
                    url,
                    "no answer about a client, so those of whom nothing is known are {consequence}: {reason}"
                );
            }
            None if was_failing => {
                tracing::info!(target: "portcullis::tls", anchors, url, "the responder answers again");
            }
            None => {}
        }
    }
}
