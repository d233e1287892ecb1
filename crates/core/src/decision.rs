//! The answer to a request.

use crate::denial::Denial;

/// The answer to a request: it may pass, or it may not and why.
///
/// Total on purpose: there is no abstaining, no null, and an error is a denial.
#[derive(Clone, Debug)]
#[must_use = "a decision that nobody looks at protects nothing"]
#[expect(
    clippy::exhaustive_enums,
    reason = "a third outcome would have to be denied or allowed by each caller"
)]
pub enum Decision {
    /// The request may pass.
    Allow,
    /// The request must not reach the handler.
    Deny(Denial),
}

impl Decision {
    /// Whether the request may pass.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow)
    }

    /// The denial, if it is one.
    #[must_use]
    pub fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Allow => None,
            Self::Deny(denial) => Some(denial),
        }
    }
}
