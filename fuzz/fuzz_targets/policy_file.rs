//! A policy file, with mistakes or without.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_core::Policy;

fuzz_target!(|text: &str| {
    let load = || Policy::loader().unregistered_custom().text("policy.toml", text);
    match load() {
        Ok(policy) => {
            let again = load().expect("it was loaded once");
            assert_eq!(policy.digest(), again.digest());
            assert!(policy.diff(&again).is_empty());
            assert_eq!(policy.matrix(), again.matrix());
            for finding in policy.lint() {
                assert!(finding.place().is_in_policy_file(), "{finding}");
            }
            for route in policy.routes() {
                assert!(route.place().line() >= 1 && !route.rule().to_string().is_empty());
            }
        }
        Err(error) => {
            assert!(!error.faults().is_empty());
            for fault in error.faults() {
                // What may be a key is refused as a whole: a place comes with a picture of its line.
                if text.contains("-----BEGIN ") && fault.place().line() == 0 {
                    assert!(fault.to_string().contains("this is PEM text"), "{fault}");
                    continue;
                }
                let lines = u32::try_from(text.split('\n').count()).unwrap_or(u32::MAX);
                assert!((1..=lines).contains(&fault.place().line()), "{fault}");
                assert!(fault.to_string().starts_with("error: "), "{fault}");
            }
        }
    }
});
