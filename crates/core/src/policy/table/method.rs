//! Methods as small numbers, and which of them `*` covers.

use std::collections::HashMap;

/// The IANA HTTP method registry, but for `PRI`, which no request ever has.
const REGISTERED: &[&str] = &[
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "TRACE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

/// A method, or `*`, as a number that is compared in place of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Code(u16);

impl Code {
    pub(super) const ANY: Self = Self(0);
    const GET: Self = Self(1);
    const HEAD: Self = Self(2);
    /// The number of the first method in `REGISTERED`.
    const LISTED: u16 = 8;
    /// The number of the first method that is not registered.
    const OTHER: u16 = Self::LISTED + REGISTERED.len() as u16;

    /// The methods whose rule is for this one, first the one that is asked first.
    ///
    /// A method may be there twice; the second look finds nothing new.
    pub(super) fn covered_by(self) -> [Self; 3] {
        let second = if self == Self::HEAD { Self::GET } else { self };
        let third = if self.0 < Self::OTHER { Self::ANY } else { self };
        [self, second, third]
    }
}

/// The methods that a table knows: the registered ones and those that its patterns name.
#[derive(Clone, Debug, Default)]
pub(super) struct Methods {
    others: HashMap<Box<str>, Code>,
}

impl Methods {
    /// The number of a method in a request; `None` if no pattern can be for it.
    // Left to itself, the compiler calls this; that takes longer than the match.
    #[inline(always)]
    pub(super) fn code(&self, method: &str) -> Option<Code> {
        // The commonest have numbers of their own, since a `match` is faster than a search.
        match method {
            "GET" => Some(Code::GET),
            "HEAD" => Some(Code::HEAD),
            "POST" => Some(Code(3)),
            "PUT" => Some(Code(4)),
            "DELETE" => Some(Code(5)),
            "PATCH" => Some(Code(6)),
            "OPTIONS" => Some(Code(7)),
            _ => self.uncommon(method),
        }
    }

    #[cold]
    fn uncommon(&self, method: &str) -> Option<Code> {
        match REGISTERED.binary_search(&method) {
            Ok(at) => u16::try_from(at).ok().map(|at| Code(Code::LISTED + at)),
            Err(_) => self.others.get(method).copied(),
        }
    }

    /// The number of a method in a pattern; `None` if there are too many of them.
    pub(super) fn insert(&mut self, method: &str) -> Option<Code> {
        if method == "*" {
            return Some(Code::ANY);
        }
        if let Some(code) = self.code(method) {
            return Some(code);
        }
        let code = Code(Code::OTHER.checked_add(u16::try_from(self.others.len()).ok()?)?);
        self.others.insert(method.into(), code);
        Some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_sorted() {
        assert!(REGISTERED.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn every_method_has_its_own_number() {
        let mut methods = Methods::default();
        let texts = REGISTERED.iter().chain(&["*", "FOO", "BAR"]);
        let codes: Vec<_> = texts.map(|text| methods.insert(text).unwrap()).collect();
        let distinct: std::collections::HashSet<_> = codes.iter().collect();
        assert_eq!(distinct.len(), codes.len());
        assert_eq!(methods.insert("FOO"), methods.code("FOO"));
    }

    #[test]
    fn any_covers_registered_methods_only() {
        let mut methods = Methods::default();
        assert_eq!(methods.code("FOO"), None);
        let foo = methods.insert("FOO").unwrap();
        assert!(!foo.covered_by().contains(&Code::ANY));
        for method in REGISTERED {
            assert!(methods.code(method).unwrap().covered_by().contains(&Code::ANY), "{method}");
        }
    }

    #[test]
    fn a_star_is_no_method_of_a_request() {
        assert_eq!(Methods::default().code("*"), None);
        assert_eq!(Methods::default().code(""), None);
        assert_eq!(Methods::default().code("get"), None);
    }
}
