//! Ids that tie a response to a log line.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The id of a denial: unique in practice over processes and replicas. Prints as 32 hex digits.
///
/// It is a name, not a secret: knowing one opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DenialId(u128);

impl DenialId {
    pub(crate) fn next() -> Self {
        static PROCESS: OnceLock<(u64, RandomState)> = OnceLock::new();
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let (process, state) = PROCESS.get_or_init(|| {
            let state = RandomState::new();
            (state.hash_one(std::process::id()), state)
        });
        let count = COUNT.fetch_add(1, Ordering::Relaxed);

        // Hashed, so that a client cannot count how many others were refused.
        Self(u128::from(process ^ state.hash_one(!count)) << 64 | u128::from(state.hash_one(count)))
    }
}

impl fmt::Display for DenialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for DenialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ() {
        let ids: HashSet<String> = (0..10_000).map(|_| DenialId::next().to_string()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.len() == 32));
    }
}
