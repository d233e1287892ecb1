//! What is told about certificates that were made.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use portcullis_pki::{Entry, Slot, Store};
use serde::Serialize;
use time::{OffsetDateTime, macros::format_description};

use crate::style::printable;

/// A certificate that was made.
#[derive(Debug, Serialize)]
pub(super) struct Made {
    #[serde(flatten)]
    entry: Entry,
    files: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p12: Option<Bundle>,
}

/// A bundle, with its passphrase if it was made up.
#[derive(Debug, Serialize)]
pub(super) struct Bundle {
    pub(super) file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) passphrase: Option<String>,
}

impl Made {
    /// Nothing if the place is empty.
    pub(super) fn new(store: &Store, slot: &Slot, p12: Option<Bundle>) -> Option<Self> {
        let entry = store.latest(slot)?.clone();
        let mut files = vec![slot.certificate(store.folder())];
        if store.has_key(slot) {
            files.push(slot.key(store.folder()));
        }
        Some(Self { entry, files, p12 })
    }

    pub(super) fn text(&self) -> String {
        let files = self.files.iter().chain(self.p12.iter().map(|bundle| &bundle.file));
        let files: Vec<_> = files.map(|file| file.display().to_string()).collect();
        let mut text = format!(
            "made {}\n  {}, serial {}, valid until {}\n",
            files.join(", "),
            printable(self.entry.subject()),
            self.entry.serial(),
            date(self.entry.not_after())
        );
        if let Some(bundle) = &self.p12 {
            text.push_str(&bundle.text());
        }
        text
    }
}

impl Bundle {
    pub(super) fn text(&self) -> String {
        match &self.passphrase {
            Some(passphrase) => {
                format!("  passphrase of {}, shown only now: {passphrase}\n", self.file.display())
            }
            None => String::new(),
        }
    }
}

/// The day.
pub(super) fn date(time: SystemTime) -> String {
    let format = format_description!("[year]-[month]-[day]");
    OffsetDateTime::from(time).format(&format).unwrap_or_else(|_| "the end of time".to_owned())
}

/// How to call a server as this client.
pub(super) fn curl(folder: &Path, client: &Slot) -> String {
    format!(
        "curl --cacert {} --cert {} --key {} https://localhost:8443/",
        folder.join("ca.pem").display(),
        client.certificate(folder).display(),
        client.key(folder).display()
    )
}
