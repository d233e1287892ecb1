//! Policies from files.

mod compile;
mod document;
mod fields;
mod read;
mod rules;
mod section;
mod text;

use std::fmt;
use std::path::Path;

use self::rules::Rules;
use self::section::Declared;
use super::report::{Origin, Report};
use super::{Inner, Policy, PolicyError, assemble};
use crate::rule::{Custom, IntoOutcome, Scope};

/// Loads policies from files, with the custom conditions that their rules name.
///
/// # Examples
///
/// ```
/// use portcullis_core::Policy;
///
/// let loader = Policy::loader().custom("office hours", |scope| scope.request().time() % 86_400 < 64_800);
/// let text = r#"
///     version = 1
///     [[route]]
///     match = "GET /"
///     allow = 'authenticated && custom("office hours")'
/// "#;
/// assert_eq!(loader.text("policy.toml", text)?.routes().count(), 1);
///
/// let mistake = loader.text("policy.toml", &text.replace("office", "offcie")).unwrap_err();
/// assert!(mistake.to_string().contains("did you mean `office hours`?"));
/// # Ok::<(), portcullis_core::policy::PolicyError>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "a loader does nothing until it is given a file or a text"]
pub struct PolicyLoader {
    customs: Vec<Custom>,
    /// Closures that could not be registered, and why.
    mistakes: Vec<(Origin, String)>,
    accepts_unregistered: bool,
}

impl PolicyLoader {
    /// Registers the closure that `custom("name")` in a rule stands for.
    ///
    /// The closure answers as one of [`custom`](crate::rule::custom) does.
    ///
    /// # Security
    ///
    /// If the closure does I/O or reads a clock, decisions are no longer repeatable, and an
    /// explanation can differ from what was decided.
    #[track_caller]
    pub fn custom<F, O>(mut self, name: &str, decide: F) -> Self
    where
        F: Fn(&Scope<'_>) -> O + Send + Sync + 'static,
        O: IntoOutcome,
    {
        match Custom::new(name, decide) {
            Ok(custom) if self.customs.iter().any(|known| known.name == custom.name) => {
                let message = format!("two closures have the name `{name}`: give each its own");
                self.mistakes.push((Origin::caller(), message));
            }
            Ok(custom) => self.customs.push(custom),
            Err(message) => self.mistakes.push((Origin::caller(), message)),
        }
        self
    }

    /// Accepts rules with custom conditions that are not registered; they can never be decided.
    ///
    /// For tools that look at a policy without the program that it belongs to.
    pub fn unregistered_custom(mut self) -> Self {
        self.accepts_unregistered = true;
        self
    }

    /// Loads a policy file, with all that it includes.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with every mistake that was found, each with a picture of its place.
    pub fn file(&self, path: impl AsRef<Path>) -> Result<Policy, PolicyError> {
        let mut report = Report::default();
        let declared = read::file(path.as_ref(), &mut report);
        self.policy(declared, report)
    }

    /// Loads a policy from the text of a file; `name` stands for it in messages.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with every mistake that was found, each with a picture of its place.
    pub fn text(&self, name: &str, text: &str) -> Result<Policy, PolicyError> {
        let mut report = Report::default();
        let declared = read::text(name, text, &mut report);
        self.policy(declared, report)
    }

    fn policy(&self, declared: Declared, mut report: Report) -> Result<Policy, PolicyError> {
        let found = &mut report;
        for (origin, message) in &self.mistakes {
            found.add(*origin, message);
        }
        let mut roles = assemble::roles(&declared.roles, found);
        let members = assemble::members(declared.members, &mut roles, found);
        assemble::descriptions(declared.descriptions, &mut roles, found);
        let labels: Vec<_> = declared.labels.iter().map(AsRef::as_ref).collect();
        let anchors = (!labels.is_empty()).then_some(labels.as_slice());
        let mut rules = Rules::new(&roles.hierarchy, anchors, &self.customs, self.accepts_unregistered);
        let conditions = compile::conditions(declared.conditions, &mut rules, found);
        let routes = compile::routes(declared.routes, &mut rules, found);
        let resources = compile::resources(declared.resources, &mut rules, found);
        assemble::conditions(conditions, &mut roles, found);
        let naming = assemble::naming(declared.anchors, found);
        let routes = assemble::routes(routes, found);
        let files = report.files();
        report.finish()?;
        Ok(Inner { resources, files, ..Inner::new(routes, roles, members, naming) }.into())
    }
}

impl fmt::Debug for PolicyLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let customs: Vec<_> = self.customs.iter().map(|custom| &custom.name).collect();
        f.debug_struct("PolicyLoader")
            .field("custom", &customs)
            .field("unregistered_custom", &self.accepts_unregistered)
            .finish()
    }
}
