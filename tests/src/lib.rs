#![doc = include_str!("../README.md")]

pub mod adapter;
pub mod app;
pub mod bench;
pub mod case;
pub mod check;
pub mod client;
pub mod fixtures;
pub mod harness;
pub mod manual;
pub mod policy;
pub mod scenario;
pub mod trial;
pub mod trust;

/// The programs of the project's README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

/// The programs of the manual, compiled and run.
#[cfg(doctest)]
mod chapters {
    #[doc = include_str!("../../manual/writing-policy.md")]
    mod writing_policy {}
    #[doc = include_str!("../../manual/from-spring-security.md")]
    mod from_spring_security {}
    #[doc = include_str!("../../manual/from-express.md")]
    mod from_express {}
    #[doc = include_str!("../../manual/from-nginx.md")]
    mod from_nginx {}
    #[doc = include_str!("../../manual/operations.md")]
    mod operations {}
    #[doc = include_str!("../../manual/trust-and-revocation.md")]
    mod trust_and_revocation {}
}
