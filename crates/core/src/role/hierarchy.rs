//! Which roles there are and which include which, closed once when the policy is built.

use std::collections::BTreeMap;

use thiserror::Error;

use super::Role;

/// What is wrong with a role or the hierarchy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RoleError {
    /// The name cannot be used.
    #[error(
        "`{}` is no role name: use 1 to 128 characters without quotes, backslashes and control characters",
        role.escape_debug()
    )]
    Name {
        /// The name.
        role: String,
    },
    /// The role is defined twice.
    #[error("the role `{role}` is defined twice: merge the two definitions")]
    Duplicate {
        /// The role.
        role: String,
    },
    /// A role includes one that is not defined.
    #[error("the role `{by}` includes `{role}`, which is not defined: define it or correct the name")]
    Unknown {
        /// The role that is not defined.
        role: String,
        /// The one that includes it.
        by: String,
    },
    /// Roles include each other in a circle.
    #[error("the roles {} include each other in a circle: remove one inclusion", .path.join(" > "))]
    Cycle {
        /// The circle, beginning and ending with the same role.
        path: Vec<String>,
    },
}

/// The place of a role in the bit sets of one hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RoleIndex(u32);

impl RoleIndex {
    pub(crate) fn is_in(self, set: &[u64]) -> bool {
        set.get(self.word()).is_some_and(|word| word & self.mask() != 0)
    }

    fn word(self) -> usize {
        (self.0 / 64) as usize
    }

    fn mask(self) -> u64 {
        1 << (self.0 % 64)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Hierarchy {
    roles: BTreeMap<Role, RoleIndex>,
    closures: Vec<Box<[u64]>>,
}

impl Hierarchy {
    /// Closes the hierarchy over the inclusions given.
    pub(crate) fn build(definitions: &[(Role, Vec<Role>)]) -> Result<Self, Vec<RoleError>> {
        let mut errors = Vec::new();
        let mut includes: BTreeMap<&Role, &[Role]> = BTreeMap::new();
        for (role, included) in definitions {
            if includes.insert(role, included).is_some() {
                errors.push(RoleError::Duplicate { role: role.to_string() });
            }
        }
        for (role, included) in &includes {
            for unknown in included.iter().filter(|r| !includes.contains_key(r)) {
                errors.push(RoleError::Unknown { role: unknown.to_string(), by: role.to_string() });
            }
        }
        if errors.is_empty() {
            errors.extend(cycle(&includes));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let roles: BTreeMap<Role, RoleIndex> =
            (0..).zip(includes.keys()).map(|(i, role)| ((*role).clone(), RoleIndex(i))).collect();
        let words = roles.len().div_ceil(64);
        let closures = includes.keys().map(|role| closure(role, &includes, &roles, words)).collect();
        Ok(Self { roles, closures })
    }

    pub(crate) fn index(&self, name: &str) -> Option<RoleIndex> {
        self.roles.get(name).copied()
    }

    /// Adds the role of this name, with all that it includes, to a set; `None` if there is none.
    pub(crate) fn add(&self, name: &str, set: &mut [u64]) -> Option<RoleIndex> {
        let role = self.index(name)?;
        self.add_closure(role, set);
        Some(role)
    }

    /// Adds a role, with all that it includes, to a set.
    pub(crate) fn add_closure(&self, role: RoleIndex, set: &mut [u64]) {
        for (word, included) in set.iter_mut().zip(self.closure(role)) {
            *word |= included;
        }
    }

    /// Whether who has one role has the other, too.
    pub(crate) fn includes(&self, role: RoleIndex, other: RoleIndex) -> bool {
        other.is_in(self.closure(role))
    }

    pub(crate) fn role(&self, index: RoleIndex) -> Option<&Role> {
        self.roles.iter().find(|(_, i)| **i == index).map(|(role, _)| role)
    }

    fn closure(&self, role: RoleIndex) -> &[u64] {
        self.closures.get(role.0 as usize).map_or(&[], AsRef::as_ref)
    }

    pub(crate) fn words(&self) -> usize {
        self.roles.len().div_ceil(64)
    }

    pub(crate) fn roles(&self) -> impl Iterator<Item = (RoleIndex, &Role)> {
        self.roles.iter().map(|(role, index)| (*index, role))
    }
}

impl std::borrow::Borrow<str> for Role {
    fn borrow(&self) -> &str {
        self.name()
    }
}

fn closure(
    role: &Role,
    includes: &BTreeMap<&Role, &[Role]>,
    roles: &BTreeMap<Role, RoleIndex>,
    words: usize,
) -> Box<[u64]> {
    let mut bits = vec![0u64; words];
    let mut open = vec![role];
    while let Some(role) = open.pop() {
        let Some(index) = roles.get(role) else { continue };
        let Some(word) = bits.get_mut(index.word()) else { continue };
        if *word & index.mask() == 0 {
            *word |= index.mask();
            open.extend(includes.get(role).into_iter().flat_map(|included| included.iter()));
        }
    }
    bits.into_boxed_slice()
}

/// Finds a circle by walking depth first without recursion: a hierarchy may be deep.
fn cycle(includes: &BTreeMap<&Role, &[Role]>) -> Option<RoleError> {
    let mut done: std::collections::BTreeSet<&Role> = std::collections::BTreeSet::new();
    for start in includes.keys() {
        let mut path: Vec<(&Role, std::slice::Iter<'_, Role>)> = Vec::new();
        let mut next = Some(*start);
        loop {
            if let Some(role) = next.take() {
                if let Some(at) = path.iter().position(|(on_path, _)| *on_path == role) {
                    let circle = path.iter().skip(at).map(|(r, _)| r.to_string());
                    return Some(RoleError::Cycle { path: circle.chain([role.to_string()]).collect() });
                }
                if !done.contains(role) {
                    path.push((role, includes.get(role).copied().unwrap_or_default().iter()));
                }
            }
            let Some((role, rest)) = path.last_mut() else { break };
            match rest.next() {
                Some(included) => next = Some(included),
                None => {
                    done.insert(role);
                    path.pop();
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Roles;
    use super::*;

    fn role(name: &str) -> Role {
        Role::new(name).unwrap()
    }

    fn build(definitions: &[(&str, &[&str])]) -> Result<Hierarchy, Vec<RoleError>> {
        let owned: Vec<_> = definitions
            .iter()
            .map(|(name, included)| (role(name), included.iter().map(|r| role(r)).collect()))
            .collect();
        Hierarchy::build(&owned)
    }

    fn granted(hierarchy: Hierarchy, name: &str) -> Vec<String> {
        let mut roles = Roles::none(Arc::new(hierarchy));
        roles.grant(name, super::super::Origin::Member);
        roles.names().map(String::from).collect()
    }

    #[test]
    fn inclusion_is_transitive() {
        let hierarchy = build(&[("admin", &["moderator"]), ("moderator", &["user"]), ("user", &[])]);
        assert_eq!(granted(hierarchy.unwrap(), "admin"), ["admin", "moderator", "user"]);
        let hierarchy = build(&[("admin", &["moderator"]), ("moderator", &["user"]), ("user", &[])]);
        assert_eq!(granted(hierarchy.unwrap(), "user"), ["user"]);
    }

    #[test]
    fn more_roles_than_a_machine_word() {
        let names: Vec<String> = (0..200).map(|i| format!("r{i:03}")).collect();
        let definitions: Vec<(Role, Vec<Role>)> = names
            .iter()
            .enumerate()
            .map(|(i, name)| (role(name), names.get(i + 1).map(|n| role(n)).into_iter().collect()))
            .collect();
        let hierarchy = Hierarchy::build(&definitions).unwrap();
        assert_eq!(granted(hierarchy, "r000").len(), 200);
    }

    #[test]
    fn circles_are_named() {
        let errors = build(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]).unwrap_err();
        assert_eq!(
            errors[0].to_string(),
            "the roles b > c > b include each other in a circle: remove one inclusion"
        );
        assert!(matches!(build(&[("a", &["a"])]).unwrap_err()[0], RoleError::Cycle { .. }));
    }

    #[test]
    fn two_ways_to_one_role_are_no_circle() {
        assert!(build(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])]).is_ok());
    }

    #[test]
    fn a_deep_hierarchy_does_not_overflow_the_stack() {
        let definitions: Vec<(Role, Vec<Role>)> = (0..5_000)
            .map(|i| {
                (role(&format!("r{i}")), if i > 0 { vec![role(&format!("r{}", i - 1))] } else { vec![] })
            })
            .collect();
        assert!(cycle(&definitions.iter().map(|(r, i)| (r, i.as_slice())).collect()).is_none());
    }

    #[test]
    fn unknown_and_repeated_roles_are_errors() {
        let errors = build(&[("a", &["x"]), ("a", &[])]).unwrap_err();
        assert!(matches!(errors[0], RoleError::Duplicate { .. }));
        let errors = build(&[("a", &["x"])]).unwrap_err();
        assert!(matches!(&errors[0], RoleError::Unknown { role, by } if role == "x" && by == "a"));
    }

    #[test]
    fn names_that_would_not_survive_printing_are_refused() {
        for name in ["", "a\"b", "a\nb", "a\\b", &"x".repeat(129)] {
            assert!(Role::new(name).is_err(), "{name:?}");
        }
    }
}
