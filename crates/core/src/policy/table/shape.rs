//! The shapes of patterns: where their literals stand, apart from what these say.

use crate::policy::pattern::{MOST_SEGMENTS, Pattern, Segment};

/// Where a pattern has literals and parameters, and whether it takes the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    /// A bit for each segment that is a literal.
    pub(super) literals: u32,
    /// A bit for each segment that is a parameter.
    pub(super) parameters: u32,
    pub(super) takes_rest: bool,
}

impl Shape {
    /// The shape of a pattern, each literal of which is shown with its position on the way.
    pub(super) fn of(pattern: &Pattern, mut see: impl FnMut(usize, &str)) -> Self {
        let mut shape = Self { literals: 0, parameters: 0, takes_rest: false };
        for (position, segment) in pattern.segments().enumerate() {
            match segment {
                Segment::Literal(text) => {
                    shape.literals |= 1 << position;
                    see(position, text);
                }
                Segment::Parameter(_) => shape.parameters |= 1 << position,
                Segment::Rest(_) => shape.takes_rest = true,
            }
        }
        shape
    }

    /// How many segments there are, without the rest.
    fn len(self) -> usize {
        (self.literals | self.parameters).count_ones() as usize
    }

    fn fits(self, count: usize) -> bool {
        if self.takes_rest { self.len() <= count } else { self.len() == count }
    }

    /// A value that is smaller for the shape that is asked first.
    ///
    /// From left to right, a literal comes before a parameter, the end before the rest. This is the
    /// order in which a router with a tree of segments tries its branches and comes back from them.
    fn order(self) -> [u8; MOST_SEGMENTS + 1] {
        let len = self.len();
        std::array::from_fn(|position| {
            if position < len {
                u8::from(self.parameters >> position & 1 == 1)
            } else if self.takes_rest {
                3
            } else {
                2
            }
        })
    }
}

/// A shape that occurs in the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) number: u32,
    pub(super) shape: Shape,
    /// Keeps the hashes of different shapes apart.
    pub(super) salt: u64,
}

/// The shapes of a table by the number of segments that a path has, in the order of asking.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    by_count: [Box<[Candidate]>; MOST_SEGMENTS + 2],
}

impl Candidates {
    pub(super) fn of(mut all: Vec<Candidate>) -> Self {
        all.sort_by_cached_key(|candidate| candidate.shape.order());
        // The last list is for every larger number of segments.
        let fitting = |count| all.iter().filter(|candidate| candidate.shape.fits(count)).copied().collect();
        Self { by_count: std::array::from_fn(fitting) }
    }

    /// The shapes that a path of so many segments can have.
    #[inline]
    pub(super) fn fitting(&self, count: usize) -> &[Candidate] {
        self.by_count.get(count.min(MOST_SEGMENTS + 1)).map_or(&[], |list| list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(pattern: &str) -> Shape {
        Shape::of(&Pattern::parse(pattern).unwrap(), |_, _| {})
    }

    #[test]
    fn literal_before_parameter_and_end_before_rest() {
        let asked =
            ["/a/b/{*r}", "/a/{x}", "/a/{x}/{*r}", "/a/{*r}", "/{x}/b", "/{x}/{y}", "/{x}/{*r}", "/{*r}"];
        let orders: Vec<_> = asked.iter().map(|path| shape(&format!("GET {path}")).order()).collect();
        assert!(orders.is_sorted(), "{orders:?}");
    }

    #[test]
    fn a_rest_fits_its_base_and_everything_longer() {
        let below = shape("* /a/{*rest}");
        assert!(!below.fits(0) && below.fits(1) && below.fits(2) && below.fits(MOST_SEGMENTS + 1));
        assert!(shape("* /{*rest}").fits(0));
    }
}
