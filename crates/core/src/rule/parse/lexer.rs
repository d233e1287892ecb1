//! From text to tokens.

use std::borrow::Cow;
use std::fmt;

use winnow::ascii::{digit1, hex_digit1, till_line_ending};
use winnow::combinator::{alt, delimited, opt, peek, preceded, repeat};
use winnow::error::{ErrMode, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::{any, one_of, take_while};

use super::ast::Span;
use super::strings;
use crate::rule::diagnostic::Diagnostic;
use crate::rule::literal::Quoted;

pub(super) type Input<'s> = LocatingSlice<&'s str>;
pub(super) type Read<T> = Result<T, ErrMode<Failure>>;

/// What a piece of text is, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind<'s>,
    pub(super) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind<'s> {
    /// A name or keyword.
    Word(&'s str),
    /// A field's name in backticks.
    Quoted(&'s str),
    Str(Cow<'s, str>),
    /// Without its sign.
    Int(u64),
    Symbol(&'s str),
}

/// Why reading stopped: a diagnosis, or nothing but the place while alternatives are tried.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    at: usize,
    diagnostic: Option<Box<Diagnostic>>,
}

/// Reads all tokens.
pub(super) fn tokens(source: &str) -> Result<Vec<Token<'_>>, Diagnostic> {
    if let Some((at, c)) = source.char_indices().find(|(_, c)| is_invisible(*c)) {
        let message = format!("the character U+{:04X} cannot be seen", u32::from(c));
        let help = Quoted(c.encode_utf8(&mut [0; 4])).to_string();
        let help = format!("if it is meant, write it in a string as `{}`", help.trim_matches('"'));
        return Err(Diagnostic::new(at..at + c.len_utf8(), message).help(help));
    }
    let mut input = LocatingSlice::new(source);
    let mut tokens = Vec::with_capacity(source.len() / 4);
    loop {
        skipped(&mut input).map_err(Failure::diagnosis)?;
        if input.is_empty() {
            return Ok(tokens);
        }
        let start = input.current_token_start();
        let kind = kind(&mut input).map_err(Failure::diagnosis)?;
        tokens.push(Token { kind, span: start..input.current_token_start() });
    }
}

/// Blanks, line breaks and comments.
fn skipped(input: &mut Input<'_>) -> Read<()> {
    let blanks = take_while(1.., [' ', '\t', '\n', '\r']).void();
    let comment = ("//", till_line_ending).void();
    repeat::<_, _, (), _, _>(0.., alt((blanks, comment))).parse_next(input)
}

/// What could make a text look like another one: control characters, and what turns or hides text.
fn is_invisible(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn kind<'s>(input: &mut Input<'s>) -> Read<Kind<'s>> {
    alt((
        strings::string.map(Kind::Str),
        word.map(Kind::Word),
        integer.map(Kind::Int),
        quoted.map(Kind::Quoted),
        symbol.map(Kind::Symbol),
        foreign,
    ))
    .parse_next(input)
}

fn word<'s>(input: &mut Input<'s>) -> Read<&'s str> {
    (one_of(|c: char| c.is_ascii_alphabetic() || c == '_'), take_while(0.., is_word)).take().parse_next(input)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A field's name that is no word, as CEL has it.
fn quoted<'s>(input: &mut Input<'s>) -> Read<&'s str> {
    let name = take_while(1.., |c: char| is_word(c) || matches!(c, '.' | '-' | '/' | ' '));
    let start = input.current_token_start();
    preceded(peek('`'), opt(delimited('`', name, '`'))).parse_next(input)?.ok_or_else(|| {
        let message =
            "between backticks stands a field's name of letters, digits, `.`, `-`, `/`, `_` and blanks";
        cut(start..start + 1, message)
    })
}

fn integer(input: &mut Input<'_>) -> Read<u64> {
    let start = input.current_token_start();
    let hexadecimal = preceded(alt(("0x", "0X")), hex_digit1).map(|digits| u64::from_str_radix(digits, 16));
    let number = alt((hexadecimal, digit1.map(str::parse))).parse_next(input)?;
    let tail = alt((('.', digit1).take(), take_while(1.., is_word)));
    if let Some(tail) = opt(tail).parse_next(input)? {
        let span = start..input.current_token_start();
        return Err(match tail {
            "u" | "U" => {
                cut(span, "unsigned integers are not part of the language").advise("leave out the `u`")
            }
            _ if tail.starts_with(['.', 'e', 'E']) => cut(span, "fractions are not part of the language"),
            _ => cut(span, "this is neither a number nor a name"),
        });
    }
    number.map_err(|_| cut(start..input.current_token_start(), "this number does not fit into 64 bits"))
}

fn symbol<'s>(input: &mut Input<'s>) -> Read<&'s str> {
    let single = one_of(['(', ')', '[', ']', ',', '.', '!', '<', '>', '?', ':', '-']);
    alt(("&&", "||", "==", "!=", "<=", ">=", single.take())).parse_next(input)
}

/// What is no token: most of it is known from elsewhere, so say how it is written here.
fn foreign<'s>(input: &mut Input<'s>) -> Read<Kind<'s>> {
    let start = input.current_token_start();
    let c = any.parse_next(input)?;
    let span = start..input.current_token_start();
    Err(match c {
        '=' => cut(span, "`=` is no operator").advise("compare with `==`"),
        '&' => cut(span, "`&` is no operator").advise("write `&&`"),
        '|' => cut(span, "`|` is no operator").advise("write `||`"),
        '+' | '*' | '/' | '%' => cut(span, "arithmetic is not part of the language"),
        '{' | '}' => cut(span, "maps and messages are not part of the language"),
        '“' | '”' | '„' | '‘' | '’' | '«' | '»' => {
            cut(span, format!("`{c}` does not begin a string")).advise("write `\"` or `'`")
        }
        c => cut(span, format!("`{}` means nothing here", c.escape_debug())),
    })
}

/// An error that no alternative can mend.
pub(super) fn cut(span: Span, message: impl Into<String>) -> ErrMode<Failure> {
    let at = span.start;
    ErrMode::Cut(Failure { at, diagnostic: Some(Box::new(Diagnostic::new(span, message))) })
}

pub(super) trait Advise {
    /// Adds what to do.
    fn advise(self, help: impl Into<String>) -> Self;
}

impl Advise for ErrMode<Failure> {
    fn advise(self, help: impl Into<String>) -> Self {
        let help = help.into();
        self.map(|Failure { at, diagnostic }| Failure {
            at,
            diagnostic: diagnostic.map(|diagnostic| Box::new(diagnostic.help(help))),
        })
    }
}

impl Failure {
    pub(super) fn diagnosis(failure: ErrMode<Self>) -> Diagnostic {
        match failure.into_inner() {
            Ok(Self { diagnostic: Some(diagnostic), .. }) => *diagnostic,
            Ok(Self { at, .. }) => Diagnostic::new(at..at, "this cannot be read"),
            // Only a text that comes in pieces could be incomplete.
            Err(_) => Diagnostic::new(0..0, "this cannot be read"),
        }
    }
}

impl<I: Stream + Location> ParserError<I> for Failure {
    type Inner = Self;

    fn from_input(input: &I) -> Self {
        Self { at: input.current_token_start(), diagnostic: None }
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

/// The token as a message names it.
impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Word(word) | Kind::Symbol(word) => write!(f, "`{word}`"),
            Kind::Quoted(name) => write!(f, "the name `{name}`"),
            Kind::Str(_) => f.write_str("a string"),
            Kind::Int(number) => write!(f, "`{number}`"),
        }
    }
}

impl Location for Token<'_> {
    fn previous_token_end(&self) -> usize {
        self.span.end
    }

    fn current_token_start(&self) -> usize {
        self.span.start
    }
}
