//! What was seen, step by step, and what it comes to.

use serde::Serialize;

use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::style::{self, Styled};

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mark {
    Ok,
    Warn,
    Fail,
}

/// Something that is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) mark: Mark,
    /// A stable word, for scripts and tests.
    pub(super) code: &'static str,
    pub(super) cause: String,
    pub(super) remedy: String,
}

impl Finding {
    /// Something for which the connection, or what it is for, fails.
    pub(super) fn fail(code: &'static str, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { mark: Mark::Fail, code, cause: cause.into(), remedy: remedy.into() }
    }

    /// Something that others may stumble over.
    pub(super) fn warn(code: &'static str, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { mark: Mark::Warn, ..Self::fail(code, cause, remedy) }
    }

    /// Whether a wrong clock would explain it.
    fn is_about_time(&self) -> bool {
        self.code.ends_with("-expired") || self.code.ends_with("-not-yet-valid")
    }

    /// Cause and remedy in one sentence.
    pub(super) fn sentence(&self) -> String {
        format!("{}: {}", self.cause, self.remedy)
    }
}

#[derive(Debug, Serialize)]
struct Step {
    mark: Mark,
    name: &'static str,
    text: String,
}

/// The steps that were taken, printed as they are, and what was found.
#[derive(Debug)]
pub(super) struct Report<'a> {
    output: &'a mut Output,
    url: String,
    steps: Vec<Step>,
    findings: Vec<Finding>,
    /// The first failure to print; what was found counts more than that it could not be printed.
    unprinted: Option<Failure>,
}

impl<'a> Report<'a> {
    pub(super) fn new(output: &'a mut Output, url: String) -> Self {
        Self { output, url, steps: Vec::new(), findings: Vec::new(), unprinted: None }
    }

    /// A step that went well.
    pub(super) fn ok(&mut self, name: &'static str, text: impl Into<String>) {
        self.step(Mark::Ok, name, text.into());
    }

    /// A step that brought something to light.
    pub(super) fn finding(&mut self, name: &'static str, finding: Finding) {
        self.step(finding.mark, name, finding.cause.clone());
        self.findings.push(finding);
    }

    /// Whether one of these was found.
    pub(super) fn found(&self, codes: &[&str]) -> bool {
        self.findings.iter().any(|finding| codes.contains(&finding.code))
    }

    /// Whether something was found that a wrong clock would explain.
    pub(super) fn has_found_time(&self) -> bool {
        self.findings.iter().any(Finding::is_about_time)
    }

    /// Prints what all of it comes to.
    pub(super) fn conclude(self, fine: &str) -> Result<Outcome, Failure> {
        if let Some(failure) = self.unprinted {
            return Err(failure);
        }
        let conclusion = self.conclusion().cloned();
        let outcome = match &conclusion {
            Some(cause) if cause.mark == Mark::Fail => Outcome::Finding,
            _ => Outcome::Fine,
        };
        let text = self.summary(conclusion.as_ref(), fine);
        let value = serde_json::json!({
            "url": self.url,
            "steps": self.steps,
            "findings": self.findings,
            "code": conclusion.as_ref().map_or("fine", |cause| cause.code),
            "sentence": conclusion.as_ref().map_or_else(|| fine.to_owned(), Finding::sentence),
        });
        self.output.result(&text, &value)?;
        Ok(outcome)
    }

    /// What to see to first: the earliest failure, unless the clock explains it.
    fn conclusion(&self) -> Option<&Finding> {
        let fails = |finding: &&Finding| finding.mark == Mark::Fail;
        let clock = self.findings.iter().filter(fails).find(|finding| finding.code == "clock-skew");
        clock.or_else(|| self.findings.iter().find(fails)).or_else(|| self.findings.first())
    }

    fn summary(&self, conclusion: Option<&Finding>, fine: &str) -> String {
        let Some(cause) = conclusion else { return format!("\n{fine}") };
        let mut text = format!("\n{}", cause.sentence());
        for other in self.findings.iter().filter(|other| *other != cause) {
            text.push_str(&format!("\nalso: {}", other.sentence()));
        }
        text
    }

    fn step(&mut self, mark: Mark, name: &'static str, text: String) {
        let word = match mark {
            Mark::Ok => Styled(style::GOOD, "ok"),
            Mark::Warn => Styled(style::DOUBTFUL, "warn"),
            Mark::Fail => Styled(style::BAD, "fail"),
        };
        let printed = self.output.progress(&format!("{word:5} {name:<12} {text}"));
        self.unprinted = self.unprinted.take().or(printed.err());
        self.steps.push(Step { mark, name, text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Format;

    fn report(output: &mut Output, findings: &[Finding]) -> Option<&'static str> {
        let mut report = Report::new(output, String::new());
        report.findings.extend_from_slice(findings);
        report.conclusion().map(|cause| cause.code)
    }

    #[test]
    fn the_first_failure_is_the_cause_unless_it_is_the_clock() {
        let mut output = Output::new(Format::Json);
        let warning = Finding::warn("client-name", "", "");
        let expired = Finding::fail("server-expired", "", "");
        let refused = Finding::fail("client-refused", "", "");
        let skew = Finding::fail("clock-skew", "", "");
        assert_eq!(report(&mut output, &[]), None);
        assert_eq!(report(&mut output, std::slice::from_ref(&warning)), Some("client-name"));
        assert_eq!(report(&mut output, &[warning, expired.clone(), refused.clone()]), Some("server-expired"));
        assert_eq!(report(&mut output, &[expired, refused, skew]), Some("clock-skew"));
    }
}
