//! `portcullis who` and `can`: who may do that, and what may this one do.

use std::fmt::Write;
use std::path::PathBuf;

use portcullis_core::policy::{Access, Policy, Reach};
use portcullis_core::principal::TestPrincipal;
use portcullis_core::{Authorizer, Principal};
use serde_json::{Value, json};

use super::check::RequestFlags;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::roster::Sources;
use crate::style::{FAINT, STRONG, Styled, access, printable};
use crate::{actor, policy};

#[derive(Debug, clap::Args)]
pub(crate) struct Who {
    /// The method of the request, such as GET
    method: String,
    /// The path of the request, as a client would send it
    path: String,
    /// The policy file, of today or of any other day
    #[arg(long, short, value_name = "FILE")]
    policy: PathBuf,
    #[command(flatten)]
    request: RequestFlags,
    #[command(flatten)]
    sources: Sources,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Can {
    /// The name of the caller under the policy
    name: String,
    /// The policy file, of today or of any other day
    #[arg(long, short, value_name = "FILE")]
    policy: PathBuf,
    /// Also show what is denied
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    sources: Sources,
}

/// Who may do one thing.
pub(crate) fn who(arguments: &Who, output: &mut Output) -> Result<Outcome, Failure> {
    let Who { method, path, policy, request, sources } = arguments;
    let auth = policy::authorizer(policy::load(policy)?)?;
    let roster = sources.roster(&auth)?;
    let request = request.request(method, path);
    let nobody = actor::principal(&TestPrincipal::anonymous(), &auth)?;
    let closed = match auth.reach_of(&request, &nobody) {
        Ok(anonymous) => {
            let people = roster.principals(sources.anchor(), &auth)?;
            let answers = people.iter().map(|(name, who)| (name.as_str(), who, auth.reach_of(&request, who)));
            let answers: Vec<_> =
                answers.filter_map(|(name, who, reach)| Some((name, who, reach.ok()?))).collect();
            let policy = auth.policy();
            let text = told_who(&policy, &anonymous, &answers, &roster.remarks);
            output.result(&text, &value_of_who(&policy, &anonymous, &answers, &roster.remarks))?;
            return Ok(Outcome::Fine);
        }
        Err(denial) => denial,
    };
    let text = format!("nobody ({}): {closed}\n", closed.kind());
    output.result(
        &text,
        &json!({ "route": null, "kind": closed.kind().name(), "cause": closed.to_string(), "callers": [] }),
    )?;
    Ok(Outcome::Finding)
}

type Answer<'a> = (&'a str, &'a Principal, Reach);

fn told_who(policy: &Policy, route: &Reach, answers: &[Answer<'_>], remarks: &[String]) -> String {
    let mut text = format!("{} {}\n", Styled(STRONG, route.route()), Styled(FAINT, route.place()));
    if let Some(rule) = rule(policy, route) {
        text += &format!("  {rule}\n");
    }
    let kinds = kinds(policy, route);
    let width = kinds.iter().map(|(kind, _)| kind.chars().count());
    let width = width
        .chain(answers.iter().map(|(name, ..)| printable(name).chars().count()))
        .max()
        .unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n{}", Styled(STRONG, "by kind of caller"));
    for (kind, answer) in kinds {
        let _ = writeln!(text, "  {kind:width$}  {}", access(answer));
    }
    if !answers.is_empty() {
        let _ = writeln!(text, "\n{}", Styled(STRONG, "who is known"));
    }
    for (name, who, reach) in answers {
        let roles: Vec<_> = who.roles().names().collect();
        let roles =
            if roles.is_empty() { String::new() } else { format!("  {}", Styled(FAINT, roles.join(", "))) };
        let _ =
            writeln!(text, "  {:width$}  {:7}{roles}{}", printable(name), access(reach.access()), on(reach));
    }
    for remark in remarks {
        let _ = writeln!(text, "note: {}", printable(remark));
    }
    text
}

fn on(reach: &Reach) -> String {
    match reach.conditions() {
        [] => String::new(),
        conditions => format!("  on {}", conditions.join(", ")),
    }
}

fn value_of_who(policy: &Policy, route: &Reach, answers: &[Answer<'_>], remarks: &[String]) -> Value {
    let kinds =
        kinds(policy, route).into_iter().map(|(kind, answer)| (kind, Value::from(answer.to_string())));
    let callers = answers.iter().map(|(name, who, reach)| {
        json!({
            "name": name,
            "access": reach.access().to_string(),
            "conditions": reach.conditions(),
            "roles": who.roles().names().collect::<Vec<_>>(),
            "has_certificate": who.identity().is_some(),
        })
    });
    json!({
        "route": route.route(),
        "place": route.place().to_string(),
        "rule": rule(policy, route),
        "kinds": Value::Object(kinds.collect()),
        "callers": callers.collect::<Vec<_>>(),
        "remarks": remarks,
    })
}

fn rule(policy: &Policy, reach: &Reach) -> Option<String> {
    let route = policy.routes().find(|route| route.to_string() == reach.route())?;
    Some(route.rule().to_string())
}

/// What the route is to each kind of callers.
fn kinds(policy: &Policy, reach: &Reach) -> Vec<(String, Access)> {
    let matrix = policy.matrix();
    let row = matrix.rows().find(|row| row.route() == reach.route());
    let cells = row.map(|row| row.access().to_vec()).unwrap_or_default();
    matrix.callers().iter().map(ToString::to_string).zip(cells).collect()
}

/// What one caller may do.
pub(crate) fn can(arguments: &Can, output: &mut Output) -> Result<Outcome, Failure> {
    let Can { name, policy, all, sources } = arguments;
    let auth = policy::authorizer(policy::load(policy)?)?;
    let mut roster = sources.roster(&auth)?;
    if !roster.has(name) {
        roster
            .remarks
            .push(format!("`{name}` is not known: a caller of this name is asked about, without a role"));
    }
    let principals = roster.known_as(name, sources.anchor(), &auth)?;
    let mut text = String::new();
    for who in &principals {
        text += &told_can(name, who, &auth, *all);
    }
    roster.remarks.extend(policy::told_resources(&auth.policy()));
    for remark in &roster.remarks {
        text += &format!("note: {}\n", printable(remark));
    }
    let callers: Vec<_> = principals.iter().map(|who| value_of_can(name, who, &auth)).collect();
    output.result(&text, &json!({ "callers": callers, "remarks": roster.remarks }))?;
    Ok(Outcome::Fine)
}

fn told_can(name: &str, who: &Principal, auth: &Authorizer, all: bool) -> String {
    let mut text = Styled(STRONG, printable(name)).to_string();
    if let Some(identity) = who.identity() {
        let certificate = identity.certificate();
        text += &format!(
            " {}",
            Styled(FAINT, format!("certificate {} of {}", certificate.serial(), certificate.issuer()))
        );
    }
    text.push('\n');
    for role in who.roles().names() {
        let origins: Vec<_> = who.roles().origins(role).iter().map(ToString::to_string).collect();
        text += &format!("  role {role}: {}\n", origins.join(", "));
    }
    let reach = auth.reach(who);
    let shown = reach.iter().filter(|reach| all || reach.access() != Access::Deny);
    let lines: Vec<String> = shown
        .map(|reach| format!("  {:7}  {}{}\n", access(reach.access()), reach.route(), on(reach)))
        .collect();
    if lines.is_empty() {
        text += "  may do nothing\n";
    }
    text + &lines.concat()
}

fn value_of_can(name: &str, who: &Principal, auth: &Authorizer) -> Value {
    let routes = auth.reach(who).into_iter().map(|reach| {
        json!({
            "route": reach.route(),
            "place": reach.place().to_string(),
            "access": reach.access().to_string(),
            "conditions": reach.conditions(),
        })
    });
    json!({
        "name": name,
        "roles": who.roles().names().collect::<Vec<_>>(),
        "certificate_sha256": who.identity().map(|identity| identity.certificate().sha256().to_string()),
        "routes": routes.collect::<Vec<_>>(),
    })
}
