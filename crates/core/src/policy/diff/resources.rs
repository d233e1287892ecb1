//! Which rules about data change when one policy takes the place of another.

use std::collections::BTreeSet;
use std::fmt;

use crate::policy::{FieldType, Policy, ResourceRule};
use crate::rule::Rule;

/// Another rule for doing one thing with the data of one type.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceChange {
    resource_type: String,
    action: String,
    before: Option<Rule>,
    after: Option<Rule>,
}

impl Policy {
    /// Which rules about data change if the other policy takes the place of this one.
    ///
    /// A rule is the same if it says the same of fields of the same types. What two different rules
    /// select depends on the data, so any other rule counts as one that may let somebody in.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::Policy;
    ///
    /// let policy = |rule: &str| {
    ///     let text = format!(
    ///         "version = 1\n[[resource]]\ntype = 'document'\nfields = {{ owner = 'string' }}\n\
    ///          action = 'read'\nallow = '''{rule}'''\n"
    ///     );
    ///     Policy::from_text("policy.toml", &text)
    /// };
    /// let (own, all) = (policy("resource.owner == principal.name")?, policy("authenticated")?);
    /// assert_eq!(own.diff_resources(&own), []);
    /// let changes = own.diff_resources(&all);
    /// assert!(changes[0].opens());
    /// assert_eq!(
    ///     changes[0].to_string(),
    ///     "read document: `resource.owner == principal.name` becomes `authenticated`"
    /// );
    /// # Ok::<(), portcullis_core::policy::PolicyError>(())
    /// ```
    #[must_use]
    pub fn diff_resources(&self, other: &Self) -> Vec<ResourceChange> {
        let names =
            |rule: &'_ ResourceRule| (rule.resource_type().name().to_owned(), rule.action().to_owned());
        let all: BTreeSet<_> = self.resources().chain(other.resources()).map(names).collect();
        let changes = all.into_iter().filter_map(|(resource_type, action)| {
            let (before, after) =
                (self.resource(&resource_type, &action), other.resource(&resource_type, &action));
            if meaning(before) == meaning(after) {
                return None;
            }
            let rule = |found: Option<&ResourceRule>| found.map(|found| found.rule().clone());
            Some(ResourceChange { resource_type, action, before: rule(before), after: rule(after) })
        });
        changes.collect()
    }
}

/// What a rule says, and of what; the order in which fields are declared makes no difference.
fn meaning(rule: Option<&ResourceRule>) -> Option<(&Rule, BTreeSet<(&str, FieldType)>)> {
    rule.map(|rule| (rule.rule(), rule.resource_type().fields().collect()))
}

impl ResourceChange {
    /// The type of the data.
    #[must_use]
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// What is done with it.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The rule of the old policy; without one, nobody may.
    #[must_use]
    pub fn before(&self) -> Option<&Rule> {
        self.before.as_ref()
    }

    /// The rule of the new policy.
    #[must_use]
    pub fn after(&self) -> Option<&Rule> {
        self.after.as_ref()
    }

    /// Whether somebody may get in who was denied before.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.after.is_some()
    }
}

impl fmt::Display for ResourceChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.action, self.resource_type)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) if before == after => write!(f, "`{after}` reads other fields"),
            (Some(before), Some(after)) => write!(f, "`{before}` becomes `{after}`"),
            (None, Some(after)) => write!(f, "new, `{after}`"),
            (before, None) => {
                write!(f, "no longer")?;
                before.iter().try_for_each(|before| write!(f, ", was `{before}`"))
            }
        }
    }
}
