//! The head of a request, kept while it is answered.

use std::net::IpAddr;

use http::header::{HOST, HeaderMap, HeaderValue};
use http::{Method, Uri};
use portcullis_core::Request;
use portcullis_core::request::TraceId;

/// So many bytes of path and authority are copied.
const ROOM: usize = 192;

/// As much of the head of a request as a decision looks at, after the request itself has been given away.
///
/// Every request has one, and few need it. So what is usual is copied into the future of the response:
/// sharing the request's own text costs counters, or allocations where nothing has shared it before.
pub(crate) struct Head {
    method: Method,
    target: Target,
    peer_ip: Option<IpAddr>,
    trace_id: Option<TraceId>,
}

enum Target {
    /// The path, then the authority, if there is one.
    Short {
        text: [u8; ROOM],
        path: usize,
        end: Option<usize>,
    },
    Long {
        uri: Uri,
        host: Option<HeaderValue>,
    },
}

impl Head {
    /// The head of a request that was made of these parts.
    pub(crate) fn new(request: &Request<'_>, method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        Self {
            method: method.clone(),
            target: Target::short(request).unwrap_or_else(|| Target::long(uri, headers)),
            peer_ip: request.peer_ip(),
            trace_id: request.trace_id(),
        }
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// Does something with the request as it is to be decided again.
    ///
    /// Which of target and `Host` header named the authority has been dealt with by the firewall.
    pub(crate) fn with<T>(&self, f: impl FnOnce(&Request<'_>) -> T) -> T {
        let trace_id = self.trace_id.map(|id| id.to_string());
        let request = Request::new(self.method.as_str(), self.target.path())
            .with_target_authority(self.target.authority())
            .with_peer_ip(self.peer_ip)
            .with_trace_id(trace_id.as_deref());
        f(&request)
    }
}

impl Target {
    fn short(request: &Request<'_>) -> Option<Self> {
        let mut text = [0; ROOM];
        let path = write(&mut text, 0, request.path())?;
        let end = match request.authority() {
            Some(authority) => Some(write(&mut text, path, authority)?),
            None => None,
        };
        Some(Self::Short { text, path, end })
    }

    fn long(uri: &Uri, headers: &HeaderMap) -> Self {
        Self::Long { uri: uri.clone(), host: headers.get(HOST).cloned() }
    }

    fn path(&self) -> &str {
        match self {
            Self::Short { text, path, .. } => read(text.get(..*path)),
            Self::Long { uri, .. } => uri.path(),
        }
    }

    fn authority(&self) -> Option<&str> {
        match self {
            Self::Short { text, path, end } => end.map(|end| read(text.get(*path..end))),
            Self::Long { uri, host } => match uri.authority() {
                Some(authority) => Some(authority.as_str()),
                None => host.as_ref().map(crate::source::text),
            },
        }
    }
}

/// Where the text ends; `None` if there is no room for it.
fn write(text: &mut [u8], start: usize, part: &str) -> Option<usize> {
    let end = start.checked_add(part.len())?;
    text.get_mut(start..end)?.copy_from_slice(part.as_bytes());
    Some(end)
}

/// What was written was text, at the same place; nothing would be open to anything else.
fn read(text: Option<&[u8]>) -> &str {
    text.and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(target: &str, host: Option<&'static str>) -> (String, Option<String>, bool) {
        let mut request = http::Request::get(target).body(()).unwrap();
        if let Some(host) = host {
            request.headers_mut().insert(HOST, HeaderValue::from_static(host));
        }
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        let asked = crate::source::request(method, uri, request.version(), headers, None);
        let head = Head::new(&asked, method, uri, headers);
        head.with(|again| {
            assert_eq!((again.method(), again.path()), (asked.method(), asked.path()));
            assert_eq!(again.authority(), asked.authority());
        });
        let authority = head.target.authority().map(Into::into);
        (head.target.path().into(), authority, matches!(head.target, Target::Short { .. }))
    }

    #[test]
    fn what_is_kept_is_what_was_asked() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(kept("/a?b", None), ("/a".into(), None, true));
        assert_eq!(kept("/a", Some("h.test:1")), ("/a".into(), some("h.test:1"), true));
        assert_eq!(kept("https://a.test/b", Some("h.test")), ("/b".into(), some("a.test"), true));
        assert_eq!(kept("/a", Some("")), ("/a".into(), some(""), true));
        assert_eq!(kept("*", Some("h.test")), ("*".into(), some("h.test"), true));
        assert_eq!(kept("/caf%C3%A9/é", None), ("/caf%C3%A9/é".into(), None, true));
    }

    #[test]
    fn no_target_is_too_long() {
        for room in [ROOM - 7, ROOM - 6, ROOM - 5, ROOM, ROOM * 40] {
            let path = format!("/{}", "a".repeat(room - 1));
            let is_short = room + "h.test".len() <= ROOM;
            assert_eq!(kept(&path, Some("h.test")), (path.clone(), Some("h.test".into()), is_short));
            let absolute = format!("https://h.test{path}");
            assert_eq!(kept(&absolute, None), (path, Some("h.test".into()), is_short));
        }
    }
}
