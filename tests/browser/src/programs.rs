//! The programs that take part: those of the system, and our own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use serde_json::Value;

/// From Debian's packages `chromium`, `chromium-driver` and `libnss3-tools`, and how each is asked whether it is there.
const NEEDED: [(&str, &str); 4] =
    [("chromium", "--version"), ("chromedriver", "--version"), ("certutil", "-H"), ("pk12util", "-H")];

/// The first program that this machine lacks.
pub fn missing() -> Option<&'static str> {
    NEEDED
        .into_iter()
        .find(|(program, question)| quiet(program).arg(question).status().is_err())
        .map(|(p, _)| p)
}

fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Whether this process may do anything, in which case Chromium refuses to put its own into a sandbox.
pub(crate) fn is_root() -> anyhow::Result<bool> {
    Ok(run(Command::new("id").arg("-u"))?.trim() == "0")
}

/// What a program says that must succeed.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}: {error}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// The programs of packages of this workspace by their names, built if they are not up to date.
///
/// One at a time, as `cargo run -p` builds them: together they would share their features.
pub(crate) fn build(packages: &[&str]) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the tests stand in no folder")?;
    let mut programs = BTreeMap::new();
    for package in packages {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(root).args([
            "build",
            "-q",
            "--message-format",
            "json-render-diagnostics",
            "-p",
            package,
        ]);
        for line in run(&mut cargo)?.lines() {
            let message: Value = serde_json::from_str(line)?;
            let text = |pointer| message.pointer(pointer).and_then(Value::as_str);
            if let (Some(name), Some(path)) = (text("/target/name"), text("/executable")) {
                programs.insert(name.to_owned(), PathBuf::from(path));
            }
        }
        ensure!(programs.contains_key(*package), "cargo builds no program `{package}`");
    }
    Ok(programs)
}
