//! Reads the keys of a table, and complains about those that nobody asked for.

use std::ops::Range;

use portcullis_core::rule::Diagnostic;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and where it stands.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// What a value should have been, and what to do about it.
pub(super) struct Fault {
    /// The predicate of a sentence about the key: `must be a string`.
    pub(super) message: String,
    pub(super) help: String,
}

/// What reads a value.
pub(super) type Read<T> = fn(&DeValue<'_>) -> Result<T, Fault>;

/// A table that is being read.
pub(super) struct Table<'t> {
    /// What to call it in messages, in backticks if it is written so in the file.
    name: &'static str,
    table: &'t DeTable<'t>,
    span: Range<usize>,
    asked: Vec<&'static str>,
    missing: Vec<(&'static str, &'static str)>,
}

impl<'t> Table<'t> {
    pub(super) fn new(name: &'static str, table: &'t DeTable<'t>, span: Range<usize>) -> Self {
        Self { name, table, span, asked: Vec::new(), missing: Vec::new() }
    }

    /// A value that has to be a table.
    pub(super) fn of(
        name: &'static str,
        value: &'t Value<'t>,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(table) => Some(Self::new(name, table, value.span())),
            other => {
                let message = format!("{name} must be a table, not {}", kind(other));
                mistakes.push(Diagnostic::new(value.span(), message));
                None
            }
        }
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(super) fn value(&mut self, key: &'static str) -> Option<&'t Value<'t>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// A value that may be there.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        read: Read<T>,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Option<T> {
        let value = self.value(key)?;
        one(&format!("`{key}`"), value, read, mistakes)
    }

    /// A value that must be there, with an example of how to write it.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        example: &'static str,
        read: Read<T>,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Option<T> {
        if !self.table.contains_key(key) {
            self.missing.push((key, example));
        }
        self.optional(key, read, mistakes)
    }

    /// The values of a list; none if it is not there.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        read: Read<T>,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Vec<T> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let what = format!("each entry of `{key}`");
        match value.get_ref() {
            DeValue::Array(list) => {
                list.iter().filter_map(|value| one(&what, value, read, mistakes)).collect()
            }
            other => {
                let message = format!("`{key}` must be a list, not {}", kind(other));
                mistakes
                    .push(Diagnostic::new(value.span(), message).help(format!("write `{key} = [\"..\"]`")));
                Vec::new()
            }
        }
    }

    /// A table that may be there.
    pub(super) fn table(
        &mut self,
        key: &'static str,
        name: &'static str,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Option<Table<'t>> {
        Table::of(name, self.value(key)?, mistakes)
    }

    /// A list of tables; none if it is not there.
    pub(super) fn tables(
        &mut self,
        key: &'static str,
        name: &'static str,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Vec<Table<'t>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        match value.get_ref() {
            DeValue::Array(list) => {
                list.iter().filter_map(|value| Table::of(name, value, mistakes)).collect()
            }
            other => {
                let message = format!("`{key}` must be a list of tables, not {}", kind(other));
                mistakes.push(Diagnostic::new(value.span(), message).help(format!("write `[[{key}]]`")));
                Vec::new()
            }
        }
    }

    /// A table that must be there, with an example of its first line.
    pub(super) fn required_table(
        &mut self,
        key: &'static str,
        name: &'static str,
        example: &'static str,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Option<Table<'t>> {
        if !self.table.contains_key(key) {
            self.missing.push((key, example));
        }
        self.table(key, name, mistakes)
    }

    /// Reports every key that was not asked for, and every one that is missing.
    pub(super) fn finish(self, mistakes: &mut Vec<Diagnostic>) {
        let unknown = self.table.keys().filter(|key| !self.asked.contains(&&**key.get_ref()));
        let before = mistakes.len();
        for key in unknown {
            let message = format!("{} has no key `{}`", self.name, key.get_ref().escape_debug());
            mistakes.push(Diagnostic::new(key.span(), message).expected(key.get_ref(), &self.asked));
        }
        let is_meant = |key: &str| {
            let guess = format!("did you mean `{key}`?");
            mistakes.iter().skip(before).any(|mistake| mistake.advice() == Some(&guess))
        };
        // A mistyped key is one mistake, not two.
        let missing: Vec<_> = self.missing.iter().filter(|(key, _)| !is_meant(key)).collect();
        for (key, example) in missing {
            let message = format!("{} has no `{key}`", self.name);
            let help = format!("add a line such as `{example}`");
            mistakes.push(Diagnostic::new(self.span.clone(), message).help(help));
        }
    }
}

/// Reads a value, and reports what is wrong with it.
pub(super) fn one<T>(
    what: &str,
    value: &Value<'_>,
    read: Read<T>,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<T> {
    match read(value.get_ref()) {
        Ok(value) => Some(value),
        Err(Fault { message, help }) => {
            mistakes.push(Diagnostic::new(value.span(), format!("{what} {message}")).help(help));
            None
        }
    }
}

pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
