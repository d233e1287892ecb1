//! A TOML document as a tree that knows where everything stands.
//!
//! `toml_parser` reads the syntax; the tree is ours because that of `toml` takes longer for a large
//! policy than loading may take altogether: each of its tables is a B-tree.

mod build;
mod section;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use toml_parser::{ErrorSink, Expected, ParseError, Source, parser};

/// The bytes of a document from one place to another; there are many, so they are kept small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        // Files are smaller than that.
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Self { start: number(range.start), end: number(range.end) }
    }
}

impl Span {
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A key, decoded.
#[derive(Clone, Debug)]
pub(super) struct Key<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) span: Span,
}

/// A value and where it stands; a table with a header stands where the header does.
#[derive(Debug)]
pub(super) struct Value<'t> {
    pub(super) span: Span,
    pub(super) data: Data<'t>,
}

#[derive(Debug)]
pub(super) enum Data<'t> {
    String(Cow<'t, str>),
    /// As it is written.
    Integer(Cow<'t, str>),
    Boolean(bool),
    Float,
    Date,
    List(Vec<Value<'t>>),
    /// The tables of `[[key]]`.
    Tables(Vec<Value<'t>>),
    Table(Table<'t>),
}

/// The entries of a table, in the order of the document.
#[derive(Debug, Default)]
pub(super) struct Table<'t> {
    entries: Vec<(Key<'t>, Value<'t>)>,
    /// Where each key is, once there are many.
    places: BTreeMap<Cow<'t, str>, usize>,
    kind: Kind,
}

/// How a table came about, which decides on what may be added to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// By its own header, or it is the document.
    #[default]
    Header,
    /// By the header of a table in it.
    Implied,
    /// By a dotted key.
    Dotted,
    /// In braces: nothing may be added.
    Inline,
}

/// From so many entries on, keys are looked up and not searched for.
const MANY: usize = 8;

/// Inline tables and lists nest at most so deep.
const MOST_NESTED: u32 = 32;

/// A mistake in a document.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) span: Span,
    pub(super) message: String,
    /// Where a key stands that is there twice.
    pub(super) first: Option<Span>,
}

/// Reads a document; gives the mistakes in the order of their places, if there are any.
pub(super) fn parse(text: &str) -> Result<Table<'_>, Vec<Mistake>> {
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let mut errors: Vec<ParseError> = Vec::new();
    let mut sections = section::Sections::new(text);
    let mut checked = parser::ValidateWhitespace::new(&mut sections, source);
    let mut bounded = parser::RecursionGuard::new(&mut checked, MOST_NESTED);
    parser::parse_document(&tokens, &mut bounded, &mut errors as &mut dyn ErrorSink);
    let mut mistakes: Vec<Mistake> = errors.iter().map(Mistake::of).collect();
    if mistakes.is_empty() {
        let (table, repeated) = sections.finish();
        if repeated.is_empty() {
            return Ok(table);
        }
        mistakes = repeated;
    }
    mistakes.sort_by_key(|mistake| mistake.span.start);
    Err(mistakes)
}

impl Mistake {
    fn of(error: &ParseError) -> Self {
        let mut message = format!("this is no TOML: {}", error.description());
        for (index, expected) in error.expected().into_iter().flatten().enumerate() {
            message.push_str(if index == 0 { ", expected " } else { ", " });
            match expected {
                Expected::Literal("\n") => message.push_str("a newline"),
                Expected::Literal(text) => message.push_str(&format!("`{text}`")),
                Expected::Description(text) => message.push_str(text),
                _ => message.push_str("something else"),
            }
        }
        let span = error.unexpected().map_or(0..0, |span| span.start()..span.end());
        Self { span: span.into(), message, first: None }
    }

    /// A key that is there a second time.
    fn repeated(key: &Key<'_>, first: Span) -> Self {
        let message = format!("`{}` is there twice", key.text.escape_debug());
        Self { span: key.span, message, first: Some(first) }
    }
}

impl<'t> Table<'t> {
    fn new(kind: Kind) -> Self {
        Self { kind, ..Self::default() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Key<'t>, Value<'t>)> {
        self.entries.iter()
    }

    pub(super) fn get(&self, key: &str) -> Option<&(Key<'t>, Value<'t>)> {
        self.entries.get(self.place(key)?)
    }

    fn place(&self, key: &str) -> Option<usize> {
        if self.entries.len() < MANY {
            self.entries.iter().position(|(other, _)| other.text == key)
        } else {
            self.places.get(key).copied()
        }
    }

    /// Adds an entry whose key is not there yet.
    fn push(&mut self, key: Key<'t>, value: Value<'t>) {
        let place = self.entries.len();
        if place + 1 == MANY {
            self.places =
                self.iter().enumerate().map(|(place, (key, _))| (key.text.clone(), place)).collect();
        }
        if place + 1 >= MANY {
            self.places.insert(key.text.clone(), place);
        }
        self.entries.push((key, value));
    }

    /// The value of a key, which is made by `new` if it is not there yet.
    fn value_or(
        &mut self,
        key: &Key<'t>,
        new: impl FnOnce() -> Data<'t>,
    ) -> Option<&mut (Key<'t>, Value<'t>)> {
        let place = match self.place(&key.text) {
            Some(place) => place,
            None => {
                self.push(key.clone(), Value { span: key.span, data: new() });
                self.entries.len() - 1
            }
        };
        self.entries.get_mut(place)
    }
}

#[cfg(test)]
mod tests;
