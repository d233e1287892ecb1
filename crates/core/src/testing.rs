//! Testing what a policy does, without a server.
//!
//! ```
//! use portcullis_core::principal::TestPrincipal;
//! use portcullis_core::{Authorizer, DenialKind, Policy, Principal};
//!
//! let policy = Policy::from_text("policy.toml", r#"
//!     version = 1
//!     [roles.user]
//!     [roles.admin]
//!     includes = ["user"]
//!     [[route]]
//!     match = "GET /users/{name}/inbox"
//!     allow = 'params.name == principal.name || role("admin")'
//! "#)?;
//! let auth = Authorizer::builder(policy).build()?;
//!
//! let alice = Principal::test("alice").role("user").under(&auth);
//! let root = Principal::test("root").role("admin").under(&auth);
//! let nobody = TestPrincipal::anonymous().under(&auth);
//! auth.assert_allows(&alice, "GET /users/alice/inbox");
//! auth.assert_allows(&root, "GET /users/alice/inbox");
//! auth.assert_denies(&alice, "GET /users/bob/inbox", DenialKind::Forbidden);
//! auth.assert_denies(&nobody, "GET /users/bob/inbox", DenialKind::CertificateRequired);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Coverage`](crate::coverage::Coverage) tells what such tests have left out.

use std::fmt;

use thiserror::Error;

use crate::authorizer::Authorizer;
use crate::decision::Decision;
use crate::denial::DenialKind;
use crate::principal::Principal;
use crate::request::Request;

impl Authorizer {
    /// Asserts that a request may pass: a [`Request`], or a text such as `GET /reports/7`.
    ///
    /// # Panics
    ///
    /// If it may not, with the explanation.
    #[track_caller]
    #[expect(clippy::panic, reason = "an assertion that fails")]
    pub fn assert_allows<'r, R>(&self, principal: &Principal, request: R)
    where
        R: TryInto<Request<'r>>,
        R::Error: fmt::Display,
    {
        let request = read(request);
        if !self.decide_for(&request, principal).is_allowed() {
            panic!("it is not allowed:\n\n{}", self.explain(&request, principal));
        }
    }

    /// Asserts that a request is denied, and as what: a [`Request`], or a text such as `GET /reports/7`.
    ///
    /// # Panics
    ///
    /// If it may pass or the denial is of another kind, with the explanation.
    #[track_caller]
    #[expect(clippy::panic, reason = "an assertion that fails")]
    pub fn assert_denies<'r, R>(&self, principal: &Principal, request: R, kind: DenialKind)
    where
        R: TryInto<Request<'r>>,
        R::Error: fmt::Display,
    {
        let request = read(request);
        let actual = match self.decide_for(&request, principal) {
            Decision::Deny(denial) if denial.kind() == kind => return,
            Decision::Deny(denial) => format!("it is denied as `{}`, not as `{kind}`", denial.kind()),
            Decision::Allow => format!("it is allowed, not denied as `{kind}`"),
        };
        panic!("{actual}:\n\n{}", self.explain(&request, principal));
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "a mistake in a test fails the test")]
fn read<'r, R>(request: R) -> Request<'r>
where
    R: TryInto<Request<'r>>,
    R::Error: fmt::Display,
{
    request.try_into().unwrap_or_else(|error| panic!("{error}"))
}

/// The text is no method and path.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` is no request: write a method, one blank and a path, as in `GET /reports/7`", .text.escape_debug())]
pub struct RequestTextError {
    text: String,
}

/// A method, one blank, and the undecoded path: `GET /reports/7`.
///
/// Whatever follows the blank is the path, so that a test can see the firewall refuse it.
impl<'a> TryFrom<&'a str> for Request<'a> {
    type Error = RequestTextError;

    fn try_from(text: &'a str) -> Result<Self, RequestTextError> {
        match text.split_once(' ') {
            Some((method, path)) if !method.is_empty() => Ok(Request::new(method, path)),
            _ => Err(RequestTextError { text: text.into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_method_and_a_path() {
        let request = Request::try_from("GET /a b").unwrap();
        assert_eq!((request.method(), request.path()), ("GET", "/a b"));
        assert_eq!(Request::try_from("OPTIONS *").unwrap().path(), "*");
        for text in ["", "GET", "/reports", " /reports", " "] {
            let error = Request::try_from(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is no request: ")), "{error}");
        }
        let error = Request::try_from("GET\n/").unwrap_err().to_string();
        assert!(error.starts_with(r"`GET\n/` is no request"), "{error}");
    }
}
