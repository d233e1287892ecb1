//! House rules that no compiler checks: which crate may depend on which, and how files look.

#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which crate of the workspace may depend on which others. A crate that is not here fails the test.
const EDGES: &[(&str, &[&str])] = &[
    ("portcullis-core", &[]),
    ("portcullis-tls", &["portcullis-core"]),
    ("portcullis-tower", &["portcullis-core"]),
    ("portcullis-axum", &["portcullis-tower", "portcullis-tls", "portcullis-core"]),
    ("portcullis-actix", &["portcullis-tls", "portcullis-core"]),
    ("portcullis-sql", &["portcullis-core"]),
    ("portcullis", &["portcullis-core", "portcullis-tls", "portcullis-pki", "portcullis-sql"]),
    ("portcullis-pki", &[]),
];

/// What must not be in the tree of a crate, however deep.
const NEVER: &[(&str, &[&str])] = &[
    (
        "portcullis-core",
        &[
            "http",
            "http-body",
            "hyper",
            "tokio",
            "rustls",
            "rustls-webpki",
            "axum",
            "actix-web",
            "sqlx",
            "notify",
            "mio",
        ],
    ),
    ("portcullis-tower", &["rustls", "tokio-rustls", "axum", "actix-web"]),
    ("portcullis-tls", &["axum", "actix-web", "hyper"]),
    ("portcullis-axum", &["actix-web", "actix-http", "portcullis-actix"]),
    ("portcullis-actix", &["axum", "portcullis-axum", "portcullis-tower"]),
];

/// Who may make an identity of a certificate (law 1).
const VOUCHERS: &[&str] =
    &["crates/core/src/identity.rs", "crates/core/src/forwarded/", "crates/core/tests/", "crates/tls/src/"];

const MOST_LINES: usize = 500;

#[test]
fn crates_depend_on_those_they_may() {
    let metadata = metadata();
    let ours: BTreeSet<String> = packages(&metadata).map(|package| name(package).to_owned()).collect();
    let libraries = packages(&metadata).filter(|package| is_published(package));
    for package in libraries {
        let allowed = EDGES.iter().find(|(crate_name, _)| *crate_name == name(package));
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{} has no row in EDGES", name(package)));
        for dependency in dependencies(package, &["null", "build"]) {
            let known = !ours.contains(dependency) || allowed.contains(&dependency);
            assert!(known, "{} must not depend on {dependency}", name(package));
        }
    }
}

#[test]
fn nothing_foreign_comes_in_by_the_back_door() {
    let metadata = metadata();
    for (crate_name, never) in NEVER {
        // Alone, with every feature: what other members of the workspace ask for is not its own.
        let tree =
            cargo(&["tree", "-p", crate_name, "--all-features", "-e", "normal,build", "--prefix", "none"]);
        let tree: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        assert!(tree.len() > 3, "{crate_name}: {tree:?}");
        for dependency in *never {
            assert!(!tree.contains(dependency), "{crate_name} drags in {dependency}");
        }
    }
    drop(metadata);
}

#[test]
fn a_library_never_needs_the_development_authority() {
    let metadata = metadata();
    for package in packages(&metadata).filter(|package| is_published(package)) {
        if ["portcullis", "portcullis-pki"].contains(&name(package)) {
            continue;
        }
        let needs: Vec<_> = dependencies(package, &["null", "build"]).collect();
        assert!(!needs.contains(&"portcullis-pki"), "{}", name(package));
    }
}

#[test]
fn every_package_is_described() {
    let metadata = metadata();
    for package in packages(&metadata) {
        let folder = folder(package);
        let name = name(package);
        assert!(package["description"].as_str().is_some_and(|text| text.len() > 10), "{name}: description");
        assert_eq!(package["license"], "MIT OR Apache-2.0", "{name}: license");
        if is_published(package) {
            for field in ["repository", "readme", "rust_version"] {
                assert!(package[field].is_string(), "{name}: {field}");
            }
            assert!(!package["keywords"].as_array().expect("a list").is_empty(), "{name}: keywords");
            let readme = std::fs::read_to_string(folder.join("README.md")).expect("a README");
            assert!(readme.lines().count() > 5, "{name}: the README says nothing");
        }
    }
}

#[test]
fn every_published_library_decides_on_each_public_type() {
    let metadata = metadata();
    for package in packages(&metadata).filter(|package| is_published(package)) {
        let library = folder(package).join("src/lib.rs");
        let Ok(text) = std::fs::read_to_string(&library) else { continue };
        let warning = "#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]";
        assert!(text.contains(warning), "{}: {warning}", library.display());
        assert!(text.starts_with("#![doc = include_str!(\"../README.md\")]"), "{}", library.display());
    }
}

#[test]
fn only_the_doors_vouch_for_a_certificate() {
    for (path, text) in rust_files() {
        let is_voucher = VOUCHERS.iter().any(|voucher| path.starts_with(voucher));
        let calls = code(&text).any(|(_, line)| line.contains("Identity::vouched"));
        assert!(is_voucher || !calls || path == "tests/tests/tidy.rs", "{path} calls `Identity::vouched`");
    }
}

#[test]
fn libraries_assert_nobody() {
    for (path, text) in rust_files() {
        // The command lets nobody in: it tells what would happen to somebody.
        let is_library =
            path.starts_with("crates/") && path.contains("/src/") && !path.starts_with("crates/cli/");
        // The seams that are made of it, each named `assertion` itself.
        let is_seam =
            ["crates/core/src/", "crates/actix/src/guard.rs"].iter().any(|seam| path.starts_with(seam));
        let is_test = path.ends_with("/testing.rs") || path.ends_with("/tests.rs");
        if is_library && !is_seam && !is_test {
            let before_tests = text.split("#[cfg(test)]").next().unwrap_or_default();
            let uses = code(before_tests).any(|(_, line)| {
                ["Identity::assertion", "Connection::assertion", "Principal::test", "TestPrincipal"]
                    .iter()
                    .any(|assertion| line.contains(assertion))
            });
            assert!(!uses, "{path} asserts an identity outside of tests");
        }
    }
}

#[test]
fn files_are_short() {
    for (path, text) in rust_files() {
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES, "{path} has {lines} lines; one idea per file");
    }
}

#[test]
fn every_module_says_what_it_is() {
    for (path, text) in rust_files() {
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//! ") || first.starts_with("#![doc ="), "{path} begins with `{first}`");
    }
}

#[test]
fn nothing_is_left_for_later() {
    // In pieces, so that this file does not find itself.
    let marks = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X:"],
        ["#[ign", "ore"],
        ["dbg", "!("],
        ["todo", "!("],
        ["unimplemented", "!("],
    ];
    for (path, text) in rust_files() {
        for (number, line) in text.lines().enumerate() {
            let mark = marks.iter().map(|mark| mark.concat()).find(|mark| line.contains(mark.as_str()));
            assert!(mark.is_none(), "{path}:{}: {line}", number + 1);
        }
    }
}

#[test]
fn no_machine_is_named() {
    let marks =
        [["/work", "/"], ["/home", "/"], ["/root", "/"], ["/Users", "/"], ["/tmp", "/"], ["C:", "\\"]]
            .map(|mark| mark.concat());
    for (path, text) in text_files() {
        for (number, line) in text.lines().enumerate() {
            let mark = marks.iter().find(|mark| line.contains(mark.as_str()));
            assert!(mark.is_none(), "{path}:{}: {line}", number + 1);
        }
    }
}

#[test]
fn versions_stand_in_one_place() {
    for package in packages(&metadata()) {
        let manifest = std::fs::read_to_string(folder(package).join("Cargo.toml")).expect("a manifest");
        let manifest: toml::Table = manifest.parse().expect("TOML");
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(toml::Value::Table(dependencies)) = manifest.get(table) else { continue };
            for (dependency, value) in dependencies {
                let inherited = value.get("workspace") == Some(&toml::Value::Boolean(true));
                assert!(inherited, "{}: {dependency} has a version of its own", name(package));
            }
        }
    }
}

/// The lines that are not comments, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(n, line)| (n + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn rust_files() -> Vec<(String, String)> {
    let files: Vec<_> = text_files().into_iter().filter(|(path, _)| path.ends_with(".rs")).collect();
    assert!(files.len() > 50, "the files were not found: {}", files.len());
    files
}

/// Everything in the project that is text, by its path from the root.
fn text_files() -> Vec<(String, String)> {
    const KINDS: [&str; 6] = ["rs", "toml", "md", "yml", "sh", "html"];
    let mut files = BTreeMap::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() {
                if !is_hidden && !path.ends_with("target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| KINDS.iter().any(|kind| e == *kind)) {
                let relative =
                    path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
                // Some test data are no UTF-8 on purpose.
                let bytes = std::fs::read(&path).expect("a file");
                files.insert(relative, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
    files.into_iter().collect()
}

fn metadata() -> Value {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    serde_json::from_str(&metadata).expect("cargo's metadata")
}

fn cargo(arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(arguments).arg("--offline").current_dir(root()).output().expect("cargo");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent").to_owned()
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().expect("packages").iter()
}

fn name(package: &Value) -> &str {
    package["name"].as_str().expect("a name")
}

fn folder(package: &Value) -> PathBuf {
    Path::new(package["manifest_path"].as_str().expect("a path")).parent().expect("a folder").to_owned()
}

fn is_published(package: &Value) -> bool {
    package["publish"].is_null()
}

/// The dependencies of the kinds given; the kind of normal ones is `null`.
fn dependencies<'a>(package: &'a Value, kinds: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
    dependencies
        .filter(|dependency| kinds.contains(&dependency["kind"].as_str().unwrap_or("null")))
        .map(|dependency| dependency["name"].as_str().expect("a name"))
}
