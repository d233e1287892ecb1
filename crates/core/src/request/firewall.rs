//! Refuses requests that two readers could read in two ways.
//!
//! A rule guards a path. It is worth nothing if the router, a file server or a proxy behind it reads
//! another path from the same bytes. So whatever has two readings is refused before any rule is asked;
//! nothing is ever normalised, because the next reader would normalise differently.
//!
//! ```
//! use portcullis_core::request::{Ambiguity, Firewall, Request};
//!
//! let firewall = Firewall::strict();
//! assert!(firewall.check(&Request::new("GET", "/reports/caf%C3%A9")).is_ok());
//!
//! let refusal = firewall.check(&Request::new("GET", "/static/..%2fadmin")).unwrap_err();
//! assert_eq!(refusal.ambiguity(), Ambiguity::EncodedSlash);
//! ```

mod ambiguity;
pub(crate) mod authority;
pub(crate) mod path;
pub(crate) mod percent;

use thiserror::Error;

use self::authority::Authority;
use super::Request;

pub use self::ambiguity::{Ambiguity, UnknownAmbiguity};

/// The checks that a request must pass before any rule is asked.
///
/// # Security
///
/// If an ambiguity is allowed, then a client that finds a reader with the other reading gets into what
/// the rule of that other path protects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Firewall {
    allowed: u32,
}

impl Firewall {
    /// The firewall that refuses every ambiguity; the default.
    #[must_use]
    pub const fn strict() -> Self {
        Self { allowed: 0 }
    }

    /// Lets one ambiguity through.
    ///
    /// What is let through is data: an allowed `%2f` never separates segments, an allowed `..` is a
    /// segment of that name, an allowed `//` holds an empty segment that only `{*rest}` covers.
    ///
    /// # Security
    ///
    /// If anything behind the guard reads the path differently, then whoever may reach one path reaches
    /// another; each [`Ambiguity`] describes the attack.
    ///
    /// # Errors
    ///
    /// Fails for an ambiguity that [can never be allowed](Ambiguity::can_be_allowed).
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::request::{Ambiguity, Firewall, Request};
    ///
    /// let firewall = Firewall::strict().danger_allow(Ambiguity::EncodedSlash)?;
    /// assert!(firewall.check(&Request::new("GET", "/files/a%2fb")).is_ok());
    /// assert!(firewall.check(&Request::new("GET", "/files/..%2fb")).is_err());
    /// assert!(Firewall::strict().danger_allow(Ambiguity::EncodedNul).is_err());
    /// # Ok::<(), portcullis_core::request::firewall::FirewallError>(())
    /// ```
    pub fn danger_allow(self, ambiguity: Ambiguity) -> Result<Self, FirewallError> {
        if !ambiguity.can_be_allowed() {
            return Err(FirewallError::NeverAllowed { ambiguity });
        }
        Ok(Self { allowed: self.allowed | bit(ambiguity) })
    }

    /// Whether an ambiguity is let through.
    #[must_use]
    pub fn allows(&self, ambiguity: Ambiguity) -> bool {
        self.allowed & bit(ambiguity) != 0
    }

    /// Looks for an ambiguity in the method, the path and the host.
    ///
    /// `OPTIONS *`, which asks about the server and not about a path, passes; no rule covers it.
    ///
    /// # Errors
    ///
    /// Fails with the first ambiguity that is not allowed.
    pub fn check(&self, request: &Request<'_>) -> Result<(), Refusal> {
        self.find(request).map_err(|ambiguity| Refusal { ambiguity })
    }

    fn find(&self, request: &Request<'_>) -> Result<(), Ambiguity> {
        check_method(request.method())?;
        if !(request.path() == "*" && request.method() == "OPTIONS") {
            path::check(request.path().as_bytes(), |ambiguity| self.allows(ambiguity))?;
        }
        self.check_host(request)
    }

    fn check_host(&self, request: &Request<'_>) -> Result<(), Ambiguity> {
        if request.has_repeated_host() {
            return Err(Ambiguity::AmbiguousHost);
        }
        let parse = |text| Authority::parse(text).ok_or(Ambiguity::MalformedHost);
        let target = request.target_authority().map(parse).transpose()?;
        let header = request.host_header().map(parse).transpose()?;
        match (target, header) {
            (Some(target), Some(header)) if !target.is_same(&header) => {
                if self.allows(Ambiguity::ForeignAuthority) {
                    Ok(())
                } else {
                    Err(Ambiguity::ForeignAuthority)
                }
            }
            _ => Ok(()),
        }
    }
}

fn bit(ambiguity: Ambiguity) -> u32 {
    1 << ambiguity as u32
}

fn check_method(method: &str) -> Result<(), Ambiguity> {
    if matches!(method, "GET" | "POST" | "PUT" | "DELETE" | "HEAD" | "PATCH" | "OPTIONS") {
        return Ok(());
    }
    if method.is_empty() || !method.bytes().all(is_token) {
        return Err(Ambiguity::MalformedMethod);
    }
    if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(Ambiguity::LowercaseMethod);
    }
    Ok(())
}

/// RFC 9110, 5.6.2.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A request that the firewall refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{ambiguity}")]
pub struct Refusal {
    ambiguity: Ambiguity,
}

impl Refusal {
    /// What could be read in two ways.
    #[must_use]
    pub fn ambiguity(&self) -> Ambiguity {
        self.ambiguity
    }
}

/// A firewall that cannot be set up so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FirewallError {
    /// An ambiguity that is always refused.
    #[error("`{}` can never be allowed: {ambiguity} has no second reading that is of use", .ambiguity.name())]
    NeverAllowed {
        /// The ambiguity.
        ambiguity: Ambiguity,
    },
}
