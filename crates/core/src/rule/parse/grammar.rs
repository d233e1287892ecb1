//! The grammar: CEL's, without what this language leaves out.

use winnow::combinator::{Infix, expression as precedence, fail, opt, peek};
use winnow::error::ErrMode;
use winnow::prelude::*;
use winnow::stream::{Stateful, TokenSlice};
use winnow::token::any;

use super::MAX_NESTING;
use super::ast::{Ast, Ident, Node, Span};
use super::lexer::{Advise, Failure, Kind, Read, Token, cut};
use crate::rule::diagnostic::Diagnostic;
use crate::rule::expr::Relation;
use crate::rule::fact::KEYWORDS;

type Input<'t, 's> = Stateful<TokenSlice<'t, Token<'s>>, State>;

#[derive(Clone, Copy, Debug)]
struct State {
    /// How many parentheses, calls and so on are open.
    nesting: usize,
    /// Where the text ends.
    end: usize,
}

/// The longest path is `subject.all.CN.exists(..)`; more fields in a row are not worth a stack frame each.
const MAX_LINKS: usize = 4;

/// Reads tokens that are one whole expression.
pub(super) fn expression<'s>(tokens: &[Token<'s>], end: usize) -> Result<Ast<'s>, Diagnostic> {
    let mut input = Stateful { input: TokenSlice::new(tokens), state: State { nesting: 0, end } };
    let ast = conditional(&mut input).map_err(Failure::diagnosis)?;
    match input.first() {
        None => Ok(ast),
        Some(token) => Err(Failure::diagnosis(unexpected_behind(token))),
    }
}

fn conditional<'s>(input: &mut Input<'_, 's>) -> Read<Ast<'s>> {
    let condition = operators(input)?;
    let Some(question) = accept(input, "?") else { return Ok(condition) };
    nested(input, question.clone(), |input| {
        let then = operators(input)?;
        expect(input, ":", &question)?;
        let otherwise = conditional(input)?;
        let span = condition.span.start..otherwise.span.end;
        Ok(Ast { node: Node::Conditional(Box::new([condition, then, otherwise])), span })
    })
}

/// Everything that binds more tightly than `? :`.
fn operators<'s>(input: &mut Input<'_, 's>) -> Read<Ast<'s>> {
    let ast = precedence(unary).infix(infix).parse_next(input)?;
    match opt(peek(infix)).parse_next(input)? {
        // All others would have been taken.
        Some(_) => Err(cut(next_span(input), "comparisons do not chain")
            .advise("write `a < b && b < c`, or put one of them in parentheses")),
        None => Ok(ast),
    }
}

fn infix<'t, 's>(input: &mut Input<'t, 's>) -> Read<Infix<Input<'t, 's>, Ast<'s>, ErrMode<Failure>>> {
    macro_rules! relation {
        ($relation:ident) => {
            Infix::Neither(3, |_, a, b| Ok(pair(a, b, |pair| Node::Relation(Relation::$relation, pair))))
        };
    }
    let token = any.parse_next(input)?;
    let (Kind::Symbol(text) | Kind::Word(text)) = token.kind else { return fail(input) };
    Ok(match text {
        "||" => Infix::Left(1, |_, a, b| Ok(chain(a, b, false))),
        "&&" => Infix::Left(2, |_, a, b| Ok(chain(a, b, true))),
        "==" => relation!(Equal),
        "!=" => relation!(NotEqual),
        "<" => relation!(Less),
        "<=" => relation!(LessOrEqual),
        ">" => relation!(Greater),
        ">=" => relation!(GreaterOrEqual),
        "in" => Infix::Neither(3, |_, a, b| Ok(pair(a, b, Node::In))),
        _ => return fail(input),
    })
}

fn pair<'s>(a: Ast<'s>, b: Ast<'s>, node: impl FnOnce(Box<[Ast<'s>; 2]>) -> Node<'s>) -> Ast<'s> {
    let span = a.span.start..b.span.end;
    Ast { node: node(Box::new([a, b])), span }
}

/// Long chains stay flat: their length is no depth.
fn chain<'s>(a: Ast<'s>, b: Ast<'s>, conjunction: bool) -> Ast<'s> {
    let span = a.span.start..b.span.end;
    let node = match (a.node, conjunction) {
        (Node::And(mut parts), true) => {
            parts.push(b);
            Node::And(parts)
        }
        (Node::Or(mut parts), false) => {
            parts.push(b);
            Node::Or(parts)
        }
        (node, true) => Node::And(vec![Ast { node, span: a.span }, b]),
        (node, false) => Node::Or(vec![Ast { node, span: a.span }, b]),
    };
    Ast { node, span }
}

fn unary<'s>(input: &mut Input<'_, 's>) -> Read<Ast<'s>> {
    if let Some(not) = accept(input, "!") {
        return nested(input, not.clone(), |input| {
            let operand = unary(input)?;
            let span = not.start..operand.span.end;
            Ok(Ast { node: Node::Not(Box::new(operand)), span })
        });
    }
    if let Some(minus) = accept(input, "-") {
        return negative(input, minus);
    }
    member(input)
}

fn negative<'s>(input: &mut Input<'_, 's>, minus: Span) -> Read<Ast<'s>> {
    match opt(any).parse_next(input)? {
        Some(Token { kind: Kind::Int(number), span }) => {
            let span = minus.start..span.end;
            let value = 0_i64.checked_sub_unsigned(*number).ok_or_else(|| too_large(span.clone()))?;
            Ok(Ast { node: Node::Int(value), span })
        }
        _ => Err(cut(minus, "arithmetic is not part of the language")),
    }
}

fn too_large(span: Span) -> ErrMode<Failure> {
    cut(span, "this number does not fit into 64 bits")
}

/// A value, with its fields and methods.
fn member<'s>(input: &mut Input<'_, 's>) -> Read<Ast<'s>> {
    let mut ast = primary(input)?;
    let mut links = 0;
    loop {
        if let Some(bracket) = accept(input, "[") {
            return Err(cut(bracket, "indexing is not part of the language")
                .advise("ask with `in`, `exists` or `all`"));
        }
        let Some(dot) = accept(input, ".") else { return Ok(ast) };
        links += 1;
        if links > MAX_LINKS {
            return Err(cut(dot, "nothing has so many fields"));
        }
        let name = field(input)?;
        let start = ast.span.start;
        ast = match accept(input, "(") {
            Some(open) => {
                let (arguments, close) = items(input, open, ")")?;
                let node = Node::Call { receiver: Some(Box::new(ast)), function: name, arguments };
                Ast { node, span: start..close.end }
            }
            None => {
                let span = start..name.span.end;
                Ast { node: Node::Field(Box::new(ast), name), span }
            }
        };
    }
}

fn field<'s>(input: &mut Input<'_, 's>) -> Read<Ident<'s>> {
    match opt(any).parse_next(input)? {
        Some(Token { kind: Kind::Word(word), span }) if KEYWORDS.contains(word) => {
            Err(cut(span.clone(), format!("the keyword `{word}` names no field"))
                .advise(format!("write it in backticks: ``.`{word}` ``")))
        }
        Some(Token { kind: Kind::Word(text) | Kind::Quoted(text), span }) => {
            Ok(Ident { text, span: span.clone() })
        }
        Some(token) => {
            Err(cut(token.span.clone(), format!("expected a field's name after `.`, found {token}")))
        }
        None => Err(ends_early(input, "a field's name")),
    }
}

fn primary<'s>(input: &mut Input<'_, 's>) -> Read<Ast<'s>> {
    let Some(token) = opt(any).parse_next(input)? else {
        return Err(ends_early(input, "a condition or a value"));
    };
    let span = token.span.clone();
    let node = match &token.kind {
        Kind::Str(text) => Node::Str(text.clone()),
        Kind::Int(number) => Node::Int(i64::try_from(*number).map_err(|_| too_large(span.clone()))?),
        Kind::Word("true") => Node::Bool(true),
        Kind::Word("false") => Node::Bool(false),
        Kind::Word("null") => {
            return Err(cut(span, "`null` is not part of the language").advise("ask with `has(..)`"));
        }
        Kind::Word(word) if *word != "in" => return name(input, word, span),
        Kind::Symbol("(") => {
            return nested(input, span.clone(), |input| {
                let inner = conditional(input)?;
                let close = expect(input, ")", &span)?;
                Ok(Ast { node: inner.node, span: span.start..close.end })
            });
        }
        Kind::Symbol("[") => {
            let (items, close) = items(input, span.clone(), "]")?;
            return Ok(Ast { node: Node::List(items), span: span.start..close.end });
        }
        _ => {
            return Err(cut(span, format!("expected a condition or a value, found {token}")));
        }
    };
    Ok(Ast { node, span })
}

fn name<'s>(input: &mut Input<'_, 's>, text: &'s str, span: Span) -> Read<Ast<'s>> {
    let ident = Ident { text, span: span.clone() };
    match accept(input, "(") {
        Some(open) => {
            let (arguments, close) = items(input, open, ")")?;
            let node = Node::Call { receiver: None, function: ident, arguments };
            Ok(Ast { node, span: span.start..close.end })
        }
        None if text == "not" => Err(cut(span, "`not` is no operator").advise("write `!`")),
        None => Ok(Ast { node: Node::Name(ident), span }),
    }
}

/// Expressions with commas between them, and where the closing bracket is.
fn items<'s>(input: &mut Input<'_, 's>, open: Span, close: &'static str) -> Read<(Vec<Ast<'s>>, Span)> {
    nested(input, open.clone(), |input| {
        let mut items = Vec::new();
        loop {
            // In lists a comma may stand behind the last one.
            if (items.is_empty() || close == "]")
                && let Some(close) = accept(input, close)
            {
                return Ok((items, close));
            }
            items.push(conditional(input)?);
            if accept(input, ",").is_none() {
                let close = expect(input, close, &open)?;
                return Ok((items, close));
            }
        }
    })
}

/// Counts what is open, because every level takes room on the stack.
fn nested<'t, 's, T>(
    input: &mut Input<'t, 's>,
    at: Span,
    parser: impl FnOnce(&mut Input<'t, 's>) -> Read<T>,
) -> Read<T> {
    if input.state.nesting == MAX_NESTING {
        return Err(cut(at, format!("this is nested more than {MAX_NESTING} deep")));
    }
    input.state.nesting += 1;
    let read = parser(input);
    input.state.nesting -= 1;
    read
}

fn accept(input: &mut Input<'_, '_>, symbol: &str) -> Option<Span> {
    let token = input.first().filter(|token| token.kind == Kind::Symbol(symbol))?;
    let span = token.span.clone();
    let taken: Read<_> = any.void().parse_next(input);
    taken.ok().map(|()| span)
}

/// The symbol that belongs to what was opened.
fn expect(input: &mut Input<'_, '_>, symbol: &'static str, open: &Span) -> Read<Span> {
    accept(input, symbol).ok_or_else(|| match input.first() {
        Some(token) => misplaced(token)
            .unwrap_or_else(|| cut(token.span.clone(), format!("expected `{symbol}`, found {token}"))),
        None => cut(open.clone(), format!("the `{symbol}` that belongs to this is missing")),
    })
}

fn unexpected_behind(token: &Token<'_>) -> ErrMode<Failure> {
    misplaced(token).unwrap_or_else(|| {
        cut(token.span.clone(), format!("expected an operator such as `&&`, or the end, found {token}"))
    })
}

/// What other languages would have behind an expression.
fn misplaced(token: &Token<'_>) -> Option<ErrMode<Failure>> {
    let span = token.span.clone();
    let wrong = |advice: &str| cut(span.clone(), format!("{token} is no operator")).advise(advice);
    match token.kind {
        Kind::Word("and" | "AND") => Some(wrong("write `&&`")),
        Kind::Word("or" | "OR") => Some(wrong("write `||`")),
        Kind::Word("is" | "eq") => Some(wrong("write `==`")),
        Kind::Word("not") => Some(wrong("write `!(x in y)` for `x not in y`")),
        Kind::Word(word @ ("startsWith" | "endsWith" | "contains" | "matches" | "has")) => {
            Some(wrong(&format!("write `x.{word}(y)`")))
        }
        Kind::Symbol("-") => Some(cut(span, "arithmetic is not part of the language")),
        Kind::Symbol(")" | "]") => Some(cut(span.clone(), format!("{token} closes nothing"))),
        _ => None,
    }
}

fn ends_early(input: &Input<'_, '_>, missing: &str) -> ErrMode<Failure> {
    cut(next_span(input), format!("expected {missing}, found the end"))
}

fn next_span(input: &Input<'_, '_>) -> Span {
    input.first().map_or(input.state.end..input.state.end, |token| token.span.clone())
}
