//! Numbers for dashboards, through the `metrics` facade. Without the feature they cost nothing.
//!
//! Labels come from the policy and from this crate alone, never from a client or a certificate, so
//! the number of series is bounded by the number of declared routes.

#[cfg(feature = "metrics")]
mod emit;
#[cfg(not(feature = "metrics"))]
#[path = "metric/silent.rs"]
mod emit;

pub(crate) use emit::{SourceTimer, candidate_differed, decided, describe, lost};

/// Why an audit event did not reach its sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    Overflowed,
    Failed,
    Panicked,
}

#[cfg(any(feature = "metrics", feature = "tracing"))]
impl Loss {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Overflowed => "overflow",
            Self::Failed => "failure",
            Self::Panicked => "panic",
        }
    }
}
