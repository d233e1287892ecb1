//! `portcullis diff`: what changes for whom when one policy takes the place of another.

use std::fmt::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use portcullis_core::policy::{Change, GrantChange, ResourceChange};
use serde_json::{Value, json};

use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::policy;
use crate::style::{BAD, GOOD, STRONG, Styled, access};

/// Exit status: 2 if something opens, 0 if nothing does; `--deny` moves the line.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The policy in force
    old: PathBuf,
    /// The policy that is to take its place
    new: PathBuf,
    /// Which changes make the exit status 2
    #[arg(long, value_enum, default_value_t = Deny::Opening)]
    deny: Deny,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Deny {
    /// Those that may let somebody in who was denied
    Opening,
    /// All
    Any,
    /// None: only tell
    Never,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Outcome, Failure> {
    let (old, new) = (policy::load(&arguments.old)?, policy::load(&arguments.new)?);
    let (changes, grants, resources) = (old.diff(&new), old.diff_grants(&new), old.diff_resources(&new));
    let opens = changes.iter().any(Change::opens)
        || grants.iter().any(GrantChange::opens)
        || resources.iter().any(ResourceChange::opens);
    let is_same = changes.is_empty() && grants.is_empty() && resources.is_empty();
    let value = json!({
        "opens": opens,
        "changes": changes.iter().map(cell).collect::<Vec<_>>(),
        "grants": grants.iter().map(grant).collect::<Vec<_>>(),
        "resources": resources.iter().map(resource).collect::<Vec<_>>(),
    });
    output.result(&told(&changes, &grants, &resources), &value)?;
    let fails = match arguments.deny {
        Deny::Opening => opens,
        Deny::Any => !is_same,
        Deny::Never => false,
    };
    Ok(if fails { Outcome::Finding } else { Outcome::Fine })
}

fn told(changes: &[Change], grants: &[GrantChange], resources: &[ResourceChange]) -> String {
    if changes.is_empty() && grants.is_empty() && resources.is_empty() {
        return "nothing changes: both let the same callers do the same\n".into();
    }
    let mut text = String::new();
    let mut requests = None;
    // Writing to a string cannot fail.
    for change in changes {
        if requests != Some((change.method(), change.path(), change.host())) {
            requests = Some((change.method(), change.path(), change.host()));
            let host = change.host().map(|host| format!(" on {host}")).unwrap_or_default();
            let _ =
                writeln!(text, "{}", Styled(STRONG, format!("{} {}{host}", change.method(), change.path())));
        }
        let sign = sign(change.opens(), change.closes());
        let (before, after) = (access(change.before()), access(change.after()));
        let what = if change.before() == change.after() { ", on another condition" } else { "" };
        let _ = writeln!(text, "  {sign} {}: {before} -> {after}{what}", change.caller());
    }
    if !grants.is_empty() {
        let _ = writeln!(text, "{}", Styled(STRONG, "who has which role"));
        for grant in grants {
            let _ = writeln!(text, "  {} {grant}", sign(grant.opens(), takes(grant)));
        }
    }
    if !resources.is_empty() {
        let _ = writeln!(text, "{}", Styled(STRONG, "rules about data"));
        for change in resources {
            let _ = writeln!(text, "  {} {change}", sign(change.opens(), change.before().is_some()));
        }
    }
    text
}

/// Whether somebody no longer has a role, or a name, that they had.
fn takes(change: &GrantChange) -> bool {
    match change {
        GrantChange::Member { lost, .. } => !lost.is_empty(),
        GrantChange::Condition { before, .. } => before.is_some(),
        GrantChange::Naming { before, .. } => before.is_some(),
        other => !other.opens(),
    }
}

fn sign(opens: bool, closes: bool) -> Styled<&'static str> {
    match (opens, closes) {
        (true, true) => Styled(BAD, "~"),
        (true, false) => Styled(BAD, "+"),
        (false, _) => Styled(GOOD, "-"),
    }
}

fn cell(change: &Change) -> Value {
    json!({
        "method": change.method(),
        "path": change.path(),
        "host": change.host(),
        "caller": change.caller().to_string(),
        "before": change.before().to_string(),
        "after": change.after().to_string(),
        "opens": change.opens(),
        "closes": change.closes(),
    })
}

fn resource(change: &ResourceChange) -> Value {
    json!({
        "type": change.resource_type(),
        "action": change.action(),
        "before": change.before().map(ToString::to_string),
        "after": change.after().map(ToString::to_string),
        "opens": change.opens(),
    })
}

fn grant(change: &GrantChange) -> Value {
    let mut value = match change {
        GrantChange::Member { name, gained, lost, .. } => {
            let names = |roles: &[portcullis_core::Role]| {
                roles.iter().map(|role| role.name().to_owned()).collect::<Vec<_>>()
            };
            json!({ "member": name, "gained": names(gained), "lost": names(lost) })
        }
        GrantChange::Condition { role, before, after, .. } => json!({
            "role": role.name(),
            "before": before.as_ref().map(ToString::to_string),
            "after": after.as_ref().map(ToString::to_string),
        }),
        GrantChange::Naming { label, before, after } => {
            json!({ "anchor": label, "before": before, "after": after })
        }
        other => json!({ "change": other.to_string() }),
    };
    if let Some(object) = value.as_object_mut() {
        object.insert("opens".into(), change.opens().into());
    }
    value
}
