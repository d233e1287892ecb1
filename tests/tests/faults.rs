//! Every row of the faults about hosts, chains, revocation, sessions and handshakes has a case or a
//! scenario, and the README tells which.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use portcullis_tests::{case, scenario};

/// The groups of the table, and how many rows each has.
const GROUPS: [(char, usize); 5] = [('H', 6), ('C', 12), ('R', 8), ('S', 7), ('D', 8)];

/// What is shown elsewhere, or cannot be shown by one adapter after the other.
const ELSEWHERE: &[(&str, &str)] = &[
    ("R07", "OCSP is not offered: an operator's lists are all that is asked"),
    ("D07", "`tests/leaks.rs`, each adapter in a process that does nothing else"),
    ("D03", "`fuzz/`, for hours"),
];

const BEGINS: &str = "<!-- faults: begin -->\n";
const ENDS: &str = "<!-- faults: end -->\n";

fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The row that a name begins with.
fn row(name: &str) -> Option<String> {
    let (id, _) = name.split_once(' ')?;
    let (group, number) = id.split_at_checked(1)?;
    let is_row = number.len() == 2 && number.bytes().all(|b| b.is_ascii_digit());
    (is_row && GROUPS.iter().any(|(known, _)| group.starts_with(*known))).then(|| id.to_owned())
}

/// Where the cases of each row are.
fn cases() -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in fs::read_dir(package().join("cases")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let file = format!("cases/{}", path.file_name().unwrap().display());
            for case in case::parse(&fs::read_to_string(&path).unwrap()).unwrap() {
                if let Some(row) = row(&case.name) {
                    found.entry(row).or_default().insert(format!("`{file}`"));
                }
            }
        }
    }
    found
}

/// The scenarios of each row, by the rest of their names.
fn scenarios() -> BTreeMap<String, Vec<&'static str>> {
    let mut found: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for scenario in scenario::all() {
        if let Some(row) = row(scenario.name) {
            found.entry(row).or_default().push(scenario.name.split_once(' ').unwrap().1);
        }
    }
    found
}

fn table() -> String {
    let (cases, scenarios) = (cases(), scenarios());
    let mut table = String::from("| row | shown by |\n| --- | --- |\n");
    for (group, rows) in GROUPS {
        for number in 1..=rows {
            let id = format!("{group}{number:02}");
            let files = cases.get(&id).into_iter().flatten().cloned();
            let told = scenarios.get(&id).into_iter().flatten().map(|name| format!("\"{name}\""));
            let elsewhere =
                ELSEWHERE.iter().filter(|(row, _)| *row == id).map(|(_, what)| (*what).to_owned());
            let shown: Vec<String> = files.chain(told).chain(elsewhere).collect();
            assert!(!shown.is_empty(), "nothing shows {id}");
            table += &format!("| {id} | {} |\n", shown.join("; "));
        }
    }
    table
}

#[test]
fn every_row_is_shown_and_the_readme_tells_by_what() {
    let readme = fs::read_to_string(package().join("README.md")).unwrap();
    let (_, rest) = readme.split_once(BEGINS).unwrap();
    let (told, _) = rest.split_once(ENDS).unwrap();
    let table = table();
    assert!(told == table, "the table in README.md should be:\n\n{table}");
}

#[test]
fn names_begin_with_rows_that_exist() {
    let names = cases().into_keys().chain(scenarios().into_keys()).collect::<BTreeSet<_>>();
    for id in names {
        let (group, number) = id.split_at(1);
        let number: usize = number.parse().unwrap();
        let known =
            GROUPS.iter().any(|(known, rows)| group.starts_with(*known) && (1..=*rows).contains(&number));
        assert!(known, "there is no row {id}");
    }
}

#[test]
fn what_is_shown_elsewhere_is_there() {
    let root = package().join("..");
    for path in ["fuzz", "tests/tests/leaks.rs"] {
        assert!(Path::new(&root).join(path).exists(), "{path}");
    }
}
