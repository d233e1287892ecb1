//! The same text, decided by this crate and by the `cel` crate, must come to the same: true, false or error.
//!
//! Known differences, each of which the generator stays clear of:
//!
//! - `has(subject.X)` is true also if there are several values, of which `subject.X` is an error. A map
//!   of CEL cannot have a field that cannot be read.
//! - What is refused here and fine in CEL: conditions that read nothing, empty lists, lists of more than
//!   literals, empty prefixes, chained comparisons, order among bools, variables that hide a name, and
//!   comparisons with what a fact never is, such as a path without its slash.
//! - `cidr("..").containsIP(ip)` is an extension of Kubernetes, which the `cel` crate lacks; `role`,
//!   `custom` and `authenticated` are ours. The test gives CEL functions and a variable of these names.
//! - IP addresses, fingerprints and serial numbers are types of their own here, in whatever spelling. CEL
//!   gets them as text, so the generator writes them as they are printed.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod caller;
mod generate;

use cel::Program;
use portcullis_core::Policy;
use portcullis_core::{Rule, rule};

use caller::Caller;
use generate::Generator;

const EXPRESSIONS: usize = 20_000;

#[test]
fn both_come_to_the_same() {
    let mut generator = Generator::new(42);
    let texts: Vec<_> = (0..EXPRESSIONS).map(|i| generator.condition(i % 4)).collect();
    let mut policy = Policy::builder().role("user", []).role("admin", ["user"]).role("suspended", []);
    for (i, text) in texts.iter().enumerate() {
        let parsed: Rule = text.parse().unwrap_or_else(|error| panic!("{error}"));
        let bound = parsed.with_custom("yes", |_| true).with_custom("fails", |_| Err::<bool, _>(()));
        policy = policy.route(&format!("GET /{i}/{{name}}"), bound);
    }
    let callers = Caller::each(&policy.build().unwrap_or_else(|error| panic!("{error:.500}")));
    let mut seen = [0; 3];
    let mut differences = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        let program = Program::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        for caller in &callers {
            let (ours, theirs) = (caller.ours(i), caller.theirs(&program));
            seen[ours.map_or(2, usize::from)] += 1;
            if ours != theirs {
                differences.push(format!("{text}\n  {}: here {ours:?}, there {theirs:?}", caller.name()));
            }
        }
    }
    let shown = differences.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "{} differences, such as\n{shown}", differences.len());
    let all = EXPRESSIONS * callers.len();
    assert!(seen.iter().all(|count| *count > all / 20), "false, true, error: {seen:?} of {all}");
}

/// Also shows that a difference would be seen.
#[test]
fn the_first_known_difference_is_still_one() {
    let text = "has(subject.OU)";
    let policy = Policy::builder().route("GET /0/{name}", text.parse().unwrap()).build().unwrap();
    let program = Program::compile(text).unwrap();
    let [alice, bob, ..] = &Caller::each(&policy)[..] else { panic!("there are more") };
    assert_eq!((alice.ours(0), alice.theirs(&program)), (Ok(true), Ok(false)), "two units");
    assert_eq!((bob.ours(0), bob.theirs(&program)), (Ok(true), Ok(true)), "one unit");
}

/// The printed form means the same to CEL, too.
#[test]
fn what_is_printed_is_cel() {
    let mut generator = Generator::new(7);
    let callers = Caller::each(&Policy::builder().route("GET /", rule::anyone()).build().unwrap());
    for i in 0..2_000 {
        let text = generator.condition(i % 4);
        let printed = text.parse::<Rule>().unwrap().to_string();
        let [program, again] = [&text, &printed].map(|text| Program::compile(text).unwrap());
        for caller in &callers {
            assert_eq!(caller.theirs(&program), caller.theirs(&again), "{text}\n{printed}");
        }
    }
}
