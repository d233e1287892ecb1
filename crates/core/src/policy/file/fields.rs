//! Reads the keys of a table, and complains about those that nobody asked for.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::text::{Text, origin};
use crate::policy::report::{Origin, Report};
use crate::rule::closest;

/// A value and where it stands.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// A table that is being read.
pub(super) struct Fields<'t> {
    /// What the table is about, for messages: `a route`.
    what: &'static str,
    table: &'t DeTable<'t>,
    file: u16,
    origin: Origin,
    /// The keys that there can be.
    asked: Vec<&'static str>,
    /// The keys that must be there and are not, with an example of each.
    missing: Vec<(&'static str, &'static str)>,
}

impl<'t> Fields<'t> {
    pub(super) fn new(what: &'static str, table: &'t DeTable<'t>, file: u16, origin: Origin) -> Self {
        Self { what, table, file, origin, asked: Vec::new(), missing: Vec::new() }
    }

    /// The fields of a value, which has to be a table; `example` shows one.
    pub(super) fn of(
        (what, example): (&'static str, &'static str),
        value: &'t Value<'t>,
        file: u16,
        report: &mut Report,
    ) -> Option<Self> {
        let origin = origin(file, value.span());
        match value.get_ref() {
            DeValue::Table(table) => Some(Self::new(what, table, file, origin)),
            other => {
                let message = format!("{what} must be a table, not {}", kind(other));
                report.add_with_help(origin, message, format!("write `{example}`"));
                None
            }
        }
    }

    /// Where the table begins.
    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    pub(super) fn file(&self) -> u16 {
        self.file
    }

    pub(super) fn is_table(&self, key: &str) -> bool {
        matches!(self.table.get(key).map(Spanned::get_ref), Some(DeValue::Table(_)))
    }

    /// Where a key stands, if it is there.
    pub(super) fn place_of(&self, key: &str) -> Option<Origin> {
        self.table.get_key_value(key).map(|(key, _)| origin(self.file, key.span()))
    }

    pub(super) fn value(&mut self, key: &'static str) -> Option<&'t Value<'t>> {
        self.asked.push(key);
        self.table.get(key)
    }

    pub(super) fn text(&mut self, key: &'static str, report: &mut Report) -> Option<Text> {
        let value = self.value(key)?;
        text(&format!("`{key}`"), advice(key, value.get_ref()), value, self.file, report)
    }

    /// A string that must be there, with an example of how to write it.
    pub(super) fn required(
        &mut self,
        key: &'static str,
        example: &'static str,
        report: &mut Report,
    ) -> Option<Text> {
        if self.table.contains_key(key) {
            return self.text(key, report);
        }
        self.asked.push(key);
        self.missing.push((key, example));
        None
    }

    /// The strings of a list; none if the key is not there.
    pub(super) fn texts(&mut self, key: &'static str, report: &mut Report) -> Vec<Text> {
        let Some(value) = self.value(key) else { return Vec::new() };
        match value.get_ref() {
            DeValue::Array(list) => {
                let what = format!("each entry of `{key}`");
                list.iter().filter_map(|value| text(&what, QUOTES, value, self.file, report)).collect()
            }
            other => {
                report.add_with_help(
                    origin(self.file, value.span()),
                    format!("`{key}` must be a list of strings, not {}", kind(other)),
                    format!("write `{key} = [\"..\"]`"),
                );
                Vec::new()
            }
        }
    }

    /// The tables of `[[key]]`.
    pub(super) fn tables(
        &mut self,
        key: &'static str,
        what: (&'static str, &'static str),
        report: &mut Report,
    ) -> Vec<Fields<'t>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        match value.get_ref() {
            DeValue::Array(list) => {
                list.iter().filter_map(|value| Fields::of(what, value, self.file, report)).collect()
            }
            other => {
                report.add_with_help(
                    origin(self.file, value.span()),
                    format!("`{key}` must be a list of tables, not {}", kind(other)),
                    format!("write `[[{key}]]`, with two brackets, above each one"),
                );
                Vec::new()
            }
        }
    }

    /// The entries of the table `[key]`, in the order of the file.
    pub(super) fn entries(
        &mut self,
        key: &'static str,
        what: (&'static str, &'static str),
        report: &mut Report,
    ) -> Vec<(Text, &'t Value<'t>)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(fields) = Fields::of(what, value, self.file, report) else { return Vec::new() };
        let mut entries: Vec<_> =
            fields.table.iter().map(|(name, value)| (key_text(name, self.file), value)).collect();
        entries.sort_by_key(|(name, _)| name.span.start);
        entries
    }

    /// Reports every key that was not asked for, and every one that is missing.
    pub(super) fn finish(self, report: &mut Report) {
        let unknown = self.table.keys().filter(|key| !self.asked.contains(&&**key.get_ref()));
        let mut meant = Vec::new();
        for key in unknown {
            let message = format!("{} has no key `{}`", self.what, key.get_ref().escape_debug());
            let guess = self.guess(key.get_ref());
            let help = match guess {
                Some(guess) => format!("did you mean `{guess}`?"),
                None => format!("the keys here are `{}`", self.asked.join("`, `")),
            };
            report.add_with_help(origin(self.file, key.span()), message, help);
            meant.extend(guess);
        }
        // A mistyped key is one mistake, not two.
        for (key, example) in self.missing.iter().filter(|(key, _)| !meant.contains(key)) {
            let message = format!("{} has no `{key}`", self.what);
            report.add_with_help(self.origin, message, format!("add a line such as `{example}`"));
        }
    }

    /// The key that was meant by one that there cannot be.
    fn guess(&self, key: &str) -> Option<&'static str> {
        let alias = ALIASES.iter().filter(|(other, _)| other.eq_ignore_ascii_case(key)).map(|(_, key)| *key);
        alias
            .into_iter()
            .find(|key| self.asked.contains(key))
            .or_else(|| closest(key, self.asked.iter().copied()))
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

fn key_text(key: &Spanned<DeString<'_>>, file: u16) -> Text {
    Text { value: key.get_ref().as_ref().into(), file, span: key.span() }
}

const QUOTES: &str = "write it in quotes";

/// What to write in place of a value that is no string.
fn advice(key: &str, value: &DeValue<'_>) -> &'static str {
    match (key, value) {
        ("allow", DeValue::Boolean(true)) => "write `\"anyone\"` if everybody may pass",
        ("allow", DeValue::Boolean(false)) => "write `\"nobody\"` if nobody may pass",
        ("allow" | "when", DeValue::Array(_)) => "write one condition, such as `role(\"a\") || role(\"b\")`",
        ("match", DeValue::Array(_)) => "write one `[[route]]` for each pattern",
        ("host", DeValue::Array(_)) => "write one `[[route]]` for each host",
        _ => QUOTES,
    }
}

fn text(what: &str, help: &str, value: &Value<'_>, file: u16, report: &mut Report) -> Option<Text> {
    match value.get_ref() {
        DeValue::String(string) => Some(Text { value: string.as_ref().into(), file, span: value.span() }),
        other => {
            let message = format!("{what} must be a string, not {}", kind(other));
            report.add_with_help(origin(file, value.span()), message, help);
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
