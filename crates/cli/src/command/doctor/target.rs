//! Where to connect to, from a URL.

use std::fmt;

use http::Uri;
use portcullis_tls::rustls::pki_types::ServerName;

use crate::outcome::Failure;

/// Where to connect to, and what to ask for.
#[derive(Debug)]
pub(super) struct Target {
    /// Whether the URL says `http`.
    pub(super) is_plain: bool,
    /// A name or an address, without the brackets of IPv6.
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query.
    pub(super) path: String,
    pub(super) name: ServerName<'static>,
}

impl Target {
    /// Reads a URL; without a scheme it is taken for an HTTPS one.
    pub(super) fn parse(url: &str) -> Result<Self, Failure> {
        let bad = |why: &str| {
            Failure::Input(format!(
                "`{}` is no URL to connect to: {why}; pass one such as `https://localhost:8443/`",
                url.escape_debug()
            ))
        };
        let has_scheme = url.contains("://");
        let whole = if has_scheme { url.to_owned() } else { format!("https://{url}") };
        let uri: Uri = whole.parse().map_err(|error: http::uri::InvalidUri| bad(&error.to_string()))?;
        let is_plain = match uri.scheme_str() {
            Some("https") => false,
            Some("http") => true,
            _ => return Err(bad("its scheme is neither `https` nor `http`")),
        };
        let authority = uri.authority().ok_or_else(|| bad("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("it has a user, which a certificate takes the place of"));
        }
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") if is_plain => 80,
            Some("") => 443,
            // The parser takes a port that is none for no port at all.
            port => port
                .and_then(|port| port.strip_prefix(':'))
                .filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|port| port.parse().ok())
                .filter(|port| *port > 0)
                .ok_or_else(|| bad("its port is no number from 1 to 65535"))?,
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host.clone())
            .map_err(|_| bad("its host is neither a DNS name nor an address (international names are written in punycode, `xn--..`)"))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.is_empty() { "/" } else { path }.to_owned();
        Ok(Self { is_plain, host, port, path, name })
    }

    /// The value of the `Host` header.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.is_plain, self.port) {
            (false, 443) | (true, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_plain { "http" } else { "https" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        Target::parse(url).unwrap().to_string()
    }

    #[test]
    fn urls_are_read_with_and_without_their_parts() {
        assert_eq!(shown("https://localhost:8443/a?b=c"), "https://localhost:8443/a?b=c");
        assert_eq!(shown("https://localhost:443"), "https://localhost/");
        assert_eq!(shown("localhost:8443"), "https://localhost:8443/");
        assert_eq!(shown("example.com/x"), "https://example.com/x");
        assert_eq!(shown("http://127.0.0.1"), "http://127.0.0.1/");
        assert_eq!(shown("https://[::1]:8443//x"), "https://[::1]:8443//x");
        assert_eq!(Target::parse("https://[::1]/").unwrap().host, "::1");
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for url in [
            "",
            "https://",
            "ftp://localhost/",
            "https://a@localhost/",
            "https://b\u{fc}cher.example/",
            "https://localhost:99999/",
            "https://localhost:0/",
            "https://localhost:+1/",
            "https://localhost:/",
            "https://a b/",
            "/path",
            "https://[::1",
        ] {
            assert!(matches!(Target::parse(url), Err(Failure::Input(_))), "{url}");
        }
    }
}
