//! What a reload replaces as a whole.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::policy::Policy;

/// One policy and what goes with it. A decision uses one state from start to end.
pub(crate) struct State {
    /// Differs from that of every other state of the process, whatever authorizer it belongs to.
    pub(crate) generation: u64,
    pub(crate) policy: Policy,
}

impl State {
    pub(crate) fn new(policy: Policy) -> Self {
        static GENERATION: AtomicU64 = AtomicU64::new(1);
        Self { generation: GENERATION.fetch_add(1, Ordering::Relaxed), policy }
    }
}
