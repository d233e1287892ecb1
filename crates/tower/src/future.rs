//! The way of one request through the guard.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::{CONNECTION, HeaderValue};
use http::request::Parts;
use http::{Request, Response, Version};
use pin_project_lite::pin_project;
use portcullis_core::{Authorizer, Connection, Denial, Verdict};
use tower_service::Service;

use crate::extension::{Admission, AskAgain, Refusal};
use crate::render::RenderDenial;

type Waiting = Pin<Box<dyn Future<Output = Verdict> + Send>>;

pin_project! {
    /// The response to a request that came to a [`Guard`](crate::Guard).
    pub struct GuardFuture<S, B, R, D>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, R, D, S::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, R, D, F> {
        /// A source of roles has been asked.
        Waiting { verdict: Waiting, held: Option<Box<Held<S, B, D>>> },
        /// The inner service has been called.
        Admitted { #[pin] inner: F, exit: Exit<D> },
        /// The inner service has not been called.
        Denied { response: Option<Response<R>> },
    }
}

/// What is needed once the verdict is there. Boxed, so that requests which need not wait stay small.
struct Held<S, B, D> {
    request: Request<B>,
    inner: S,
    auth: Authorizer,
    renderer: D,
}

impl<S, B, R, D> GuardFuture<S, B, R, D>
where
    S: Service<Request<B>, Response = Response<R>>,
    D: RenderDenial<R> + Clone,
{
    pub(crate) fn judged(
        verdict: Verdict,
        request: Request<B>,
        inner: &mut S,
        auth: &Authorizer,
        renderer: &D,
    ) -> Self {
        Self { state: enter(verdict, request, inner, auth, renderer) }
    }

    pub(crate) fn waiting(
        verdict: Waiting,
        request: Request<B>,
        inner: S,
        auth: Authorizer,
        renderer: D,
    ) -> Self {
        Self {
            state: State::Waiting { verdict, held: Some(Box::new(Held { request, inner, auth, renderer })) },
        }
    }
}

fn enter<S, B, R, D>(
    verdict: Verdict,
    mut request: Request<B>,
    inner: &mut S,
    auth: &Authorizer,
    renderer: &D,
) -> State<S, B, R, D, S::Future>
where
    S: Service<Request<B>, Response = Response<R>>,
    D: RenderDenial<R> + Clone,
{
    match verdict.into_result() {
        Ok(principal) => {
            let exit = Exit {
                way: Way::of(request.version(), request.extensions().get()),
                renderer: renderer.clone(),
            };
            request.extensions_mut().insert(Admission::new(principal, auth.clone()));
            State::Admitted { inner: inner.call(request), exit }
        }
        Err(denial) => {
            let parts = request.into_parts().0;
            let way = Way::of(parts.version, parts.extensions.get());
            State::Denied { response: Some(deny(renderer, denial, &parts, &way)) }
        }
    }
}

impl<S, B, R, D> Future for GuardFuture<S, B, R, D>
where
    S: Service<Request<B>, Response = Response<R>>,
    D: RenderDenial<R> + Clone,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Waiting { verdict, held } => {
                    let verdict = ready!(verdict.as_mut().poll(cx));
                    let Some(held) = held.take() else { return Poll::Pending };
                    let Held { request, mut inner, auth, renderer } = *held;
                    enter(verdict, request, &mut inner, &auth, &renderer)
                }
                StateProjection::Admitted { inner, exit } => {
                    return inner.poll(cx).map_ok(|response| exit.pass(response));
                }
                StateProjection::Denied { response } => {
                    // Polled once more after it was ready, which no executor does: nothing is left to give.
                    return response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)));
                }
            };
            state.set(next);
        }
    }
}

/// What remains to be done with the response of the inner service.
struct Exit<D> {
    way: Way,
    renderer: D,
}

impl<D> Exit<D> {
    fn pass<R>(&self, mut response: Response<R>) -> Response<R>
    where
        D: RenderDenial<R>,
    {
        if response.extensions().is_empty() {
            return response;
        }
        if let Some(Refusal { denial, parts }) = response.extensions_mut().remove() {
            return deny(&self.renderer, denial, &parts, &self.way);
        }
        if response.extensions().get::<AskAgain>().is_some() {
            self.way.close(&mut response);
        }
        response
    }
}

fn deny<R, D: RenderDenial<R>>(renderer: &D, denial: Denial, parts: &Parts, way: &Way) -> Response<R> {
    let mut response = renderer.render(&denial, parts);
    if denial.closes_connection() || response.extensions().get::<AskAgain>().is_some() {
        way.close(&mut response);
    }
    response.extensions_mut().insert(denial);
    response
}

/// How the request came, as far as it matters for ending its connection.
struct Way {
    /// Only HTTP/1 may say it in a header (RFC 9113, 8.2.2).
    by_header: bool,
    /// Only there if a new connection would be asked for a certificate.
    connection: Option<Connection>,
}

impl Way {
    fn of(version: Version, connection: Option<&Connection>) -> Self {
        let by_header = version == Version::HTTP_10 || version == Version::HTTP_11;
        Self { by_header, connection: connection.filter(|c| c.asks_again()).cloned() }
    }

    fn close<R>(&self, response: &mut Response<R>) {
        if let Some(connection) = &self.connection {
            if self.by_header {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            connection.close();
        }
    }
}

impl<S, B, R, D> fmt::Debug for GuardFuture<S, B, R, D>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Waiting { .. } => "GuardFuture(waiting)",
            State::Admitted { .. } => "GuardFuture(admitted)",
            State::Denied { .. } => "GuardFuture(denied)",
        })
    }
}
