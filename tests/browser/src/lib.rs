#![doc = include_str!("../README.md")]

pub mod browser;
pub mod example;
pub mod home;
pub mod programs;
pub mod site;
pub mod visit;

use std::path::PathBuf;

use anyhow::Context;

/// A file that is kept when the tests have ended.
///
/// # Errors
///
/// If the folder for it cannot be made.
pub fn artefact(name: &str) -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).context("the tests run outside of a target folder")?;
    let folder = target.join("browser");
    std::fs::create_dir_all(&folder).with_context(|| format!("`{}`", folder.display()))?;
    Ok(folder.join(name))
}
