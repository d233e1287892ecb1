//! From text to a syntax tree in which every part knows its place.

mod ast;
mod grammar;
mod layout;
mod lexer;
mod strings;

pub(super) use ast::{Ast, Ident, Node, Span};

use super::diagnostic::Diagnostic;

/// The longest text of a rule, in bytes.
pub(crate) const MAX_BYTES: usize = 4096;

/// How deeply parentheses, calls, lists, `!` and `? :` may stand in each other.
pub(crate) const MAX_NESTING: usize = 32;

/// Reads an expression of the language; names and types are not looked at.
pub(super) fn parse(source: &str) -> Result<Ast<'_>, Diagnostic> {
    if source.len() > MAX_BYTES {
        let message = format!("a rule has at most {MAX_BYTES} bytes, and this one has {}", source.len());
        let help = "say it with roles, or in several routes".to_owned();
        return Err(Diagnostic::new(0..source.len(), message).help(help));
    }
    let tokens = lexer::tokens(source)?;
    grammar::expression(&tokens, source.len())
}

/// The text of an expression with its blanks in order.
pub(super) fn format(source: &str) -> Result<String, Diagnostic> {
    // What is no expression is told, and not made to look like one.
    parse(source)?;
    let tokens = lexer::tokens(source)?;
    Ok(layout::layout(source, &tokens))
}
