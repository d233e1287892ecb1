//! What a rule may know of a request: plain text, whatever framework it came through.

pub mod cross_site;
pub mod firewall;
mod trace_id;

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

pub use cross_site::CrossSite;
pub use firewall::{Ambiguity, Firewall, Refusal};
pub use trace_id::TraceId;

/// A request as the adapters hand it over: borrowed, undecoded, exactly as received.
///
/// The path is the path of the request target before any framework touched it; the guard stands
/// outside the router, so that no `nest` or rewrite has hidden a prefix.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    method: &'a str,
    path: &'a str,
    target_authority: Option<&'a str>,
    host: Option<&'a str>,
    repeated_host: bool,
    peer_ip: Option<IpAddr>,
    time: i64,
    trace_id: Option<TraceId>,
    origin: Option<&'a str>,
    fetch_site: Option<&'a str>,
    is_upgrade: bool,
}

impl<'a> Request<'a> {
    /// A request by its method and the undecoded path of its target, without the query, made now.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::Request;
    ///
    /// let request = Request::new("GET", "/reports/7").with_host("localhost:8443");
    /// assert_eq!(request.path(), "/reports/7");
    /// ```
    #[must_use]
    pub fn new(method: &'a str, path: &'a str) -> Self {
        Self {
            method,
            path,
            target_authority: None,
            host: None,
            repeated_host: false,
            peer_ip: None,
            time: now(),
            trace_id: None,
            origin: None,
            fetch_site: None,
            is_upgrade: false,
        }
    }

    /// The authority of an absolute-form target or of HTTP/2's `:authority`.
    #[must_use]
    pub fn with_target_authority(mut self, authority: Option<&'a str>) -> Self {
        self.target_authority = authority;
        self
    }

    /// The value of the `Host` header.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<Option<&'a str>>) -> Self {
        self.host = host.into();
        self
    }

    /// Notes that there was more than one `Host` header; the firewall refuses that.
    #[must_use]
    pub fn with_repeated_host(mut self, repeated: bool) -> Self {
        self.repeated_host = repeated;
        self
    }

    /// The address of the TCP peer.
    #[must_use]
    pub fn with_peer_ip(mut self, ip: Option<IpAddr>) -> Self {
        self.peer_ip = ip;
        self
    }

    /// Another time of judgement, in seconds since the Unix epoch.
    #[must_use]
    pub fn with_time(mut self, unix_seconds: i64) -> Self {
        self.time = unix_seconds;
        self
    }

    /// The id of the trace that the request belongs to, 32 hexadecimal digits; anything else is ignored.
    ///
    /// It ends up in logs and audit events, and is read by no rule.
    #[must_use]
    pub fn with_trace_id(mut self, trace_id: Option<&str>) -> Self {
        self.trace_id = trace_id.and_then(TraceId::parse);
        self
    }

    /// The value of the `traceparent` header (W3C Trace Context), for the trace id in it.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::Request;
    ///
    /// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// let request = Request::new("GET", "/").with_traceparent(Some(header));
    /// assert_eq!(request.trace_id().unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    /// assert!(Request::new("GET", "/").with_traceparent(Some("00-\n-")).trace_id().is_none());
    /// ```
    #[must_use]
    pub fn with_traceparent(mut self, header: Option<&str>) -> Self {
        self.trace_id = header.and_then(TraceId::of_traceparent);
        self
    }

    /// The value of the `Origin` header (RFC 6454); text that cannot be read is some other origin.
    #[must_use]
    pub fn with_origin(mut self, origin: Option<&'a str>) -> Self {
        self.origin = origin;
        self
    }

    /// The value of the `Sec-Fetch-Site` header (Fetch Metadata); text that cannot be read is another site.
    #[must_use]
    pub fn with_fetch_site(mut self, site: Option<&'a str>) -> Self {
        self.fetch_site = site;
        self
    }

    /// Notes that the request asks for another protocol on its connection, such as WebSocket.
    #[must_use]
    pub fn with_upgrade(mut self, is_upgrade: bool) -> Self {
        self.is_upgrade = is_upgrade;
        self
    }

    /// The method as sent.
    #[must_use]
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// The path as sent, not decoded.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The authority of the request target, if it had one.
    #[must_use]
    pub fn target_authority(&self) -> Option<&'a str> {
        self.target_authority
    }

    /// The `Host` header, if there was one.
    #[must_use]
    pub fn host_header(&self) -> Option<&'a str> {
        self.host
    }

    /// Whether the `Host` header was repeated.
    #[must_use]
    pub fn has_repeated_host(&self) -> bool {
        self.repeated_host
    }

    /// The authority that the request is for: the target's, else the `Host` header's.
    #[must_use]
    pub fn authority(&self) -> Option<&'a str> {
        self.target_authority.or(self.host)
    }

    /// The `Origin` header, if there was one.
    #[must_use]
    pub fn origin(&self) -> Option<&'a str> {
        self.origin
    }

    /// The `Sec-Fetch-Site` header, if there was one.
    #[must_use]
    pub fn fetch_site(&self) -> Option<&'a str> {
        self.fetch_site
    }

    /// Whether it asks for another protocol on its connection.
    #[must_use]
    pub fn is_upgrade(&self) -> bool {
        self.is_upgrade
    }

    /// The address of the TCP peer, if known.
    #[must_use]
    pub fn peer_ip(&self) -> Option<IpAddr> {
        self.peer_ip
    }

    /// The time of judgement, in seconds since the Unix epoch.
    #[must_use]
    pub fn time(&self) -> i64 {
        self.time
    }

    /// The id of the trace that the request belongs to.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        self.trace_id
    }
}

/// A clock before 1970 is broken; at its beginning no certificate is valid, so nobody gets in.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

/// A request that outlives its connection's buffers, for the time that a source of roles takes.
pub(crate) struct OwnedRequest {
    method: Box<str>,
    path: Box<str>,
    target_authority: Option<Box<str>>,
    host: Option<Box<str>>,
    rest: Request<'static>,
}

impl Request<'_> {
    pub(crate) fn detach(self) -> OwnedRequest {
        OwnedRequest {
            method: self.method.into(),
            path: self.path.into(),
            target_authority: self.target_authority.map(Into::into),
            host: self.host.map(Into::into),
            rest: Request {
                repeated_host: self.repeated_host,
                peer_ip: self.peer_ip,
                time: self.time,
                trace_id: self.trace_id,
                ..Request::new("", "")
            },
        }
    }
}

impl OwnedRequest {
    pub(crate) fn with<T>(&self, f: impl FnOnce(&Request<'_>) -> T) -> T {
        f(&Request {
            method: &self.method,
            path: &self.path,
            target_authority: self.target_authority.as_deref(),
            host: self.host.as_deref(),
            ..self.rest
        })
    }
}
