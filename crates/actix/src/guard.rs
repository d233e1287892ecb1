//! The guard: one middleware around the whole application.
//!
//! ```
//! use actix_web::{App, HttpResponse, http::StatusCode, test, web};
//! use portcullis_actix::core::Peer;
//! use portcullis_actix::rule::{anyone, role};
//! use portcullis_actix::{Authorizer, Guard, Policy};
//!
//! # #[actix_web::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::builder()
//!     .role("admin", [])
//!     .route("GET /", anyone())
//!     .route("* /admin/{*rest}", role("admin"))
//!     .build()?;
//! let auth = Authorizer::builder(policy).build()?;
//!
//! let app = test::init_service(
//!     App::new()
//!         .route("/", web::get().to(HttpResponse::Ok))
//!         .route("/admin/users", web::get().to(HttpResponse::Ok))
//!         .wrap(Guard::assertion(auth, Peer::Anonymous)),
//! )
//! .await;
//! let status = |path: &str| {
//!     let call = test::call_service(&app, test::TestRequest::with_uri(path).to_request());
//!     async move { call.await.status() }
//! };
//! assert_eq!(status("/").await, StatusCode::OK);
//! assert_eq!(status("/admin/users").await, StatusCode::FORBIDDEN);
//! # Ok(())
//! # }
//! ```

mod admission;
mod body;
mod future;
mod payload;
mod render;
mod service;
mod target;
#[cfg(test)]
mod testing;
mod watch;

use std::fmt;
use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{HttpRequest, HttpResponse};
use portcullis_core::{Authorizer, Connection, Denial, Peer};

pub use admission::Admission;
pub use body::WatchedBody;
pub use future::GuardFuture;
pub use service::GuardService;

/// Lets a request through to the application only if the policy allows it.
///
/// Wrap the finished `App` with it, as the last and therefore outermost middleware: then no route,
/// scope or default service can be reached around it. What it lets through carries the
/// [`Principal`](portcullis_core::Principal) in its extensions; what it refuses is answered, with the
/// [`Denial`] in the response's extensions, and never reaches a handler.
///
/// # Security
///
/// If only a scope is wrapped, then everybody gets into whatever stands beside that scope.
#[derive(Clone)]
pub struct Guard(Gate);

/// What the guard decides by, shared by all requests of a worker.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) auth: Authorizer,
    asserted: Option<Connection>,
    render: Option<Arc<Renderer>>,
}

type Renderer = dyn Fn(&Denial, &HttpRequest) -> HttpResponse + Send + Sync;

impl Guard {
    /// A guard that decides by `auth` for the peers of a
    /// [portcullis listener](crate::BindPortcullis).
    ///
    /// On other listeners every request is refused with 500 and a log entry that says why, unless
    /// the authorizer is made by [`Authorizer::without_certificates`]. (A transport of another kind
    /// inserts a core [`Connection`] of its own in
    /// [`HttpServer::on_connect`](actix_web::HttpServer::on_connect).)
    #[must_use]
    pub fn new(auth: Authorizer) -> Self {
        Self(Gate { auth, asserted: None, render: None })
    }

    /// A guard whose peer is simply claimed: handlers and policies can be tested without TLS.
    ///
    /// # Security
    ///
    /// If this is called outside of tests, everybody gets in as the peer given.
    #[must_use]
    pub fn assertion(auth: Authorizer, peer: impl Into<Peer>) -> Self {
        let asserted = Some(Connection::assertion(peer.into()));
        Self(Gate { auth, asserted, render: None })
    }

    /// Answers refused requests by the application's own page.
    ///
    /// The response is taken as it is: status, headers and caching are up to the page. The guard
    /// adds the [`Denial`] to its extensions and ends the connection where
    /// [the denial asks for it](Denial::closes_connection).
    ///
    /// # Security
    ///
    /// If the page prints the denial itself, its rule or its cause, everybody reads the policy; the
    /// [kind](Denial::kind) and the [id](Denial::id) are meant for clients.
    ///
    /// # Examples
    ///
    /// ```
    /// use actix_web::{HttpResponse, http::StatusCode};
    /// use portcullis_actix::{Authorizer, Guard};
    ///
    /// let auth = Authorizer::without_certificates(["GET /health"])?;
    /// let guard = Guard::new(auth).denied(|denial, request| {
    ///     let status = StatusCode::from_u16(denial.status()).unwrap_or(StatusCode::FORBIDDEN);
    ///     HttpResponse::build(status).body(format!("no entry to {} ({})", request.path(), denial.id()))
    /// });
    /// # Ok::<(), portcullis_actix::core::policy::PolicyError>(())
    /// ```
    #[must_use]
    pub fn denied<F>(mut self, page: F) -> Self
    where
        F: Fn(&Denial, &HttpRequest) -> HttpResponse + Send + Sync + 'static,
    {
        self.0.render = Some(Arc::new(page));
        self
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("auth", &self.0.auth)
            .field("asserted", &self.0.asserted)
            .finish_non_exhaustive()
    }
}

impl<S, B> Transform<S, ServiceRequest> for Guard
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<WatchedBody<B>>>;
    type Error = Error;
    type Transform = GuardService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(GuardService::new(Rc::new(self.0.clone()), service)))
    }
}
