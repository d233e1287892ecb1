//! A string of a TOML document, and where its characters were written.

use std::ops::Range;

use super::document::Span;
use crate::policy::assemble::Written;
use crate::policy::report::Origin;

/// A string that was read from a file.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) value: Box<str>,
    pub(super) file: u16,
    /// The literal, with its quotes.
    pub(super) span: Span,
}

impl Text {
    /// Where the whole literal stands.
    pub(super) fn origin(&self) -> Origin {
        origin(self.file, self.span)
    }

    pub(super) fn written(&self) -> Written {
        Written::new(&self.value, self.origin())
    }

    /// Where a part of the value stands, given the text of the file.
    ///
    /// The whole literal, should the part not be found in it.
    pub(super) fn part(&self, source: &str, part: Range<usize>) -> Origin {
        let literal = source.get(self.span.range()).unwrap_or_default();
        match (offset(literal, &self.value, part.start), offset(literal, &self.value, part.end)) {
            (Some(start), Some(end)) => {
                let base = self.span.range().start;
                origin(self.file, (base + start..base + end.max(start)).into())
            }
            _ => self.origin(),
        }
    }
}

pub(super) fn origin(file: u16, span: Span) -> Origin {
    Origin::Text { file, start: span.start, end: span.end }
}

/// Where in the literal the byte of the value was written; its length is the place behind the last one.
fn offset(literal: &str, value: &str, wanted: usize) -> Option<usize> {
    let (opening, has_escapes) = opening(literal)?;
    let mut at = opening;
    let mut written = literal.get(opening..)?;
    for (position, character) in value.char_indices() {
        if has_escapes {
            let skipped = continuation(written);
            at += skipped;
            written = written.get(skipped..)?;
        }
        if position >= wanted {
            return Some(at);
        }
        let length = if has_escapes && written.starts_with('\\') {
            escape(written)?
        } else if written.starts_with("\r\n") && character == '\n' {
            2
        } else {
            character.len_utf8()
        };
        at += length;
        written = written.get(length..)?;
    }
    (wanted == value.len()).then_some(at)
}

/// The length of the opening quotes, with a newline that does not count, and whether there can be escapes.
fn opening(literal: &str) -> Option<(usize, bool)> {
    for (quotes, has_escapes) in [("\"\"\"", true), ("'''", false)] {
        if let Some(rest) = literal.strip_prefix(quotes) {
            let newline = if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
            return Some((quotes.len() + newline, has_escapes));
        }
    }
    match literal.chars().next()? {
        '"' => Some((1, true)),
        '\'' => Some((1, false)),
        _ => None,
    }
}

/// The length of a backslash at the end of a line, with the blanks and newlines that it swallows.
fn continuation(written: &str) -> usize {
    let mut rest = written;
    while let Some(behind) = rest.strip_prefix('\\') {
        let blank = behind.trim_start_matches([' ', '\t']);
        if !blank.starts_with(['\n', '\r']) {
            break;
        }
        rest = blank.trim_start_matches([' ', '\t', '\n', '\r']);
    }
    written.len() - rest.len()
}

/// The length of the escape that the text begins with.
fn escape(written: &str) -> Option<usize> {
    let length = match written.chars().nth(1)? {
        'x' => 4,
        'u' => 6,
        'U' => 10,
        _ => 2,
    };
    (written.len() >= length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::super::document::{self, Data};
    use super::*;

    fn marked(source: &str, value_part: &str) -> String {
        let table = document::parse(source).unwrap();
        let (_, value) = table.get("a").unwrap();
        let Data::String(text) = &value.data else { panic!("{value:?}") };
        let (span, value) = (value.span, &**text);
        let text = Text { value: value.into(), file: 0, span };
        let start = value.find(value_part).unwrap();
        match text.part(source, start..start + value_part.len()) {
            Origin::Text { start, end, .. } => source.get(start as usize..end as usize).unwrap().to_owned(),
            Origin::Program(_) => unreachable!(),
        }
    }

    #[test]
    fn parts_are_found_in_every_kind_of_string() {
        for (source, part, expected) in [
            (r#"a = 'role("x")'"#, "x", "x"),
            (r#"a = "role(\"x\")""#, "\"x\"", r#"\"x\""#),
            (r#"a = "\u0061\x62cd""#, "bc", r"\x62c"),
            (r#"a = "\U00000061b""#, "a", r"\U00000061"),
            ("a = '''\nfoo\n  bar'''", "bar", "bar"),
            ("a = '''foo'''", "foo", "foo"),
            ("a = \"\"\"\nfoo \\\n   bar\"\"\"", "bar", "bar"),
            ("a = \"\"\"\nfoo \\  \n\n   bar\"\"\"", "foo bar", "foo \\  \n\n   bar"),
            ("a = \"\"\"é\\tü\"\"\"", "ü", "ü"),
            ("a = '''\r\none\r\ntwo'''", "two", "two"),
            ("a = ''", "", ""),
            ("a = 'x'", "", ""),
        ] {
            assert_eq!(marked(source, part), expected, "{source}");
        }
    }

    #[test]
    fn a_part_that_is_not_there_is_the_whole() {
        let text = Text { value: "abc".into(), file: 0, span: (0..5).into() };
        for (source, part) in [("'abc'", 9..10), ("", 0..1), ("xabcx", 0..1)] {
            assert_eq!(text.part(source, part), text.origin());
        }
    }
}
