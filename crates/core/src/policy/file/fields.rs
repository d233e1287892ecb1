//! Reads the keys of a table, and complains about those that cannot be there or are missing.

use super::document::{Data, Key, Span, Table, Value};
use super::text::{Text, origin};
use crate::policy::report::{Origin, Report};
use crate::rule::closest;

/// What a table of a policy file looks like.
#[derive(Debug)]
pub(super) struct Shape {
    /// What it is about, for messages: `a route`.
    pub(super) what: &'static str,
    /// How one is written.
    pub(super) example: &'static str,
    /// The keys that there can be; none, if each key is a name that the author chooses.
    pub(super) keys: &'static [&'static str],
    /// Those that must be there, with an example of each.
    pub(super) required: &'static [(&'static str, &'static str)],
}

/// A table that is being read.
#[derive(Clone, Copy)]
pub(super) struct Fields<'t> {
    shape: &'static Shape,
    table: &'t Table<'t>,
    file: u16,
    origin: Origin,
}

impl<'t> Fields<'t> {
    /// The fields of a whole file.
    pub(super) fn of_document(shape: &'static Shape, table: &'t Table<'t>, file: u16) -> Self {
        Self { shape, table, file, origin: origin(file, Span::default()) }
    }

    /// The fields of a value, which has to be a table.
    pub(super) fn of(
        shape: &'static Shape,
        value: &'t Value<'t>,
        file: u16,
        report: &mut Report,
    ) -> Option<Self> {
        let origin = origin(file, value.span);
        match &value.data {
            Data::Table(table) => Some(Self { shape, table, file, origin }),
            other => {
                let message = format!("{} must be a table, not {}", shape.what, kind(other));
                report.add_with_help(origin, message, format!("write `{}`", shape.example));
                None
            }
        }
    }

    /// Where the table begins.
    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    /// Where a key stands, if it is there.
    pub(super) fn place_of(&self, key: &str) -> Option<Origin> {
        self.table.get(key).map(|(key, _)| origin(self.file, key.span))
    }

    pub(super) fn value(&self, key: &'static str) -> Option<&'t Value<'t>> {
        self.table.get(key).map(|(_, value)| value)
    }

    pub(super) fn text(&self, key: &'static str, report: &mut Report) -> Option<Text> {
        let value = self.value(key)?;
        match &value.data {
            Data::String(text) => Some(self.text_of(text, value)),
            other => {
                self.add_no_string(&format!("`{key}`"), advice(key, other), value, report);
                None
            }
        }
    }

    /// The strings of a list; none if the key is not there.
    pub(super) fn texts(&self, key: &'static str, report: &mut Report) -> Vec<Text> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Data::List(list) = &value.data else {
            let message = format!("`{key}` must be a list of strings, not {}", kind(&value.data));
            let help = format!("write `{key} = [\"..\"]`");
            report.add_with_help(origin(self.file, value.span), message, help);
            return Vec::new();
        };
        let mut texts = Vec::with_capacity(list.len());
        for value in list {
            match &value.data {
                Data::String(text) => texts.push(self.text_of(text, value)),
                _ => self.add_no_string(&format!("each entry of `{key}`"), QUOTES, value, report),
            }
        }
        texts
    }

    fn text_of(&self, text: &str, value: &Value<'_>) -> Text {
        Text { value: text.into(), file: self.file, span: value.span }
    }

    fn add_no_string(&self, what: &str, help: &str, value: &Value<'_>, report: &mut Report) {
        let message = format!("{what} must be a string, not {}", kind(&value.data));
        report.add_with_help(origin(self.file, value.span), message, help);
    }

    /// The tables of `[[key]]`, or of a list of inline tables.
    pub(super) fn tables(
        &self,
        key: &'static str,
        shape: &'static Shape,
        report: &mut Report,
    ) -> impl Iterator<Item = (&'static Shape, &'t Value<'t>)> + use<'t> {
        let list = match self.value(key).map(|value| (value, &value.data)) {
            None => [].as_slice(),
            Some((_, Data::Tables(list) | Data::List(list))) => list.as_slice(),
            Some((value, other)) => {
                let message = format!("`{key}` must be a list of tables, not {}", kind(other));
                let help = format!("write `[[{key}]]`, with two brackets, above each one");
                report.add_with_help(origin(self.file, value.span), message, help);
                &[]
            }
        };
        list.iter().map(move |value| (shape, value))
    }

    /// The entries of a table whose keys are names, in the order of the file.
    pub(super) fn entries(
        &self,
        key: &'static str,
        shape: &'static Shape,
        report: &mut Report,
    ) -> impl Iterator<Item = (Text, &'t Value<'t>)> + use<'t> {
        let fields = self.value(key).and_then(|value| Fields::of(shape, value, self.file, report));
        let file = self.file;
        let text = move |key: &Key<'_>| Text { value: key.text.as_ref().into(), file, span: key.span };
        let entries = fields.into_iter().flat_map(|fields| fields.table.iter());
        entries.map(move |(key, value)| (text(key), value))
    }

    /// Reports every key that cannot be there, and every one that is missing.
    pub(super) fn check(&self, report: &mut Report) {
        let keys = self.shape.keys;
        let mut meant = Vec::new();
        for (key, _) in self.table.iter().filter(|(key, _)| !keys.contains(&&*key.text)) {
            let guess = self.guess(&key.text);
            let help = match guess {
                Some(guess) => format!("did you mean `{guess}`?"),
                None => format!("the keys here are `{}`", keys.join("`, `")),
            };
            let message = format!("{} has no key `{}`", self.shape.what, key.text.escape_debug());
            report.add_with_help(origin(self.file, key.span), message, help);
            meant.extend(guess);
        }
        for (key, example) in self.shape.required {
            // A mistyped key is one mistake, not two.
            if self.table.get(key).is_none() && !meant.contains(key) {
                let message = format!("{} has no `{key}`", self.shape.what);
                report.add_with_help(self.origin, message, format!("add a line such as `{example}`"));
            }
        }
    }

    /// The key that was meant by one that there cannot be.
    fn guess(&self, key: &str) -> Option<&'static str> {
        let keys = self.shape.keys;
        let mut aliases = ALIASES.iter().filter(|(other, _)| other.eq_ignore_ascii_case(key));
        let alias = aliases.find(|(_, meant)| keys.contains(meant)).map(|(_, meant)| *meant);
        alias.or_else(|| closest(key, keys.iter().copied()))
    }
}

/// What other tools call these keys.
const ALIASES: &[(&str, &str)] = &[
    ("path", "match"),
    ("pattern", "match"),
    ("url", "match"),
    ("rule", "allow"),
    ("if", "allow"),
    ("condition", "when"),
    ("inherits", "includes"),
    ("extends", "includes"),
    ("users", "members"),
    ("name", "id"),
    ("comment", "description"),
    ("import", "include"),
    ("rules", "route"),
];

const QUOTES: &str = "write it in quotes";

/// What to write in place of a value that is no string.
fn advice(key: &str, data: &Data<'_>) -> &'static str {
    match (key, data) {
        ("allow", Data::Boolean(true)) => "write `\"anyone\"` if everybody may pass",
        ("allow", Data::Boolean(false)) => "write `\"nobody\"` if nobody may pass",
        ("allow" | "when", Data::List(_)) => "write one condition, such as `role(\"a\") || role(\"b\")`",
        ("match", Data::List(_)) => "write one `[[route]]` for each pattern",
        ("host", Data::List(_)) => "write one `[[route]]` for each host",
        _ => QUOTES,
    }
}

/// What a value is, for messages.
pub(super) fn kind(data: &Data<'_>) -> &'static str {
    match data {
        Data::String(_) => "a string",
        Data::Integer(_) => "an integer",
        Data::Float => "a float",
        Data::Boolean(_) => "a boolean",
        Data::Date => "a date",
        Data::List(_) | Data::Tables(_) => "a list",
        Data::Table(_) => "a table",
    }
}
