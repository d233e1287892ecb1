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
