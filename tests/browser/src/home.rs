//! The home of somebody who uses the browser for the first time.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{programs, site::Site};

/// A home folder with an NSS database, in which Chromium finds its certificates.
#[derive(Debug)]
pub struct Home<'a> {
    site: &'a Site,
    folder: TempDir,
}

impl<'a> Home<'a> {
    /// A home where the company's servers are trusted, and without any certificate of its own.
    ///
    /// # Errors
    ///
    /// If the NSS database cannot be made.
    pub fn new(site: &'a Site) -> anyhow::Result<Self> {
        let home = Self { site, folder: tempfile::tempdir()? };
        fs::create_dir_all(home.database())?;
        home.nss("certutil", |command| command.args(["-N", "--empty-password"]))?;
        home.nss("certutil", |command| {
            command.args(["-A", "-n", "the company", "-t", "CT,C,C", "-i"]).arg(site.file("ca.pem"))
        })?;
        Ok(home)
    }

    /// Imports somebody's certificate and key, as its owner would.
    ///
    /// # Errors
    ///
    /// If the bundle cannot be read.
    pub fn import(&self, name: &str) -> anyhow::Result<()> {
        self.nss("pk12util", |command| {
            command.arg("-i").arg(self.site.bundle(name)).arg("-w").arg(self.site.passphrase())
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn database(&self) -> PathBuf {
        self.path().join(".pki").join("nssdb")
    }

    fn nss(&self, program: &str, arguments: impl Fn(&mut Command) -> &mut Command) -> anyhow::Result<()> {
        let mut command = Command::new(program);
        programs::run(arguments(&mut command).arg("-d").arg(format!("sql:{}", self.database().display())))?;
        Ok(())
    }
}
