//! The functions with the feature.

use std::time::Instant;

use metrics::{counter, describe_counter, describe_histogram, histogram};

use super::Loss;
use crate::authorizer::Difference;
use crate::decision::Decision;
use crate::policy::Route;

const DECISIONS: &str = "portcullis_decisions_total";
const DENIALS: &str = "portcullis_denials_total";
const SOURCE_SECONDS: &str = "portcullis_role_source_seconds";
const AUDIT_LOSSES: &str = "portcullis_audit_losses_total";
const CANDIDATE_DIFFERENCES: &str = "portcullis_candidate_differences_total";

pub(crate) fn describe() {
    describe_counter!(DECISIONS, "requests decided, by decision and kind of denial");
    describe_counter!(DENIALS, "requests denied, by declared route and kind");
    describe_histogram!(SOURCE_SECONDS, metrics::Unit::Seconds, "time that a source of roles took to answer");
    describe_counter!(AUDIT_LOSSES, "audit events that did not reach their sink, by reason");
    describe_counter!(
        CANDIDATE_DIFFERENCES,
        "requests that the candidate policy decides otherwise, by declared route"
    );
}

pub(crate) fn decided(decision: &Decision) {
    match decision {
        Decision::Allow => counter!(DECISIONS, "decision" => "allow", "kind" => "none").increment(1),
        Decision::Deny(denial) => {
            let kind = denial.kind().name();
            counter!(DECISIONS, "decision" => "deny", "kind" => kind).increment(1);
            // What no route names has no label of its own: a scanner must not make up new series.
            let route = denial.route().unwrap_or_else(|| "none".into());
            counter!(DENIALS, "route" => route, "kind" => kind).increment(1);
        }
    }
}

pub(crate) fn lost(loss: Loss, count: u64) {
    counter!(AUDIT_LOSSES, "reason" => loss.name()).increment(count);
}

pub(crate) fn candidate_differed(difference: Difference, route: &Route) {
    counter!(CANDIDATE_DIFFERENCES, "difference" => difference.name(), "route" => route.to_string())
        .increment(1);
}

/// The time that a source of roles takes.
pub(crate) struct SourceTimer {
    number: usize,
    begun: Instant,
}

impl SourceTimer {
    pub(crate) fn start(number: usize) -> Self {
        Self { number, begun: Instant::now() }
    }

    pub(crate) fn stop(self) {
        histogram!(SOURCE_SECONDS, "source" => self.number.to_string()).record(self.begun.elapsed());
    }
}
