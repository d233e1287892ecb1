//! Collects routes and refuses those that contradict each other.

use std::collections::HashMap;

use super::entry::{Entry, Span, Spelling, Target};
use super::method::{Code, Methods};
use super::shape::{Candidate, Candidates, Shape};
use super::slots::Slots;
use super::walk::Keys;
use super::{RouteIndex, RouteTable, TableError, words};
use crate::policy::pattern::{Pattern, Segment};
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
    entries: Vec<Entry>,
    /// A route of each entry, and whether it names a host.
    examples: Vec<(RouteIndex, bool)>,
    words: Vec<u64>,
    hosts: HashMap<Box<str>, u32>,
    places: HashMap<Place, RouteIndex>,
    patterns: Vec<Pattern>,
    twins: Vec<(RouteIndex, RouteIndex)>,
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
            examples: Vec::new(),
            words: Vec::new(),
            hosts: HashMap::new(),
            places: HashMap::new(),
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
        let entry = self.entry(pattern, index, host.is_some())?;
        self.check_hosts(entry, pattern, host.is_some())?;
        let place = Place { entry, host, method, spelling: Spelling::of(pattern) };
        self.check_place(place, pattern)?;

        if let Some(twin) = self.twin(place) {
            let is_bare = place.spelling == Spelling::Bare;
            self.twins.push(if is_bare { (index, twin) } else { (twin, index) });
        }
        self.places.insert(place, index);
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
        let rank = |host: u32| ranks.get(host as usize).copied();

        let mut entries = self.entries;
        let mut targets: Vec<_> = self
            .places
            .into_iter()
            .map(|(place, route)| {
                let Place { entry, host, method, spelling } = place;
                (entry, Target { host: host.and_then(rank), method, spelling, route })
            })
            .collect();
        targets.sort_by_key(|(entry, target)| (*entry, target.host, target.method, target.spelling));
        for (at, (entry, _)) in (0..).zip(&targets) {
            if let Some(entry) = entries.get_mut(*entry as usize) {
                entry.targets.extend_to(at);
            }
        }
        RouteTable {
            keys: self.keys,
            methods: self.methods,
            candidates: Candidates::of(self.candidates),
            // Laid out anew, with more room than a table that grows leaves.
            slots: Slots::of(&self.hashes),
            entries: entries.into(),
            words: self.words.into(),
            targets: targets.into_iter().map(|(_, target)| target).collect(),
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

    /// The entry of the pattern's path, which all its methods, hosts and both slash variants share.
    fn entry(&mut self, pattern: &Pattern, index: RouteIndex, has_host: bool) -> Result<u32, TableError> {
        let Candidate { number: shape, salt, .. } = self.candidate(Shape::of(pattern))?;
        let mut hash = salt;
        let mut literals = Vec::new();
        for (position, segment) in pattern.segments().enumerate() {
            if let Segment::Literal(text) = segment {
                hash ^= self.keys.hash(position, text);
                literals.extend(words::of_literal(text));
            }
        }
        let is_same = |entry: &Entry| entry.shape == shape && entry.words.of(&self.words) == literals;
        let known = self.slots.probe(hash).find(|at| self.entries.get(*at as usize).is_some_and(is_same));
        if let Some(known) = known {
            return Ok(known);
        }
        let entry = number(self.entries.len())?;
        let words = Span { start: number(self.words.len())?, len: number(literals.len())? };
        number(self.words.len() + literals.len())?;
        self.words.extend(literals);
        self.entries.push(Entry { shape, words, targets: Span::default() });
        self.examples.push((index, has_host));
        self.hashes.push(hash);
        self.slots.push(&self.hashes);
        Ok(entry)
    }

    fn candidate(&mut self, shape: Shape) -> Result<Candidate, TableError> {
        let next = number(self.candidates.len())?;
        let at = *self.shapes.entry(shape).or_insert(next);
        if at == next {
            self.candidates.push(Candidate { number: next, shape, salt: self.keys.salt(next) });
        }
        self.candidates.get(at as usize).copied().ok_or(TableError::TooLarge)
    }

    fn check_hosts(&self, entry: u32, pattern: &Pattern, has_host: bool) -> Result<(), TableError> {
        match self.examples.get(entry as usize) {
            Some((other_index, other_has_host)) if *other_has_host != has_host => {
                Err(TableError::MixedHosts {
                    pattern: pattern.clone(),
                    has_host,
                    other: self.pattern(*other_index)?,
                    other_index: *other_index,
                })
            }
            _ => Ok(()),
        }
    }

    fn check_place(&self, place: Place, pattern: &Pattern) -> Result<(), TableError> {
        let Some(other_index) = self.places.get(&place).copied() else {
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

    /// The route that differs in nothing but a slash at the end.
    fn twin(&self, place: Place) -> Option<RouteIndex> {
        let spelling = match place.spelling {
            Spelling::Bare => Spelling::Slash,
            Spelling::Slash => Spelling::Bare,
            Spelling::Either => return None,
        };
        self.places.get(&Place { spelling, ..place }).copied()
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
