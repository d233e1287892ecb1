//! The guard around a finished router.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::IntoMakeService;
use axum::{BoxError, Router, ServiceExt};
use pin_project_lite::pin_project;
use portcullis_core::{Authorizer, Denial};
use portcullis_tower::{DefaultPage, Guard, GuardedBody, RenderDenial};
use tower_service::Service;

/// Puts the guard around a finished application.
///
/// No route can be added behind it, and no `nest` hides a prefix from it: it stands outside of the
/// router and judges the target as the client sent it.
///
/// # Security
///
/// If a layer inside of `app` rewrites the path before routing, then whoever may reach one path
/// reaches what is routed at another. Put such a layer around the result instead.
///
/// # Examples
///
/// ```
/// use axum::{Router, body::Body, http::{Request, StatusCode}, routing::get};
/// use portcullis_axum::{Authorizer, Policy, guard, rule::{anyone, authenticated}};
/// use portcullis_axum::core;
/// use tower::ServiceExt;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = Router::new().route("/", get(|| async { "hello" })).route("/secret", get(|| async { "psst" }));
/// let policy = Policy::builder().route("GET /", anyone()).route("GET /secret", authenticated()).build()?;
/// let app = guard(app, Authorizer::builder(policy).build()?);
///
/// let stranger = core::Connection::assertion(core::Peer::Anonymous);
/// let ask = |path: &str| Request::get(path).extension(stranger.clone()).body(Body::empty());
/// assert_eq!(app.clone().oneshot(ask("/")?).await?.status(), StatusCode::OK);
/// assert_eq!(app.oneshot(ask("/secret")?).await?.status(), StatusCode::FORBIDDEN);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn guard(app: Router, auth: Authorizer) -> Guarded {
    Guarded::new(app, auth)
}

/// An application with the guard around it; see [`guard()`].
#[derive(Clone, Debug)]
pub struct Guarded<S = Router, D = DefaultPage>(Guard<S, D>);

impl<S> Guarded<S> {
    /// Puts the guard around any other service, such as a router within layers.
    ///
    /// # Security
    ///
    /// If one of the layers rewrites the path, then whoever may reach one path reaches what is
    /// routed at another.
    #[must_use]
    pub fn new(service: S, auth: Authorizer) -> Self {
        Self(Guard::new(service, auth))
    }
}

impl<S, D> Guarded<S, D> {
    /// Answers refused requests with the application's own response, sent as it is.
    ///
    /// Take the status from [`Denial::status`] unless there is a reason for another one. The denial
    /// also goes into the extensions of the response, and the connection is closed where that is due.
    ///
    /// # Security
    ///
    /// If more than [`Denial::kind`] and [`Denial::id`] is shown, then whoever was refused learns of
    /// rules, roles or the trust anchors.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::{Router, http::StatusCode, response::Html};
    /// use portcullis_axum::{Authorizer, guard};
    ///
    /// # fn example(auth: Authorizer) {
    /// let app = guard(Router::new(), auth).denied(|denial, request| {
    ///     let status = StatusCode::from_u16(denial.status()).unwrap_or(StatusCode::FORBIDDEN);
    ///     (status, Html(format!("<h1>Not so fast</h1><p>{} ({})", denial.kind(), denial.id())))
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn denied<F, T>(self, page: F) -> Guarded<S, DeniedPage<F>>
    where
        F: Fn(&Denial, &Parts) -> T,
        T: IntoResponse,
    {
        Guarded(self.0.renderer(DeniedPage(Arc::new(page))))
    }

    /// Answers refused requests by a [`RenderDenial`] of any kind.
    #[must_use]
    pub fn renderer<E>(self, renderer: E) -> Guarded<S, E> {
        Guarded(self.0.renderer(renderer))
    }

    /// A make-service, for servers other than [`serve`](crate::serve()) that want one.
    ///
    /// Such a server has to put a [`Connection`](crate::core::Connection) into each request.
    #[must_use]
    pub fn into_make_service(self) -> IntoMakeService<Self>
    where
        Self: Service<Request<Body>>,
    {
        ServiceExt::<Request<Body>>::into_make_service(self)
    }
}

impl<S, D, B, R> Service<Request<B>> for Guarded<S, D>
where
    Guard<S, D>: Service<Request<B>, Response = Response<GuardedBody<R>>>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = <Guard<S, D> as Service<Request<B>>>::Error;
    type Future = GuardedFuture<<Guard<S, D> as Service<Request<B>>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        GuardedFuture { inner: self.0.call(request) }
    }
}

pin_project! {
    /// The response of a [`Guarded`] application.
    #[derive(Debug)]
    pub struct GuardedFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F, R, E> Future for GuardedFuture<F>
where
    F: Future<Output = Result<Response<GuardedBody<R>>, E>>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // A body of axum that nobody watches over stays what it is, which costs nothing.
        let body = |body: GuardedBody<R>| body.into_unwatched().map_or_else(Body::new, Body::new);
        self.project().inner.poll(cx).map_ok(|response| response.map(body))
    }
}

/// The application's own response to refused requests; see [`Guarded::denied`].
pub struct DeniedPage<F>(Arc<F>);

impl<F, T> RenderDenial<Body> for DeniedPage<F>
where
    F: Fn(&Denial, &Parts) -> T,
    T: IntoResponse,
{
    fn render(&self, denial: &Denial, request: &Parts) -> Response {
        let response = self.0(denial, request).into_response();
        if request.method == Method::HEAD { without_body(response) } else { response }
    }
}

/// As axum does for its own handlers: hyper drops the body on HTTP/1 only.
fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}

impl<F> Clone for DeniedPage<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F> std::fmt::Debug for DeniedPage<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeniedPage")
    }
}
