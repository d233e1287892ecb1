//! The event of a denial, found in an audit log.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::input;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::style::{STRONG, Styled, printable};

/// The fields in the order in which a person asks for them; the others follow.
const ORDER: [&str; 24] = [
    "time",
    "decision",
    "kind",
    "status",
    "cause",
    "distrust",
    "source_failure",
    "method",
    "path",
    "host",
    "route",
    "route_id",
    "rule",
    "name",
    "roles",
    "peer",
    "anchor",
    "provenance",
    "forwarded_by",
    "subject",
    "issuer",
    "serial",
    "certificate_sha256",
    "peer_ip",
];

pub(super) fn explain(id: &str, files: &[PathBuf], output: &mut Output) -> Result<Outcome, Failure> {
    let mut unreadable = 0;
    for file in files {
        if let Some(event) = find(id, file, &mut unreadable)? {
            output.result(&told(&event), &event)?;
            return Ok(Outcome::Finding);
        }
    }
    let files: Vec<_> = files.iter().map(|file| format!("`{}`", input::name(file))).collect();
    let unreadable = match unreadable {
        0 => String::new(),
        lines => format!("; {lines} of the lines are no audit events"),
    };
    Err(Failure::Other(format!(
        "no event in {} has the denial id `{}`: is it the log of that day{unreadable}?",
        files.join(", "),
        printable(id)
    )))
}

fn find(id: &str, path: &Path, unreadable: &mut usize) -> Result<Option<Value>, Failure> {
    let cannot_read =
        |error: io::Error| Failure::Input(format!("cannot read `{}`: {error}", input::name(path)));
    let source: Box<dyn BufRead> = if input::is_stdin(path) {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(cannot_read)?))
    };
    for line in source.split(b'\n') {
        let line = line.map_err(cannot_read)?;
        match serde_json::from_slice::<Value>(&line) {
            Ok(event) if event.get("denial_id").and_then(Value::as_str) == Some(id) => {
                return Ok(Some(event));
            }
            Ok(event) if event.is_object() => {}
            _ if line.iter().all(u8::is_ascii_whitespace) => {}
            _ => *unreadable += 1,
        }
    }
    Ok(None)
}

fn told(event: &Value) -> String {
    let fields = event.as_object().into_iter().flatten();
    let mut fields: Vec<(&String, &Value)> = fields.collect();
    let rank = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    fields.sort_by_key(|(name, _)| (rank(name), name.as_str()));
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => printable(text),
            Value::Array(values) => {
                let texts =
                    values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), printable));
                texts.collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        };
        format!("{:width$}  {value}\n", Styled(STRONG, printable(name)))
    };
    fields.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_in_order_and_harmless() {
        let event =
            serde_json::json!({ "sequence": 7, "path": "/a\u{1b}[2J", "time": "x", "roles": ["b", "a"] });
        let text = anstream::adapter::strip_str(&told(&event)).to_string();
        assert_eq!(text, "time      x\npath      /a\\u{1b}[2J\nroles     b, a\nsequence  7\n");
    }
}
