//! The parameters of a path, as its pattern names them.

use std::borrow::Cow;

use crate::policy::pattern::{Pattern, Segment};
use crate::request::firewall::percent::{Unit, Units};

/// The names of a pattern's parameters with the undecoded text that a path has for each.
pub(super) fn params<'t, 'p>(
    pattern: &'t Pattern,
    path: &'p str,
) -> impl Iterator<Item = (&'t str, &'p str)> {
    let mut left = path.strip_prefix('/').unwrap_or(path);
    pattern.segments().filter_map(move |segment| {
        if let Segment::Rest(name) = segment {
            return Some((name, left));
        }
        let (text, behind) = left.split_once('/').unwrap_or((left, ""));
        left = behind;
        match segment {
            Segment::Parameter(name) => Some((name, text)),
            Segment::Literal(_) | Segment::Rest(_) => None,
        }
    })
}

/// Percent-decodes a parameter, once, as the extractors of the frameworks do.
///
/// `None` if a percent sign is broken or if no UTF-8 comes out. A `+` stays what it is.
///
/// # Examples
///
/// ```
/// use portcullis_core::policy::table::decode;
///
/// assert_eq!(decode("a%20b").as_deref(), Some("a b"));
/// assert_eq!(decode("%2541").as_deref(), Some("%41"));
/// assert_eq!(decode("%ff"), None);
/// ```
#[must_use]
pub fn decode(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('%') {
        return Some(Cow::Borrowed(raw));
    }
    let bytes = Units::new(raw.as_bytes())
        .map(|unit| match unit {
            Unit::Raw(byte) | Unit::Escaped(byte) => Some(byte),
            Unit::Broken => None,
        })
        .collect::<Option<Vec<u8>>>()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str, path: &str) -> Vec<(String, String)> {
        let pattern = Pattern::parse(pattern).unwrap();
        params(&pattern, path).map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn parameters_are_named_and_left_undecoded() {
        assert_eq!(of("GET /u/{name}/x/{id}", "/u/a%20b/x/7"), pairs(&[("name", "a%20b"), ("id", "7")]));
        assert_eq!(of("GET /{a}/", "/1/"), pairs(&[("a", "1")]));
        assert_eq!(of("GET /a", "/a"), pairs(&[]));
        assert_eq!(of("GET /", "/"), pairs(&[]));
    }

    #[test]
    fn the_rest_keeps_its_slashes() {
        for (path, rest) in [("/f", ""), ("/f/", ""), ("/f/a", "a"), ("/f/a/", "a/"), ("/f/a/b", "a/b")] {
            assert_eq!(of("GET /f/{*rest}", path), pairs(&[("rest", rest)]), "{path}");
        }
        assert_eq!(of("GET /{*rest}", "/"), pairs(&[("rest", "")]));
        assert_eq!(of("GET /{a}/{*rest}", "/1/2/3"), pairs(&[("a", "1"), ("rest", "2/3")]));
    }

    #[test]
    fn decoding_happens_once_or_not_at_all() {
        assert!(matches!(decode("plain+text"), Some(Cow::Borrowed("plain+text"))));
        assert_eq!(decode("caf%C3%a9").as_deref(), Some("café"));
        assert_eq!(decode("%2525").as_deref(), Some("%25"));
        for broken in ["%", "%4", "%zz", "a%c3", "%c0%ae"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }
}
