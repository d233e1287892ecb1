//! What a policy says of pieces of data.

use std::fmt;
use std::sync::Arc;

use super::Place;
use crate::rule::Rule;

/// Who may do one thing with the resources of one type.
#[derive(Clone)]
pub struct ResourceRule {
    pub(super) resource_type: Arc<ResourceType>,
    pub(super) action: Box<str>,
    pub(super) rule: Arc<Rule>,
    pub(super) description: Option<Box<str>>,
    pub(super) place: Place,
}

/// A type of resources: its name, and the fields that rules can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceType {
    pub(super) name: Box<str>,
    pub(super) fields: Vec<(Box<str>, FieldType)>,
}

/// The type of a resource's field.
///
/// A field that is absent or null is an error in every rule that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FieldType {
    /// Text, compared byte by byte.
    String,
    /// An integer of 64 bits.
    Int,
    /// True or false.
    Bool,
    /// A point in time.
    Timestamp,
}

impl FieldType {
    pub(super) const NAMES: [&'static str; 4] = ["string", "int", "bool", "timestamp"];

    /// The type that a policy file calls by this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::String, Self::Int, Self::Bool, Self::Timestamp].into_iter().find(|kind| kind.as_str() == name)
    }

    /// The name in policy files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Timestamp => "timestamp",
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ResourceType {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The fields with their types, in the order of declaration.
    pub fn fields(&self) -> impl Iterator<Item = (&str, FieldType)> {
        self.fields.iter().map(|(name, field_type)| (&**name, *field_type))
    }

    /// The type of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<FieldType> {
        self.fields().find(|(field, _)| *field == name).map(|(_, field_type)| field_type)
    }
}

impl ResourceRule {
    /// The type of the resources.
    #[must_use]
    pub fn resource_type(&self) -> &ResourceType {
        &self.resource_type
    }

    /// What is done with them: `read`, for example.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What it is for, in the words of the policy's author.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Where it is declared.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}

/// The action and the type: `read document`.
impl fmt::Display for ResourceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action, self.resource_type.name)
    }
}

impl fmt::Debug for ResourceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} => {}", self.rule)
    }
}
