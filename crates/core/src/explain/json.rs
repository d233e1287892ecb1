//! An explanation for programs.

use serde_json::{Value, json};

use super::{Explanation, RoleChange};
use crate::rule::{Outcome, Trace};

impl Explanation {
    /// The explanation as JSON; `schema` is its version.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let denial = self.decision.denial();
        json!({
            "schema": 1,
            "request": self.request,
            "principal": self.principal,
            "decision": if self.is_allowed() { "allow" } else { "deny" },
            "kind": denial.map(|denial| denial.kind().name()),
            "cause": denial.map(ToString::to_string),
            "route": self.route.as_ref().map(|route| json!({
                "id": route.id,
                "pattern": route.pattern,
                "place": route.place,
                "rule": trace(&route.rule),
            })),
            "roles": self.roles.iter().map(|role| json!({
                "name": role.name,
                "origins": role.origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "openings": {
                "sets": self.openings.sets.iter().map(|set| set.iter().map(change).collect()).collect::<Vec<Value>>(),
                "complete": self.openings.is_complete,
            },
        })
    }
}

fn trace(part: &Trace) -> Value {
    let mut value = json!({ "text": part.text, "outcome": part.outcome.name() });
    if let Some(object) = value.as_object_mut() {
        match &part.outcome {
            Outcome::Value(text) => drop(object.insert("value".into(), json!(text))),
            Outcome::Error(fault) => drop(object.insert("error".into(), json!(fault.to_string()))),
            Outcome::True | Outcome::False | Outcome::NotReached => {}
        }
        if !part.parts.is_empty() {
            object.insert("parts".into(), part.parts.iter().map(trace).collect());
        }
    }
    value
}

fn change(change: &RoleChange) -> Value {
    match change {
        RoleChange::Add(role) => json!({ "add": role }),
        RoleChange::Remove(role) => json!({ "remove": role }),
    }
}
