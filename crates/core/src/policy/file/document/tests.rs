//! The tree of a policy file against that of the toml crate.

use proptest::prelude::*;
use proptest::sample::select;
use toml::de::{DeTable, DeValue};

use super::*;

/// A document as text without places, as `toml` reads it.
fn oracle(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Float(_) => "float".into(),
        DeValue::Datetime(_) => "date".into(),
        DeValue::Array(list) => {
            format!("[{}]", list.iter().map(|v| oracle(v.get_ref())).collect::<Vec<_>>().join(","))
        }
        DeValue::Table(table) => oracle_table(table),
    }
}

fn oracle_table(table: &DeTable<'_>) -> String {
    let entries = table.iter().map(|(key, value)| format!("{:?}:{}", key.get_ref(), oracle(value.get_ref())));
    format!("{{{}}}", sorted(entries))
}

fn sorted(entries: impl Iterator<Item = String>) -> String {
    let mut entries: Vec<_> = entries.collect();
    entries.sort();
    entries.join(",")
}

fn printed(value: &Data<'_>) -> String {
    match value {
        Data::String(text) => format!("{text:?}"),
        Data::Integer(number) => number.replace('_', ""),
        Data::Boolean(value) => value.to_string(),
        Data::Float => "float".into(),
        Data::Date => "date".into(),
        Data::List(list) | Data::Tables(list) => {
            format!("[{}]", list.iter().map(|value| printed(&value.data)).collect::<Vec<_>>().join(","))
        }
        Data::Table(table) => printed_table(table),
    }
}

fn printed_table(table: &Table<'_>) -> String {
    let entries = table.iter().map(|(key, value)| format!("{:?}:{}", key.text, printed(&value.data)));
    format!("{{{}}}", sorted(entries))
}

/// What the two make of a text; `None` if it is refused.
fn both(text: &str) -> (Option<String>, Option<String>) {
    let theirs = DeTable::parse(text).ok().map(|table| oracle_table(table.get_ref()));
    (parse(text).ok().map(|table| printed_table(&table)), theirs)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Lines that get in each other's way.
    #[test]
    fn documents_are_read_as_toml_reads_them(lines in proptest::collection::vec(line(), 0..9)) {
        let text = lines.join("\n");
        let (ours, theirs) = both(&text);
        // What is refused here alone is what `toml` takes although the standard does not.
        if ours.is_some() || theirs.is_none() {
            prop_assert_eq!(ours, theirs, "{}", text);
        } else {
            prop_assert!(text.contains('.'), "{}", text);
        }
    }

    #[test]
    fn spans_are_those_of_the_text(lines in proptest::collection::vec(line(), 0..6)) {
        let text = lines.join("\n");
        let Ok(table) = parse(&text) else { return Ok(()) };
        for (key, value) in table.iter() {
            prop_assert!(text.get(key.span.range()).is_some_and(|shown| shown.contains(&*key.text)));
            prop_assert!(text.get(value.span.range()).is_some());
        }
    }
}

fn line() -> impl Strategy<Value = String> {
    let key = || select(vec!["a", "b", "c", "a.b", "a.c", "a.b.c", "\"a\"", "b.a", "'c'.d"]);
    let value = select(vec![
        "1",
        "+1_0",
        "0x1f",
        "true",
        "1.5",
        "inf",
        "2027-01-01",
        "'x'",
        "\"\\u0061\"",
        "'''\nx'''",
        "[]",
        "[1, 'x',]",
        "[[1], {}]",
        "{}",
        "{ a = 1 }",
        "{ a.b = 1, a.c = 2 }",
        "{ a = 1, a = 2 }",
        "[{ a = {} }, { b = [ { } ] }]",
        "x",
        "",
        "[1",
        "'",
        "{ a.b = 1, a = 2 }",
    ]);
    prop_oneof![
        3 => (key(), value).prop_map(|(key, value)| format!("{key} = {value}")),
        2 => key().prop_map(|key| format!("[{key}]")),
        2 => key().prop_map(|key| format!("[[{key}]]")),
        1 => select(vec!["# comment", "", "[", "[[a]", "= 1", "a", "[ a . b ] # x"]).prop_map(String::from),
    ]
}

#[test]
fn headers_add_to_what_they_may_add_to() {
    for text in [
        "[a.b]\n[a]\nc = 1",
        "[a]\nb.c = 1\n[a.b.d]",
        "a.b = 1\na.c = 2\n[a.d]",
        "[[a]]\n[a.b]\nc = 1\n[[a]]\n[a.b]\nc = 2",
        "[[a.b]]\n[[a.b]]\n[a.c]",
        "[a]\n[b]\n[a.c]",
        "\u{feff}a = 1",
        "a = 1\r\nb = 2\r\n",
    ] {
        let (ours, theirs) = both(text);
        assert!(ours.is_some(), "{text}");
        assert_eq!(ours, theirs, "{text}");
    }
}

#[test]
fn nothing_is_said_twice() {
    for text in [
        "a = 1\na = 2",
        "[a]\n[a]",
        "[a]\n[[a]]",
        "[[a]]\n[a]",
        "a = []\n[[a]]",
        "a = [{}]\n[a.b]",
        "a = {}\n[a.b]",
        "a = {}\na.b = 1",
        "a.b = 1\n[a]",
        "a.b = 1\na = 2",
        "a = 1\na.b = 2",
        "[a]\nb = 1\n[a.b]",
        "[a.b]\n[a]\nb = 1",
        "[a.b]\n[a]\nb.c = 1",
        "a = { b = 1, b = 2 }",
        "a = { b.c = 1, b = 2 }",
        "a = 1\n[a.b.c]",
        "\"a\" = 1\n'a' = 2",
        "[a]\nx = 1\n[b]\n[a]\ny = 2",
    ] {
        let mistakes = parse(text).expect_err(text);
        assert!(mistakes.iter().all(|mistake| mistake.first.is_some()), "{text}: {mistakes:?}");
    }
}

#[test]
fn many_keys_are_looked_up() {
    let text: String = (0..1000).map(|i| format!("[roles.r{i}]\n")).collect();
    let table = parse(&text).unwrap();
    let Some((_, Value { data: Data::Table(roles), .. })) = table.get("roles") else { panic!("{table:?}") };
    assert_eq!(roles.iter().count(), 1000);
    assert!((0..1000).all(|i| roles.get(&format!("r{i}")).is_some()) && roles.get("r1000").is_none());
    let twice = format!("{text}[roles.r77]\n");
    assert_eq!(parse(&twice).unwrap_err().len(), 1);
}

#[test]
fn nesting_is_bounded() {
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        for depth in [40, 50_000] {
            let text = format!("a = {}1{}", open.repeat(depth), close.repeat(depth));
            assert!(parse(&text).is_err(), "{depth} times {open}");
        }
    }
    assert!(parse(&format!("a = {}{}", "[".repeat(20), "]".repeat(20))).is_ok());
}
