//! From the parser's events to sections: what stands under one header.

use std::borrow::Cow;

use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::parser::EventReceiver;
use toml_parser::{ErrorSink, Raw, Span as Bytes};

use super::build;
use super::{Data, Key, Kind, Mistake, Span, Table, Value};

/// What stands under one header.
#[derive(Debug, Default)]
pub(super) struct Section<'t> {
    /// Empty for what comes before the first header.
    pub(super) path: Vec<Key<'t>>,
    pub(super) is_element: bool,
    pub(super) span: Span,
    pub(super) table: Table<'t>,
}

/// Collects the sections of a document.
pub(super) struct Sections<'t> {
    text: &'t str,
    /// What the finished sections have become.
    root: Table<'t>,
    current: Section<'t>,
    in_header: bool,
    /// The key of the value to come.
    keys: Vec<Key<'t>>,
    /// The lists and inline tables that are open.
    open: Vec<Open<'t>>,
    mistakes: Vec<Mistake>,
}

enum Open<'t> {
    List(Span, Vec<Value<'t>>),
    Inline(Span, Table<'t>, Vec<Key<'t>>),
}

impl<'t> Sections<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            root: Table::default(),
            current: Section::default(),
            in_header: false,
            keys: Vec::new(),
            open: Vec::new(),
            mistakes: Vec::new(),
        }
    }

    /// The document, and the keys that are there twice in it.
    pub(super) fn finish(mut self) -> (Table<'t>, Vec<Mistake>) {
        self.close();
        (self.root, self.mistakes)
    }

    fn close(&mut self) {
        let section = std::mem::take(&mut self.current);
        if let Err(mistake) = build::add(&mut self.root, section) {
            self.mistakes.push(mistake);
        }
    }

    fn raw(&self, span: Bytes, encoding: Option<Encoding>) -> Raw<'t> {
        let text = self.text.get(span.start()..span.end()).unwrap_or_default();
        Raw::new_unchecked(text, encoding, span)
    }

    fn begin(&mut self, span: Bytes, is_element: bool) {
        self.close();
        self.current =
            Section { is_element, span: known(span), path: Vec::with_capacity(1), ..Section::default() };
        self.in_header = true;
    }

    fn end_header(&mut self, span: Bytes) {
        self.current.span.end = known(span).end;
        self.in_header = false;
    }

    /// Puts a value where it belongs: in the list, the inline table or the section that is open.
    fn place(&mut self, value: Value<'t>) {
        match self.open.last_mut() {
            Some(Open::List(_, list)) => list.push(value),
            Some(Open::Inline(_, table, keys)) => insert(table, keys, value, &mut self.mistakes),
            None => insert(&mut self.current.table, &mut self.keys, value, &mut self.mistakes),
        }
    }
}

fn known(span: Bytes) -> Span {
    (span.start()..span.end()).into()
}

/// Adds a value under a dotted key, which is used up.
fn insert<'t>(table: &mut Table<'t>, keys: &mut Vec<Key<'t>>, value: Value<'t>, mistakes: &mut Vec<Mistake>) {
    let Some(last) = keys.pop() else { return };
    let mut table = table;
    for key in keys.drain(..) {
        let Some((first, Value { data, .. })) =
            table.value_or(&key, || Data::Table(Table::new(Kind::Dotted)))
        else {
            return;
        };
        match data {
            // Dotted keys add to tables of dotted keys in the same section, and to nothing else.
            Data::Table(inner) if inner.kind == Kind::Dotted => table = inner,
            _ => {
                mistakes.push(Mistake::repeated(&key, first.span));
                return;
            }
        }
    }
    match table.get(&last.text) {
        Some((first, _)) => mistakes.push(Mistake::repeated(&last, first.span)),
        None => table.push(last, value),
    }
}

impl EventReceiver for Sections<'_> {
    fn std_table_open(&mut self, span: Bytes, _: &mut dyn ErrorSink) {
        self.begin(span, false);
    }

    fn std_table_close(&mut self, span: Bytes, _: &mut dyn ErrorSink) {
        self.end_header(span);
    }

    fn array_table_open(&mut self, span: Bytes, _: &mut dyn ErrorSink) {
        self.begin(span, true);
    }

    fn array_table_close(&mut self, span: Bytes, _: &mut dyn ErrorSink) {
        self.end_header(span);
    }

    fn inline_table_open(&mut self, span: Bytes, _: &mut dyn ErrorSink) -> bool {
        self.open.push(Open::Inline(known(span), Table::new(Kind::Inline), Vec::new()));
        true
    }

    fn inline_table_close(&mut self, span: Bytes, _: &mut dyn ErrorSink) {
        if let Some(Open::Inline(start, table, _)) = self.open.pop() {
            self.place(Value { span: Span { end: known(span).end, ..start }, data: Data::Table(table) });
        }
    }

    fn array_open(&mut self, span: Bytes, _: &mut dyn ErrorSink) -> bool {
        self.open.push(Open::List(known(span), Vec::new()));
        true
    }

    fn array_close(&mut self, span: Bytes, _: &mut dyn ErrorSink) {
        if let Some(Open::List(start, list)) = self.open.pop() {
            self.place(Value { span: Span { end: known(span).end, ..start }, data: Data::List(list) });
        }
    }

    fn simple_key(&mut self, span: Bytes, encoding: Option<Encoding>, errors: &mut dyn ErrorSink) {
        let mut text = Cow::Borrowed("");
        self.raw(span, encoding).decode_key(&mut text, errors);
        let key = Key { text, span: known(span) };
        match self.open.last_mut() {
            Some(Open::Inline(_, _, keys)) => keys.push(key),
            _ if self.in_header => self.current.path.push(key),
            _ => self.keys.push(key),
        }
    }

    fn scalar(&mut self, span: Bytes, encoding: Option<Encoding>, errors: &mut dyn ErrorSink) {
        let mut text = Cow::Borrowed("");
        let data = match self.raw(span, encoding).decode_scalar(&mut text, errors) {
            ScalarKind::String => Data::String(text),
            ScalarKind::Integer(_) => Data::Integer(self.raw(span, None).as_str().into()),
            ScalarKind::Boolean(value) => Data::Boolean(value),
            ScalarKind::DateTime => Data::Date,
            ScalarKind::Float => Data::Float,
        };
        self.place(Value { span: known(span), data });
    }
}
