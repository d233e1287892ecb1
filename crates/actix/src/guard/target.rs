//! What was asked for, as it was received: from an actix request to a request of core.

use actix_web::HttpRequest;
use actix_web::http::{Uri, header};
use portcullis_core::Request;

/// Stands for a header that is no text. No authority, origin or site has a blank, so it is refused.
const NO_TEXT: &str = " ";

/// The request for the authorizer.
pub(super) fn of(request: &HttpRequest) -> Request<'_> {
    let mut hosts = request.headers().get_all(header::HOST);
    let host = hosts.next().map(|value| value.to_str().unwrap_or(NO_TEXT));
    // On a dual-stack listener an IPv4 peer has an IPv6 address, which no IPv4 network contains.
    let peer_ip = request.peer_addr().map(|address| address.ip().to_canonical());
    Request::new(request.method().as_str(), routed(request).path())
        .with_target_authority(request.uri().authority().map(|authority| authority.as_str()))
        .with_host(host)
        .with_repeated_host(hosts.next().is_some())
        .with_peer_ip(peer_ip)
}

/// The same, with what the headers say of its origin and its trace; asked for by few authorizers only.
pub(super) fn with_headers(request: &HttpRequest) -> Request<'_> {
    of(request)
        .with_origin(only(request, "origin"))
        .with_fetch_site(only(request, "sec-fetch-site"))
        .with_upgrade(request.headers().contains_key(header::UPGRADE))
        .with_traceparent(only(request, "traceparent"))
}

/// The value of a header that nobody repeats honestly: of several, each might be the one that is believed.
fn only<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let mut values = request.headers().get_all(name);
    let first = values.next()?;
    Some(if values.next().is_some() { NO_TEXT } else { first.to_str().unwrap_or(NO_TEXT) })
}

/// The target that the router will match, undecoded.
///
/// A middleware can change the one in the request's head without the router noticing, so that one
/// decides nothing.
pub(super) fn routed(request: &HttpRequest) -> &Uri {
    request.match_info().get_ref().uri()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;
    use portcullis_core::Firewall;

    use super::*;

    #[test]
    fn the_path_is_neither_decoded_nor_cut() {
        for (target, path) in [
            ("/%61dmin", "/%61dmin"),
            ("//admin", "//admin"),
            ("/admin?x=/y", "/admin"),
            ("/admin#x", "/admin"),
            ("/", "/"),
            ("/?", "/"),
            ("*", "*"),
            ("admin", ""),
            ("http://evil.example/admin", "/admin"),
            ("http://evil.example", "/"),
        ] {
            let request = TestRequest::with_uri(target).to_http_request();
            assert_eq!(of(&request).path(), path, "{target}");
        }
    }

    #[test]
    fn both_authorities_are_seen() {
        let request = TestRequest::with_uri("https://a.test:8443/x")
            .insert_header(("host", "b.test"))
            .peer_addr("192.0.2.1:5000".parse().unwrap())
            .to_http_request();
        let request = of(&request);
        assert_eq!(request.target_authority(), Some("a.test:8443"));
        assert_eq!(request.host_header(), Some("b.test"));
        assert_eq!(request.peer_ip(), Some([192, 0, 2, 1].into()));
        assert!(!request.has_repeated_host());
    }

    #[test]
    fn an_origin_or_site_that_is_repeated_is_another_one() {
        use portcullis_core::request::CrossSite;

        let allows = |lines: &[(&'static str, &'static str)]| {
            let mut request = TestRequest::post().insert_header(("host", "own.test"));
            for line in lines {
                request = request.append_header(*line);
            }
            CrossSite::new().allows(&with_headers(&request.to_http_request()))
        };
        let (own, evil) = (("origin", "https://own.test"), ("origin", "https://evil.test"));
        let (same, cross) = (("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site"));
        assert!(allows(&[]) && allows(&[own]) && allows(&[same]) && allows(&[same, own]));
        for lines in
            [&[own, evil][..], &[evil, own], &[own, own], &[same, cross], &[cross, same], &[own, same, same]]
        {
            assert!(!allows(lines), "{lines:?}");
        }
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        let peer = "[::ffff:192.0.2.7]:5000".parse().unwrap();
        let request = TestRequest::get().peer_addr(peer).to_http_request();
        assert_eq!(of(&request).peer_ip(), Some([192, 0, 2, 7].into()));
    }

    #[test]
    fn a_host_that_is_repeated_or_no_text_is_refused() {
        let twice = TestRequest::get().append_header(("host", "a.test")).append_header(("host", "a.test"));
        assert!(Firewall::strict().check(&of(&twice.to_http_request())).is_err());

        let odd = HeaderValue::from_bytes(b"a\xff.test").unwrap();
        let odd = TestRequest::get().insert_header((header::HOST, odd)).to_http_request();
        assert!(Firewall::strict().check(&of(&odd)).is_err());
    }
}
