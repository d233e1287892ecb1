//! The rules of a policy file.

use std::collections::HashMap;
use std::sync::Arc;

use super::text::Text;
use crate::policy::condition::{self, beyond_certificate};
use crate::policy::pattern::Pattern;
use crate::policy::report::Report;
use crate::policy::resource::{FieldType, ResourceType};
use crate::role::Hierarchy;
use crate::rule::{Custom, Environment, Expr, Rule, Scalar};

/// What a rule stands in, which decides on what it may read.
#[derive(Clone, Copy)]
pub(super) enum Context<'c> {
    Route(&'c Pattern),
    Condition,
    Resource(&'c ResourceType),
}

/// Reads rules; those of routes share one tree if they have the same text.
pub(super) struct Rules<'p> {
    environment: Environment<'p>,
    /// The closures for the names that rules may give, if they may also give others.
    lenient: Option<&'p [Custom]>,
    shared: HashMap<Box<str>, Option<Arc<Rule>>>,
}

impl<'p> Rules<'p> {
    /// `anchors` is `None` if the policy declares none, so that every label may be right.
    pub(super) fn new(
        hierarchy: &'p Hierarchy,
        anchors: Option<&'p [&'p str]>,
        customs: &'p [Custom],
        accepts_unregistered: bool,
    ) -> Self {
        let roles = Some(hierarchy);
        let (customs, lenient) =
            if accepts_unregistered { (None, Some(customs)) } else { (Some(customs), None) };
        let environment = Environment { roles, anchors, customs, ..Environment::default() };
        Self { environment, lenient, shared: HashMap::new() }
    }

    /// Reads a rule, and reports what is wrong with it.
    pub(super) fn read(
        &mut self,
        text: &Text,
        context: Context<'_>,
        report: &mut Report,
    ) -> Option<Arc<Rule>> {
        match context {
            Context::Route(pattern) => {
                if let Some(Some(known)) = self.shared.get(&text.value) {
                    return Some(Arc::clone(known));
                }
                let params: Vec<_> = pattern.parameters().collect();
                let environment = Environment { params: Some(&params), ..self.environment };
                let rule = self.parse(text, &environment, report);
                // Parameters are the one thing that a route's pattern means to its rule.
                if !text.value.contains("params") {
                    self.shared.insert(text.value.clone(), rule.clone());
                }
                rule
            }
            Context::Condition => {
                let environment = Environment { certificate_only: true, ..self.environment };
                let rule = self.parse(text, &environment, report)?;
                if let Some(what) = beyond_certificate(&rule) {
                    let message = format!("the condition of a role reads {what}");
                    report.add_with_help(text.origin(), message, condition::HELP);
                }
                Some(rule)
            }
            Context::Resource(resource_type) => {
                let fields: Vec<_> =
                    resource_type.fields().map(|(name, field)| (name, scalar(field))).collect();
                let environment =
                    Environment { resource: Some(&fields), params: Some(&[]), ..self.environment };
                self.parse(text, &environment, report)
            }
        }
    }

    fn parse(&self, text: &Text, environment: &Environment<'_>, report: &mut Report) -> Option<Arc<Rule>> {
        if text.value.trim().is_empty() {
            let help = "write `anyone`, `nobody` or a condition";
            report.add_with_help(text.origin(), "the rule is empty", help);
            return None;
        }
        match Rule::parse_in(&text.value, environment) {
            Ok(mut rule) => {
                if let Some(customs) = self.lenient {
                    rule.0.walk_mut(&mut |expr| {
                        if let Expr::Custom(custom) = expr
                            && let Some(known) = customs.iter().find(|known| known.name == custom.name)
                        {
                            *custom = known.clone();
                        }
                    });
                }
                Some(Arc::new(rule))
            }
            Err(error) => {
                for mistake in error.diagnostics() {
                    let origin = report.part(text.file, |source| text.part(source, mistake.span()));
                    match mistake.advice() {
                        Some(help) => report.add_with_help(origin, mistake.message(), help),
                        None => report.add(origin, mistake.message()),
                    }
                }
                None
            }
        }
    }
}

fn scalar(field: FieldType) -> Scalar {
    match field {
        FieldType::String => Scalar::String,
        FieldType::Int => Scalar::Int,
        FieldType::Bool => Scalar::Bool,
        FieldType::Timestamp => Scalar::Timestamp,
    }
}
