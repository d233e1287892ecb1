//! The policy block that would decide a request, when no rule does.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use crate::request::Request;

/// How many requests are remembered as suggested: more would let a scanner fill the memory.
const LIMIT: usize = 1024;

/// Which requests have been suggested already.
#[derive(Debug, Default)]
pub(crate) struct Suggestions {
    state: RandomState,
    seen: Mutex<HashSet<u64>>,
}

impl Suggestions {
    /// Whether this is the first refusal of its kind; never once the limit is reached.
    pub(crate) fn is_news(&self, request: &Request<'_>) -> bool {
        let key = self.state.hash_one((request.method(), request.path()));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.len() < LIMIT && seen.insert(key)
    }
}

/// The block, with everything that the client sent escaped.
pub(super) fn block(request: &Request<'_>) -> String {
    let path: String = request.path().chars().take(200).collect();
    let (method, path) = (request.method().escape_default(), path.escape_default());
    format!("[[route]]\nmatch = \"{method} {path}\"\nallow = \"authenticated\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_suggested_once_and_memory_is_bounded() {
        let suggestions = Suggestions::default();
        assert!(suggestions.is_news(&Request::new("GET", "/a")));
        assert!(!suggestions.is_news(&Request::new("GET", "/a")));
        assert!(suggestions.is_news(&Request::new("POST", "/a")));
        for i in 0..5000 {
            suggestions.is_news(&Request::new("GET", &format!("/{i}")));
        }
        assert!(suggestions.seen.lock().unwrap().len() <= LIMIT);
    }

    #[test]
    fn a_block_stays_on_its_lines() {
        let block = block(&Request::new("GET", "/a\"\nallow = \"anyone"));
        assert_eq!(block.lines().count(), 3, "{block}");
    }
}
