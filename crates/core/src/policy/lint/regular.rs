//! Whether a regular expression has to fit a whole text.

use regex_syntax::hir::Look;

/// Whether every match begins where the text begins, and ends where it ends.
pub(super) fn is_anchored(pattern: &str) -> bool {
    // What does not parse was refused when the rule was read.
    let Ok(parsed) = regex_syntax::parse(pattern) else { return false };
    let properties = parsed.properties();
    properties.look_set_prefix().contains(Look::Start) && properties.look_set_suffix().contains(Look::End)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_texts_are_anchored() {
        for pattern in ["^a$", r"\Aa\z", "^(a|b)$", "^a$|^b$", "^$", "(?s)^.*$", "^a.*z$"] {
            assert!(is_anchored(pattern), "{pattern}");
        }
        for pattern in ["a", "^a", "a$", "^a|b$", "^a$|b", r"^a\$", "(?m)^a$", "", r"[^a]$", "^a$?"] {
            assert!(!is_anchored(pattern), "{pattern}");
        }
    }
}
