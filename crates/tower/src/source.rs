//! From an `http` request to the plain request that is judged.

use http::header::{HOST, HeaderMap, HeaderValue, ORIGIN, UPGRADE};
use http::{Method, Uri, Version};
use portcullis_core::{Connection, Request};

/// Stands for a header that is not text. No authority, origin or site has a blank, so it is refused.
const NO_TEXT: &str = " ";

/// The request as it was received: nothing is decoded, and nothing left out that the firewall looks at.
///
/// Take the values from outside every router: `nest` and rewriting middleware change the URI.
///
/// # Examples
///
/// ```
/// let (parts, ()) = http::Request::get("/reports/caf%C3%A9?year=2026")
///     .header("host", "localhost:8443")
///     .body(())
///     .unwrap()
///     .into_parts();
/// let request = portcullis_tower::source::request(&parts.method, &parts.uri, parts.version, &parts.headers, None);
/// assert_eq!(request.path(), "/reports/caf%C3%A9");
/// assert_eq!(request.authority(), Some("localhost:8443"));
/// ```
#[must_use]
pub fn request<'a>(
    method: &'a Method,
    uri: &'a Uri,
    version: Version,
    headers: &'a HeaderMap,
    connection: Option<&Connection>,
) -> Request<'a> {
    // RFC 9112, 3.2: without a Host header a request of HTTP/1.1 is malformed, and so is an empty host.
    // One that never was on a wire, as in a test, has nobody who could have forgotten it.
    let is_from_wire = connection.is_some_and(|c| c.info().tls_version.is_some());
    let absent = (is_from_wire && version == Version::HTTP_11 && uri.authority().is_none()).then_some("");
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().map(text).or(absent);
    // On a dual-stack listener an IPv4 peer has an IPv6 address, which no IPv4 network contains.
    let peer = connection.and_then(|c| c.info().peer_address).map(|address| address.ip().to_canonical());
    Request::new(method.as_str(), uri.path())
        .with_target_authority(uri.authority().map(http::uri::Authority::as_str))
        .with_host(host)
        .with_repeated_host(hosts.next().is_some())
        .with_peer_ip(peer)
}

/// What the headers say of a request's origin and its trace; asked for by few authorizers only.
pub(crate) fn with_headers<'a>(request: Request<'a>, headers: &'a HeaderMap) -> Request<'a> {
    request
        .with_origin(only(headers, ORIGIN.as_str()))
        .with_fetch_site(only(headers, "sec-fetch-site"))
        .with_upgrade(headers.contains_key(UPGRADE))
        .with_traceparent(only(headers, "traceparent"))
}

/// The value of a header that nobody repeats honestly: of several, each might be the one that is believed.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    Some(if values.next().is_some() { NO_TEXT } else { text(first) })
}

pub(crate) fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or(NO_TEXT)
}

#[cfg(test)]
mod tests {
    use portcullis_core::peer::live::Answer;
    use portcullis_core::{Ambiguity, ConnectionInfo, Firewall, Live, Peer};

    use super::*;

    fn refusal(request: &http::Request<()>) -> Option<Ambiguity> {
        let request =
            super::request(request.method(), request.uri(), request.version(), request.headers(), None);
        Firewall::strict().check(&request).err().map(|refusal| refusal.ambiguity())
    }

    fn asked(target: &str, hosts: &[&[u8]]) -> http::Request<()> {
        let mut request = http::Request::get(target).body(()).unwrap();
        for host in hosts {
            request.headers_mut().append(HOST, HeaderValue::from_bytes(host).unwrap());
        }
        request
    }

    #[test]
    fn one_host_passes() {
        assert_eq!(refusal(&asked("/a", &[b"localhost:8443"])), None);
        assert_eq!(refusal(&asked("https://localhost/a", &[b"localhost:443"])), None);
    }

    #[test]
    fn http_1_1_needs_a_host() {
        let mut info = ConnectionInfo::default();
        info.tls_version = Some("TLSv1.3");
        let connection = Connection::new(From(info));
        let refusal = |request: &http::Request<()>, connection| {
            let (method, uri, headers) = (request.method(), request.uri(), request.headers());
            let request = super::request(method, uri, request.version(), headers, connection);
            Firewall::strict().check(&request).err().map(|refusal| refusal.ambiguity())
        };
        let without = asked("/a", &[]);
        assert_eq!(refusal(&without, Some(&connection)), Some(Ambiguity::MalformedHost));
        assert_eq!(refusal(&without, None), None, "as in a test");
        assert_eq!(refusal(&asked("https://localhost/a", &[]), Some(&connection)), None);
        for version in [Version::HTTP_10, Version::HTTP_2] {
            let mut request = asked("/a", &[]);
            *request.version_mut() = version;
            assert_eq!(refusal(&request, Some(&connection)), None);
        }
    }

    struct From(ConnectionInfo);
    impl Live for From {
        fn peer(&self, _now: i64) -> Answer<Peer> {
            Answer::Ready(Peer::Anonymous)
        }
        fn close(&self) {}
        fn info(&self) -> &ConnectionInfo {
            &self.0
        }
    }

    #[test]
    fn two_hosts_or_one_that_is_no_text_are_refused() {
        assert_eq!(refusal(&asked("/a", &[b"a.test", b"a.test"])), Some(Ambiguity::AmbiguousHost));
        assert_eq!(refusal(&asked("/a", &[b"a.test\xff"])), Some(Ambiguity::MalformedHost));
        assert_eq!(refusal(&asked("/a", &[b""])), Some(Ambiguity::MalformedHost));
        assert_eq!(refusal(&asked("https://a.test/", &[b"b.test"])), Some(Ambiguity::ForeignAuthority));
        assert_eq!(refusal(&asked("https://u@a.test/", &[])), Some(Ambiguity::MalformedHost));
    }

    #[test]
    fn an_origin_or_site_that_is_repeated_is_another_one() {
        use portcullis_core::request::CrossSite;

        let allows = |lines: &[(&'static str, &'static str)]| {
            let mut request = http::Request::post("/a").header(HOST, "own.test").body(()).unwrap();
            for (name, value) in lines {
                request.headers_mut().append(*name, HeaderValue::from_static(value));
            }
            let asked =
                super::request(request.method(), request.uri(), request.version(), request.headers(), None);
            CrossSite::new().allows(&with_headers(asked, request.headers()))
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
    fn targets_without_a_path_are_refused() {
        let connect = http::Request::builder().method("CONNECT").uri("a.test:443").body(()).unwrap();
        assert_eq!(refusal(&connect), Some(Ambiguity::MissingSlash));
        assert_eq!(refusal(&asked("*", &[])), Some(Ambiguity::MissingSlash));
    }

    #[test]
    fn the_query_is_no_part_of_the_path() {
        let request = asked("/a?/admin", &[]);
        assert_eq!(
            super::request(request.method(), request.uri(), request.version(), request.headers(), None)
                .path(),
            "/a"
        );
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        let mut info = ConnectionInfo::default();
        info.peer_address = Some("[::ffff:192.0.2.7]:5000".parse().unwrap());
        let connection = Connection::new(From(info));
        let asked = asked("/", &[]);
        let request =
            super::request(asked.method(), asked.uri(), asked.version(), asked.headers(), Some(&connection));
        assert_eq!(request.peer_ip(), Some("192.0.2.7".parse().unwrap()));
    }
}
