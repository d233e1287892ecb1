//! A denial as a gRPC status.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{HeaderName, Response};
use portcullis_core::{Denial, DenialKind};

use super::RenderDenial;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// A gRPC status, for services that speak nothing else, such as those of tonic.
///
/// gRPC wants HTTP 200 for every outcome: the status stands in a header, and the body is empty.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct GrpcStatus;

impl<R: Default> RenderDenial<R> for GrpcStatus {
    fn render(&self, denial: &Denial, _request: &Parts) -> Response<R> {
        response(denial, R::default())
    }
}

/// Whether the request is a gRPC call. gRPC-Web is not: it has no trailers in the header.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return false };
    kind.as_bytes()
        .strip_prefix(b"application/grpc")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

pub(super) fn response<R>(denial: &Denial, empty: R) -> Response<R> {
    let mut response = Response::new(empty);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(STATUS, code(denial.kind()).into());
    if let Ok(message) = HeaderValue::from_str(&format!("{} ({})", denial.kind(), denial.id())) {
        headers.insert(MESSAGE, message);
    }
    response
}

/// The codes of <https://grpc.io/docs/guides/status-codes/>.
fn code(kind: DenialKind) -> u16 {
    match kind {
        DenialKind::Firewall => 3,
        DenialKind::Forbidden | DenialKind::NoRule => 7,
        DenialKind::Misconfigured => 13,
        DenialKind::Misdirected | DenialKind::Unavailable => 14,
        DenialKind::CertificateRequired | DenialKind::CertificateUntrusted => 16,
        // A kind that is not known here still denies.
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_told_by_its_media_type() {
        for (kind, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;charset=x", true),
            ("application/grpc-web", false),
            ("application/grpcx", false),
            ("application/json", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            assert_eq!(is_grpc(&headers), expected, "{kind}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }
}
