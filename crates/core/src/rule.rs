//! Rules: one expression tree that says who may pass.

mod build;
mod check;
mod custom;
mod diagnostic;
mod environment;
mod eval;
mod examine;
mod expr;
mod fact;
mod fault;
mod literal;
mod parse;
mod print;
mod regular;
mod resolve;
mod scope;
#[cfg(feature = "serde")]
mod serialize;
mod suggest;
#[cfg(test)]
mod testing;
mod trace;
mod value;

use std::fmt;
use std::str::FromStr;

pub use build::{
    Attribute, San, all, anchor, any, any_role, anyone, authenticated, custom, issuer, nobody, role, san,
    sha256, subject,
};
pub use custom::IntoOutcome;
pub use diagnostic::{Diagnostic, RuleError};
pub use fault::Fault;
pub use scope::Scope;
pub use trace::{Outcome, Trace};

pub(crate) use custom::Custom;
pub(crate) use environment::Environment;
pub(crate) use expr::{Affix, Expr, Relation};
pub(crate) use fact::{Fact, Fixed, Party};
pub(crate) use literal::Literal;
pub(crate) use suggest::{closest, did_you_mean};
pub(crate) use value::Scalar;

/// A condition under which a request may pass.
///
/// Made from text or by the functions of this module, and combined with [`and`](Rule::and),
/// [`or`](Rule::or) and `!`. It prints as the text that means the same in a policy file.
///
/// A part that cannot be decided, because an attribute is absent or a provider failed, is an
/// error. As in the Common Expression Language, `&&` with a false side is false and `||` with a
/// true side is true whatever the other side is; an error that is left at the end denies, under `!` too.
///
/// # Examples
///
/// ```
/// use portcullis_core::Rule;
/// use portcullis_core::certificate::AttributeType;
/// use portcullis_core::rule::{role, subject};
///
/// let rule = role("admin").or(subject(AttributeType::CN).eq("alice")).and(!role("suspended"));
/// let text = r#"(role("admin") || subject.CN == "alice") && !role("suspended")"#;
/// assert_eq!(rule.to_string(), text);
/// assert_eq!(Rule::parse(text)?, rule);
/// # Ok::<(), portcullis_core::rule::RuleError>(())
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "a rule protects nothing until it stands in a policy"]
pub struct Rule(pub(crate) Expr);

impl Rule {
    /// Reads a rule in the language of the policy file.
    ///
    /// Roles, path parameters and custom conditions are looked up when a policy is built with it.
    ///
    /// # Errors
    ///
    /// [`RuleError`] with every mistake that was found, where it is and what to do.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::{Authorizer, Policy, Request, Rule};
    ///
    /// let rule = Rule::parse(r#"params.name == "alice" && request.method == "GET""#)?;
    /// let policy = Policy::builder().route("* /users/{name}", rule).build()?;
    /// let authorizer = Authorizer::builder(policy).build()?;
    /// # use portcullis_core::{Connection, Peer};
    /// # let connection = Connection::assertion(Peer::Anonymous);
    /// let decide = |method, path| authorizer.decide(&Request::new(method, path), Some(&connection));
    /// assert!(decide("GET", "/users/alice").is_allowed());
    /// assert!(!decide("GET", "/users/bob").is_allowed());
    /// assert!(Rule::parse("request.method = 'GET'").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        Self::parse_in(text, &Environment::default())
    }

    /// The same, with all names looked up at once.
    pub(crate) fn parse_in(text: &str, environment: &Environment<'_>) -> Result<Self, RuleError> {
        let ast = parse::parse(text).map_err(|diagnostic| RuleError::new(text, vec![diagnostic]))?;
        check::check(&ast, environment).map(Self).map_err(|diagnostics| RuleError::new(text, diagnostics))
    }

    /// Both must hold.
    pub fn and(self, other: Self) -> Self {
        all([self, other])
    }

    /// One of the two must hold.
    pub fn or(self, other: Self) -> Self {
        any([self, other])
    }

    /// Gives a closure to the custom condition that the rule's text names, as [`custom`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::{Policy, Rule};
    ///
    /// let rule = Rule::parse(r#"custom("office hours") && authenticated"#)?;
    /// let bound = rule.clone().with_custom("office hours", |scope| scope.request().time() % 86_400 >= 32_400);
    /// assert!(Policy::builder().route("GET /", bound).build().is_ok());
    /// assert!(Policy::builder().route("GET /", rule).build().is_err());
    /// # Ok::<(), portcullis_core::rule::RuleError>(())
    /// ```
    pub fn with_custom<F, O>(mut self, name: &str, decide: F) -> Self
    where
        F: Fn(&Scope<'_>) -> O + Send + Sync + 'static,
        O: IntoOutcome,
    {
        // A name that cannot be is in no rule.
        if let Ok(given) = Custom::new(name, decide) {
            self.0.walk_mut(&mut |expr| match expr {
                Expr::Custom(custom) if custom.name == given.name => *custom = given.clone(),
                _ => {}
            });
        }
        self
    }

    /// Decides the rule.
    ///
    /// # Errors
    ///
    /// [`Fault`] when it cannot be decided; whoever asks must deny then.
    pub fn decide(&self, scope: &Scope<'_>) -> Result<bool, Fault> {
        self.0.decide(scope)
    }

    pub(crate) fn is_constant_false(&self) -> bool {
        matches!(self.0, Expr::Nobody)
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        Self::parse(text)
    }
}

impl std::ops::Not for Rule {
    type Output = Self;

    fn not(self) -> Self {
        Self(Expr::Not(Box::new(self.0)))
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({self})")
    }
}
