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
//! let refusal = firewall.check(&Request::new("GET", "/static/css%2fadmin")).unwrap_err();
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
        if request.authority().is_none() {
            return Ok(());
        }
        self.compare_hosts(request)
    }

    // Apart, so that what every request runs through stays small.
    #[inline(never)]
    fn compare_hosts(&self, request: &Request<'_>) -> Result<(), Ambiguity> {
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
    check_uncommon_method(method)
}

#[cold]
fn check_uncommon_method(method: &str) -> Result<(), Ambiguity> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: Request<'_>) -> Result<(), Ambiguity> {
        Firewall::strict().check(&request).map_err(|refusal| refusal.ambiguity())
    }

    #[test]
    fn methods_are_tokens_in_capitals() {
        for method in ["GET", "QUERY", "BASELINE-CONTROL", "M-SEARCH", "FOO", "X1", "!#$%&'*+-.^_`|~"] {
            assert_eq!(check(Request::new(method, "/")), Ok(()), "{method}");
        }
        for method in ["get", "Get", "gET", "foo", "GETx"] {
            assert_eq!(check(Request::new(method, "/")), Err(Ambiguity::LowercaseMethod), "{method}");
        }
        for method in ["", "GET ", " GET", "GE\0T", "GET\n", "GÉT", "G/T", "get post", "GET,POST"] {
            assert_eq!(check(Request::new(method, "/")), Err(Ambiguity::MalformedMethod), "{method}");
        }
    }

    #[test]
    fn a_star_is_a_path_for_options_only() {
        assert_eq!(check(Request::new("OPTIONS", "*")), Ok(()));
        for (method, path) in [("GET", "*"), ("OPTIONS", "*/"), ("OPTIONS", ""), ("CONNECT", "a:443")] {
            assert_eq!(check(Request::new(method, path)), Err(Ambiguity::MissingSlash), "{method} {path}");
        }
        let foreign = Request::new("OPTIONS", "*").with_target_authority(Some("a")).with_host("b");
        assert_eq!(check(foreign), Err(Ambiguity::ForeignAuthority));
    }

    #[test]
    fn target_and_host_header_must_agree() {
        let request = |target, host| Request::new("GET", "/").with_target_authority(target).with_host(host);
        for (target, host) in [
            (None, None),
            (None, Some("a")),
            (Some("a"), None),
            (Some("HttpBin.Foo"), Some("httpbin.foo.:443")),
            (Some("[::1]:8443"), Some("[::1]:8443")),
        ] {
            assert_eq!(check(request(target, host)), Ok(()), "{target:?} {host:?}");
        }
        for (target, host) in
            [("evil.example", "localhost"), ("a:8443", "a"), ("a", "a:80"), ("[::1]", "[::2]")]
        {
            assert_eq!(
                check(request(Some(target), Some(host))),
                Err(Ambiguity::ForeignAuthority),
                "{target} {host}"
            );
        }
        for bad in ["", "user@a", "a b", "a/b", "a,b", "a:"] {
            assert_eq!(check(request(None, Some(bad))), Err(Ambiguity::MalformedHost), "{bad}");
            assert_eq!(check(request(Some(bad), Some("a"))), Err(Ambiguity::MalformedHost), "{bad}");
        }
        let repeated = request(None, Some("a")).with_repeated_host(true);
        assert_eq!(check(repeated), Err(Ambiguity::AmbiguousHost));
    }

    #[test]
    fn only_some_ambiguities_can_be_allowed() {
        for ambiguity in Ambiguity::ALL {
            match Firewall::strict().danger_allow(*ambiguity) {
                Ok(firewall) => {
                    assert!(ambiguity.can_be_allowed());
                    let allowed = Ambiguity::ALL.iter().filter(|other| firewall.allows(**other));
                    assert_eq!(allowed.collect::<Vec<_>>(), [ambiguity]);
                }
                Err(error) => {
                    assert!(!ambiguity.can_be_allowed());
                    assert!(error.to_string().contains(ambiguity.name()), "{error}");
                }
            }
        }
    }

    #[test]
    fn a_foreign_authority_can_be_allowed_but_not_a_malformed_one() {
        let firewall = Firewall::strict().danger_allow(Ambiguity::ForeignAuthority).unwrap();
        let request = Request::new("GET", "/").with_target_authority(Some("a"));
        assert!(firewall.check(&request.with_host("b")).is_ok());
        assert!(firewall.check(&request.with_host("b b")).is_err());
    }
}
