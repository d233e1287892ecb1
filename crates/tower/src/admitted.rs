//! What is kept of a request while it is answered, to decide it again.

use http::header::{HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body::Body;
use portcullis_core::authorizer::{Permit, Vigil};
use portcullis_core::{Authorizer, Connection, Principal};

use crate::body::{self, GuardedBody};
use crate::source;

/// The head of a request as it was received, as far as a decision looks at it, and who asked.
pub(crate) struct Admitted {
    method: Method,
    uri: Uri,
    version: http::Version,
    host: Option<HeaderValue>,
    traceparent: Option<HeaderValue>,
    pub(crate) connection: Option<Connection>,
    principal: Principal,
    auth: Authorizer,
}

impl Admitted {
    pub(crate) fn new<B>(request: &Request<B>, principal: Principal, auth: &Authorizer) -> Self {
        let headers = request.headers();
        let traceparent = auth.reads_headers().then(|| headers.get(source::TRACEPARENT).cloned()).flatten();
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            host: headers.get(HOST).cloned(),
            traceparent,
            connection: request.extensions().get().cloned(),
            principal,
            auth: auth.clone(),
        }
    }

    /// Has somebody watch over what the response begins, if that can take long.
    pub(crate) fn watch<R: Body>(&self, response: Response<R>) -> Response<GuardedBody<R>> {
        if self.is_upgraded(response.status()) {
            if let Some(connection) = &self.connection {
                connection.hold(self.permit());
            }
            return response.map(|body| GuardedBody::new(body, None));
        }
        response.map(|body| {
            let vigil =
                body::is_long(&body).then(|| Box::new(Vigil::new(self.permit(), self.connection.clone())));
            GuardedBody::new(body, vigil)
        })
    }

    /// Whether the connection, or the stream, is no longer one of requests (RFC 9110, 9.3.6 and 15.2.2).
    fn is_upgraded(&self, status: StatusCode) -> bool {
        status == StatusCode::SWITCHING_PROTOCOLS || (self.method == Method::CONNECT && status.is_success())
    }

    fn permit(&self) -> Permit {
        let connection = self.connection.as_ref();
        let request = source::of_parts(&self.method, &self.uri, self.version, self.host.iter(), connection);
        let request = source::with_trace(request, self.traceparent.as_ref());
        self.auth.permit(&request, connection, &self.principal)
    }
}
