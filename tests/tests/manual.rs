//! The manual keeps what it promises: its policies load, its rules are rules, its messages are said.

#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use portcullis_core::Ambiguity;
use portcullis_tests::manual::{blocks, review};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../manual")
}

/// The pages by file name.
fn pages() -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder()).expect("the manual");
    let files = files
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"));
    let mut pages: Vec<_> = files
        .map(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            (name, std::fs::read_to_string(&path).expect("text"))
        })
        .collect();
    pages.sort();
    pages
}

fn page(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).expect(name)
}

/// With BLESS=1 in the environment, the test writes down what is said today.
#[test]
fn every_block_is_what_it_says() {
    for (name, page) in pages() {
        let review = review(&page).unwrap_or_else(|error| panic!("manual/{name}: {error:#}"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(folder().join(&name), &review.page).expect("a file to write");
            continue;
        }
        for (number, (written, said)) in (1..).zip(page.lines().zip(review.page.lines())) {
            assert_eq!(written, said, "manual/{name}:{number}");
        }
        assert_eq!(page, review.page, "manual/{name}");
    }
}

#[test]
fn the_chapters_show_what_they_speak_of() {
    for (name, least) in [
        ("writing-policy.md", 20),
        ("from-spring-security.md", 4),
        ("from-express.md", 2),
        ("from-nginx.md", 3),
        ("trust-and-revocation.md", 2),
    ] {
        let checked = review(&page(name)).expect(name).checked;
        assert!(checked >= least, "manual/{name} has {checked} blocks to check");
        // What stands in the manual as Rust is run by rustdoc, which has to be told of the page.
        let sources = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"))
            .expect("lib.rs");
        assert!(sources.contains(&format!("manual/{name}")), "rustdoc does not know of manual/{name}");
    }
}

#[test]
fn the_index_leads_to_every_page() {
    let index = page("README.md");
    for (name, _) in pages() {
        assert!(name == "README.md" || index.contains(&format!("]({name})")), "manual/README.md: {name}");
    }
}

#[test]
fn links_within_the_project_lead_somewhere() {
    for (name, page) in pages() {
        for target in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if file.contains("://") || file.is_empty() {
                continue;
            }
            assert!(folder().join(file).exists(), "manual/{name} links to {target}");
        }
    }
}

#[test]
fn the_table_of_the_firewall_is_complete() {
    let page = page("writing-policy.md");
    let rows: BTreeSet<(&str, bool)> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let name = cells.next()?.strip_suffix('`')?;
            match cells.last()?.strip_suffix(" |")? {
                "yes" => Some((name, true)),
                "never" => Some((name, false)),
                _ => None,
            }
        })
        .collect();
    let knobs = Ambiguity::ALL.iter().map(|ambiguity| (ambiguity.name(), ambiguity.can_be_allowed()));
    assert_eq!(rows, knobs.collect());
}

/// The checks themselves notice what they are there to notice.
#[test]
fn wrong_pages_fail() {
    const POLICY: &str = "version = 1\n[[route]]\nmatch = 'GET /'\nallow = 'anyone'\n";
    const CONFIGURATION: &str = "[server]\nlisten = '[::]:8443'\ncertificate = 'a.pem'\nkey = 'a.key'\n\
                                 [policy]\nfile = 'policy.toml'\n";
    const NAMED: &str = "subject.cn == 'a' // `subject` has no field `cn`: did you mean `subject.CN`?\n";
    let fence = |info: &str, text: &str| format!("```{info}\n{text}```\n");
    let behind = |info: &str, text: &str| fence("toml policy", POLICY) + &fence(info, text);
    let including = fence("toml file a.toml", "version = 1\ninclude = ['b/c.toml']\n");
    let explained =
        "allow: GET / for alice\nroute: GET / (policy.toml:3:9)\nrule:\n  true  anyone\nroles: none\n";
    for (right, wrong) in [
        (fence("toml policy", POLICY), fence("toml policy", "version = 2\n")),
        (fence("toml policy", POLICY), fence("toml", POLICY)),
        (
            behind("text matrix", "route  anonymous  authenticated\nGET /  allow      allow\n"),
            behind("text matrix", "route\n"),
        ),
        (behind("text lint", ""), fence("text lint", "")),
        (behind("text lint", ""), behind("text lint", "?\n")),
        (fence("toml policy", POLICY) + &behind("text diff", ""), behind("text diff", "")),
        (behind("text explain", explained), behind("text explain", "allow: GET / for alice\n")),
        (behind("text explain", explained), behind("text explain admin", explained)),
        (fence("toml configuration", CONFIGURATION), fence("toml configuration", "[server]\n")),
        (fence("cel", "role('admin') // yes\n"), fence("cel", "role('admn')\n")),
        (fence("cel", "'https://a.example/b' in san.uri\n"), fence("cel", "\n")),
        (fence("cel when", "anchor.label == 'staff'\n"), fence("cel when", "role('admin')\n")),
        (fence("cel resource", "resource.public\n"), fence("cel", "resource.public\n")),
        (fence("cel resource", "resource.public\n"), fence("cel sometimes", "resource.public\n")),
        (fence("cel refused", NAMED), fence("cel refused", "subject.cn == 'a' // no\n")),
        (fence("cel refused", NAMED), fence("cel refused", "subject.CN == 'a' // no\n")),
        (fence("cel refused", NAMED), fence("cel refused", "subject.cn == 'a'\n")),
        (including.clone() + &fence("toml file b/c.toml", POLICY), including),
        (fence("rust", "1 + 1;\n"), fence("python", "1\n")),
        (fence("text", "a\n"), "```text\n".into()),
    ] {
        assert_eq!(review(&right).expect(&right).page, right);
        assert!(review(&wrong).map_or(true, |review| review.page != wrong), "{wrong}");
    }
    let refused = |said: &str| fence("toml refused", "version = 2\n") + said;
    let told = review(&refused(&fence("text", "no\n"))).expect("a refusal and a text").page;
    assert!(told.contains("error: version 2 of policy files is not known here"), "{told}");
    assert_eq!(review(&told).expect("the same").page, told);
    for wrong in [refused(""), refused(&fence("rust", "")), told.replace("version = 2", "version = 1")] {
        assert!(review(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn blocks_know_their_lines() {
    let blocks = blocks("a\n\n```toml policy\nversion = 1\n```\n\n```text\n```\n").expect("blocks");
    let found: Vec<_> = blocks.iter().map(|block| (block.info, block.text, block.line)).collect();
    assert_eq!(found, [("toml policy", "version = 1\n", 3), ("text", "", 7)]);
}
