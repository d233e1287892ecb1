//! The blanks between tokens as a reader expects them; tokens, comments and lines stay as they are.

use super::lexer::{Kind, Token};

/// The text with one blank where blanks are due, and none elsewhere.
pub(super) fn layout(source: &str, tokens: &[Token<'_>]) -> String {
    let mut text = String::with_capacity(source.len());
    let mut end = 0;
    let mut previous: Option<&Token<'_>> = None;
    for token in tokens {
        let gap = source.get(end..token.span.start).unwrap_or_default();
        let blank = match previous {
            Some(previous) if has_blank(previous, token) => " ",
            // Of several lines, the first is indented as the others are.
            None if source.contains('\n') => gap,
            _ => "",
        };
        push_gap(&mut text, gap, blank);
        text.push_str(source.get(token.span.clone()).unwrap_or_default());
        end = token.span.end;
        previous = Some(token);
    }
    let rest = source.get(end..).unwrap_or_default();
    push_gap(&mut text, rest, "");
    text
}

/// Whether one blank stands between two tokens of one line.
fn has_blank(previous: &Token<'_>, next: &Token<'_>) -> bool {
    match (&previous.kind, &next.kind) {
        // Together these would be read as something else.
        (Kind::Symbol("!"), Kind::Symbol("==")) | (Kind::Int(_), Kind::Symbol(".")) => true,
        (Kind::Symbol("(" | "[" | "." | "!" | "-"), _) => false,
        (_, Kind::Symbol(")" | "]" | "," | ".")) => false,
        (Kind::Word(word), Kind::Symbol("(")) => *word == "in",
        _ => true,
    }
}

/// Adds what stands between two tokens: the blank that is due, or comments and line breaks.
fn push_gap(text: &mut String, gap: &str, blank: &str) {
    let mut lines = gap.split('\n');
    let indented = lines.next().unwrap_or_default().trim_end();
    let first = indented.trim_start();
    if first.is_empty() && !gap.contains('\n') {
        text.push_str(blank);
        return;
    }
    if text.is_empty() {
        text.push_str(indented);
    } else if !first.is_empty() {
        text.push_str(if text.ends_with('\n') { "" } else { " " });
        text.push_str(first);
    }
    for line in lines {
        text.truncate(text.trim_end_matches([' ', '\t']).len());
        text.push('\n');
        // The blanks before a token are its indentation, which is the author's.
        text.push_str(line.trim_end_matches('\r'));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::lexer;
    use super::*;

    fn formatted(source: &str) -> String {
        layout(source, &lexer::tokens(source).unwrap())
    }

    #[test]
    fn blanks_stand_where_they_are_due() {
        for (source, expected) in [
            ("anyone", "anyone"),
            ("  anyone\t", "anyone"),
            (r#"role( "a" )&&!role("b")"#, r#"role("a") && !role("b")"#),
            ("a==b||(c<-1)", "a == b || (c < -1)"),
            (r#""x"in[ 'a','b' ,r"\d"]"#, r#""x" in ['a', 'b', r"\d"]"#),
            (r#"x in ["a"] ? b:c"#, r#"x in ["a"] ? b : c"#),
            ("'a' in(san.dns)", "'a' in (san.dns)"),
            ("subject . all . OU.exists( x ,x=='a  b' )", "subject.all.OU.exists(x, x == 'a  b')"),
            ("! ! a", "!!a"),
            ("subject.`1.2.3`== 'a'", "subject.`1.2.3` == 'a'"),
            ("a   // why\n   &&b  ", "a // why\n   && b"),
            ("// first\na", "// first\na"),
            ("  // first\n  a", "  // first\n  a"),
            ("  a\n  &&b", "  a\n  && b"),
            ("a&&b // last", "a && b // last"),
            ("\na &&  \n  b\n", "\na &&\n  b\n"),
            ("a\r\n&& b", "a\n&& b"),
        ] {
            assert_eq!(formatted(source), expected, "{source:?}");
            assert_eq!(formatted(expected), expected, "{source:?} a second time");
        }
    }

    proptest! {
        #[test]
        fn nothing_but_blanks_changes(parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "a", "in", "12", "\"s  t\"", "'//'", "&&", "||", "==", "<", "(", ")", "[", "]", ",", ".",
                "!", "-", "?", ":", " ", "\t", "\n", "\r\n", " // why\n", "`x.y`",
            ]),
            0..24,
        )) {
            let source = parts.concat();
            if let Ok(before) = lexer::tokens(&source) {
                let text = layout(&source, &before);
                let after = lexer::tokens(&text).unwrap();
                let kinds = |tokens: &[Token<'_>]| tokens.iter().map(|t| format!("{:?}", t.kind)).collect::<Vec<_>>();
                prop_assert_eq!(kinds(&before), kinds(&after));
                prop_assert_eq!(source.matches("why").count(), text.matches("why").count());
                prop_assert_eq!(&layout(&text, &after), &text);
            }
        }
    }
}
