//! What a certificate is for, what it is called, and where its files are.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::StoreError;

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// The root authority.
    Root,
    /// An authority below the root.
    Intermediate,
    /// A server.
    Server,
    /// A client.
    Client,
}

impl Kind {
    /// The folder of its files, or the prefix of a name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Intermediate => "intermediate",
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// The place of a certificate in a store: `client/alice`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    kind: Kind,
    name: String,
}

impl Slot {
    /// The place of a server, a client or an intermediate of this name.
    ///
    /// # Errors
    ///
    /// [`StoreError::Name`] if the name cannot be the name of a file everywhere: it is empty, longer
    /// than 64 bytes, starts with a dot or a hyphen, or holds anything but letters, digits and
    /// `-_.@+:*`.
    pub fn new(kind: Kind, name: &str) -> Result<Self, StoreError> {
        let refuse = |reason| Err(StoreError::Name { name: name.to_owned(), reason });
        if name.is_empty() {
            return refuse("it is empty");
        }
        if name.len() > 64 {
            return refuse("it is longer than 64 bytes");
        }
        if name.starts_with(['.', '-']) {
            return refuse("it starts with a dot or a hyphen");
        }
        if name.contains(['/', '\\']) {
            return refuse("it would be a path");
        }
        if !name.chars().all(|c| c.is_alphanumeric() || "-_.@+:*".contains(c)) {
            return refuse("only letters, digits and `-_.@+:*` make a name that is a file everywhere");
        }
        Ok(Self { kind, name: name.to_owned() })
    }

    pub(super) fn root() -> Self {
        Self { kind: Kind::Root, name: "ca".to_owned() }
    }

    /// What the certificate is for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file of the certificate and what stands above it, under the folder of the store.
    pub fn certificate(&self, folder: &Path) -> PathBuf {
        self.file(folder, "pem")
    }

    /// The file of the private key.
    pub fn key(&self, folder: &Path) -> PathBuf {
        self.file(folder, "key")
    }

    /// The file of the PKCS#12 bundle.
    pub fn bundle(&self, folder: &Path) -> PathBuf {
        self.file(folder, "p12")
    }

    fn file(&self, folder: &Path, extension: &str) -> PathBuf {
        // neither of the two is a file name everywhere
        let stem = self.name.replace('*', "_wildcard").replace(':', "_");
        let file = format!("{stem}.{extension}");
        match self.kind {
            Kind::Root => folder.join(file),
            kind => folder.join(kind.as_str()).join(file),
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Root => f.write_str(&self.name),
            kind => write!(f, "{}/{}", kind.as_str(), self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_file_names() {
        for name in ["alice", "alice@example.com", "*.example.com", "::1", "j\u{f6}rg", "a", "_"] {
            assert!(Slot::new(Kind::Client, name).is_ok(), "{name:?}");
        }
        let long = "a".repeat(65);
        for name in
            ["", ".", "..", "../a", "a/b", "a\\b", "-f", ".x", "a b", "a\0", "a\n", "\u{1b}[2J", &long, "a,b"]
        {
            assert!(matches!(Slot::new(Kind::Client, name), Err(StoreError::Name { .. })), "{name:?}");
        }
    }

    #[test]
    fn files_stay_in_the_folder() {
        let slot = Slot::new(Kind::Server, "*.example.com").unwrap();
        assert_eq!(slot.key(Path::new("pki")), Path::new("pki/server/_wildcard.example.com.key"));
        assert_eq!(Slot::root().certificate(Path::new("pki")), Path::new("pki/ca.pem"));
    }
}
