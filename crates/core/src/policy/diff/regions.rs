//! Which requests two policies can decide differently: one sample for each kind of them.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::paths::Paths;
use crate::policy::path::Path;
use crate::policy::pattern::{MOST_SEGMENTS, Segment};
use crate::policy::{Policy, RouteIndex};

/// Requests that one policy treats alike, and so does the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) method: Box<str>,
    pub(super) path: Box<str>,
    pub(super) host: Option<Box<str>>,
    pub(super) before: Option<RouteIndex>,
    pub(super) after: Option<RouteIndex>,
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        match &self.host {
            Some(host) => write!(f, " on {host}"),
            None => Ok(()),
        }
    }
}

/// A host that no policy names.
const OTHER_HOST: &str = "other.invalid";

/// Methods that `*` covers; one of them is sure to be named by no route.
const COVERED: [&str; 7] = ["UNLINK", "REBIND", "UNBIND", "LABEL", "MERGE", "UPDATE", "CHECKIN"];

/// The regions that at least one of the policies has a route for.
///
/// What two paths have in common is told apart only where it is decided in another way than they are.
pub(super) fn regions(before: &Policy, after: &Policy) -> Vec<Region> {
    let survey = Survey::new(before, after);
    let mut seen: HashSet<(Box<str>, Decided)> = HashSet::new();
    let mut regions = Vec::new();
    for path in survey.paths.all() {
        let is_overlap = path.parents().iter().all(|parent| **parent != *path.key());
        for (is_whole, region) in survey.regions(&path) {
            let decided = (region.method.clone(), region.host.clone(), region.before, region.after);
            let mut parents = path.parents().iter();
            if is_overlap && parents.any(|parent| seen.contains(&(parent.clone(), decided.clone()))) {
                continue;
            }
            if is_whole {
                seen.insert((path.key(), decided));
            }
            regions.push(region);
        }
    }
    regions
}

/// A method and a host, and the routes that decide.
type Decided = (Box<str>, Option<Box<str>>, Option<RouteIndex>, Option<RouteIndex>);

struct Survey<'p> {
    before: &'p Policy,
    after: &'p Policy,
    paths: Paths<'p>,
    hosts: HashMap<Box<str>, Vec<&'p str>>,
    /// The paths of the routes of each policy.
    keys: [Vec<Box<str>>; 2],
    methods: Vec<&'p str>,
    /// A method that `*` covers and nobody names.
    other_method: Option<&'static str>,
    /// A segment that is no literal of either policy.
    fresh: String,
    /// How many segments the longest pattern has.
    longest: usize,
}

type Pair = (Option<RouteIndex>, Option<RouteIndex>);

impl<'p> Survey<'p> {
    fn new(before: &'p Policy, after: &'p Policy) -> Self {
        let routes = || before.routes().chain(after.routes());
        let mut methods: Vec<&str> = routes().map(|route| route.pattern().method()).collect();
        methods.sort_unstable();
        methods.dedup();
        methods.retain(|method| *method != "*");
        let literals: HashSet<&str> = routes()
            .flat_map(|route| route.pattern().segments())
            .filter_map(|segment| if let Segment::Literal(text) = segment { Some(text) } else { None })
            .collect();
        let fresh = (0..).map(|number| format!("~{number}")).find(|text| !literals.contains(text.as_str()));
        let mut hosts: HashMap<Box<str>, Vec<&str>> = HashMap::new();
        for route in routes().filter(|route| route.host().is_some()) {
            let hosts = hosts.entry(Path::of(route.pattern()).key()).or_default();
            hosts.extend(route.host().filter(|host| !hosts.contains(host)));
        }
        let other_method = COVERED.into_iter().find(|method| !methods.contains(method));
        let longest = routes().map(|route| route.pattern().segments().count()).max().unwrap_or_default();
        let paths = Paths::new(before.routes().map(|r| r.pattern()), after.routes().map(|r| r.pattern()));
        let fresh = fresh.unwrap_or_default();
        let keys =
            [before, after].map(|policy| policy.routes().map(|r| Path::of(r.pattern()).key()).collect());
        Self {
            before,
            after,
            paths,
            hosts,
            keys,
            methods,
            other_method,
            fresh,
            longest: longest.min(MOST_SEGMENTS),
        }
    }

    fn pair(&self, method: &str, sample: &str, host: &str) -> Pair {
        let find = |policy: &Policy| policy.0.table.find(method, sample, Some(host));
        (find(self.before), find(self.after))
    }

    /// The regions of a path: one for each depth of a rest, each host and method that makes a difference.
    ///
    /// With each, whether it stands for all of the path, and not for some of its depths.
    fn regions(&self, path: &Path<'p>) -> Vec<(bool, Region)> {
        let hosts = path.parents().iter().filter_map(|key| self.hosts.get(key)).flatten().copied();
        let mut hosts: Vec<&str> = hosts.collect();
        hosts.sort_unstable();
        hosts.dedup();
        let mut regions = Vec::new();
        for host in hosts.iter().copied().map(Some).chain([None]) {
            let mut widest: Option<Vec<Pair>> = None;
            for (shown, sample) in path.samples(&self.fresh, self.longest) {
                let pairs = self.pairs(&sample, host.unwrap_or(OTHER_HOST));
                let region = |method: &str, (before, after): Pair| {
                    let (method, path, host) = (method.into(), shown.as_str().into(), host.map(Into::into));
                    Region { method, path, host, before, after }
                };
                let methods = self.differing(&pairs, widest.as_deref());
                let methods = methods.filter(|(_, pair)| self.is_of(path, *pair));
                let is_whole = widest.is_none();
                regions.extend(methods.map(|(method, pair)| (is_whole, region(method, pair))));
                widest.get_or_insert(pairs);
            }
        }
        regions
    }

    /// The routes for each method, in the order of `methods`, and last for any other.
    fn pairs(&self, sample: &str, host: &str) -> Vec<Pair> {
        let all = self.methods.iter().copied().chain(self.other_method);
        all.map(|method| self.pair(method, sample, host)).collect()
    }

    /// The methods that are told apart, here or for the widest sample, and are not like they are there.
    fn differing<'s>(
        &'s self,
        pairs: &'s [Pair],
        widest: Option<&'s [Pair]>,
    ) -> impl Iterator<Item = (&'s str, Pair)> {
        let is_like_others = |pairs: &[Pair], index| {
            self.other_method.is_some_and(|_| pairs.get::<usize>(index) == pairs.last())
        };
        let methods = self.methods.iter().copied().chain(self.other_method.map(|_| "*"));
        let told = methods.zip(pairs).enumerate().filter(move |(index, (method, pair))| {
            let is_told_apart = *method == "*"
                || !is_like_others(pairs, *index)
                || widest.is_some_and(|widest| !is_like_others(widest, *index));
            let is_like_widest = widest.and_then(|widest| widest.get(*index)) == Some(*pair);
            is_told_apart && !is_like_widest && **pair != (None, None)
        });
        told.map(|(_, (method, pair))| (method, *pair))
    }

    /// Whether routes of this path decide, or of those that it comes from; others have their own regions.
    fn is_of(&self, path: &Path<'_>, (before, after): Pair) -> bool {
        let [before_keys, after_keys] = &self.keys;
        [(before_keys, before), (after_keys, after)].into_iter().all(|(keys, route)| {
            let key = route.and_then(|index| keys.get(index.position()));
            key.is_none_or(|key| path.parents().contains(key))
        })
    }
}
