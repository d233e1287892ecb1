//! What all visits share: the programs, and the certificates that `portcullis pki` makes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;
use tempfile::TempDir;

use crate::programs;

const COMMAND: &str = "portcullis";

/// A folder with the certificates of a company, of others who call themselves the same, and of strangers.
#[derive(Debug)]
pub struct Site {
    programs: BTreeMap<String, PathBuf>,
    folder: TempDir,
}

impl Site {
    /// Builds the programs and makes the certificates.
    ///
    /// # Errors
    ///
    /// If a program cannot be built, or `portcullis pki` fails.
    pub fn new(examples: &[&str]) -> anyhow::Result<Self> {
        let programs = programs::build(&[&[COMMAND], examples].concat())?;
        let site = Self { programs, folder: tempfile::tempdir()? };
        fs::write(site.passphrase(), "correct horse battery staple")?;
        site.pki("ours", &["init", "--server", "localhost"])?;
        let subject = "O=Example Ltd,OU=Security,L=Potsdam,ST=Brandenburg,C=DE";
        site.client("ours", "alice", &["--email", "alice@example.com", "--subject", subject])?;
        site.client("ours", "bob", &[])?;
        // A browser offers a certificate if its issuer's name is one that the server asks for: mallory's is.
        site.pki("theirs", &["init"])?;
        site.client("theirs", "mallory", &[])?;
        site.pki("others", &["init", "--name", "Other CA"])?;
        site.client("others", "stranger", &[])?;
        Ok(site)
    }

    fn client(&self, store: &str, name: &str, options: &[&str]) -> anyhow::Result<()> {
        let passphrase = format!("file:{}", self.passphrase().display());
        self.pki(store, &[&["client", name, "--p12-passphrase", &passphrase], options].concat())
    }

    fn pki(&self, store: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(self.program(COMMAND)?);
        programs::run(command.arg("pki").arg("--dir").arg(self.folder.path().join(store)).args(arguments))?;
        Ok(())
    }

    /// The file of a program of this workspace.
    ///
    /// # Errors
    ///
    /// If it is none of those that were built.
    pub fn program(&self, name: &str) -> anyhow::Result<&Path> {
        self.programs.get(name).map(PathBuf::as_path).with_context(|| format!("`{name}` was not built"))
    }

    /// A file that `portcullis pki` made, such as `server/localhost.pem`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("ours").join(name)
    }

    /// The file with the passphrase of every bundle.
    pub fn passphrase(&self) -> PathBuf {
        self.folder.path().join("passphrase")
    }

    /// The bundle of a client, whichever authority issued it.
    pub fn bundle(&self, name: &str) -> PathBuf {
        let store = match name {
            "mallory" => "theirs",
            "stranger" => "others",
            _ => "ours",
        };
        self.folder.path().join(store).join("client").join(name).with_extension("p12")
    }
}
