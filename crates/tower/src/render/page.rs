//! The page that is sent when the application has none of its own.

use std::borrow::Cow;

use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, VARY};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use portcullis_core::Denial;
use portcullis_core::denial::Rendered;

use super::{RenderDenial, grpc};

/// An HTML page, or `application/problem+json` for clients that prefer it.
///
/// gRPC clients get a gRPC status, as from [`GrpcStatus`](crate::GrpcStatus).
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct DefaultPage;

impl<R: From<String>> RenderDenial<R> for DefaultPage {
    fn render(&self, denial: &Denial, request: &Parts) -> Response<R> {
        if grpc::is_grpc(&request.headers) {
            return grpc::response(denial, String::new().into());
        }
        let Rendered { status, content_type, cache_control, body, .. } =
            denial.render(accept(&request.headers).as_deref());
        let length = HeaderValue::from(body.len());
        // hyper drops the body of a response to HEAD on HTTP/1 only.
        let body = if request.method == Method::HEAD { String::new() } else { body };

        let mut response = Response::new(R::from(body));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CONTENT_LENGTH, length);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
        headers.insert(VARY, HeaderValue::from_static("accept"));
        response
    }
}

/// A repeated `Accept` is one list (RFC 9110, 5.3). What is no text counts as nothing.
fn accept(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    // No client needs more, and joining costs as much as is joined.
    let values: Vec<&str> = values.take(8).collect();
    match values.as_slice() {
        [] => None,
        [value] => Some(Cow::from(*value)),
        several => Some(several.join(",").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_accept_headers_are_one_list() {
        let mut headers = HeaderMap::new();
        assert_eq!(accept(&headers), None);
        headers.append(ACCEPT, HeaderValue::from_static("text/html;q=0.1"));
        assert_eq!(accept(&headers).as_deref(), Some("text/html;q=0.1"));
        headers.append(ACCEPT, HeaderValue::from_bytes(b"\xff").unwrap());
        headers.append(ACCEPT, HeaderValue::from_static("application/json"));
        assert_eq!(accept(&headers).as_deref(), Some("text/html;q=0.1,application/json"));
    }
}
