//! What is probably wrong with a policy, although it can be loaded.

mod member;
mod regular;
mod role;
mod route;
mod rule;

use std::fmt;

use super::{Place, Policy};

/// Something that is probably wrong with a policy, although it can be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    level: Level,
    code: &'static str,
    place: Place,
    message: String,
    remedy: String,
}

/// How sure it is that a finding is a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Nobody can have meant it.
    Error,
    /// It lets in or keeps out others than a reader expects.
    Warn,
    /// It may be meant; a reviewer should know of it.
    Note,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Note => "note",
        })
    }
}

impl Policy {
    /// What is probably wrong, errors first.
    ///
    /// | level | code | what |
    /// | --- | --- | --- |
    /// | error | `never-allows` | a rule other than `nobody` that nobody can meet |
    /// | error | `always-allows` | a rule other than `anyone` that everybody meets |
    /// | error | `condition-never-holds` | a role's condition that no certificate can meet |
    /// | warn | `condition-always-holds` | a role's condition that every certificate meets |
    /// | warn | `condition-without-anchor` | with several anchors, a condition that asks for none of them |
    /// | warn | `dead-part` | a part of `\|\|` that can never hold |
    /// | warn | `issuer-without-anchor` | the issuer field is believed, which any trusted intermediate can fill in |
    /// | warn | `member-cannot-match` | a member that no declared anchor can name |
    /// | warn | `method-hole` | another method is open to more callers than `GET` of the same path |
    /// | warn | `open-below` | a path is closer guarded than what is below it |
    /// | warn | `same-for-all-verified` | a rule that is no more than `authenticated` |
    /// | warn | `unanchored-regex` | a regular expression that is looked for anywhere in the text |
    /// | warn | `unregistered-custom` | a custom condition without a closure |
    /// | note | `closed-anyway` | a route for nobody where no other route opens anything |
    /// | note | `negated-role` | a rule that a further role can make false |
    /// | note | `repeated-member` | a member that is listed twice |
    /// | note | `role-without-source` | a role that nothing in the policy gives |
    /// | note | `shadowed-methods` | a wider route opens methods that a narrower path does not have |
    /// | note | `unused-role` | a role that no rule asks for |
    ///
    /// Rules with very many conditions are not searched for contradictions to the end. No finding
    /// does not mean that a policy is right.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::Policy;
    /// use portcullis_core::rule::{authenticated, role};
    ///
    /// let policy = Policy::builder()
    ///     .role("admin", [])
    ///     .members("admin", ["alice"])
    ///     .route("GET /reports", role("admin"))
    ///     .route("POST /reports", authenticated())
    ///     .build()?;
    /// let findings = policy.lint();
    /// assert_eq!(findings.len(), 1);
    /// assert_eq!(findings[0].code(), "method-hole");
    /// # Ok::<(), portcullis_core::policy::PolicyError>(())
    /// ```
    #[must_use]
    pub fn lint(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        rule::lint(self, &mut findings);
        route::lint(self, &mut findings);
        role::lint(self, &mut findings);
        member::lint(self, &mut findings);
        findings.sort_by_key(|finding| finding.level);
        findings
    }
}

impl Finding {
    fn new(
        level: Level,
        code: &'static str,
        place: &Place,
        message: String,
        remedy: impl Into<String>,
    ) -> Self {
        Self { level, code, place: place.clone(), message, remedy: remedy.into() }
    }

    /// How sure it is that it is a mistake.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// A stable word for this kind of findings.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

/// One line: place, level, code, message, remedy.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, code, place, message, remedy } = self;
        write!(f, "{place}: {level}[{code}]: {message}: {remedy}")
    }
}
