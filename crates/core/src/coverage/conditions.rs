//! What there is to reach in a rule, and what a decision has reached.

use super::Subject;
use super::report::{ConditionCoverage, Counts, RuleCoverage};
use crate::rule::{Expr, Outcome, Rule, Trace};

impl RuleCoverage {
    pub(super) fn new(subject: Subject, rule: &Rule, place: String) -> Self {
        let mut texts = Vec::new();
        conditions(&rule.0, true, &mut texts);
        let text = rule.to_string();
        // A rule that is one condition has nothing to say of it beside what it says of itself.
        texts.retain(|condition| *condition != text);
        let conditions = texts.into_iter().map(|text| ConditionCoverage { text, counts: Counts::default() });
        Self {
            can_hold: !matches!(rule.0, Expr::Nobody),
            can_fail: !matches!(rule.0, Expr::Anyone),
            conditions: conditions.collect(),
            counts: Counts::default(),
            rule: text,
            subject,
            place,
        }
    }

    pub(super) fn count(&mut self, trace: &Trace) {
        self.counts.count(&trace.outcome);
        self.count_parts(&trace.parts);
    }

    fn count_parts(&mut self, parts: &[Trace]) {
        for part in parts {
            if let Some(condition) = self.conditions.iter_mut().find(|known| known.text == part.text) {
                condition.counts.count(&part.outcome);
            }
            self.count_parts(&part.parts);
        }
    }
}

impl Counts {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::True => self.as_true += 1,
            Outcome::False => self.as_false += 1,
            Outcome::Error(_) => self.as_error += 1,
            Outcome::Value(_) | Outcome::NotReached => {}
        }
    }
}

/// The conditions that `!`, `&&`, `||` and `? :` join, each text once. Below the others there can be
/// more of them, in the value that a `? :` chooses.
fn conditions(expr: &Expr, is_condition: bool, texts: &mut Vec<String>) {
    match expr {
        Expr::Anyone | Expr::Nobody | Expr::Literal(_) | Expr::List(_) | Expr::Variable { .. } => {}
        Expr::Not(_) | Expr::All(_) | Expr::Any(_) => {
            expr.children().iter().for_each(|part| conditions(part, true, texts));
        }
        Expr::Conditional(parts) => {
            let [condition, then, otherwise] = &**parts;
            conditions(condition, true, texts);
            conditions(then, is_condition, texts);
            conditions(otherwise, is_condition, texts);
        }
        other => {
            let text = other.to_string();
            if is_condition && !texts.contains(&text) {
                texts.push(text);
            }
            // The body of a quantifier is about one element after the other; it has no one outcome.
            let values = match other {
                Expr::Quantified(..) => 1,
                _ => other.children().len(),
            };
            other.children().iter().take(values).for_each(|value| conditions(value, false, texts));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_what_is_joined() {
        for (rule, expected) in [
            ("anyone", &[][..]),
            ("nobody || authenticated", &["authenticated"]),
            (r#"role("a") && !role("b") || role("a")"#, &[r#"role("a")"#, r#"role("b")"#]),
            (
                r#"role("a") ? subject.CN == "x" : has(subject.OU)"#,
                &[r#"role("a")"#, r#"subject.CN == "x""#, "has(subject.OU)"],
            ),
            (
                r#"(role("a") ? subject.CN : subject.OU) == params.x"#,
                &[r#"(role("a") ? subject.CN : subject.OU) == params.x"#, r#"role("a")"#],
            ),
            (r#"!san.dns.exists(x, x == "a" || x == "b")"#, &[r#"san.dns.exists(x, x == "a" || x == "b")"#]),
        ] {
            let mut texts = Vec::new();
            conditions(&Rule::parse(rule).unwrap().0, true, &mut texts);
            assert_eq!(texts, expected, "{rule}");
        }
    }
}
