//! Rules: one expression tree that says who may pass.
//!
//! A rule is written in Rust, with [`role`], [`subject`] and the other functions of this module, or as
//! text, which [`Rule::parse`] reads. Both make the same tree; a rule prints as its text.
//!
//! ```
//! use portcullis_core::certificate::{AttributeType, Certificate};
//! use portcullis_core::rule::{role, subject};
//! use portcullis_core::{Authorizer, Connection, Identity, Peer, Policy, Request, Rule};
//!
//! let rule = Rule::parse(r#"subject.CN == "alice" && "Security" in subject.all.OU"#)?;
//! assert_eq!(rule, subject(AttributeType::CN).eq("alice").and(subject(AttributeType::OU).contains("Security")));
//! let authorizer = Authorizer::builder(Policy::builder().route("GET /", rule).build()?).build()?;
//! # let authority = portcullis_pki::Authority::new("Example CA")?;
//! # let certificate = |unit: &str| -> Result<Certificate, Box<dyn std::error::Error>> {
//! #     let issued = authority.client("alice").organizational_unit(unit).issue()?;
//! #     Ok(Certificate::from_der(issued.certificate_der())?)
//! # };
//! let decide = |certificate| {
//!     let connection = Connection::assertion(Peer::Verified(Identity::assertion(certificate, "staff")));
//!     authorizer.decide(&Request::new("GET", "/"), Some(&connection))
//! };
//! assert!(decide(certificate("Security")?).is_allowed());
//! assert!(!decide(certificate("Sales")?).is_allowed());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The language
//!
//! The text is a subset of the [Common Expression Language](https://cel.dev), which Kubernetes, Envoy
//! and Firebase use, with the meaning that it has there. Types are checked when the text is read.
//!
//! | Conditions | |
//! | --- | --- |
//! | `anyone`, `nobody` | everybody, with or without a certificate; nobody |
//! | `authenticated` | a verified certificate and a name |
//! | `role("admin")` | the role, given directly or included by another one |
//! | `custom("office hours")` | a closure of the application |
//! | `acl("read")` | an entry of the access control list; in rules of resources only |
//! | `has(subject.L)` | at least one value is there |
//! | `a && b`, `a \|\| b`, `!a`, `a ? b : c` | `&&` binds more tightly than `\|\|` |
//! | `==`, `!=`, `<`, `<=`, `>`, `>=` | both sides of one type; order for numbers, strings and times |
//! | `x in list` | one of the elements |
//! | `s.startsWith(t)`, `s.endsWith(t)`, `s.contains(t)` | parts of strings |
//! | `s.matches("^a+$")` | a regular expression, found anywhere unless it is anchored |
//! | `list.exists(x, ..)`, `list.all(x, ..)` | for one element, for every element |
//! | `cidr("10.0.0.0/8").containsIP(ip)` | an address of a network, as in Kubernetes |
//!
//! | Values | Type | |
//! | --- | --- | --- |
//! | `subject.CN`, `issuer.CN` | string | the one value of an attribute, named as in RFC 4514, or ``subject.`1.2.3` `` |
//! | `subject.all.OU`, `issuer.all.OU` | list of strings | every value; none is fine |
//! | `san.dns`, `san.email`, `san.uri`, `san.upn` | list of strings | subject alternative names; DNS names in lower case |
//! | `san.ip` | list of IP addresses | |
//! | `spiffe.id`, `spiffe.trust_domain`, `spiffe.path` | string | of the certificate of one SPIFFE workload |
//! | `cert.serial` | serial number | |
//! | `cert.sha256`, `cert.spki_sha256` | fingerprint | of the certificate, of its public key |
//! | `cert.not_after` | timestamp | |
//! | `cert.eku`, `cert.policies` | lists | `"clientAuth" in cert.eku`; object identifiers |
//! | `anchor.label`, `anchor.spki_sha256` | string, fingerprint | the trust anchor that really vouched |
//! | `principal.name` | string | as the policy's anchors define it |
//! | `principal.roles` | list of strings | with all that they include |
//! | `principal.attributes.x` | string | an error as long as no source gives the caller attributes |
//! | `request.method`, `request.path` | string | as sent; the path is not decoded |
//! | `request.host` | string | without port, in lower case |
//! | `request.peer_ip` | IP address | IPv4 also if the listener sees it as `::ffff:a.b.c.d` |
//! | `request.time` | timestamp | |
//! | `params.id` | string | a parameter of the route's pattern, decoded once |
//! | `resource.owner` | as declared | in rules of resources only |
//! | `size(x)`, `x.size()` | int | of a list or a string |
//! | `timestamp("2027-01-31T00:00:00Z")` | timestamp | RFC 3339, whole seconds |
//! | `"a"`, `'a'`, `r"\d"`, `"""a"""` | string | with CEL's escapes |
//! | `7`, `-7`, `0x7`, `true`, `false`, `["a", "b"]` | | a list has literals of one type |
//!
//! Fingerprints, serial numbers, addresses, key purposes and object identifiers are compared with strings
//! that are read when the rule is: `cert.serial == "00:C0:FF:EE"`. Comments begin with `//`. There is no `null`, no
//! arithmetic, no indexing, no maps and no fractions. A text has at most 4096 bytes and nests at most 32 deep.
//!
//! # What cannot be decided
//!
//! A value that is absent, repeated where one is wanted, or cannot be read is an error, and so is
//! everything about the certificate of somebody who has none. An error denies, under `!`
//! too. `false && error` is false and `true || error` is true, whatever the order; `exists` and `all` are the
//! same over a list.
//!
//! # Security
//!
//! If a rule asks for `issuer.CN` to find out who vouched, then whoever controls any trusted authority gets
//! in: ask for `anchor.label`. If a regular expression has no `^` and `$`, then whoever can put the text
//! somewhere into the value gets in. `\d` and `\w` take the digits and letters of all scripts: write `[0-9]`.

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
    /// Roles and path parameters are looked up when a policy is built with it; custom conditions get
    /// their closures from [`with_custom`](Self::with_custom).
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

    /// The text of a rule with its blanks in order; names, roles and types are not looked at.
    ///
    /// Only blanks change: comments, line breaks and the spelling of strings and numbers stay.
    ///
    /// # Errors
    ///
    /// [`RuleError`] when the text is no expression of the language.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::Rule;
    ///
    /// assert_eq!(Rule::format(r#"role( "admin" )&&!role("away")"#)?, r#"role("admin") && !role("away")"#);
    /// assert!(Rule::format("role(").is_err());
    /// # Ok::<(), portcullis_core::rule::RuleError>(())
    /// ```
    pub fn format(text: &str) -> Result<String, RuleError> {
        parse::format(text).map_err(|diagnostic| RuleError::new(text, vec![diagnostic]))
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
