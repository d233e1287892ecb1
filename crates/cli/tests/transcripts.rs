//! The transcripts of the command, which are also its documentation.
//!
//! `cmd/NAME.trycmd` holds commands and what they print; `? 2` is an exit status, `[..]` any text
//! in a line, `...` any lines. `cmd/NAME.in/` is where they run, if it exists; with a folder
//! `cmd/NAME.out/` they run one after the other in a copy of it, which may be empty.
//! `TRYCMD=overwrite cargo test -p portcullis --test transcripts` writes down what is printed.

#[test]
fn transcripts() {
    trycmd::TestCases::new().env("NO_COLOR", "1").case("tests/cmd/*.trycmd");
}

/// The README promises the first authorised request in four commands: those of this program are run,
/// in an empty folder, and print what stands there.
#[test]
fn readme() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("README.md");
    std::fs::copy("README.md", &copy).unwrap();
    // trycmd runs the commands one after the other only if it knows what is left behind: nothing to compare
    std::fs::create_dir(folder.path().join("README.out")).unwrap();
    trycmd::TestCases::new().env("NO_COLOR", "1").case(copy);
}
