//! Finds paths that overlap without comparing each with all.

use std::collections::HashMap;

use super::Path;
use crate::policy::pattern::Segment;

/// Paths by their segments, to find those that overlap with one without comparing it with all.
#[derive(Debug, Default)]
pub(in crate::policy) struct Tree<'t> {
    nodes: Vec<Node<'t>>,
}

#[derive(Debug, Default)]
struct Node<'t> {
    literals: HashMap<&'t str, usize>,
    parameter: Option<usize>,
    /// The paths that end here, and those that go on with a rest.
    ends: Vec<usize>,
    rests: Vec<usize>,
}

impl<'t> Tree<'t> {
    pub(in crate::policy) fn of(paths: &'t [Path<'_>]) -> Self {
        let mut tree = Self { nodes: vec![Node::default()] };
        for (place, path) in paths.iter().enumerate() {
            let mut at = 0;
            let mut has_rest = false;
            for segment in &path.segments {
                let next = tree.nodes.len();
                let Some(node) = tree.nodes.get_mut(at) else { break };
                at = match segment {
                    Segment::Literal(text) => *node.literals.entry(text).or_insert(next),
                    Segment::Parameter(_) => *node.parameter.get_or_insert(next),
                    Segment::Rest(_) => {
                        has_rest = true;
                        break;
                    }
                };
                if at == next {
                    tree.nodes.push(Node::default());
                }
            }
            if let Some(node) = tree.nodes.get_mut(at) {
                if has_rest { node.rests.push(place) } else { node.ends.push(place) }
            }
        }
        tree
    }

    /// The paths that overlap with this one.
    pub(in crate::policy) fn overlapping(&self, path: &Path<'_>) -> Vec<usize> {
        let mut found = Vec::new();
        let mut open = vec![(0, 0)];
        while let Some((at, depth)) = open.pop() {
            let Some(node) = self.nodes.get(at) else { continue };
            found.extend(&node.rests);
            let children = node.literals.values().chain(&node.parameter);
            match path.segments.get(depth) {
                None => found.extend(&node.ends),
                Some(Segment::Rest(_)) => {
                    found.extend(&node.ends);
                    open.extend(children.map(|child| (*child, depth)));
                }
                Some(Segment::Parameter(_)) => open.extend(children.map(|child| (*child, depth + 1))),
                Some(Segment::Literal(text)) => {
                    let literal = node.literals.get(text).into_iter();
                    open.extend(literal.chain(&node.parameter).map(|child| (*child, depth + 1)));
                }
            }
        }
        found
    }
}
