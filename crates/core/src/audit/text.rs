//! Text that a client chose, on one line and of bounded length.

use std::borrow::Cow;

use crate::certificate::text::is_invisible;

/// How many characters of a value are kept. Nobody reads more, and the queue stays small.
pub(super) const LIMIT: usize = 2048;

/// The value with everything escaped that ends lines, hides, or turns text around.
///
/// A backslash is doubled, so that the result can be told from a value that contains an escape.
pub(super) fn clean(value: &str) -> Cow<'_, str> {
    if value.len() <= LIMIT && !value.chars().any(|c| c == '\\' || is_invisible(c)) {
        return Cow::Borrowed(value);
    }
    let is_long = value.chars().nth(LIMIT).is_some();
    let mut cleaned = String::with_capacity(value.len().min(2 * LIMIT));
    for character in value.chars().take(LIMIT) {
        match character {
            '\\' => cleaned.push_str("\\\\"),
            '\n' => cleaned.push_str("\\n"),
            '\r' => cleaned.push_str("\\r"),
            '\t' => cleaned.push_str("\\t"),
            c if is_invisible(c) => cleaned.extend(c.escape_unicode()),
            c => cleaned.push(c),
        }
    }
    if is_long {
        cleaned.push('\u{2026}');
    }
    Cow::Owned(cleaned)
}

/// The same length for text that has been escaped already.
pub(super) fn shorten(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LIMIT) {
        text.truncate(end);
        text.push('\u{2026}');
    }
    text
}

/// The beginning of a value that is kept for later.
pub(super) fn clip(value: &str) -> Box<str> {
    match value.char_indices().nth(LIMIT + 1) {
        Some((end, _)) => value.get(..end).unwrap_or_default().into(),
        None => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_and_hostile_text_is_escaped() {
        for (value, expected) in [
            ("", ""),
            ("O'Brien \"Bob\" <x>", "O'Brien \"Bob\" <x>"),
            ("Zo\u{eb} \u{5c71}\u{7530}", "Zo\u{eb} \u{5c71}\u{7530}"),
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("a\\nb", "a\\\\nb"),
            ("\u{0}\u{1b}[31m\u{7f}\u{85}", "\\u{0}\\u{1b}[31m\\u{7f}\\u{85}"),
            ("x\u{2028}y\u{202e}z\u{200b}", "x\\u{2028}y\\u{202e}z\\u{200b}"),
        ] {
            assert_eq!(clean(value), expected);
        }
    }

    #[test]
    fn length_is_bounded_and_shows() {
        let long = "\u{e9}".repeat(LIMIT + 1);
        let cleaned = clean(&clip(&long)).into_owned();
        assert_eq!(cleaned.chars().count(), LIMIT + 1);
        assert!(cleaned.ends_with('\u{2026}'));
        let fits = "\u{e9}".repeat(LIMIT);
        assert_eq!(clean(&clip(&fits)), fits);
        assert_eq!(shorten(long), cleaned);
        assert_eq!(shorten(fits.clone()), fits);
        assert_eq!(clip(&"x".repeat(100_000)).len(), LIMIT + 1);
    }
}
