//! Roles, their hierarchy, and the set that one caller has.

mod hierarchy;

use std::fmt;
use std::sync::Arc;

pub use hierarchy::RoleError;
pub(crate) use hierarchy::{Hierarchy, RoleIndex};

use crate::rule::Fault;

/// The name of a role, as in NIST RBAC: what rules speak of and providers grant.
///
/// A name has 1 to 128 characters, none of them a control character or a quote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(Arc<str>);

impl Role {
    /// A role by its name.
    ///
    /// # Errors
    ///
    /// [`RoleError::Name`] when the name is empty, too long, or has a control character or a quote.
    pub fn new(name: &str) -> Result<Self, RoleError> {
        let fits = (1..=128).contains(&name.chars().count())
            && !name.chars().any(|c| c.is_control() || c == '"' || c == '\\');
        if fits { Ok(Self(name.into())) } else { Err(RoleError::Name { role: name.into() }) }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The roles that one caller has under one policy, with all that they include.
#[derive(Clone)]
pub struct Roles {
    hierarchy: Arc<Hierarchy>,
    granted: Box<[u64]>,
    /// Roles of which it could not be told whether the caller has them.
    erred: Box<[u64]>,
    /// Which roles were given directly, and by whom.
    grants: Vec<(RoleIndex, Origin)>,
    /// Why the set may be incomplete.
    unavailable: Option<Arc<str>>,
}

/// Why a caller has a role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The policy lists the caller among the role's members.
    Member,
    /// The role's condition on the certificate holds.
    Condition,
    /// A source of roles gave it.
    Provider {
        /// Which one, in the order in which they were added to the authorizer, from 1.
        number: usize,
    },
    /// Another role includes it.
    IncludedBy {
        /// A role that the caller was given directly.
        role: Role,
    },
    /// A test gave it to a [`TestPrincipal`](crate::principal::TestPrincipal).
    Test,
    /// Whoever asks about a [`TestPrincipal`](crate::principal::TestPrincipal) says that this gives it.
    Stated {
        /// A flag or a file, say.
        source: Box<str>,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member => f.write_str("listed as a member"),
            Self::Condition => f.write_str("its condition holds"),
            Self::Provider { number } => write!(f, "given by source {number}"),
            Self::IncludedBy { role } => write!(f, "included by `{role}`"),
            Self::Test => f.write_str("given by the test"),
            Self::Stated { source } => write!(f, "given by {source}"),
        }
    }
}

impl Roles {
    pub(crate) fn none(hierarchy: Arc<Hierarchy>) -> Self {
        let empty = vec![0; hierarchy.words()].into_boxed_slice();
        Self { hierarchy, granted: empty.clone(), erred: empty, grants: Vec::new(), unavailable: None }
    }

    /// Adds a role and all that it includes; a name that the policy does not know is ignored.
    pub(crate) fn grant(&mut self, name: &str, origin: Origin) {
        if let Some(role) = self.hierarchy.add(name, &mut self.granted) {
            self.grants.push((role, origin));
        }
    }

    /// Notes that it could not be told whether the caller has the role, and so all that it includes.
    pub(crate) fn mark_erred(&mut self, name: &str) {
        self.hierarchy.add(name, &mut self.erred);
    }

    pub(crate) fn mark_unavailable(&mut self, reason: &str) {
        self.unavailable.get_or_insert_with(|| reason.into());
    }

    /// Whether the caller has the role, directly or because another one includes it.
    ///
    /// # Security
    ///
    /// If a provider failed, a role that it would have granted is missing here; a rule that asks
    /// for such a role is an error and denies.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.hierarchy.index(name).is_some_and(|role| self.has(role))
    }

    fn has(&self, role: RoleIndex) -> bool {
        role.is_in(&self.granted)
    }

    /// What a rule makes of the role: granted by any source, else unknown if one failed, else not had.
    pub(crate) fn check(&self, role: RoleIndex) -> Result<bool, Fault> {
        if self.has(role) {
            Ok(true)
        } else if self.unavailable.is_some() {
            Err(Fault::Unavailable)
        } else if role.is_in(&self.erred) {
            Err(Fault::Grant)
        } else {
            Ok(false)
        }
    }

    /// Why it cannot be told which roles these are, if it cannot.
    pub(crate) fn incomplete(&self) -> Option<Fault> {
        let erred = self.erred.iter().zip(&self.granted).any(|(erred, granted)| erred & !granted != 0);
        match self.unavailable {
            Some(_) => Some(Fault::Unavailable),
            None => erred.then_some(Fault::Grant),
        }
    }

    /// The names of all roles, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.hierarchy.roles().filter(|(role, _)| self.has(*role)).map(|(_, name)| name.name())
    }

    /// Why the caller has the role: every direct grant of it, and every one of a role that includes it.
    #[must_use]
    pub fn origins(&self, name: &str) -> Vec<Origin> {
        let Some(role) = self.hierarchy.index(name) else { return Vec::new() };
        let direct = self.grants.iter().filter(|(given, _)| *given == role).map(|(_, origin)| origin.clone());
        let included = self.grants.iter().filter(|(given, _)| *given != role);
        let included = included.filter(|(given, _)| self.hierarchy.includes(*given, role));
        let included = included.filter_map(|(given, _)| self.hierarchy.role(*given));
        let mut origins: Vec<Origin> =
            direct.chain(included.map(|role| Origin::IncludedBy { role: role.clone() })).collect();
        origins.dedup();
        origins
    }

    /// Whether who has one role has the other, too.
    pub(crate) fn includes(&self, role: &str, other: &str) -> bool {
        match (self.hierarchy.index(role), self.hierarchy.index(other)) {
            (Some(role), Some(other)) => self.hierarchy.includes(role, other),
            _ => false,
        }
    }

    /// Whether the role was given itself, not only with one that includes it.
    pub(crate) fn is_direct(&self, name: &str) -> bool {
        self.hierarchy.index(name).is_some_and(|role| self.grants.iter().any(|(given, _)| *given == role))
    }

    /// Takes a role away, with every role that includes it; what only they had brought goes, too.
    pub(crate) fn remove(&mut self, name: &str) {
        let Some(lost) = self.hierarchy.index(name) else { return };
        self.grants.retain(|(given, _)| !self.hierarchy.includes(*given, lost));
        self.granted.fill(0);
        for (given, _) in &self.grants {
            self.hierarchy.add_closure(*given, &mut self.granted);
        }
    }

    /// Whether the set was made under this hierarchy; another one's numbers mean other roles.
    pub(crate) fn is_under(&self, hierarchy: &Arc<Hierarchy>) -> bool {
        Arc::ptr_eq(&self.hierarchy, hierarchy)
    }

    /// Whether there is no role at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.granted.iter().all(|word| *word == 0)
    }

    /// Why the set may be incomplete: what the first failed provider said.
    #[must_use]
    pub fn unavailable(&self) -> Option<&str> {
        self.unavailable.as_deref()
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
