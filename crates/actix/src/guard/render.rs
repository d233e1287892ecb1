//! From a denial to a response of actix.

use std::borrow::Cow;

use actix_http::ConnectionType;
use actix_web::http::{StatusCode, Version, header};
use actix_web::{HttpRequest, HttpResponse};
use portcullis_core::{Connection, Denial};

use crate::ask_again::AskAgain;
use crate::bind::Accepted;

/// The default page: HTML, or a problem (RFC 9457) for clients that prefer it.
pub(super) fn page(denial: &Denial, request: &HttpRequest) -> HttpResponse {
    let rendered = denial.render(accept(request).as_deref());
    HttpResponse::build(StatusCode::from_u16(rendered.status).unwrap_or(StatusCode::FORBIDDEN))
        .insert_header((header::CONTENT_TYPE, rendered.content_type))
        .insert_header((header::CACHE_CONTROL, rendered.cache_control))
        .insert_header((header::VARY, "accept"))
        .body(rendered.body)
}

/// The `Accept` header; several lines mean the same as one with commas (RFC 9110, 5.3).
fn accept(request: &HttpRequest) -> Option<Cow<'_, str>> {
    let lines = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    // No client needs more, and joining costs as much as is joined.
    let lines: Vec<&str> = lines.take(8).collect();
    match lines.as_slice() {
        [] => None,
        [line] => Some(Cow::Borrowed(*line)),
        several => Some(Cow::Owned(several.join(", "))),
    }
}

/// Whether the connection should end with this response: because the page says so, or the connection
/// has been told to, or is too old.
pub(super) fn is_last<B>(
    response: &HttpResponse<B>,
    request: &HttpRequest,
    connection: Option<&Connection>,
) -> bool {
    let asks_again =
        response.extensions().contains::<AskAgain>() && connection.is_some_and(Connection::asks_again);
    asks_again || request.conn_data::<Accepted>().is_some_and(Accepted::is_ending)
}

/// Ends the connection after the response. HTTP/2 has no such header, and actix no other way.
pub(super) fn close<B>(response: &mut HttpResponse<B>, version: Version) {
    if version < Version::HTTP_2 {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn several_accept_lines_are_one_list() {
        let request = TestRequest::get()
            .append_header(("accept", "text/html;q=0.1"))
            .append_header(("accept", "application/json"))
            .to_http_request();
        assert_eq!(accept(&request).as_deref(), Some("text/html;q=0.1, application/json"));
        assert_eq!(accept(&TestRequest::get().to_http_request()), None);
    }
}
