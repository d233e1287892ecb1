//! `portcullis test`: a table of who may do what, held against the policy.

mod table;

use std::path::{Path, PathBuf};

use portcullis_core::coverage::{Coverage, CoverageReport};
use portcullis_core::{Authorizer, Decision, Explanation, Principal};
use serde_json::json;

use self::table::{Case, Expected, Table};
use super::check::coloured;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::style::{BAD, DOUBTFUL, GOOD, STRONG, Styled};
use crate::{input, policy};

/// The table is TOML: `[actors.NAME]` says who they are, `[[test]]` has a `request`, and who must be
/// let in (`allow`) and who denied (`deny`). Exit status: 2 if a test fails or too little is covered.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The policy file
    #[arg(value_name = "FILE")]
    policy: PathBuf,
    /// The tables of tests
    #[arg(value_name = "TESTS", required = true)]
    tests: Vec<PathBuf>,
    /// The least share of outcomes that must be reached, in percent; goes before `coverage` of the tables
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    coverage: Option<u8>,
    /// List every outcome that no test reached
    #[arg(long)]
    gaps: bool,
}

/// What one test came to.
struct Tried {
    place: String,
    request: String,
    actor: String,
    expected: Expected,
    explanation: Explanation,
    is_met: bool,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Outcome, Failure> {
    let coverage = Coverage::new();
    let auth = Authorizer::builder(policy::load(&arguments.policy)?).coverage(&coverage).build();
    let auth = auth.map_err(|error| Failure::Other(error.to_string()))?;
    let mut results = Vec::new();
    let mut least = arguments.coverage;
    for path in &arguments.tests {
        let table = Table::read(path, &auth)?;
        least = least.max(table.coverage.filter(|_| arguments.coverage.is_none()));
        for case in &table.cases {
            results.push(judge(path, case, &auth));
        }
    }
    let report = coverage.report();
    let percent = report.share() * 100.0;
    let is_covered = least.is_none_or(|least| percent >= f64::from(least));
    let failed = results.iter().filter(|result| !result.is_met).count();

    let mut text: String = results.iter().filter(|result| !result.is_met).map(told).collect();
    text += &summary(results.len(), failed, &report, least, is_covered);
    let shows_gaps = arguments.gaps || !is_covered;
    if shows_gaps {
        text += &report.gaps().iter().map(|gap| format!("  {gap}\n")).collect::<String>();
    }
    let value = json!({
        "passed": results.len() - failed,
        "failed": failed,
        "tests": results.iter().map(value).collect::<Vec<_>>(),
        "coverage": {
            "percent": percent,
            "required": least,
            "reached": report.reached(),
            "goals": report.goals(),
            "gaps": report.gaps().iter().map(ToString::to_string).collect::<Vec<_>>(),
        },
    });
    output.result(&text, &value)?;
    Ok(if failed == 0 && is_covered { Outcome::Fine } else { Outcome::Finding })
}

fn judge(path: &Path, case: &Case, auth: &Authorizer) -> Tried {
    let request = case.request();
    let principal: &Principal = &case.principal;
    // Decided as a request is, so that it is counted; explained without being counted again.
    let decision = auth.decide_for(&request, principal);
    let is_met = match (&decision, &case.expected) {
        (Decision::Allow, Expected::Allow) | (Decision::Deny(_), Expected::Deny(None)) => true,
        (Decision::Deny(denial), Expected::Deny(Some(kind))) => denial.kind().name() == kind,
        _ => false,
    };
    Tried {
        place: format!("{}:{}", input::name(path), case.line),
        request: case.title(),
        actor: case.actor.clone(),
        expected: case.expected.clone(),
        explanation: auth.explain(&request, principal),
        is_met,
    }
}

fn told(result: &Tried) -> String {
    let Tried { place, request, actor, expected, explanation, .. } = result;
    let reasons: String = coloured(explanation).lines().map(|line| format!("    {line}\n")).collect();
    let head = Styled(BAD, "failed");
    format!("{}: {head}: {request} by `{actor}`: expected {expected}\n{reasons}", Styled(STRONG, place))
}

fn summary(
    tests: usize,
    failed: usize,
    report: &CoverageReport,
    least: Option<u8>,
    is_covered: bool,
) -> String {
    let outcome = match failed {
        0 => Styled(GOOD, format!("{tests} passed")),
        failed => Styled(BAD, format!("{failed} of {tests} failed")),
    };
    let share = format!("{:.1} % covered", report.share() * 100.0);
    let counts = format!("{} of {} outcomes", report.reached(), report.goals());
    match least {
        Some(least) if !is_covered => {
            format!("{outcome}; {} ({counts}), and {least} % are required\n", Styled(DOUBTFUL, share))
        }
        _ => format!("{outcome}; {share} ({counts})\n"),
    }
}

fn value(result: &Tried) -> serde_json::Value {
    let Tried { place, request, actor, expected, explanation, is_met } = result;
    json!({
        "place": place,
        "request": request,
        "actor": actor,
        "expected": expected.to_string(),
        "actual": match explanation.decision.denial() {
            None => "allow".to_owned(),
            Some(denial) => format!("deny ({})", denial.kind()),
        },
        "passed": is_met,
        // Of what went as it should nobody wants to know why.
        "explanation": (!is_met).then(|| explanation.to_json()),
    })
}
