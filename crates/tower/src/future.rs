//! The way of one request through the guard.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::{CONNECTION, HeaderValue};
use http::request::Parts;
use http::{Request, Response, Version};
use http_body::Body;
use pin_project_lite::pin_project;
use portcullis_core::{Authorizer, Connection, Denial, Verdict};
use tower_service::Service;

use crate::admitted::Admitted;
use crate::body::GuardedBody;
use crate::extension::{Admission, AskAgain, Refusal};
use crate::head::Head;
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
    head: Head,
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
        head: Head,
        request: Request<B>,
        inner: &mut S,
        auth: &Authorizer,
        renderer: &D,
    ) -> Self {
        Self { state: enter(verdict, head, request, inner, auth, renderer) }
    }

    pub(crate) fn waiting(
        verdict: Waiting,
        head: Head,
        request: Request<B>,
        inner: S,
        auth: Authorizer,
        renderer: D,
    ) -> Self {
        let held = Held { head, request, inner, auth, renderer };
        Self { state: State::Waiting { verdict, held: Some(Box::new(held)) } }
    }
}

fn enter<S, B, R, D>(
    verdict: Verdict,
    head: Head,
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
            let connection = request.extensions().get().cloned();
            let admitted = Admitted { head, connection, principal: principal.clone(), auth: auth.clone() };
            let by_header = has_header(request.version());
            let exit = Exit { by_header, admitted, renderer: renderer.clone() };
            request.extensions_mut().insert(Admission::new(principal, auth.clone()));
            State::Admitted { inner: inner.call(request), exit }
        }
        Err(denial) => {
            let parts = request.into_parts().0;
            let way = Way { by_header: has_header(parts.version), connection: parts.extensions.get() };
            State::Denied { response: Some(deny(renderer, denial, &parts, &way)) }
        }
    }
}

impl<S, B, R, D> Future for GuardFuture<S, B, R, D>
where
    S: Service<Request<B>, Response = Response<R>>,
    D: RenderDenial<R> + Clone,
    R: Body,
{
    type Output = Result<Response<GuardedBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Waiting { verdict, held } => {
                    let verdict = ready!(verdict.as_mut().poll(cx));
                    let Some(held) = held.take() else { return Poll::Pending };
                    let Held { head, request, mut inner, auth, renderer } = *held;
                    enter(verdict, head, request, &mut inner, &auth, &renderer)
                }
                StateProjection::Admitted { inner, exit } => {
                    return inner.poll(cx).map_ok(|response| exit.pass(response));
                }
                StateProjection::Denied { response } => {
                    // Polled once more after it was ready, which no executor does: nothing is left to give.
                    let Some(response) = response.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(response.map(|body| GuardedBody::new(body, None))));
                }
            };
            state.set(next);
        }
    }
}

/// What remains to be done with the response of the inner service.
struct Exit<D> {
    by_header: bool,
    admitted: Admitted,
    renderer: D,
}

impl<D> Exit<D> {
    fn pass<R>(&self, mut response: Response<R>) -> Response<GuardedBody<R>>
    where
        D: RenderDenial<R>,
        R: Body,
    {
        if !response.extensions().is_empty() {
            let way = Way { by_header: self.by_header, connection: self.admitted.connection.as_ref() };
            if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
                refusal.tell();
                let response = deny(&self.renderer, refusal.denial, &refusal.parts, &way);
                return response.map(|body| GuardedBody::new(body, None));
            }
            if response.extensions().get::<AskAgain>().is_some() {
                way.close(&mut response);
            }
        }
        self.admitted.watch(response)
    }
}

fn deny<R, D: RenderDenial<R>>(renderer: &D, denial: Denial, parts: &Parts, way: &Way<'_>) -> Response<R> {
    let mut response = renderer.render(&denial, parts);
    if denial.closes_connection() || response.extensions().get::<AskAgain>().is_some() {
        way.close(&mut response);
    }
    response.extensions_mut().insert(denial);
    response
}

/// How the request came, as far as it matters for ending its connection.
struct Way<'a> {
    /// Only HTTP/1 may say it in a header (RFC 9113, 8.2.2).
    by_header: bool,
    connection: Option<&'a Connection>,
}

fn has_header(version: Version) -> bool {
    version == Version::HTTP_10 || version == Version::HTTP_11
}

impl Way<'_> {
    /// Ends the connection, if a new one would be asked for a certificate.
    fn close<R>(&self, response: &mut Response<R>) {
        if let Some(connection) = self.connection.filter(|connection| connection.asks_again()) {
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
