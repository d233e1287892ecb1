//! The guard itself.

use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use portcullis_core::peer::live::Answer;
use portcullis_core::{Authorizer, Connection};
use tower_service::Service;

use crate::body::GuardedBody;
use crate::future::GuardFuture;
use crate::head::Head;
use crate::render::{DefaultPage, RenderDenial};
use crate::source;

/// A service that only allowed requests reach.
///
/// It asks the authorizer about each request. One that may pass gets an
/// [`Admission`](crate::Admission) into its extensions and goes to the inner service. One that may
/// not is answered here; the [`Denial`](portcullis_core::Denial) stands in the extensions of the
/// response, for whoever logs.
///
/// What streams is decided anew [every so often](portcullis_core::authorizer::AuthorizerBuilder::recheck_every),
/// and cut when it would be denied; see [`GuardedBody`]. A connection that is upgraded is left to its
/// transport, by [`Connection::hold`].
///
/// Put it around the finished router, on the target as received. Sources of roles that have to wait, and
/// responses that stream, need a tokio runtime with its timer; sources are given the
/// [limit](portcullis_core::authorizer::AuthorizerBuilder::source_limit) that the authorizer was built with.
///
/// # Security
///
/// If requests reach the inner service by another way, then nobody has judged them.
#[derive(Clone, Debug)]
pub struct Guard<S, D = DefaultPage> {
    inner: S,
    auth: Authorizer,
    renderer: D,
}

impl<S> Guard<S> {
    /// A guard around a service.
    #[must_use]
    pub fn new(inner: S, auth: Authorizer) -> Self {
        Self::with_renderer(inner, auth, DefaultPage)
    }
}

impl<S, D> Guard<S, D> {
    /// A guard that answers refused requests by `renderer`.
    #[must_use]
    pub fn with_renderer(inner: S, auth: Authorizer, renderer: D) -> Self {
        Self { inner, auth, renderer }
    }

    /// The same guard, answering refused requests by another renderer.
    #[must_use]
    pub fn renderer<E>(self, renderer: E) -> Guard<S, E> {
        Guard { inner: self.inner, auth: self.auth, renderer }
    }
}

impl<S, D, B, R> Service<Request<B>> for Guard<S, D>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    D: RenderDenial<R> + Clone,
    R: Body,
{
    type Response = Response<GuardedBody<R>>;
    type Error = S::Error;
    type Future = GuardFuture<S, B, R, D>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let connection = request.extensions().get::<Connection>();
        let asked = source::request(
            request.method(),
            request.uri(),
            request.version(),
            request.headers(),
            connection,
        );
        let asked =
            if self.auth.reads_headers() { source::with_headers(asked, request.headers()) } else { asked };
        let verdict = self.auth.authorize_with_timer(&asked, connection, tokio::time::sleep);
        let head = Head::new(&asked, request.method(), request.uri(), request.headers());
        match verdict {
            Answer::Ready(verdict) => {
                GuardFuture::judged(verdict, head, request, &mut self.inner, &self.auth, &self.renderer)
            }
            Answer::Pending(verdict) => {
                // The one that was polled ready must be the one that is called.
                let fresh = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, fresh);
                GuardFuture::waiting(verdict, head, request, ready, self.auth.clone(), self.renderer.clone())
            }
        }
    }
}
