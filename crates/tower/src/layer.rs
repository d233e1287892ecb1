//! The layer that puts a guard around a service.

use http::request::Parts;
use portcullis_core::{Authorizer, Denial};
use tower_layer::Layer;

use crate::render::DefaultPage;
use crate::service::Guard;

/// Puts a [`Guard`] around a service.
///
/// # Security
///
/// If a layer between the guard and the router rewrites the path, then whoever may reach one path
/// reaches what is routed at another. Put such a layer outside of the guard.
#[derive(Clone, Debug)]
pub struct GuardLayer<D = DefaultPage> {
    auth: Authorizer,
    renderer: D,
}

impl GuardLayer {
    /// A layer whose guards ask this authorizer.
    #[must_use]
    pub fn new(auth: Authorizer) -> Self {
        Self { auth, renderer: DefaultPage }
    }
}

impl<D> GuardLayer<D> {
    /// Answers refused requests with the application's own response.
    ///
    /// The response is sent as it is. Take the status from [`Denial::status`] unless there is a
    /// reason for another one. The closure is cloned for each request, so let it capture little.
    ///
    /// # Security
    ///
    /// If more than the kind and the id of the denial is shown, then whoever was refused learns of
    /// rules, roles or the trust anchors.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Response;
    /// use portcullis_tower::GuardLayer;
    /// # fn example(auth: portcullis_tower::core::Authorizer) {
    /// let layer = GuardLayer::new(auth).denied(|denial, request| {
    ///     let page = format!("{} is not open to you ({})", request.uri.path(), denial.id());
    ///     let mut response = Response::new(page);
    ///     *response.status_mut() = http::StatusCode::FORBIDDEN;
    ///     response
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn denied<F, R>(self, page: F) -> GuardLayer<F>
    where
        F: Fn(&Denial, &Parts) -> http::Response<R> + Clone,
    {
        self.renderer(page)
    }

    /// Answers refused requests by a [`RenderDenial`](crate::RenderDenial) of any kind.
    #[must_use]
    pub fn renderer<E>(self, renderer: E) -> GuardLayer<E> {
        GuardLayer { auth: self.auth, renderer }
    }
}

impl<S, D: Clone> Layer<S> for GuardLayer<D> {
    type Service = Guard<S, D>;

    fn layer(&self, inner: S) -> Self::Service {
        Guard::with_renderer(inner, self.auth.clone(), self.renderer.clone())
    }
}
