//! The syntax tree.

use std::borrow::Cow;
use std::ops::Range;

use crate::rule::expr::Relation;

/// A range of bytes of the text.
pub(in crate::rule) type Span = Range<usize>;

/// A part of an expression, and where it stands.
#[derive(Clone, Debug)]
pub(in crate::rule) struct Ast<'s> {
    pub(in crate::rule) node: Node<'s>,
    pub(in crate::rule) span: Span,
}

#[derive(Clone, Debug)]
pub(in crate::rule) enum Node<'s> {
    Bool(bool),
    Int(i64),
    Str(Cow<'s, str>),
    List(Vec<Ast<'s>>),
    Name(Ident<'s>),
    Field(Box<Ast<'s>>, Ident<'s>),
    Call { receiver: Option<Box<Ast<'s>>>, function: Ident<'s>, arguments: Vec<Ast<'s>> },
    Not(Box<Ast<'s>>),
    And(Vec<Ast<'s>>),
    Or(Vec<Ast<'s>>),
    Relation(Relation, Box<[Ast<'s>; 2]>),
    In(Box<[Ast<'s>; 2]>),
    Conditional(Box<[Ast<'s>; 3]>),
}

/// A name, and where it stands.
#[derive(Clone, Debug)]
pub(in crate::rule) struct Ident<'s> {
    pub(in crate::rule) text: &'s str,
    pub(in crate::rule) span: Span,
}
