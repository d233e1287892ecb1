//! The same functions without the feature.

use portcullis_core::certificate::Fingerprint;

use crate::TlsStatus;

pub(crate) fn describe() {}

pub(crate) fn handshake(_outcome: &'static str) {}

pub(crate) fn verdict(_how: &'static str) {}

pub(crate) fn reloaded(_is_good: bool) {}

pub(crate) fn policy_reloaded(_is_good: bool) {}

pub(crate) fn policy_in_force(_role: &'static str, _old: Option<Fingerprint>, _new: Fingerprint) {}

pub(crate) fn gauges(_status: impl FnOnce() -> TlsStatus, _now: i64) {}
