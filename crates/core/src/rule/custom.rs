//! Conditions of the application's own.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Fault, Scope};

type Decide = Arc<dyn Fn(&Scope<'_>) -> Result<bool, Fault> + Send + Sync>;

/// A closure of the application, or so far only its name.
#[derive(Clone)]
pub(crate) struct Custom {
    pub(crate) name: Arc<str>,
    decide: Option<Decide>,
}

/// What a custom condition may answer.
pub trait IntoOutcome {
    /// The answer, with any error as [`Fault::Custom`].
    ///
    /// # Errors
    ///
    /// When the condition could not be decided.
    fn into_outcome(self) -> Result<bool, Fault>;
}

impl IntoOutcome for bool {
    fn into_outcome(self) -> Result<bool, Fault> {
        Ok(self)
    }
}

impl<E> IntoOutcome for Result<bool, E> {
    fn into_outcome(self) -> Result<bool, Fault> {
        self.map_err(|_| Fault::Custom)
    }
}

impl Custom {
    /// The error says why it cannot have this name.
    pub(crate) fn new<F, O>(name: &str, decide: F) -> Result<Self, String>
    where
        F: Fn(&Scope<'_>) -> O + Send + Sync + 'static,
        O: IntoOutcome,
    {
        let guarded = move |scope: &Scope<'_>| {
            catch_unwind(AssertUnwindSafe(|| decide(scope).into_outcome())).unwrap_or(Err(Fault::Panicked))
        };
        Ok(Self { decide: Some(Arc::new(guarded)), ..Self::named(name)? })
    }

    /// One whose closure is still to be found.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        if name.is_empty() || name.contains(['"', '\\']) || name.chars().any(char::is_control) {
            return Err(format!("`{}` cannot name a custom condition: use plain words", name.escape_debug()));
        }
        Ok(Self { name: name.into(), decide: None })
    }

    pub(crate) fn is_registered(&self) -> bool {
        self.decide.is_some()
    }

    pub(crate) fn decide(&self, scope: &Scope<'_>) -> Result<bool, Fault> {
        match &self.decide {
            Some(decide) => decide(scope),
            None => Err(Fault::Unresolved),
        }
    }
}

/// Closures are the same if they are one and the same, not if they do the same.
impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        let same_closure = match (&self.decide, &other.decide) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        self.name == other.name && same_closure
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custom({:?})", self.name)
    }
}
