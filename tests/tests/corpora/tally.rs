//! How often a verifier agrees with a corpus.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::corpus::Case;

/// How often a verifier agrees with a corpus, by what its expectations stand on.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<String, Counts>);

#[derive(Default, Clone, Copy)]
struct Counts {
    agree: usize,
    wrongly_accepted: usize,
    wrongly_refused: usize,
}

impl Tally {
    pub(crate) fn count(&mut self, case: &Case, is_accepted: bool) {
        let counts = self.0.entry(case.basis.clone()).or_default();
        match (is_accepted, case.is_good()) {
            (true, false) => counts.wrongly_accepted += 1,
            (false, true) => counts.wrongly_refused += 1,
            _ => counts.agree += 1,
        }
    }

    pub(crate) fn wrongly_accepted(&self, basis: &str) -> usize {
        self.0.get(basis).map_or(0, |counts| counts.wrongly_accepted)
    }
}

/// A table of all three: agreed, wrongly accepted, wrongly refused.
pub(crate) fn side_by_side(tallies: &[&Tally; 3]) -> String {
    let [ours, ..] = tallies;
    let mut table =
        format!("{:<10}{:>20}{:>20}{:>20}\n", "basis", "strict profile", "by default", "rustls alone");
    for basis in ours.0.keys() {
        let _ = write!(table, "{basis:<10}");
        for tally in tallies {
            let _ = write!(table, "{:>20}", tally.0.get(basis).copied().unwrap_or_default().text());
        }
        table.push('\n');
    }
    table
}

impl Counts {
    fn text(self) -> String {
        format!("{} / {} / {}", self.agree, self.wrongly_accepted, self.wrongly_refused)
    }
}
