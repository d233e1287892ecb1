//! What is told of one thing in a file, to people and to programs.

use serde_json::{Map, Value, json};

use crate::clock;
use crate::style::{BAD, DOUBTFUL, FAINT, STRONG, Styled, printable};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// It cannot be used.
    Error,
    /// It will fail with some, or soon.
    Warn,
    /// It is unusual.
    Note,
}

/// What is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) level: Level,
    pub(super) code: &'static str,
    pub(super) text: String,
}

/// A name, what people read, and what programs read.
struct Field {
    name: &'static str,
    texts: Vec<String>,
    value: Value,
}

/// One thing: a certificate, a list, a request.
pub(super) struct Section {
    title: String,
    fields: Vec<Field>,
    pub(super) problems: Vec<Problem>,
}

impl Section {
    pub(super) fn new(title: &str) -> Self {
        Self { title: title.into(), fields: Vec::new(), problems: Vec::new() }
    }

    /// Adds a field with one value.
    pub(super) fn field(&mut self, name: &'static str, value: impl Into<String>) {
        let text = value.into();
        self.fact(name, text.clone(), text.into());
    }

    /// Adds a field that programs read in another form.
    pub(super) fn fact(&mut self, name: &'static str, text: String, value: Value) {
        self.fields.push(Field { name, texts: vec![text], value });
    }

    /// Adds a point in time, and how far it is.
    pub(super) fn time(&mut self, name: &'static str, seconds: i64, remark: &str) {
        let comma = if remark.is_empty() { "" } else { ", " };
        self.fact(name, format!("{}{comma}{remark}", clock::utc(seconds)), clock::rfc3339(seconds).into());
    }

    /// Adds a field with several values, unless there are none.
    pub(super) fn list(&mut self, name: &'static str, values: Vec<String>) {
        if !values.is_empty() {
            self.fields.push(Field { name, value: json!(values), texts: values });
        }
    }

    pub(super) fn problem(&mut self, level: Level, code: &'static str, text: impl Into<String>) {
        self.problems.push(Problem { level, code, text: text.into() });
    }

    pub(super) fn has_error(&self) -> bool {
        self.problems.iter().any(|problem| problem.level == Level::Error)
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", Styled(STRONG, printable(&self.title)));
        let width = self.fields.iter().map(|field| field.name.len()).max().unwrap_or_default();
        for Field { name, texts, .. } in &self.fields {
            for (i, value) in texts.iter().enumerate() {
                let name = if i == 0 { *name } else { "" };
                text += &format!("  {:width$}  {}\n", Styled(FAINT, name), printable(value));
            }
        }
        for Problem { level, code, text: problem } in &self.problems {
            let style = match level {
                Level::Error => BAD,
                Level::Warn => DOUBTFUL,
                Level::Note => FAINT,
            };
            text += &format!(
                "  {}: {}\n",
                Styled(style, format!("{}[{code}]", level.word())),
                printable(problem)
            );
        }
        text
    }

    pub(super) fn value(&self) -> Value {
        let fields = self
            .fields
            .iter()
            .map(|Field { name, value, .. }| (name.replace([' ', '-'], "_").to_lowercase(), value.clone()));
        let problems = self.problems.iter().map(
            |Problem { level, code, text }| json!({ "level": level.word(), "code": code, "text": text }),
        );
        let mut object: Map<String, Value> = fields.collect();
        object.insert("kind".into(), json!(self.title));
        object.insert("problems".into(), problems.collect());
        Value::Object(object)
    }
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Note => "note",
        }
    }
}
