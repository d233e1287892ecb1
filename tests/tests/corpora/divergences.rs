//! Where we judge otherwise than a corpus expects, and why that is right or at least known.

use std::cell::Cell;

use serde::Deserialize;

/// Chains of one kind that we judge otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Divergence {
    /// The cases by their whole names, or by the beginning of their names and a `*`.
    cases: Vec<String>,
    /// What we do: `accept` or `refuse`.
    verdict: Verdict,
    /// Why.
    pub(crate) because: String,
    #[serde(skip)]
    used: Cell<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Accept,
    Refuse,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Divergences {
    #[serde(default)]
    divergence: Vec<Divergence>,
}

impl Divergences {
    pub(crate) fn read() -> anyhow::Result<Self> {
        Ok(toml::from_str(include_str!("divergences.toml"))?)
    }

    /// The reason for which this case is judged otherwise.
    pub(crate) fn of(&self, id: &str) -> Option<&Divergence> {
        let found = self.divergence.iter().find(|divergence| divergence.is_about(id))?;
        found.used.set(true);
        Some(found)
    }

    /// The reasons that no case has needed.
    pub(crate) fn unused(&self) -> impl Iterator<Item = &str> {
        self.divergence.iter().filter(|one| !one.used.get()).map(|one| one.because.as_str())
    }
}

impl Divergence {
    fn is_about(&self, id: &str) -> bool {
        self.cases.iter().any(|case| match case.strip_suffix('*') {
            Some(beginning) => id.starts_with(beginning),
            None => case == id,
        })
    }

    pub(crate) fn accepts(&self) -> bool {
        self.verdict == Verdict::Accept
    }
}
