//! `portcullis lint`: what is probably wrong with a policy.

use std::path::PathBuf;

use clap::ValueEnum;
use portcullis_core::policy::{Finding, Level};
use serde_json::json;

use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::policy;
use crate::style::{BAD, DOUBTFUL, FAINT, STRONG, Styled};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The policy file
    #[arg(value_name = "FILE")]
    policy: PathBuf,
    /// Exit with 2 if there is a finding of this level, or of a worse one
    #[arg(long, value_enum, default_value_t = Deny::Warn)]
    deny: Deny,
}

/// From which level on a finding fails the command.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Deny {
    /// Nobody can have meant it
    Error,
    /// It lets in or keeps out others than a reader expects
    Warn,
    /// Anything that a reviewer should know of
    Note,
    /// None: only tell
    Never,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Outcome, Failure> {
    let findings = policy::load(&arguments.policy)?.lint();
    let text = match findings.as_slice() {
        [] => "nothing was found\n".to_owned(),
        findings => findings.iter().map(told).collect(),
    };
    let values: Vec<_> = findings.iter().map(value).collect();
    output.result(&text, &json!({ "findings": values }))?;
    let fails = findings.iter().any(|finding| arguments.deny.covers(finding.level()));
    Ok(if fails { Outcome::Finding } else { Outcome::Fine })
}

impl Deny {
    fn covers(self, level: Level) -> bool {
        match self {
            Self::Error => level == Level::Error,
            // The worst level is the first.
            Self::Warn => level <= Level::Warn,
            Self::Note => true,
            Self::Never => false,
        }
    }
}

fn told(finding: &Finding) -> String {
    let level = finding.level();
    let style = match level {
        Level::Error => BAD,
        Level::Warn => DOUBTFUL,
        _ => FAINT,
    };
    let head = Styled(style, format!("{level}[{}]", finding.code()));
    let place = Styled(STRONG, finding.place());
    format!("{place}: {head}: {}\n    {}\n", finding.message(), finding.remedy())
}

fn value(finding: &Finding) -> serde_json::Value {
    let place = finding.place();
    json!({
        "level": finding.level().to_string(),
        "code": finding.code(),
        "file": place.file(),
        "line": place.line(),
        "column": place.column(),
        "message": finding.message(),
        "remedy": finding.remedy(),
    })
}
