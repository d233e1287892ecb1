//! What a policy says of one role.

use super::Place;
use crate::role::Role;
use crate::rule::Rule;

/// What a policy says of one role.
#[derive(Clone, Debug)]
pub struct RoleDefinition {
    pub(crate) role: Role,
    pub(crate) includes: Vec<Role>,
    pub(crate) members: Vec<Box<str>>,
    pub(crate) when: Option<Rule>,
    pub(crate) description: Option<Box<str>>,
    pub(crate) place: Place,
}

impl RoleDefinition {
    /// The role.
    #[must_use]
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// The roles that whoever has this one has, too; those that they include are not repeated.
    #[must_use]
    pub fn includes(&self) -> &[Role] {
        &self.includes
    }

    /// The names of the callers who have it.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(AsRef::as_ref)
    }

    /// The condition on the certificate under which a caller has it.
    #[must_use]
    pub fn when(&self) -> Option<&Rule> {
        self.when.as_ref()
    }

    /// What it is for, in the words of the policy's author.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Where it is defined.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}
