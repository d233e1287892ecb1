//! Collects routes and refuses those that contradict each other.

use std::collections::HashMap;

use super::entry::{Entry, Span, Spelling, Target, Targets};
use super::method::{Code, Methods};
use super::shape::{Candidate, Candidates, Shape};
use super::slots::Slots;
use super::walk::Keys;
use super::{RouteIndex, RouteTable, TableError, words};
use crate::policy::pattern::Pattern;
use crate::request::firewall::authority::Authority;

/// Collects the routes of a [`RouteTable`].
#[derive(Debug)]
pub struct RouteTableBuilder {
    keys: Keys,
    methods: Methods,
    shapes: HashMap<Shape, u32>,
    candidates: Vec<Candidate>,
    slots: Slots,
    hashes: Vec<u64>,
    entries: Vec<Known>,
    words: Vec<u64>,
    hosts: HashMap<Box<str>, u32>,
    /// The routes of entries that have more than one, without the first.
    others: HashMap<Place, RouteIndex>,
    patterns: Vec<Pattern>,
    twins: Vec<(RouteIndex, RouteIndex)>,
}

/// A path that is there, and the route that came first for it.
#[derive(Debug)]
struct Known {
    shape: u32,
    words: Span,
    place: Place,
    route: RouteIndex,
}

/// What a table keeps of a path; its words are the last ones of the builder.
struct Path {
    shape: u32,
    spelling: Spelling,
    hash: u64,
    words: Span,
}

/// What a route is for; two routes cannot be for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    entry: u32,
    host: Option<u32>,
    method: Code,
    spelling: Spelling,
}

impl RouteTableBuilder {
    pub(super) fn new() -> Self {
        Self {
            keys: Keys::random(),
            methods: Methods::default(),
            shapes: HashMap::new(),
            candidates: Vec::new(),
            slots: Slots::of(&[]),
            hashes: Vec::new(),
            entries: Vec::new(),
            words: Vec::new(),
            hosts: HashMap::new(),
            others: HashMap::new(),
            patterns: Vec::new(),
            twins: Vec::new(),
        }
    }

    /// Adds a route, for one host or for all.
    ///
    /// Routes are numbered from zero, in the order in which they are added.
    ///
    /// # Errors
    ///
    /// Fails for a route that contradicts one that is already there, naming both; it is not added and
    /// takes no number then.
    pub fn insert(&mut self, pattern: &Pattern, host: Option<&str>) -> Result<RouteIndex, TableError> {
        let index = RouteIndex(number(self.patterns.len())?);
        let host = host.map(|host| self.host(pattern, host)).transpose()?;
        let method = self.methods.insert(pattern.method()).ok_or(TableError::TooLarge)?;
        let Path { shape, spelling, hash, words } = self.path(pattern)?;
        if let Some(entry) = self.known(shape, hash, words) {
            self.words.truncate(words.start as usize);
            let place = Place { entry, host, method, spelling };
            self.check_hosts(place, pattern)?;
            self.check_place(place, pattern)?;
            if let Some(twin) = self.twin(place) {
                let is_bare = spelling == Spelling::Bare;
                self.twins.push(if is_bare { (index, twin) } else { (twin, index) });
            }
            self.others.insert(place, index);
        } else {
            let place = Place { entry: number(self.entries.len())?, host, method, spelling };
            self.entries.push(Known { shape, words, place, route: index });
            self.hashes.push(hash);
            self.slots.push(&self.hashes);
        }
        self.patterns.push(pattern.clone());
        Ok(index)
    }

    /// Pairs of routes that differ only in a slash at the end, first the one without it.
    ///
    /// # Security
    ///
    /// If the rules of a pair differ, then whoever is refused at `/a` gets in at `/a/`, where a router
    /// takes both for the same.
    pub fn slash_variants(&self) -> impl Iterator<Item = (RouteIndex, RouteIndex)> {
        self.twins.iter().copied()
    }

    /// The table.
    #[must_use]
    pub fn build(self) -> RouteTable {
        let mut hosts: Vec<_> = self.hosts.into_iter().collect();
        hosts.sort();
        let mut ranks = vec![0; hosts.len()];
        for (rank, (_, number)) in (0..).zip(&hosts) {
            if let Some(place) = ranks.get_mut(*number as usize) {
                *place = rank;
            }
        }
        let target = |Place { host, method, spelling, .. }: Place, route| {
            let host = host.and_then(|host| ranks.get(host as usize).copied());
            Target { host, method, spelling, route }
        };
        let entry = |Known { shape, words, place, route }| {
            let targets = Targets::One(target(place, route));
            Entry { shape, words, targets }
        };

        let mut entries: Box<[Entry]> = self.entries.into_iter().map(entry).collect();
        let mut others: Vec<_> = self.others.into_iter().collect();
        others.sort_unstable_by_key(|(place, _)| place.entry);
        let mut targets = Vec::new();
        for same_path in others.chunk_by(|(one, _), (other, _)| one.entry == other.entry) {
            let entry = same_path.first().and_then(|(place, _)| entries.get_mut(place.entry as usize));
            let Some(entry) = entry else { continue };
            let mut routes = entry.targets.of(&[]).to_vec();
            routes.extend(same_path.iter().map(|(place, route)| target(*place, *route)));
            routes.sort_unstable_by_key(|target| (target.host, target.method, target.spelling));
            entry.targets = Targets::Many(Span { start: targets.len() as u32, len: routes.len() as u32 });
            targets.append(&mut routes);
        }
        RouteTable {
            keys: self.keys,
            methods: self.methods,
            candidates: Candidates::of(self.candidates),
            // Laid out anew, with more room than a table that grows leaves.
            slots: Slots::of(&self.hashes),
            entries,
            words: self.words.into(),
            targets: targets.into(),
            hosts: hosts.into_iter().map(|(host, _)| host).collect(),
            patterns: self.patterns.into(),
        }
    }

    /// The number of a host, which is kept in lower case.
    fn host(&mut self, pattern: &Pattern, text: &str) -> Result<u32, TableError> {
        let authority = Authority::parse(text).filter(|authority| authority.port.is_none());
        let Some(authority) = authority else {
            return Err(TableError::Host {
                pattern: pattern.clone(),
                host: text.escape_debug().to_string().into(),
            });
        };
        let next = number(self.hosts.len())?;
        Ok(*self.hosts.entry(authority.host.to_ascii_lowercase().into()).or_insert(next))
    }

    /// Goes once along the pattern's path, and adds its words.
    fn path(&mut self, pattern: &Pattern) -> Result<Path, TableError> {
        let start = self.words.len();
        let mut hash = 0;
        let shape = Shape::of(pattern, |position, literal| {
            let from = self.words.len();
            self.words.extend(words::of_literal(literal));
            hash ^= self.keys.hash(position, self.words.get(from..).unwrap_or_default());
        });
        number(self.words.len())?;
        let words = Span { start: number(start)?, len: number(self.words.len() - start)? };
        let Candidate { number: shape_number, salt, .. } = self.candidate(shape)?;
        let spelling = Spelling::of(pattern, shape);
        Ok(Path { shape: shape_number, spelling, hash: hash ^ salt, words })
    }

    /// The entry of a path, which all its methods, hosts and both slash variants share.
    fn known(&self, shape: u32, hash: u64, words: Span) -> Option<u32> {
        let words = words.of(&self.words);
        let is_same = |entry: &Known| entry.shape == shape && entry.words.of(&self.words) == words;
        self.slots.probe(hash).find(|at| self.entries.get(*at as usize).is_some_and(is_same))
    }

    fn candidate(&mut self, shape: Shape) -> Result<Candidate, TableError> {
        let next = number(self.candidates.len())?;
        let at = *self.shapes.entry(shape).or_insert(next);
        if at == next {
            self.candidates.push(Candidate { number: next, shape, salt: self.keys.salt(next) });
        }
        self.candidates.get(at as usize).copied().ok_or(TableError::TooLarge)
    }

    fn check_hosts(&self, place: Place, pattern: &Pattern) -> Result<(), TableError> {
        let has_host = place.host.is_some();
        match self.entries.get(place.entry as usize) {
            Some(known) if known.place.host.is_some() != has_host => Err(TableError::MixedHosts {
                pattern: pattern.clone(),
                has_host,
                other: self.pattern(known.route)?,
                other_index: known.route,
            }),
            _ => Ok(()),
        }
    }

    fn check_place(&self, place: Place, pattern: &Pattern) -> Result<(), TableError> {
        let Some(other_index) = self.at(place) else {
            return Ok(());
        };
        let host = self.hosts.iter().find(|(_, number)| Some(**number) == place.host);
        Err(TableError::Duplicate {
            pattern: pattern.clone(),
            host: host.map(|(host, _)| host.clone()),
            other: self.pattern(other_index)?,
            other_index,
        })
    }

    /// The route that is there for this.
    fn at(&self, place: Place) -> Option<RouteIndex> {
        match self.entries.get(place.entry as usize) {
            Some(known) if known.place == place => Some(known.route),
            _ => self.others.get(&place).copied(),
        }
    }

    /// The route that differs in nothing but a slash at the end.
    fn twin(&self, place: Place) -> Option<RouteIndex> {
        let spelling = match place.spelling {
            Spelling::Bare => Spelling::Slash,
            Spelling::Slash => Spelling::Bare,
            Spelling::Either => return None,
        };
        self.at(Place { spelling, ..place })
    }

    /// The pattern of a route that has been added.
    fn pattern(&self, index: RouteIndex) -> Result<Pattern, TableError> {
        self.patterns.get(index.position()).cloned().ok_or(TableError::TooLarge)
    }
}

fn number(len: usize) -> Result<u32, TableError> {
    // The largest number means "no entry" elsewhere.
    u32::try_from(len).ok().filter(|number| *number < u32::MAX).ok_or(TableError::TooLarge)
}
