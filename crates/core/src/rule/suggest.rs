//! What somebody may have meant.

/// The candidate that is most like the word, if one is like it at all.
pub(crate) fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // A word is like one that shares two thirds with it; short ones differ in letter case at most.
    let limit = word.chars().count() / 3;
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Letter case is the commonest slip, and counts for nothing.
fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(&a.to_lowercase(), &b.to_lowercase())
}

/// `did you mean ..?`, if something is close.
pub(crate) fn did_you_mean<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
    prefix: &str,
) -> Option<String> {
    closest(word, candidates).map(|candidate| format!("did you mean `{prefix}{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let roles = ["admin", "moderator", "user", "OU", "O"];
        for (word, meant) in [
            ("amdin", Some("admin")),
            ("Admin", Some("admin")),
            ("moderators", Some("moderator")),
            ("ou", Some("OU")),
            ("uesr", Some("user")),
            ("auditor", None),
            ("xyz", None),
            ("", None),
            ("OV", None),
        ] {
            assert_eq!(closest(word, roles), meant, "{word}");
        }
    }
}
