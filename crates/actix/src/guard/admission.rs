//! What the guard let through, so that it can still object afterwards.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use actix_web::body::{BodySize, EitherBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, Uri};
use actix_web::{HttpMessage, HttpRequest};
use portcullis_core::{Authorizer, Connection, Decision, Denial, Principal};

use super::body::WatchedBody;
use super::service::Guarded;
use super::watch::Watch;
use super::{Gate, render, target};
use crate::rejection::{CallerRequired, Rejection};

/// A body of known length that is shorter does not go on for long.
const SHORT: u64 = 64 * 1024;

/// Who the guard let through, found in the extensions of each request behind it.
///
/// Only the guard can make one. Whatever else an application puts into the extensions, a principal
/// of its own included, is never taken for it. Handlers take a [`Peer`](crate::Peer) or a
/// [`Caller`](crate::Caller) instead; this is for middleware between the guard and them.
///
/// # Examples
///
/// ```
/// use actix_web::{HttpRequest, test::TestRequest};
/// use portcullis_actix::Admission;
///
/// fn greeting(request: &HttpRequest) -> String {
///     match Admission::of(request).as_ref().map(|admission| admission.principal().name()) {
///         Some(Ok(name)) => format!("hello {name}"),
///         Some(Err(_)) => "hello stranger".into(),
///         None => "nobody stands at the gate".into(),
///     }
/// }
/// assert_eq!(greeting(&TestRequest::get().to_http_request()), "nobody stands at the gate");
/// ```
#[derive(Clone)]
pub struct Admission(Rc<Admitted>);

struct Admitted {
    gate: Rc<Gate>,
    principal: Principal,
    connection: Option<Connection>,
    method: Method,
    uri: Uri,
    is_over: Cell<bool>,
}

impl Admission {
    pub(super) fn new(
        gate: &Rc<Gate>,
        principal: Principal,
        connection: Option<Connection>,
        request: &HttpRequest,
    ) -> Self {
        let (method, uri) = (request.method().clone(), target::routed(request).clone());
        let (gate, is_over) = (Rc::clone(gate), Cell::new(false));
        Self(Rc::new(Admitted { gate, principal, connection, method, uri, is_over }))
    }

    /// The admission of a request; `None` when no guard let it through.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    /// The admission, if it still fits what a middleware may have made of the request.
    pub(crate) fn valid(request: &HttpRequest) -> Result<Self, Rejection> {
        let admission = Self::of(request).ok_or_else(Rejection::no_guard)?;
        match admission.objection(request) {
            None => Ok(admission),
            Some(_) => Err(Rejection::rewritten()),
        }
    }

    /// Who asks. Somebody anonymous is a principal, too.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.0.principal
    }

    /// The authorizer that decided.
    #[must_use]
    pub fn authorizer(&self) -> &Authorizer {
        &self.0.gate.auth
    }

    pub(crate) fn connection(&self) -> Option<&Connection> {
        self.0.connection.as_ref()
    }

    /// Whether the request has come to be denied, while what it began was under way.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_over.get()
    }

    pub(super) fn end(&self) {
        self.0.is_over.set(true);
    }

    /// Turns the application's response into what goes out.
    pub(super) fn conclude<B: MessageBody>(&self, mut response: ServiceResponse<B>) -> Guarded<B> {
        if let Some(denial) = self.late_denial(&response) {
            return self.0.gate.refuse(response.into_parts().0, denial, self.connection());
        }
        if render::is_last(response.response(), response.request(), self.connection()) {
            let version = response.request().version();
            render::close(response.response_mut(), version);
        }
        let watch = is_long(&response).then(|| Watch::new(self, response.request()));
        response.map_body(|_, body| EitherBody::left(WatchedBody::new(body, watch)))
    }

    /// A denial that only the application's doings brought about.
    fn late_denial<B>(&self, response: &ServiceResponse<B>) -> Option<Denial> {
        let request = response.request();
        if let Some(denial) = self.objection(request) {
            self.report(request, &denial);
            return Some(denial);
        }
        response.response().extensions().contains::<CallerRequired>().then(|| {
            self.authorizer().caller_required(&target::of(request), self.connection(), self.principal())
        })
    }

    /// The denial of what the request has been turned into since it was admitted, if it has been.
    fn objection(&self, request: &HttpRequest) -> Option<Denial> {
        if target::routed(request).path() == self.0.uri.path() && *request.method() == self.0.method {
            return None;
        }
        match self.authorizer().decide_for(&target::of(request), self.principal()) {
            Decision::Allow => None,
            Decision::Deny(denial) => Some(denial),
        }
    }

    #[cfg(feature = "tracing")]
    fn report(&self, request: &HttpRequest, denial: &Denial) {
        tracing::error!(
            target: "portcullis::actix",
            id = %denial.id(),
            "a middleware inside the guard turned `{} {}` into `{} {}`, which the policy does not allow: \
             wrap that middleware after the guard, so that it runs first; {denial}",
            self.0.method.as_str().escape_debug(),
            self.0.uri.path().escape_debug(),
            request.method().as_str().escape_debug(),
            target::routed(request).path().escape_debug(),
        );
    }

    #[cfg(not(feature = "tracing"))]
    #[expect(clippy::unused_self, reason = "the signature is the one of the feature `tracing`")]
    fn report(&self, _request: &HttpRequest, _denial: &Denial) {}
}

/// Whether the body may go on for so long that it has to be watched.
fn is_long<B: MessageBody>(response: &ServiceResponse<B>) -> bool {
    match response.response().body().size() {
        BodySize::None => false,
        BodySize::Sized(length) => length > SHORT,
        BodySize::Stream => true,
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("principal", &self.0.principal).finish_non_exhaustive()
    }
}
