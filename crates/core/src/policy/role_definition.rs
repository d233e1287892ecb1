//! What a policy says of one role.

use crate::role::Role;
use crate::rule::Rule;

/// What a policy says of one role.
#[derive(Clone, Debug)]
pub struct RoleDefinition {
    pub(crate) role: Role,
    pub(crate) includes: Vec<Role>,
    pub(crate) members: Vec<Box<str>>,
    pub(crate) when: Option<Rule>,
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
}
