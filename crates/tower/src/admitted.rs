//! What is kept of an admitted request while it is answered, to decide it again.

use http::{Method, Response, StatusCode};
use http_body::Body;
use portcullis_core::authorizer::{Permit, Vigil};
use portcullis_core::{Authorizer, Connection, Principal};

use crate::body::{self, GuardedBody};
use crate::head::Head;

/// Who asked for what. A permit is made of it only for a response that can take long.
pub(crate) struct Admitted {
    pub(crate) head: Head,
    pub(crate) connection: Option<Connection>,
    pub(crate) principal: Principal,
    pub(crate) auth: Authorizer,
}

impl Admitted {
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
        status == StatusCode::SWITCHING_PROTOCOLS
            || (self.head.method() == Method::CONNECT && status.is_success())
    }

    fn permit(&self) -> Permit {
        self.head.with(|request| self.auth.permit(request, self.connection.as_ref(), &self.principal))
    }
}
