//! What changes for whom when one policy takes the place of another.

mod grants;
mod paths;
mod regions;
mod resources;

use std::fmt;
use std::sync::Arc;

pub use self::grants::GrantChange;
use self::regions::Region;
pub use self::resources::ResourceChange;
use super::survey::{self, Access, Caller, Survey};
use super::{Policy, Route};

/// What changes for one kind of callers when one policy takes the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    requests: Region,
    caller: Caller,
    before: Access,
    after: Access,
    condition_differs: bool,
}

impl Policy {
    /// What changes for whom if the other policy takes the place of this one.
    ///
    /// Routes are compared by the requests that they decide, not by their text: a new route for
    /// `/files/secret` changes what `/files/{*rest}` decided before. No change at all means that the
    /// routes are the same to everybody, not that the members of roles are:
    /// [`diff_grants`](Self::diff_grants) tells that. Rules about data are compared by
    /// [`diff_resources`](Self::diff_resources).
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::Policy;
    /// use portcullis_core::rule::{authenticated, role};
    ///
    /// let base = || Policy::builder().role("admin", []).route("* /files/{*rest}", authenticated());
    /// let before = base().build()?;
    /// let after = base().route("GET /files/secret", role("admin")).build()?;
    /// let changes: Vec<_> = before.diff(&after).iter().map(ToString::to_string).collect();
    /// assert_eq!(
    ///     changes,
    ///     [
    ///         "GET /files/secret: closes for authenticated",
    ///         "* /files/secret: closes for authenticated",
    ///         "* /files/secret: closes for admin",
    ///         "GET /files/secret/: closes for authenticated",
    ///         "GET /files/secret/: closes for admin",
    ///     ]
    /// );
    /// assert!(before.diff(&before).is_empty());
    /// # Ok::<(), portcullis_core::policy::PolicyError>(())
    /// ```
    #[must_use]
    pub fn diff(&self, other: &Self) -> Vec<Change> {
        let names = |policy: &Self| policy.roles().map(|role| role.role().to_string()).collect::<Vec<_>>();
        let (mine, theirs) = (names(self), names(other));
        let callers = survey::callers(mine.iter().chain(&theirs).map(String::as_str));
        let mut before = Survey::new(self.hierarchy(), &callers);
        let mut after = Survey::new(other.hierarchy(), &callers);
        let mut changes = Vec::new();
        for region in regions::regions(self, other) {
            let old = region.before.and_then(|index| self.route(index));
            let new = region.after.and_then(|index| other.route(index));
            let same_rule = old.map(Route::rule) == new.map(Route::rule);
            let (old, new) = (access(&mut before, old), access(&mut after, new));
            for (column, caller) in callers.iter().enumerate() {
                let cell = |access: &[Access]| access.get(column).copied().unwrap_or(Access::Deny);
                let (before, after) = (cell(&old), cell(&new));
                let is_conditional = before == Access::Depends && after == Access::Depends;
                let condition_differs = is_conditional && !same_rule;
                if before != after || condition_differs {
                    let (requests, caller) = (region.clone(), caller.clone());
                    changes.push(Change { requests, caller, before, after, condition_differs });
                }
            }
        }
        changes
    }
}

/// What a route is to each kind of callers; where there is none, all are denied.
fn access<'p>(survey: &mut Survey<'p>, route: Option<&'p Route>) -> Arc<[Access]> {
    route.map_or_else(|| Vec::new().into(), |route| survey.access(&route.rule))
}

impl Change {
    /// The method of the requests, or `*` for every one that is not told apart.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.requests.method
    }

    /// The path of the requests, as a pattern; a slash at the end counts only where it is told apart.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.requests.path
    }

    /// The host of the requests; `None` for every one that is not told apart.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.requests.host.as_deref()
    }

    /// For whom it changes.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What the old policy says.
    #[must_use]
    pub fn before(&self) -> Access {
        self.before
    }

    /// What the new policy says.
    #[must_use]
    pub fn after(&self) -> Access {
        self.after
    }

    /// Whether somebody may get in who was denied before.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.after > self.before || self.condition_differs
    }

    /// Whether somebody may be denied who got in before.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.after < self.before || self.condition_differs
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let caller = &self.caller;
        write!(f, "{}: ", self.requests)?;
        match (self.before, self.after) {
            (Access::Depends, Access::Depends) => write!(f, "has another condition for {caller}"),
            (Access::Deny, Access::Depends) => write!(f, "opens on a condition for {caller}"),
            (Access::Allow, Access::Depends) => write!(f, "closes on a condition for {caller}"),
            (_, Access::Allow) => write!(f, "opens for {caller}"),
            (_, Access::Deny) => write!(f, "closes for {caller}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::certificate::AttributeType;
    use crate::policy::pattern::Pattern;
    use crate::policy::table::RouteTable;
    use crate::rule::{Rule, anyone, authenticated, nobody, role, subject};

    type Routes = Vec<(Option<&'static str>, String, usize)>;

    fn rule(number: usize) -> Rule {
        let cn = |value| subject(AttributeType::CN).eq(value);
        match number {
            0 => anyone(),
            1 => authenticated(),
            2 => role("admin"),
            3 => cn("a"),
            4 => cn("b"),
            _ => nobody(),
        }
    }

    /// The policy of those routes that do not contradict the ones before them.
    fn policy(routes: &Routes) -> Policy {
        let build = |routes: &[&(Option<&'static str>, String, usize)]| {
            let builder = Policy::builder().role("admin", ["user"]).role("user", []);
            let routes = routes.iter().fold(builder, |builder, (host, pattern, number)| match host {
                Some(host) => builder.host_route(host, pattern, rule(*number)),
                None => builder.route(pattern, rule(*number)),
            });
            routes.build()
        };
        let mut kept = Vec::new();
        for route in routes {
            kept.push(route);
            if build(&kept).is_err() {
                kept.pop();
            }
        }
        build(&kept).unwrap()
    }

    fn routes() -> impl Strategy<Value = Routes> {
        let method = select(vec!["GET", "POST", "HEAD", "FOO", "*"]);
        let path = select(vec![
            "/",
            "/a",
            "/a/",
            "/b",
            "/{x}",
            "/{*r}",
            "/a/b",
            "/a/{x}",
            "/a/{*r}",
            "/{x}/b",
            "/{x}/{y}",
            "/{x}/{*r}",
            "/{x}/b/{*r}",
            "/a/b/c",
            "/a/{x}/c",
            "/{x}/{y}/{*r}",
        ]);
        let host = select(vec![None, None, Some("one.test"), Some("two.test")]);
        let route = (host, method, path, 0..6usize)
            .prop_map(|(host, method, path, rule)| (host, format!("{method} {path}"), rule));
        proptest::collection::vec(route, 0..8)
    }

    fn fits(pattern: &str, path: &str) -> bool {
        let mut table = RouteTable::builder();
        table.insert(&Pattern::parse(&format!("GET {pattern}")).unwrap(), None).unwrap();
        let table = table.build();
        // A region is for both spellings unless they are told apart.
        [path, path.strip_suffix('/').unwrap_or(path)]
            .iter()
            .any(|path| table.find("GET", path, None).is_some())
    }

    /// What decides a request: the cells of its route, and the rule.
    fn decided<'p>(
        policy: &'p Policy,
        method: &str,
        path: &str,
        host: &str,
    ) -> (Vec<Access>, Option<&'p Rule>) {
        let callers = survey::callers(["admin", "user"]);
        let index = policy.0.table.find(method, path, Some(host));
        let route = index.and_then(|index| policy.route(index));
        let mut survey = Survey::new(policy.hierarchy(), &callers);
        let cells = access(&mut survey, route);
        let cells = if cells.is_empty() { vec![Access::Deny; callers.len()] } else { cells.to_vec() };
        (cells, route.map(Route::rule))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Whatever request is decided in another way, a change tells so.
        #[test]
        fn no_difference_is_missed(before in routes(), after in routes()) {
            let (before, after) = (policy(&before), policy(&after));
            let changes = before.diff(&after);
            let callers = survey::callers(["admin", "user"]);
            let paths = ["/", "/a", "/a/", "/b", "/c", "/c/", "/a/b", "/a/b/", "/a/c", "/b/b", "/b/c", "/c/c/",
                "/a/b/c", "/a/c/c", "/b/b/b", "/c/c/c", "/a/b/c/d", "/c/c/c/c/c"];
            for (method, path, host) in ["GET", "HEAD", "POST", "DELETE", "FOO"].iter().flat_map(|method| {
                paths.iter().flat_map(move |path| ["one.test", "two.test", "x.test"].map(|host| (method, path, host)))
            }) {
                let (old, old_rule) = decided(&before, method, path, host);
                let (new, new_rule) = decided(&after, method, path, host);
                for (index, caller) in callers.iter().enumerate() {
                    let is_conditional = old[index] == Access::Depends && new[index] == Access::Depends;
                    if old[index] == new[index] && !(is_conditional && old_rule != new_rule) {
                        continue;
                    }
                    let told = changes.iter().any(|change| {
                        let methods = [*method, if *method == "HEAD" { "GET" } else { *method }, "*"];
                        change.caller() == caller
                            && (change.before(), change.after()) == (old[index], new[index])
                            && methods.contains(&change.method())
                            && change.host().is_none_or(|named| named == host)
                            && fits(change.path(), path)
                    });
                    prop_assert!(
                        told,
                        "{method} {path} on {host} for {caller}: {} to {}\n{before:?}\n{after:?}\n{changes:?}",
                        old[index], new[index]
                    );
                }
            }
        }

        #[test]
        fn the_same_policy_has_no_differences(routes in routes()) {
            let policy = policy(&routes);
            prop_assert!(policy.diff(&policy).is_empty());
        }
    }

    #[test]
    fn changes_are_told_in_words() {
        let base = |rule| Policy::builder().role("admin", []).route("GET /x", rule).build().unwrap();
        let cn = |value| subject(AttributeType::CN).eq(value);
        for (before, after, expected) in [
            (nobody(), anyone(), "GET /x: opens for anonymous"),
            (anyone(), authenticated(), "GET /x: closes for anonymous"),
            (authenticated(), cn("a"), "GET /x: closes on a condition for authenticated"),
            (cn("a"), authenticated(), "GET /x: opens for authenticated"),
            (nobody(), cn("a"), "GET /x: opens on a condition for authenticated"),
            (cn("a"), cn("b"), "GET /x: has another condition for authenticated"),
            (cn("a"), nobody(), "GET /x: closes for authenticated"),
        ] {
            let changes = base(before).diff(&base(after));
            assert_eq!(changes[0].to_string(), expected);
        }
        let condition = &base(cn("a")).diff(&base(cn("b")))[0];
        assert!(condition.opens() && condition.closes());
    }
}
