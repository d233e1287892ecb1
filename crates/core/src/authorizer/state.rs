//! What a reload replaces as a whole.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::candidate::Candidate;
use crate::certificate::Fingerprint;
use crate::policy::Policy;

/// One policy and what goes with it. A decision uses one state from start to end.
pub(crate) struct State {
    /// Differs from that of every other state of the process, whatever authorizer it belongs to.
    pub(crate) generation: u64,
    /// That of the state in which the policy came into force: a new candidate leaves it alone.
    pub(crate) policy_generation: u64,
    pub(crate) policy: Policy,
    pub(crate) candidate: Option<Candidate>,
    /// The one trust anchor whose callers have names although no policy says which; for ever.
    pub(crate) only_anchor: Arc<OnceLock<Box<str>>>,
    digest: OnceLock<Fingerprint>,
}

impl State {
    pub(crate) fn new(policy: Policy) -> Self {
        let generation = next_generation();
        Self {
            generation,
            policy_generation: generation,
            policy,
            candidate: None,
            only_anchor: Arc::default(),
            digest: OnceLock::new(),
        }
    }

    /// Another policy in force, with the same candidate beside it, whose counts begin again.
    pub(crate) fn with_policy(&self, policy: Policy) -> Self {
        let candidate = self.candidate.as_ref().map(|old| Candidate::new(old.policy().clone(), &policy));
        Self { candidate, only_anchor: Arc::clone(&self.only_anchor), ..Self::new(policy) }
    }

    /// Another candidate, or none. The generation moves, so that remembered principals are made anew
    /// and have their roles under the candidate, too.
    pub(crate) fn with_candidate(&self, candidate: Option<Policy>) -> Self {
        Self {
            generation: next_generation(),
            policy_generation: self.policy_generation,
            policy: self.policy.clone(),
            candidate: candidate.map(|policy| Candidate::new(policy, &self.policy)),
            only_anchor: Arc::clone(&self.only_anchor),
            digest: self.digest.clone(),
        }
    }

    /// The digest of the policy, computed when it is first asked for.
    pub(crate) fn digest(&self) -> &Fingerprint {
        self.digest.get_or_init(|| self.policy.digest())
    }
}

fn next_generation() -> u64 {
    static GENERATION: AtomicU64 = AtomicU64::new(1);
    GENERATION.fetch_add(1, Ordering::Relaxed)
}
