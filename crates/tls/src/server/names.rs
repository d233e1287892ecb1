//! Names of servers, as clients and operators write them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Which site goes by which name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    exact: HashMap<String, usize>,
    /// By what follows the `*.`.
    wildcard: HashMap<String, usize>,
}

/// What is wrong with a name.
#[derive(Debug)]
pub(crate) enum Fault {
    Malformed,
    International,
    Taken,
}

impl Names {
    /// Gives a name, or `*.` and a name, to a site.
    pub(crate) fn add(&mut self, name: &str, site: usize) -> Result<(), Fault> {
        if !name.is_ascii() {
            return Err(Fault::International);
        }
        let name = host(name);
        let (names, name) = match name.strip_prefix("*.") {
            Some(parent) => (&mut self.wildcard, parent.to_owned()),
            None => (&mut self.exact, name),
        };
        if !is_name(&name) {
            return Err(Fault::Malformed);
        }
        match names.entry(name) {
            Entry::Occupied(_) => Err(Fault::Taken),
            Entry::Vacant(free) => {
                free.insert(site);
                Ok(())
            }
        }
    }

    /// Whose name this is: the whole name first, then with its first label as a wildcard.
    pub(crate) fn find(&self, authority: &str) -> Option<usize> {
        let host = host(authority);
        let by_wildcard = || {
            let (label, parent) = host.split_once('.')?;
            if label.is_empty() { None } else { self.wildcard.get(parent) }
        };
        self.exact.get(&host).or_else(by_wildcard).copied()
    }
}

/// The host of an authority in small letters, without brackets, port and final dot.
fn host(authority: &str) -> String {
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']').map_or(bracketed, |(host, _)| host),
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn is_name(name: &str) -> bool {
    const LONGEST: usize = 253;
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(is_letter)
    };
    name.len() <= LONGEST && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_however_they_are_spelled() {
        let mut names = Names::default();
        for (site, name) in
            ["admin.example.com", "*.internal.example.com", "A.internal.example.com."].into_iter().enumerate()
        {
            names.add(name, site).unwrap();
        }
        for (authority, expected) in [
            ("admin.example.com", Some(0)),
            ("ADMIN.Example.com.:8443", Some(0)),
            ("admin.example.com:443", Some(0)),
            ("x.internal.example.com", Some(1)),
            ("a.INTERNAL.example.com", Some(2)),
            ("internal.example.com", None),
            ("y.x.internal.example.com", None),
            (".internal.example.com", None),
            ("example.com", None),
            ("[::1]:8443", None),
            ("", None),
            (".", None),
            (":443", None),
            ("*.internal.example.com", Some(1)),
        ] {
            assert_eq!(names.find(authority), expected, "{authority}");
        }
    }

    #[test]
    fn what_is_no_name_or_taken_is_refused() {
        let mut names = Names::default();
        for name in ["", ".", "a..b", "*", "*.", "a.*.b", "*x.example.com", "a b", "a/b", "[::1]"] {
            assert!(matches!(names.add(name, 0), Err(Fault::Malformed)), "{name}");
        }
        assert!(matches!(names.add("bücher.example", 0), Err(Fault::International)));
        names.add("xn--bcher-kva.example", 0).unwrap();
        assert!(matches!(names.add("XN--BCHER-KVA.EXAMPLE.", 1), Err(Fault::Taken)));
        assert_eq!(names.find("xn--bcher-kva.example"), Some(0));
    }
}
