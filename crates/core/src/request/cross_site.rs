//! Requests that another site makes a browser send.
//!
//! A client certificate is ambient authority: a browser sends it along whoever made the request.
//! The check follows what browsers say of a request themselves (Fetch Metadata, and the `Origin`
//! header of RFC 6454); programs that are no browsers send neither and are not concerned.

use super::Request;

/// Which sites may make a browser change something here. By default: this one.
///
/// Requests that only read (`GET`, `HEAD`, `OPTIONS`, `TRACE`, `QUERY`) are never refused, unless they
/// ask for another protocol: a WebSocket writes, too.
///
/// # Security
///
/// If this check is not switched on and handlers change something on a form's `POST`, then any web
/// page gets its wishes done in the name of whoever looks at it.
///
/// # Examples
///
/// ```
/// use portcullis_core::Request;
/// use portcullis_core::request::CrossSite;
///
/// let check = CrossSite::new().trusted_origin("https://partner.example");
/// let post = Request::new("POST", "/transfer").with_host("bank.example");
/// assert!(check.allows(&post.with_fetch_site(Some("same-origin"))));
/// assert!(check.allows(&post.with_origin(Some("https://partner.example"))));
/// assert!(!check.allows(&post.with_origin(Some("https://evil.example"))));
/// ```
#[derive(Clone, Debug, Default)]
pub struct CrossSite {
    trusted: Vec<Box<str>>,
}

impl CrossSite {
    /// A check that trusts no other site.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets another origin send requests, written as browsers do: `https://partner.example:8443`.
    #[must_use]
    pub fn trusted_origin(mut self, origin: &str) -> Self {
        self.trusted.push(origin.trim_end_matches('/').to_ascii_lowercase().into());
        self
    }

    /// Whether the request does not come from a site that may not send it.
    #[must_use]
    pub fn allows(&self, request: &Request<'_>) -> bool {
        let reads = matches!(request.method(), "GET" | "HEAD" | "OPTIONS" | "TRACE" | "QUERY");
        // A WebSocket begins with a GET, and nothing else keeps other sites from it.
        if reads && !request.is_upgrade() {
            return true;
        }
        if let Some(origin) = request.origin()
            && self.trusted.iter().any(|trusted| trusted.eq_ignore_ascii_case(origin))
        {
            return true;
        }
        match (request.fetch_site(), request.origin()) {
            (Some("same-origin" | "none"), _) => true,
            (Some(_), _) => false,
            (None, Some(origin)) => is_own(origin, request),
            (None, None) => true,
        }
    }
}

/// Whether the origin is that of the host which the request is for. `null` is nobody's.
fn is_own(origin: &str, request: &Request<'_>) -> bool {
    let Some(authority) = request.authority() else { return false };
    let host = origin.strip_prefix("https://").map(|host| host.strip_suffix(":443").unwrap_or(host));
    host.is_some_and(|host| host.eq_ignore_ascii_case(authority.strip_suffix(":443").unwrap_or(authority)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(method: &str, site: Option<&str>, origin: Option<&str>) -> bool {
        let request = Request::new(method, "/").with_host("own.test:8443");
        CrossSite::new()
            .trusted_origin("https://Friend.test/")
            .allows(&request.with_fetch_site(site).with_origin(origin))
    }

    #[test]
    fn what_a_browser_says_of_a_request_decides() {
        for (site, origin, expected) in [
            (Some("same-origin"), None, true),
            (Some("none"), None, true),
            (Some("same-site"), Some("https://www.own.test"), false),
            (Some("cross-site"), Some("https://evil.test"), false),
            (Some("cross-site"), Some("https://friend.test"), true),
            (Some("surprise"), None, false),
            (Some(""), None, false),
            (None, Some("https://own.test:8443"), true),
            (None, Some("https://OWN.test:8443"), true),
            (None, Some("https://own.test"), false),
            (None, Some("http://own.test:8443"), false),
            (None, Some("https://own.test:8443.evil.test"), false),
            (None, Some("null"), false),
            (None, Some(""), false),
            (None, Some("https://friend.test"), true),
            (None, None, true),
        ] {
            assert_eq!(allows("POST", site, origin), expected, "{site:?} {origin:?}");
            assert!(allows("GET", site, origin), "reading is not refused: {site:?} {origin:?}");
        }
    }

    #[test]
    fn a_method_that_is_not_known_to_be_safe_is_checked() {
        for method in ["PUT", "DELETE", "PATCH", "FOO", "get"] {
            assert!(!allows(method, Some("cross-site"), None), "{method}");
        }
    }

    #[test]
    fn a_websocket_is_checked_although_it_begins_with_a_get() {
        let request = Request::new("GET", "/ws").with_host("own.test").with_upgrade(true);
        assert!(!CrossSite::new().allows(&request.with_origin(Some("https://evil.test"))));
        assert!(!CrossSite::new().allows(&request.with_fetch_site(Some("cross-site"))));
        assert!(CrossSite::new().allows(&request.with_origin(Some("https://own.test"))));
        assert!(CrossSite::new().allows(&request), "no browser");
    }

    #[test]
    fn the_default_port_is_no_difference() {
        let request =
            Request::new("POST", "/").with_host("own.test").with_origin(Some("https://own.test:443"));
        assert!(CrossSite::new().allows(&request));
        let nobody = Request::new("POST", "/").with_origin(Some("https://own.test"));
        assert!(!CrossSite::new().allows(&nobody), "without a host nothing is one's own");
    }
}
