//! Numbers for dashboards, through the `metrics` facade. Without the feature they cost nothing.
//!
//! Labels come from the settings and from this crate alone, never from a client or its certificate, so
//! the number of series is bounded by what the operator has set up.

#[cfg(feature = "metrics")]
mod emit;
#[cfg(not(feature = "metrics"))]
#[path = "metric/silent.rs"]
mod emit;

pub(crate) use emit::{describe, gauges, handshake, policy_in_force, policy_reloaded, reloaded, verdict};
