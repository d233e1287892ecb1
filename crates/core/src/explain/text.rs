//! An explanation for people.

use std::fmt;

use super::{Explanation, Openings};
use crate::rule::Trace;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.decision.denial() {
            None => writeln!(f, "allow: {} for {}", self.request, self.principal)?,
            Some(denial) => {
                writeln!(f, "deny ({}): {} for {}", denial.kind(), self.request, self.principal)?;
                writeln!(f, "because {denial}")?;
            }
        }
        if let Some(route) = &self.route {
            writeln!(f, "route: {} ({})", route.id, route.place)?;
            writeln!(f, "rule:")?;
            trace(&route.rule, 1, f)?;
        }
        match self.roles.as_slice() {
            [] => writeln!(f, "roles: none")?,
            roles => {
                writeln!(f, "roles:")?;
                for role in roles {
                    let origins: Vec<String> = role.origins.iter().map(ToString::to_string).collect();
                    writeln!(f, "  {}: {}", role.name, origins.join(", "))?;
                }
            }
        }
        openings(&self.openings, self.is_allowed(), f)
    }
}

fn trace(part: &Trace, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "{:indent$}{}  {}", "", part.outcome, part.text, indent = 2 * depth)?;
    part.parts.iter().try_for_each(|part| trace(part, depth + 1, f))
}

fn openings(openings: &Openings, is_allowed: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if openings.sets.is_empty() && openings.is_complete {
        return Ok(());
    }
    writeln!(f, "{}:", if is_allowed { "what would close it" } else { "what would open it" })?;
    for set in &openings.sets {
        let changes: Vec<String> = set.iter().map(ToString::to_string).collect();
        writeln!(f, "  {}", changes.join(" and "))?;
    }
    if !openings.is_complete {
        writeln!(f, "  (the search was cut short: there may be more)")?;
    }
    Ok(())
}
