//! The way of one request through the guard.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use pin_project_lite::pin_project;

use super::admission::Admission;
use super::service::Guarded;

type Waiting<B> = Pin<Box<dyn Future<Output = Result<Guarded<B>, Error>>>>;

pin_project! {
    /// The response to a request that came to a [`Guard`](crate::Guard).
    pub struct GuardFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, B> {
        /// The application has been called.
        Running { #[pin] response: F, admission: Admission },
        /// The application has not been called.
        Refused { response: Option<Guarded<B>> },
        /// A source of roles has been asked.
        Waiting { response: Waiting<B> },
    }
}

impl<F, B> GuardFuture<F, B> {
    pub(super) fn running(response: F, admission: Admission) -> Self {
        Self { state: State::Running { response, admission } }
    }

    pub(super) fn refused(response: Guarded<B>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    pub(super) fn waiting(response: impl Future<Output = Result<Guarded<B>, Error>> + 'static) -> Self {
        Self { state: State::Waiting { response: Box::pin(response) } }
    }
}

impl<F, B> Future for GuardFuture<F, B>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<Guarded<B>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Running { response, admission } => {
                let response = ready!(response.poll(cx));
                Poll::Ready(response.map(|response| admission.conclude(response)))
            }
            // Polled once more after it was ready, which no executor does: nothing is left to give.
            StateProjection::Refused { response } => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            StateProjection::Waiting { response } => response.as_mut().poll(cx),
        }
    }
}

impl<F, B> fmt::Debug for GuardFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Running { .. } => "GuardFuture(running)",
            State::Refused { .. } => "GuardFuture(refused)",
            State::Waiting { .. } => "GuardFuture(waiting)",
        })
    }
}
