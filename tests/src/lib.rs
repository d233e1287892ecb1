#![doc = include_str!("../README.md")]

pub mod adapter;
pub mod app;
pub mod bench;
pub mod case;
pub mod check;
pub mod client;
pub mod fixtures;
pub mod harness;
pub mod policy;
pub mod scenario;
pub mod trial;

/// The programs of the project's README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
