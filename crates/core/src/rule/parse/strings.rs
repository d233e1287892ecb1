//! String literals with CEL's quotes and escapes.

use std::borrow::Cow;

use winnow::combinator::{alt, dispatch, empty, fail, opt, peek};
use winnow::prelude::*;
use winnow::stream::Location;
use winnow::token::{any, one_of, take_while};

use super::lexer::{Advise, Input, Read, cut};

/// `"…"` or `'…'`, or three of either around several lines; raw after an `r`.
pub(super) fn string<'s>(input: &mut Input<'s>) -> Read<Cow<'s, str>> {
    let start = input.current_token_start();
    let letter = || opt(one_of(['r', 'R', 'b', 'B']));
    let (prefix, _) = ((letter(), letter()).take(), peek(one_of(['"', '\'']))).parse_next(input)?;
    let quotes: &str = alt(("\"\"\"", "'''", "\"", "'")).parse_next(input)?;
    let begin = input.current_token_start();
    if prefix.contains(['b', 'B']) {
        return Err(cut(start..begin, "bytes are not part of the language").advise("leave out the `b`"));
    }
    content(input, quotes, !prefix.is_empty())?.ok_or_else(|| {
        let help = if quotes.len() == 1 {
            format!("close it with `{quotes}` on the same line; a line break in it is written `\\n`")
        } else {
            format!("close it with `{quotes}`")
        };
        cut(start..begin, "this string does not end").advise(help)
    })
}

/// What stands before the closing quotes; `None` if there are none.
fn content<'s>(input: &mut Input<'s>, quotes: &str, is_raw: bool) -> Read<Option<Cow<'s, str>>> {
    let may_break = quotes.len() == 3;
    let ends = |c: char| quotes.starts_with(c) || c == '\\' || (!may_break && matches!(c, '\n' | '\r'));
    let mut text = Cow::Borrowed(take_while(0.., |c| !ends(c)).parse_next(input)?);
    loop {
        if opt(quotes).parse_next(input)?.is_some() {
            return Ok(Some(text));
        }
        match opt(peek(any)).parse_next(input)? {
            None | Some('\n' | '\r') => return Ok(None),
            Some('\\') if !is_raw => text.to_mut().push(escape(input)?),
            // A backslash of a raw string, or one quote where three would close.
            Some(_) => text.to_mut().push(any.parse_next(input)?),
        }
        let stretch = take_while(0.., |c| !ends(c)).parse_next(input)?;
        if !stretch.is_empty() {
            text.to_mut().push_str(stretch);
        }
    }
}

fn escape(input: &mut Input<'_>) -> Read<char> {
    let start = input.current_token_start();
    let escaped = dispatch! { any;
        'a' => empty.value('\u{7}'),
        'b' => empty.value('\u{8}'),
        'f' => empty.value('\u{c}'),
        'n' => empty.value('\n'),
        'r' => empty.value('\r'),
        't' => empty.value('\t'),
        'v' => empty.value('\u{b}'),
        c @ ('\\' | '?' | '"' | '\'' | '`') => empty.value(c),
        'x' | 'X' => code(2, 16),
        'u' => code(4, 16),
        'U' => code(8, 16),
        _ => fail,
    };
    let octal = ('\\', peek(one_of('0'..='3')), code(3, 8)).map(|(_, _, c)| c);
    let read = opt(alt((octal, ('\\', escaped).map(|(_, c)| c)))).parse_next(input)?;
    read.ok_or_else(|| {
        cut(start..start + 1, "this escape is not part of the language")
            .advise("write a backslash as `\\\\`, or the string as `r\"…\"`")
    })
}

/// The character whose number has exactly so many digits.
fn code<'s>(
    digits: usize,
    radix: u32,
) -> impl Parser<Input<'s>, char, winnow::error::ErrMode<super::lexer::Failure>> {
    take_while(digits..=digits, move |c: char| c.is_digit(radix))
        .verify_map(move |number| u32::from_str_radix(number, radix).ok().and_then(char::from_u32))
}

#[cfg(test)]
mod tests {
    use crate::rule::parse::lexer::{Kind, tokens};

    fn string(source: &str) -> Result<String, String> {
        match tokens(source) {
            Ok(tokens) => match tokens.as_slice() {
                [token] => match &token.kind {
                    Kind::Str(text) => Ok(text.to_string()),
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            },
            Err(diagnostic) => Err(format!("{:?} {}", diagnostic.span(), diagnostic.message())),
        }
    }

    #[test]
    fn quotes_and_escapes_are_those_of_cel() {
        for (source, text) in [
            (r#""""#, ""),
            ("''", ""),
            (r#""a'b""#, "a'b"),
            (r#"'a"b'"#, "a\"b"),
            (r#""\a\b\f\n\r\t\v\\\?\"\'\`""#, "\u{7}\u{8}\u{c}\n\r\t\u{b}\\?\"'`"),
            (r#""\x41\X41\u00e9\U0001F980\101\377""#, "AAé🦀Aÿ"),
            (r#"r"a\n\d""#, r"a\n\d"),
            (r#"R'\'"#, r"\"),
            ("\"\"\"a\nb\"\"\"", "a\nb"),
            ("'''a'b''c\\''''", "a'b''c'"),
            (r#"r"""a"\b""""#, r#"a"\b"#),
            ("\"\"\"\"\"\"", ""),
        ] {
            assert_eq!(string(source).as_deref(), Ok(text), "{source}");
        }
    }

    #[test]
    fn what_does_not_end_or_has_odd_escapes_is_refused() {
        let escape = "this escape is not part of the language";
        let unclosed = "this string does not end";
        for (source, error) in [
            (r#""a\q""#, format!("2..3 {escape}")),
            (r#""\x4""#, format!("1..2 {escape}")),
            (r#""\ud800""#, format!("1..2 {escape}")),
            (r#""\U00110000""#, format!("1..2 {escape}")),
            (r#""\400""#, format!("1..2 {escape}")),
            (r#""\0""#, format!("1..2 {escape}")),
            (r#""\u{41}""#, format!("1..2 {escape}")),
            (r#""abc"#, format!("0..1 {unclosed}")),
            (r#""abc\""#, format!("0..1 {unclosed}")),
            ("\"a\nb\"", format!("0..1 {unclosed}")),
            ("'a\rb'", format!("0..1 {unclosed}")),
            ("r'''a''", format!("0..4 {unclosed}")),
            (r#"b"a""#, "0..2 bytes are not part of the language".into()),
            (r#"Rb'''a'''"#, "0..5 bytes are not part of the language".into()),
        ] {
            assert_eq!(string(source), Err(error), "{source}");
        }
    }
}
