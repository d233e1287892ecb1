//! `portcullis check` and `explain`: may this caller do that, and why.

mod event;

use std::net::IpAddr;
use std::path::PathBuf;

use portcullis_core::{Explanation, Principal, Request};
use serde_json::json;

use super::doctor::facts;
use crate::actor::Actor;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::style::{BAD, FAINT, GOOD, Styled, printable};
use crate::{actor, clock, policy};

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The method of the request, such as GET
    method: String,
    /// The path of the request, as a client would send it
    path: String,
    /// The policy file
    #[arg(long, short, value_name = "FILE")]
    policy: PathBuf,
    #[command(flatten)]
    request: RequestFlags,
    #[command(flatten)]
    actor: Actor,
}

#[derive(Debug, clap::Args)]
#[command(override_usage = "portcullis explain --policy <FILE> [OPTIONS] <METHOD> <PATH>\n       \
                            portcullis explain --audit <FILE> <DENIAL-ID>")]
pub(crate) struct Explain {
    /// The method of the request, or the id of a denial
    #[arg(value_name = "METHOD|DENIAL-ID")]
    what: String,
    /// The path of the request, as a client would send it
    path: Option<String>,
    /// The policy file
    #[arg(long, short, value_name = "FILE", conflicts_with = "audit", required_unless_present = "audit")]
    policy: Option<PathBuf>,
    /// The audit log, JSON lines, in which to look for the denial
    #[arg(long, value_name = "FILE")]
    audit: Vec<PathBuf>,
    #[command(flatten)]
    request: RequestFlags,
    #[command(flatten)]
    actor: Actor,
}

/// What else is known of a request.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "The request")]
pub(crate) struct RequestFlags {
    /// The host that the request is for
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// The address that the request comes from
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) ip: Option<IpAddr>,
    /// When the request comes: RFC 3339, or seconds since 1970; now if not given
    #[arg(long, value_name = "TIME", value_parser = clock::parse)]
    pub(crate) time: Option<i64>,
}

impl RequestFlags {
    pub(crate) fn request<'a>(&'a self, method: &'a str, path: &'a str) -> Request<'a> {
        let request = Request::new(method, path).with_host(self.host.as_deref()).with_peer_ip(self.ip);
        match self.time {
            Some(time) => request.with_time(time),
            None => request,
        }
    }
}

/// Only the answer, and which line gives it.
pub(crate) fn check(arguments: &Check, output: &mut Output) -> Result<Outcome, Failure> {
    let Check { method, path, policy, request, actor } = arguments;
    let explanation = ask(policy, &request.request(method, path), actor)?;
    let denial = explanation.decision.denial();
    let route = explanation.route.as_ref();
    let place = route.map(|route| format!("{} ({})", route.pattern, route.place));
    let answer = match denial {
        None => Styled(GOOD, "allow".to_owned()),
        Some(denial) => Styled(BAD, format!("deny ({})", denial.kind())),
    };
    let mut text = format!("{answer}: {} for {}\n", explanation.request, explanation.principal);
    match place {
        Some(place) => text += &format!("{}\n", Styled(FAINT, format!("by {place}"))),
        None => text += &denial.map(|denial| format!("because {denial}\n")).unwrap_or_default(),
    }
    let notes = notes(request, actor)?;
    text += &told(&notes);
    let value = json!({
        "request": explanation.request,
        "principal": explanation.principal,
        "decision": if explanation.is_allowed() { "allow" } else { "deny" },
        "kind": denial.map(|denial| denial.kind().name()),
        "status": denial.map(portcullis_core::Denial::status),
        "cause": denial.map(ToString::to_string),
        "route": route.map(|route| route.pattern.as_str()),
        "place": route.map(|route| route.place.as_str()),
        "notes": notes,
    });
    output.result(&text, &value)?;
    Ok(outcome(&explanation))
}

/// The answer with its reasons, or the event of a denial.
pub(crate) fn explain(arguments: &Explain, output: &mut Output) -> Result<Outcome, Failure> {
    let Explain { what, path, policy, audit, request, actor } = arguments;
    match (policy, path) {
        (None, None) => event::explain(what, audit, output),
        (None, Some(_)) => {
            let message =
                "with `--audit` give the id of a denial only: it stands in the response and in the log";
            Err(Failure::Input(message.into()))
        }
        (Some(_), None) => {
            let message = "give the path, too: `portcullis explain --policy FILE GET /reports/7`; \
                           for the id of a denial, give `--audit FILE` instead of `--policy`";
            Err(Failure::Input(message.into()))
        }
        (Some(policy), Some(path)) => {
            let explanation = ask(policy, &request.request(what, path), actor)?;
            let notes = notes(request, actor)?;
            let mut value = explanation.to_json();
            if let (Some(object), false) = (value.as_object_mut(), notes.is_empty()) {
                object.insert("notes".into(), json!(notes));
            }
            output.result(&(coloured(&explanation) + &told(&notes)), &value)?;
            Ok(outcome(&explanation))
        }
    }
}

fn ask(path: &std::path::Path, request: &Request<'_>, actor: &Actor) -> Result<Explanation, Failure> {
    let auth = policy::authorizer(policy::load(path)?)?;
    let principal: Principal = actor.under(&auth)?;
    Ok(auth.explain(request, &principal))
}

/// Why servers would not let the certificate get as far as the policy.
fn notes(request: &RequestFlags, actor: &Actor) -> Result<Vec<String>, Failure> {
    let Some(path) = &actor.cert else { return Ok(Vec::new()) };
    Ok(facts::told_of_client(&actor::leaf(path)?, request.time.unwrap_or_else(clock::now)))
}

fn told(notes: &[String]) -> String {
    notes.iter().map(|note| format!("note: {}\n", printable(note))).collect()
}

fn outcome(explanation: &Explanation) -> Outcome {
    if explanation.is_allowed() { Outcome::Fine } else { Outcome::Finding }
}

/// The explanation with its first word in colour.
pub(crate) fn coloured(explanation: &Explanation) -> String {
    let text = explanation.to_string();
    let (style, word) = if explanation.is_allowed() { (GOOD, "allow") } else { (BAD, "deny") };
    match text.strip_prefix(word) {
        Some(rest) => format!("{}{rest}", Styled(style, word)),
        None => text,
    }
}
