//! Colours; they are taken out again where the output is no terminal, or `NO_COLOR` is set.

use std::fmt;

use anstyle::{AnsiColor, Color, Style};
use portcullis_core::policy::Access;

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(colour)))
}

pub(crate) const GOOD: Style = colour(AnsiColor::Green);
pub(crate) const BAD: Style = colour(AnsiColor::Red).bold();
pub(crate) const DOUBTFUL: Style = colour(AnsiColor::Yellow);
pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();

/// Text in a style; a width pads the text and not the colours.
pub(crate) struct Styled<T>(pub(crate) Style, pub(crate) T);

impl<T: fmt::Display> fmt::Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(style, text) = self;
        let text = text.to_string();
        let missing = f.width().unwrap_or_default().saturating_sub(text.chars().count());
        write!(f, "{style}{text}{style:#}{:missing$}", "")
    }
}

/// Whether callers may pass, in its colour.
pub(crate) fn access(access: Access) -> Styled<Access> {
    let style = match access {
        Access::Allow => GOOD,
        Access::Depends => DOUBTFUL,
        Access::Deny => BAD,
    };
    Styled(style, access)
}

/// Text from a file or a certificate, with all escaped that could play with a terminal.
pub(crate) fn printable(text: &str) -> String {
    let escape = |text: &mut String, c: char| match c {
        c if is_plain(c) => text.push(c),
        c => text.extend(c.escape_default()),
    };
    text.chars().fold(String::with_capacity(text.len()), |mut text, c| {
        escape(&mut text, c);
        text
    })
}

/// Text of several lines, each of them printable.
pub(crate) fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// The same for JSON, which stays the same document.
pub(crate) fn printable_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || is_plain(c) {
            text.push(c);
        } else {
            text.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text
}

fn is_plain(c: char) -> bool {
    !c.is_control() && !is_invisible(c)
}

/// What turns the direction of text, or cannot be seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_counts_text_only() {
        let text = format!("{:7}|", access(Access::Deny));
        assert_eq!(anstream::adapter::strip_str(&text).to_string(), "deny   |");
    }

    #[test]
    fn json_stays_the_same_document() {
        let value = serde_json::json!({ "a\u{9b}b": "\u{1b}\u{7f}\u{202e}\u{e0001}\n\"ü" });
        let json = printable_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(json.chars().all(|c| c == '\n' || is_plain(c)), "{json:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }

    #[test]
    fn nothing_reaches_a_terminal_but_text() {
        assert_eq!(printable_lines("a\u{7}\n\u{1b}b"), "a\\u{7}\n\\u{1b}b");
        assert_eq!(printable("a\u{1b}[31mb\u{202e}ü\n"), r"a\u{1b}[31mb\u{202e}ü\n");
    }
}
