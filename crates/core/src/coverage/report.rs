//! What was reached of a policy, and what was not.

use std::fmt;

/// What was reached of a policy.
///
/// Of each rule, both outcomes are to be reached, `anyone` and `nobody` apart; and where a rule joins
/// several conditions, each of them has to be true once and false once. Displays as a list of all
/// rules with their counts, and of the [gaps](Self::gaps).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoverageReport {
    /// The rules, in the order in which they were declared: first those that give roles.
    pub rules: Vec<RuleCoverage>,
}

/// What was reached of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleCoverage {
    /// What the rule is of.
    pub subject: Subject,
    /// Where that is declared.
    pub place: String,
    /// The rule, as text.
    pub rule: String,
    /// What the rule came to.
    pub counts: Counts,
    /// The conditions that it joins; none if it is a single one.
    pub conditions: Vec<ConditionCoverage>,
    pub(super) can_hold: bool,
    pub(super) can_fail: bool,
}

/// What a rule is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// A route: its pattern, and its host if there is one.
    Route(String),
    /// The condition under which a certificate brings this role.
    Role(String),
}

/// What was reached of one condition in a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConditionCoverage {
    /// The condition, as text.
    pub text: String,
    /// What it came to; nothing if others settled the matter.
    pub counts: Counts,
}

/// How often something was true, false, or could not be decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// How often it was true.
    pub as_true: u64,
    /// How often it was false.
    pub as_false: u64,
    /// How often it could not be decided.
    pub as_error: u64,
}

/// An outcome that was not reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// What the rule is of.
    pub subject: Subject,
    /// Where that is declared.
    pub place: String,
    /// The condition; `None` for the rule as a whole.
    pub condition: Option<String>,
    /// The outcome that is missing.
    pub outcome: bool,
}

impl CoverageReport {
    /// How many outcomes there are to reach.
    #[must_use]
    pub fn goals(&self) -> usize {
        self.rules.iter().map(|rule| rule.goals().count()).sum()
    }

    /// How many of them were reached.
    #[must_use]
    pub fn reached(&self) -> usize {
        self.rules.iter().map(|rule| rule.goals().filter(|(_, _, is_reached)| *is_reached).count()).sum()
    }

    /// The share of the outcomes that was reached, from 0.0 to 1.0; 0.0 if there are none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "no policy has 2^52 conditions")]
    pub fn share(&self) -> f64 {
        match self.goals() {
            0 => 0.0,
            goals => self.reached() as f64 / goals as f64,
        }
    }

    /// The outcomes that were not reached.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        self.rules.iter().flat_map(RuleCoverage::gaps).collect()
    }
}

impl RuleCoverage {
    /// The outcomes to reach: of which condition, which, and whether it was reached.
    fn goals(&self) -> impl Iterator<Item = (Option<&str>, bool, bool)> {
        let Counts { as_true, as_false, as_error } = self.counts;
        // A rule that cannot be decided denies.
        let whole =
            [(self.can_hold, true, as_true > 0), (self.can_fail, false, as_false > 0 || as_error > 0)];
        let whole = whole.into_iter().filter(|(is_goal, ..)| *is_goal);
        let whole = whole.map(|(_, outcome, is_reached)| (None, outcome, is_reached));
        whole.chain(self.conditions.iter().flat_map(|ConditionCoverage { text, counts }| {
            [(Some(text.as_str()), true, counts.as_true > 0), (Some(text), false, counts.as_false > 0)]
        }))
    }

    fn gaps(&self) -> impl Iterator<Item = Gap> {
        let missed = self.goals().filter(|(_, _, is_reached)| !is_reached);
        missed.map(|(condition, outcome, _)| Gap {
            subject: self.subject.clone(),
            place: self.place.clone(),
            condition: condition.map(ToOwned::to_owned),
            outcome,
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route(route) => f.write_str(route),
            Self::Role(role) => write!(f, "role `{role}`"),
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "true {}, false {}, error {}", self.as_true, self.as_false, self.as_error)
    }
}

/// One line: the place, the route or role, and what never happened.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.place, self.subject)?;
        match (&self.condition, &self.subject, self.outcome) {
            (Some(condition), _, outcome) => write!(f, "`{condition}` was never {outcome}"),
            (None, Subject::Route(_), true) => f.write_str("it never let anybody in"),
            (None, Subject::Route(_), false) => f.write_str("it never denied anybody"),
            (None, Subject::Role(_), true) => f.write_str("no certificate brought it"),
            (None, Subject::Role(_), false) => f.write_str("every certificate brought it"),
        }
    }
}

impl fmt::Display for CoverageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of {} outcomes reached", self.reached(), self.goals())?;
        for rule in &self.rules {
            writeln!(f, "{} ({})", rule.subject, rule.place)?;
            writeln!(f, "  {}: {}", rule.rule, rule.counts)?;
            for condition in &rule.conditions {
                writeln!(f, "    {}: {}", condition.text, condition.counts)?;
            }
        }
        let gaps = self.gaps();
        if !gaps.is_empty() {
            writeln!(f, "not reached:")?;
        }
        gaps.iter().try_for_each(|gap| writeln!(f, "  {gap}"))
    }
}
