//! What the guard and the handlers tell each other, through the extensions of requests and responses.

use std::fmt;

use http::Extensions;
use http::request::Parts;
use portcullis_core::{Authorizer, Connection, Denial, Principal};

use crate::source;

/// Who the guard let through, found in the extensions of each request behind it.
///
/// Only the guard can make one. Whatever else an application puts into the extensions, a principal
/// of its own included, is never taken for it.
///
/// # Examples
///
/// ```
/// use portcullis_tower::Admission;
///
/// fn greeting(request: &http::Request<()>) -> String {
///     match Admission::of(request.extensions()).map(|admission| admission.principal().name()) {
///         Some(Ok(name)) => format!("hello {name}"),
///         Some(Err(_)) => "hello stranger".into(),
///         None => "nobody stands at the gate".into(),
///     }
/// }
/// assert_eq!(greeting(&http::Request::new(())), "nobody stands at the gate");
/// ```
#[derive(Clone)]
pub struct Admission {
    principal: Principal,
    auth: Authorizer,
}

impl Admission {
    pub(crate) fn new(principal: Principal, auth: Authorizer) -> Self {
        Self { principal, auth }
    }

    /// The admission of the request with these extensions; `None` when no guard let it through.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Who asks. Somebody anonymous is a principal, too.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The authorizer that decided.
    #[must_use]
    pub fn authorizer(&self) -> &Authorizer {
        &self.auth
    }

    /// Refuses the request from inside, because its handler needs an authenticated caller.
    ///
    /// Put the result into the extensions of the response. It is logged and recorded when the guard
    /// renders it; nobody is told of one that the handler drops.
    #[must_use]
    pub fn refuse(&self, parts: &Parts) -> Refusal {
        let denial = self.auth.caller_denial(parts.extensions.get::<Connection>(), &self.principal);
        Refusal { denial, parts: parts.clone(), auth: self.auth.clone() }
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("principal", &self.principal).finish_non_exhaustive()
    }
}

/// A denial by a handler: the guard renders the response that carries it as it renders its own.
///
/// Made by [`Admission::refuse`]. Whatever the response said besides is dropped.
#[derive(Clone)]
pub struct Refusal {
    pub(crate) denial: Denial,
    pub(crate) parts: Parts,
    auth: Authorizer,
}

impl Refusal {
    /// Logs and records the denial.
    pub(crate) fn tell(&self) {
        let Parts { method, uri, version, headers, extensions, .. } = &self.parts;
        let connection = extensions.get::<Connection>();
        let request = source::request(method, uri, *version, headers, connection);
        let request =
            if self.auth.reads_headers() { source::with_headers(request, headers) } else { request };
        self.auth.tell_denial(&request, connection, &self.denial);
    }

    /// The denial.
    #[must_use]
    pub fn denial(&self) -> &Denial {
        &self.denial
    }

    /// The head of the refused request.
    #[must_use]
    pub fn request(&self) -> &Parts {
        &self.parts
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal").field("denial", &self.denial).finish_non_exhaustive()
    }
}

/// Put into a response's extensions by a handler that tells its caller to come back with a certificate.
///
/// A client chooses its certificate once per connection: without this, a browser that has just
/// imported one would stay anonymous for as long as the connection is kept alive. The guard ends the
/// connection after such a response, if a new one is asked for a certificate at all.
///
/// # Examples
///
/// ```
/// use portcullis_tower::AskAgain;
///
/// let mut response = http::Response::new("import your certificate, then reload this page");
/// response.extensions_mut().insert(AskAgain);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "handlers make it, and it says all by being there")]
pub struct AskAgain;
