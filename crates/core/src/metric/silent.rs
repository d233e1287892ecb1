//! The same functions without the feature.

use super::Loss;
use crate::authorizer::Difference;
use crate::decision::Decision;
use crate::policy::Route;

pub(crate) fn describe() {}

pub(crate) fn decided(_decision: &Decision) {}

pub(crate) fn lost(_loss: Loss, _count: u64) {}

pub(crate) fn candidate_differed(_difference: Difference, _route: &Route) {}

/// The time that a source of roles takes.
pub(crate) struct SourceTimer;

impl SourceTimer {
    pub(crate) fn start(_number: usize) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "the signature is the one of the feature `metrics`")]
    pub(crate) fn stop(self) {}
}
