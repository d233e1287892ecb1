//! Rules that mean something else than their author thought.

use std::collections::HashMap;
use std::sync::Arc;

use super::regular::is_anchored;
use super::{Finding, Level};
use crate::policy::survey::{Formula, Possible};
use crate::policy::{Place, Policy};
use crate::rule::{Expr, Fact, Fixed, Party, Rule};

/// A rule, and what it is the rule of.
struct Subject<'p> {
    rule: &'p Rule,
    /// `the rule of X`, with the number of other routes that share it.
    name: String,
    place: &'p Place,
}

pub(super) fn lint(policy: &Policy, findings: &mut Vec<Finding>) {
    for subject in subjects(policy) {
        outcomes(policy, &subject, findings);
        details(&subject, findings);
        negated_roles(policy, &subject, findings);
    }
    for definition in policy.roles() {
        let Some(rule) = definition.when() else { continue };
        let name = format!("the condition of the role `{}`", definition.role());
        let subject = Subject { rule, name, place: definition.place() };
        condition(policy, &subject, findings);
        details(&subject, findings);
    }
}

/// The rules of routes and resources, each once.
fn subjects(policy: &Policy) -> Vec<Subject<'_>> {
    let mut shared: HashMap<*const Rule, usize> = HashMap::new();
    for route in policy.routes() {
        *shared.entry(Arc::as_ptr(&route.rule)).or_default() += 1;
    }
    let routes = policy.routes().filter_map(|route| {
        let name = match shared.remove(&Arc::as_ptr(&route.rule))? {
            1 => format!("the rule of `{route}`"),
            count => format!("the rule of `{route}` and {} more", count - 1),
        };
        Some(Subject { rule: route.rule(), name, place: route.place() })
    });
    let resources = policy.resources().map(|resource| Subject {
        rule: resource.rule(),
        name: format!("the rule of `{resource}`"),
        place: resource.place(),
    });
    routes.chain(resources).collect()
}

/// Rules that let nobody in, or everybody, or whoever has a name.
fn outcomes(policy: &Policy, subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let Subject { rule, name, place } = subject;
    let formula = Formula::of(rule, policy.hierarchy());
    if matches!(formula, Formula::Constant(_) | Formula::Authenticated) {
        return;
    }
    let verified = Possible::of(&formula, true, policy.hierarchy());
    let others = Possible::of(&formula, false, policy.hierarchy());
    if !verified.holds && !others.holds {
        let message = format!("{name} can never hold, so nobody passes");
        let remedy = "correct it, or write `nobody` if that is meant";
        findings.push(Finding::new(Level::Error, "never-allows", place, message, remedy));
        return;
    }
    if !verified.fails && !others.fails && !others.errs {
        let message = format!("{name} always holds, so everybody passes");
        let remedy = "correct it, or write `anyone` if that is meant";
        findings.push(Finding::new(Level::Error, "always-allows", place, message, remedy));
        return;
    }
    if !verified.fails {
        let message = format!("{name} holds for every verified caller whose certificate can be read");
        let remedy = "correct it, or write `authenticated` if that is meant";
        findings.push(Finding::new(Level::Warn, "same-for-all-verified", place, message, remedy));
        return;
    }
    dead_parts(policy, subject, findings);
}

fn dead_parts(policy: &Policy, subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let Subject { rule, name, place } = subject;
    rule.0.walk(&mut |expr| {
        let Expr::Any(parts) = expr else { return };
        for part in parts.iter().filter(|part| !matches!(part, Expr::Nobody)) {
            let part = Rule(part.clone());
            let formula = Formula::of(&part, policy.hierarchy());
            let holds = |verified| Possible::of(&formula, verified, policy.hierarchy()).holds;
            if !holds(true) && !holds(false) {
                let message = format!("in {name}, the part `{part}` can never hold");
                let remedy = "correct it, or leave it out";
                findings.push(Finding::new(Level::Warn, "dead-part", place, message, remedy));
            }
        }
    });
}

fn condition(policy: &Policy, subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let Subject { rule, name, place } = subject;
    let possible = Possible::of(&Formula::of(rule, policy.hierarchy()), true, policy.hierarchy());
    if !possible.holds {
        let message = format!("{name} can never hold, so it gives the role to nobody");
        let remedy = "correct it, or leave it out";
        findings.push(Finding::new(Level::Error, "condition-never-holds", place, message, remedy));
    } else if !possible.fails {
        let message = format!("{name} holds for every certificate that can be read");
        let remedy = "correct it, or write `authenticated` in the rules in place of the role";
        findings.push(Finding::new(Level::Warn, "condition-always-holds", place, message, remedy));
    }
    let anchors = policy.naming().anchors().count();
    // A single certificate, or a key, is one anchor's anyway.
    if anchors > 1 && !reads_anchor(rule) && !reads_fingerprint(rule) {
        let message = format!(
            "{name} asks for none of the {anchors} trust anchors, so certificates of each can meet it"
        );
        let remedy = "add `anchor.label == \"..\"`";
        findings.push(Finding::new(Level::Warn, "condition-without-anchor", place, message, remedy));
    }
}

/// What is wrong with single parts, whatever the rule is for.
fn details(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let Subject { rule, name, place } = subject;
    rule.0.walk(&mut |expr| match expr {
        Expr::Matches(regular, _) if !is_anchored(regular.as_str()) => {
            let pattern = regular.as_str().escape_debug();
            let message = format!("in {name}, `{pattern}` need not fit the whole text, only a part of it");
            let remedy = "begin it with `^` and end it with `$`, around a group if it has alternatives";
            findings.push(Finding::new(Level::Warn, "unanchored-regex", place, message, remedy));
        }
        Expr::Custom(custom) if !custom.is_registered() => {
            let message = format!("in {name}, no closure is registered for `custom(\"{}\")`", custom.name);
            let remedy = "register it with the loader that the application uses, or correct the name";
            findings.push(Finding::new(Level::Warn, "unregistered-custom", place, message, remedy));
        }
        _ => {}
    });
    let believes_issuer = rule.0.contains(&|expr| {
        matches!(
            expr,
            Expr::Fact(Fact::Attribute(Party::Issuer, _) | Fact::Attributes(Party::Issuer, _))
                | Expr::Has(Fact::Attribute(Party::Issuer, _))
        )
    });
    if believes_issuer && !reads_anchor(rule) {
        let message = format!("{name} believes the issuer field, which any trusted intermediate can fill in");
        let remedy = "ask for `anchor.label` or `anchor.spki_sha256`, too";
        findings.push(Finding::new(Level::Warn, "issuer-without-anchor", place, message, remedy));
    }
}

fn negated_roles(policy: &Policy, subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let Subject { rule, name, place } = subject;
    if rule.is_monotone_in_roles() {
        return;
    }
    let mut negated = Formula::of(rule, policy.hierarchy()).negated_roles();
    negated.sort();
    negated.dedup();
    for role in negated.into_iter().filter_map(|role| policy.hierarchy().role(role)) {
        let message = format!("{name} keeps out callers with the role `{role}`");
        let remedy =
            "see to it that whatever gives this role never forgets anybody, or ask for a role that lets in";
        findings.push(Finding::new(Level::Note, "negated-role", place, message, remedy));
    }
}

fn reads_anchor(rule: &Rule) -> bool {
    reads(rule, &[Fixed::AnchorLabel, Fixed::AnchorSpkiSha256])
}

fn reads_fingerprint(rule: &Rule) -> bool {
    reads(rule, &[Fixed::CertificateSha256, Fixed::CertificateSpkiSha256])
}

fn reads(rule: &Rule, facts: &[Fixed]) -> bool {
    rule.0.contains(&|expr| matches!(expr, Expr::Fact(Fact::Fixed(fact)) if facts.contains(fact)))
}
