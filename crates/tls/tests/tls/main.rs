//! Servers of this crate and clients of every kind, over the loopback interface.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod anchors;
mod client;
mod clock;
mod crowd;
mod expired_anchor;
mod flood;
mod foreign;
mod key_pair;
mod limits;
mod listener;
mod log;
mod modes;
mod names;
#[cfg(feature = "ocsp")]
mod ocsp;
mod plain;
mod provider;
mod resumption;
mod site;
mod sites;
mod trust;
mod weak;
