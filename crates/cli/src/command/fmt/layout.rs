//! The layout of a policy file.

use portcullis_core::Rule;
use toml_edit::visit_mut::{self, VisitMut};
use toml_edit::{Array, Decor, DocumentMut, InlineTable, RawString, Table, Value};

use crate::outcome::Failure;

/// The keys whose values are rules.
const RULES: [&str; 2] = ["allow", "when"];

/// The text of a policy file in order; an error if it is no TOML, or a rule is no rule.
pub(super) fn format(name: &str, text: &str) -> Result<String, Failure> {
    let mut document: DocumentMut =
        text.parse().map_err(|error| Failure::Input(format!("`{name}` is no TOML: {error}")))?;
    let mut layout = Layout { mistakes: Vec::new() };
    layout.visit_document_mut(&mut document);
    if !layout.mistakes.is_empty() {
        return Err(Failure::Input(format!(
            "`{name}` has rules that cannot be read\n\n{}",
            layout.mistakes.join("\n\n")
        )));
    }
    let trailing = lines(&format!("{}\n", document.trailing().as_str().unwrap_or_default()));
    document.set_trailing(trailing.trim_end());
    let text = document.to_string();
    let text = text.trim_start_matches('\n').trim_end();
    Ok(if text.is_empty() { String::new() } else { format!("{text}\n") })
}

struct Layout {
    mistakes: Vec<String>,
}

impl VisitMut for Layout {
    fn visit_table_mut(&mut self, table: &mut Table) {
        let prefix = lines(text(table.decor().prefix()));
        let suffix = comment(text(table.decor().suffix()));
        let decor = table.decor_mut();
        decor.set_prefix(prefix);
        decor.set_suffix(suffix);
        visit_mut::visit_table_mut(self, table);
    }

    fn visit_table_like_kv_mut(&mut self, mut key: toml_edit::KeyMut<'_>, node: &mut toml_edit::Item) {
        let is_rule = RULES.contains(&key.get());
        if let Some(value) = node.as_value_mut() {
            let prefix = lines(text(key.leaf_decor().prefix()));
            *key.leaf_decor_mut() = Decor::new(prefix, " ");
            let suffix = comment(text(value.decor().suffix()));
            if is_rule {
                self.rule(value);
            }
            value.decor_mut().set_prefix(" ");
            value.decor_mut().set_suffix(suffix);
        } else {
            // The name in a header: `[roles.admin]`.
            *key.leaf_decor_mut() = Decor::new("", "");
            *key.dotted_decor_mut() = Decor::new("", "");
        }
        visit_mut::visit_table_like_kv_mut(self, key, node);
    }

    fn visit_inline_table_mut(&mut self, table: &mut InlineTable) {
        // One of several lines has been laid out by its author, perhaps with comments.
        if table.to_string().contains('\n') {
            return;
        }
        let last = table.len().saturating_sub(1);
        for (i, (mut key, value)) in table.iter_mut().enumerate() {
            *key.leaf_decor_mut() = Decor::new(" ", " ");
            *value.decor_mut() = Decor::new(" ", if i == last { " " } else { "" });
            self.visit_value_mut(value);
        }
    }

    fn visit_array_mut(&mut self, array: &mut Array) {
        if array.to_string().contains('\n') {
            return;
        }
        for (i, value) in array.iter_mut().enumerate() {
            *value.decor_mut() = Decor::new(if i == 0 { "" } else { " " }, "");
            self.visit_value_mut(value);
        }
        array.set_trailing("");
        array.set_trailing_comma(false);
    }
}

impl Layout {
    fn rule(&mut self, value: &mut Value) {
        let Value::String(string) = &*value else { return };
        let before = string.value().as_str();
        match Rule::format(before) {
            Ok(after) if after == before => {}
            Ok(after) => {
                let written = string.as_repr().and_then(|repr| repr.as_raw().as_str()).unwrap_or_default();
                if let Ok(value_in_quotes) = quoted(&after, written).parse::<Value>() {
                    *value = value_in_quotes;
                }
            }
            Err(error) => self.mistakes.push(error.to_string()),
        }
    }
}

/// The text in the quotes that the author chose, if it fits there without escapes.
fn quoted(rule: &str, written: &str) -> String {
    let has = |c| rule.contains(c);
    let is_of_lines = has('\n');
    match written {
        written if written.starts_with("'''") && !rule.contains("'''") && !rule.ends_with('\'') => {
            // The first line break after the quotes is not part of the text.
            let first =
                if written.starts_with("'''\n") || written.starts_with("'''\r\n") { "\n" } else { "" };
            format!("'''{first}{rule}'''")
        }
        written if written.starts_with("\"\"\"") && !has('\\') && !has('"') => {
            let first =
                if written.starts_with("\"\"\"\n") || written.starts_with("\"\"\"\r\n") { "\n" } else { "" };
            format!("\"\"\"{first}{rule}\"\"\"")
        }
        written if written.starts_with('"') && !is_of_lines && !has('"') && !has('\\') => {
            format!("\"{rule}\"")
        }
        _ if !is_of_lines && !has('\'') && !has('\t') => format!("'{rule}'"),
        _ => Value::from(rule).to_string(),
    }
}

fn text(raw: Option<&RawString>) -> &str {
    raw.and_then(RawString::as_str).unwrap_or_default()
}

/// Comments and blank lines before something: no indentation, and one blank line where there are more.
fn lines(before: &str) -> String {
    let mut kept = String::new();
    let mut lines: Vec<&str> = before.split('\n').map(str::trim).collect();
    // What follows the last line break indents the thing itself.
    lines.pop();
    for line in lines {
        if !(line.is_empty() && (kept == "\n" || kept.ends_with("\n\n"))) {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// A comment behind something, in its line.
fn comment(behind: &str) -> String {
    match behind.trim() {
        "" => String::new(),
        comment => format!(" {comment}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UNTIDY: &str = r#"


# the policy
version=1   # of the format


[ anchors ]
staff={name="san.email",prefix='s:'}
[roles.admin]   # few
   # the members
   members=[ 'a' ,"b", ]
when  =  'anchor.label=="staff"'
[[route]]
match = "GET /"
allow = "role( \"admin\" )||anyone"
[[route]]
match="GET /x"
allow = '''
  // first
  role('admin')&&
  !nobody   // second
'''

# end

"#;

    const TIDY: &str = r#"# the policy
version = 1 # of the format

[anchors]
staff = { name = "san.email", prefix = 's:' }
[roles.admin] # few
# the members
members = ['a', "b"]
when = 'anchor.label == "staff"'
[[route]]
match = "GET /"
allow = 'role("admin") || anyone'
[[route]]
match = "GET /x"
allow = '''
  // first
  role('admin') &&
  !nobody // second
'''

# end
"#;

    fn formatted(text: &str) -> String {
        format("policy.toml", text).unwrap()
    }

    #[test]
    fn a_file_is_put_in_order_and_stays_so() {
        assert_eq!(formatted(UNTIDY), TIDY);
        assert_eq!(formatted(TIDY), TIDY);
        assert_eq!(formatted(""), "");
        assert_eq!(formatted("# only this"), "# only this\n");
        assert_eq!(formatted(&UNTIDY.replace('\n', "\r\n")), TIDY);
    }

    #[test]
    fn what_cannot_be_read_is_told_and_not_touched() {
        for (text, told) in
            [("version = ", "is no TOML"), ("[[route]]\nallow = 'role('", "rules that cannot be read")]
        {
            let error = format("policy.toml", text).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    proptest! {
        #[test]
        fn values_and_comments_stay(
            left in proptest::sample::select(vec![r#"role( "a")"#, "!  anyone", "subject.CN=='x'", r#""\\"in san.dns"#]),
            right in proptest::sample::select(vec!["", "&&\n nobody", " || anyone // c\n", r#"||san.dns.exists(x,x=="'")"#]),
            quotes in proptest::sample::select(vec!["'", "\"", "'''", "\"\"\"", "'''\n"]),
        ) {
            let end = quotes.trim();
            let text = format!("# one\n[[route]]\n allow={quotes}{left}{right}{end}  # two\n");
            if let (Ok(before), Ok(after)) = (text.parse::<DocumentMut>(), format("policy.toml", &text)) {
                let comments = |text: &str| text.matches("# ").count() + text.matches("// ").count();
                prop_assert_eq!(comments(&text), comments(&after));
                let rule_of = |document: &DocumentMut| {
                    let routes = document["route"].as_array_of_tables().unwrap();
                    routes.get(0).unwrap()["allow"].as_str().unwrap().to_owned()
                };
                let after_rule = rule_of(&after.parse().unwrap());
                prop_assert_eq!(Rule::format(&rule_of(&before)).unwrap(), after_rule);
                prop_assert_eq!(format("policy.toml", &after).unwrap(), after);
            }
        }
    }
}
