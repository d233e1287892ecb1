//! `host` and `host:port`, compared as RFC 9110 reads them.

use std::net::Ipv6Addr;

/// The port that an authority without one stands for.
const HTTPS: u16 = 443;

/// An authority taken apart; the host is as spelled, but for brackets and a final dot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Authority<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads a name, IPv4 address or bracketed IPv6 address, with or without a port.
    ///
    /// User information, blanks, escapes, raw international names and empty labels are refused.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if let Some(bracketed) = text.strip_prefix('[') {
            let (host, rest) = bracketed.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            let port = match rest.strip_prefix(':') {
                Some(digits) => Some(port(digits)?),
                None if rest.is_empty() => None,
                None => return None,
            };
            return Some(Self { host, port });
        }
        let (host, port) = match text.split_once(':') {
            Some((host, digits)) => (host, Some(port(digits)?)),
            None => (text, None),
        };
        let host = host.strip_suffix('.').unwrap_or(host);
        is_name(host).then_some(Self { host, port })
    }

    /// Whether both mean the same server: letter case, a final dot and `:443` make no difference.
    pub(crate) fn is_same(&self, other: &Authority<'_>) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            && self.port.unwrap_or(HTTPS) == other.port.unwrap_or(HTTPS)
    }
}

fn port(digits: &str) -> Option<u16> {
    // `u16` would read `+443` as well.
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

fn is_name(host: &str) -> bool {
    const LONGEST: usize = 253;
    let mut label_is_empty = true;
    for byte in host.bytes() {
        match byte {
            b'.' if label_is_empty => return false,
            b'.' => label_is_empty = true,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => label_is_empty = false,
            _ => return false,
        }
    }
    !label_is_empty && host.len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_taken_apart() {
        for (text, host, port) in [
            ("example.com", "example.com", None),
            ("Example.COM.:8443", "Example.COM", Some(8443)),
            ("127.0.0.1:443", "127.0.0.1", Some(443)),
            ("[::1]", "::1", None),
            ("[::1]:8443", "::1", Some(8443)),
            ("my_service-1", "my_service-1", None),
        ] {
            let authority = Authority::parse(text).expect(text);
            assert_eq!((authority.host, authority.port), (host, port), "{text}");
        }
    }

    #[test]
    fn what_is_no_authority_is_refused() {
        let long = "a".repeat(254);
        for text in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a..",
            "a:",
            "a:+443",
            "a:65536",
            "a:x",
            "a:1:2",
            "user@a",
            "a b",
            "a\t",
            "a/b",
            "a%2eb",
            "bücher.example",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[a]",
            "[::1%eth0]",
            "a,b",
            "a\\b",
            "a?b",
            "a#b",
            &long,
        ] {
            assert!(Authority::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn case_dot_and_default_port_make_no_difference() {
        let same = |a: &str, b: &str| Authority::parse(a).unwrap().is_same(&Authority::parse(b).unwrap());
        assert!(same("HttpBin.Foo", "httpbin.foo.:443"));
        assert!(!same("a", "a:80"));
        assert!(!same("a", "b"));
    }
}
