//! The guard at work: ask, then call the application or refuse.

use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::rt::time::sleep;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use portcullis_core::peer::live::Answer;
use portcullis_core::{Connection, Denial, Verdict};

use super::admission::Admission;
use super::body::WatchedBody;
use super::future::GuardFuture;
use super::watch::Watch;
use super::{Gate, payload, render, target};
use crate::bind::Refused;

/// The service that [`Guard`](super::Guard) puts around an application.
pub struct GuardService<S> {
    gate: Rc<Gate>,
    inner: Rc<S>,
}

/// What leaves the guard: the application's response, or the refusal in its place.
pub(super) type Guarded<B> = ServiceResponse<EitherBody<WatchedBody<B>>>;

impl<S> GuardService<S> {
    pub(super) fn new(gate: Rc<Gate>, inner: S) -> Self {
        Self { gate, inner: Rc::new(inner) }
    }
}

impl<S, B> Service<ServiceRequest> for GuardService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = Guarded<B>;
    type Error = Error;
    type Future = GuardFuture<S::Future, B>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        if request.conn_data::<Refused>().is_some() {
            return GuardFuture::refused(refuse_unread(request));
        }
        let connection = self.gate.connection(&request);
        let asked = if self.gate.auth.reads_headers() {
            target::with_headers(request.request())
        } else {
            target::of(request.request())
        };
        match self.gate.auth.authorize_with_timer(&asked, connection.as_ref(), sleep) {
            Answer::Ready(verdict) => enter(&self.gate, &*self.inner, request, verdict, connection),
            Answer::Pending(verdict) => {
                let (gate, inner) = (Rc::clone(&self.gate), Rc::clone(&self.inner));
                GuardFuture::waiting(async move {
                    let verdict = verdict.await;
                    enter(&gate, &*inner, request, verdict, connection).await
                })
            }
        }
    }
}

/// Calls the application, or refuses.
fn enter<S, B>(
    gate: &Rc<Gate>,
    application: &S,
    mut request: ServiceRequest,
    verdict: Verdict,
    connection: Option<Connection>,
) -> GuardFuture<S::Future, B>
where
    S: Service<ServiceRequest>,
{
    match verdict.into_result() {
        Ok(principal) => {
            let admission = Admission::new(gate, principal, connection, request.request());
            let payload = request.take_payload();
            let payload = payload::watched(payload, || Watch::new(&admission, request.request()));
            request.set_payload(payload);
            request.extensions_mut().insert(admission.clone());
            GuardFuture::running(application.call(request), admission)
        }
        Err(denial) => GuardFuture::refused(gate.refuse(request.into_parts().0, denial, connection.as_ref())),
    }
}

impl Gate {
    /// The connection of a request: the listener's, never one that came with the request.
    fn connection(&self, request: &ServiceRequest) -> Option<Connection> {
        self.asserted.as_ref().or_else(|| request.conn_data()).cloned()
    }

    /// The response to a refused request.
    pub(super) fn refuse<B>(
        &self,
        request: HttpRequest,
        denial: Denial,
        connection: Option<&Connection>,
    ) -> Guarded<B> {
        let mut response = match &self.render {
            Some(render) => render(&denial, &request),
            None => render::page(&denial, &request),
        };
        if denial.closes_connection() || render::is_last(&response, &request, connection) {
            render::close(&mut response, request.version());
        }
        response.extensions_mut().insert(denial);
        ServiceResponse::new(request, response).map_into_right_body()
    }
}

/// The answer on a connection that was refused when it was made.
///
/// Its socket is shut, so that nobody will read this; but a request that came along with the
/// handshake may still be in the buffers.
fn refuse_unread<B>(request: ServiceRequest) -> Guarded<B> {
    let mut response = HttpResponse::Forbidden().finish();
    render::close(&mut response, request.version());
    request.into_response(response).map_into_right_body()
}

impl<S> fmt::Debug for GuardService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardService").field("auth", &self.gate.auth).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use actix_http::ConnectionType;
    use actix_web::http::Version;
    use actix_web::{App, test, web};

    use super::super::testing::Fake;
    use super::*;
    use crate::AskAgain;

    /// Whether the response to a request of this version ends its connection.
    async fn closes(fake: &Fake, version: Version, mark: bool) -> bool {
        let page = move || async move {
            let page = HttpResponse::Ok().body("come back with a certificate");
            if mark { AskAgain::mark(page) } else { page }
        };
        let app = test::init_service(App::new().route("/", web::get().to(page)).wrap(fake.guard())).await;
        let request = test::TestRequest::get().version(version).to_request();
        let response = test::call_service(&app, request).await;
        response.response().head().connection_type() == ConnectionType::Close
    }

    #[actix_web::test]
    async fn a_page_that_asks_for_a_certificate_ends_the_connection() {
        let fake = Fake::new(None);
        assert!(closes(&fake, Version::HTTP_11, true).await);
        assert!(!closes(&fake, Version::HTTP_11, false).await);
        assert!(!closes(&fake, Version::HTTP_2, true).await, "HTTP/2 has no such header");
    }
}
