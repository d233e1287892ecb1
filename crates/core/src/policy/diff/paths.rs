//! The paths of two policies, and where paths of one overlap with those of the other.

use std::collections::{HashMap, HashSet};

use crate::policy::path::{Path, Tree};
use crate::policy::pattern::Pattern;

/// The paths of two policies.
#[derive(Debug)]
pub(super) struct Paths<'p> {
    mine: Vec<Path<'p>>,
    theirs: Vec<Path<'p>>,
}

impl<'p> Paths<'p> {
    pub(super) fn new(
        mine: impl Iterator<Item = &'p Pattern>,
        theirs: impl Iterator<Item = &'p Pattern>,
    ) -> Self {
        fn distinct<'p>(patterns: impl Iterator<Item = &'p Pattern>) -> Vec<Path<'p>> {
            let mut seen = HashSet::new();
            patterns.map(Path::of).filter(|path| seen.insert(path.key())).collect()
        }
        Self { mine: distinct(mine), theirs: distinct(theirs) }
    }

    /// Every path of the two, then the overlaps of those that only one of them has with the other's.
    pub(super) fn all(&self) -> Vec<Path<'p>> {
        let keys = |paths: &[Path<'_>]| paths.iter().map(Path::key).collect::<HashSet<_>>();
        let (mine, theirs) = (keys(&self.mine), keys(&self.theirs));
        let removed: Vec<_> = self.mine.iter().filter(|path| !theirs.contains(&path.key())).collect();
        let added: Vec<_> = self.theirs.iter().filter(|path| !mine.contains(&path.key())).collect();

        let mut all: Vec<Path<'p>> = self.mine.iter().chain(added.iter().copied()).cloned().collect();
        let mut places: HashMap<Box<str>, usize> =
            all.iter().enumerate().map(|(place, path)| (path.key(), place)).collect();
        for (changed, others) in [(removed, &self.theirs), (added, &self.mine)] {
            if changed.is_empty() {
                continue;
            }
            let tree = Tree::of(others);
            for path in changed {
                for other in tree.overlapping(path).into_iter().filter_map(|place| others.get(place)) {
                    let Some(common) = path.overlap(other) else { continue };
                    match places.get(&common.key()).and_then(|place| all.get_mut(*place)) {
                        // Known already; but it may also be for the hosts of the other path.
                        Some(known) => known.parents.extend(common.parents),
                        None => {
                            places.insert(common.key(), all.len());
                            all.push(common);
                        }
                    }
                }
            }
        }
        all
    }
}
