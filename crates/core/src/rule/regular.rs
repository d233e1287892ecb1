//! Regular expressions with bounds: linear in the text, limited in the memory that they compile to.

use regex::{Regex, RegexBuilder};

/// A compiled regular expression; equal to those with the same text.
#[derive(Clone, Debug)]
pub(crate) struct Regular(Regex);

const MAX_COMPILED_BYTES: usize = 256 * 1024;
const MAX_CACHE_BYTES: usize = 256 * 1024;
const MAX_NESTING: u32 = 32;

impl Regular {
    /// The error says what is wrong with the text.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        RegexBuilder::new(text)
            .size_limit(MAX_COMPILED_BYTES)
            .dfa_size_limit(MAX_CACHE_BYTES)
            .nest_limit(MAX_NESTING)
            .build()
            .map(Self)
            .map_err(|error| reason(&error))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the expression fits anywhere in the text.
    pub(crate) fn is_found_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// The library draws a picture of its own over several lines; the last one has the reason.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => format!("compiled it takes more than {limit} bytes"),
        other => {
            let picture = other.to_string();
            picture.rsplit("error: ").next().unwrap_or_default().trim().to_owned()
        }
    }
}

impl PartialEq for Regular {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_searched_for_and_not_anchored() {
        let regular = Regular::new("b+").unwrap();
        assert!(regular.is_found_in("abbc") && !regular.is_found_in("ac"));
        assert!(!Regular::new("^a.c$").unwrap().is_found_in("a\nc"), "a dot is no line break");
        assert!(!Regular::new("^a$").unwrap().is_found_in("a\n"), "`$` is the end of the text alone");
    }

    #[test]
    fn what_does_not_compile_says_why_in_one_line() {
        for (text, reason) in [
            ("a(", "unclosed group"),
            ("*", "repetition operator missing expression"),
            ("a{2,1}", "invalid repetition count range, the start must be <= the end"),
            ("(a)\\1", "backreferences are not supported"),
            ("\\w{1000}", "compiled it takes more than 262144 bytes"),
            ("((a{100}){100}){100}", "compiled it takes more than 262144 bytes"),
        ] {
            assert_eq!(Regular::new(text).err().as_deref(), Some(reason), "{text}");
        }
        let deep = format!("{}a{}", "(".repeat(1000), ")".repeat(1000));
        assert!(Regular::new(&deep).err().unwrap().contains("nest"));
    }

    #[test]
    fn a_hostile_text_takes_linear_time() {
        let regular = Regular::new("^(a|a)*$").unwrap();
        assert!(!regular.is_found_in(&format!("{}b", "a".repeat(100_000))));
    }
}
