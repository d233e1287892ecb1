//! Reading and writing the files of a store.

use std::{fs, io, path::Path};

use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};
use x509_parser::pem::Pem;

use super::{Entry, Slot, StoreError};
use crate::{Kind, PkiError, disk, pem};

/// Asked for the passphrase of a key that is encrypted.
pub(super) type Unlock<'a> = &'a mut dyn FnMut(&Path) -> Result<String, String>;

/// The certificates in a file, at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, StoreError> {
    let content = existing(path, disk::read(path)?)?;
    let mut certificates = Vec::new();
    for block in Pem::iter_from_buffer(&content) {
        let block = block.map_err(|error| StoreError::damaged(path, error))?;
        if block.label != "CERTIFICATE" {
            let reason = format!("it holds a block `{}`", block.label.escape_debug());
            return Err(StoreError::damaged(path, reason));
        }
        certificates.push(block.contents);
    }
    if certificates.is_empty() {
        return Err(StoreError::damaged(path, "it holds no certificate"));
    }
    Ok(certificates)
}

/// The private key in a file, opened if it is encrypted.
pub(super) fn key(path: &Path, unlock: Unlock<'_>) -> Result<SecretDocument, StoreError> {
    let content = existing(path, disk::read_secret(path)?)?;
    let text = str::from_utf8(&content).map_err(|_| StoreError::damaged(path, "it is no text"))?;
    let (label, document) =
        SecretDocument::from_pem(text).map_err(|error| StoreError::damaged(path, error))?;
    let locked = |reason: String| StoreError::Locked { path: path.to_owned(), reason };
    match label {
        "PRIVATE KEY" => Ok(document),
        "ENCRYPTED PRIVATE KEY" => {
            let sealed = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
                .map_err(|error| StoreError::damaged(path, error))?;
            let passphrase = unlock(path).map_err(locked)?;
            sealed.decrypt(passphrase).map_err(|_| locked("the passphrase is wrong".to_owned()))
        }
        _ => Err(StoreError::damaged(path, "it holds no PKCS#8 key")),
    }
}

pub(super) fn write_certificates(path: &Path, chain: &[Vec<u8>]) -> Result<(), StoreError> {
    let text = chain.iter().map(|der| pem::certificate(der)).collect::<Result<String, _>>()?;
    make_parent(path)?;
    Ok(disk::write(path, text.as_bytes())?)
}

pub(super) fn write_key(path: &Path, pkcs8: &[u8], passphrase: Option<&str>) -> Result<(), StoreError> {
    let text = match passphrase {
        Some(passphrase) => pem::encrypt_key(pkcs8, passphrase)?,
        None => pem::key(&SecretDocument::try_from(pkcs8).map_err(PkiError::key)?)?,
    };
    make_parent(path)?;
    Ok(disk::write_secret(path, text.as_bytes())?)
}

/// The lines of the index.
pub(super) fn read_index(path: &Path) -> Result<Option<Vec<Entry>>, StoreError> {
    let Some(content) = disk::read(path)? else { return Ok(None) };
    let text = str::from_utf8(&content).map_err(|_| StoreError::damaged(path, "it is no text"))?;
    let mut entries: Vec<Entry> = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let failed = |reason: &dyn ToString| {
            StoreError::damaged(path, format!("line {}: {}", number + 1, reason.to_string()))
        };
        let entry: Entry = serde_json::from_str(line).map_err(|error| failed(&error))?;
        // whoever edits the index does not choose files outside of the folder
        if entry.kind() != Kind::Root {
            Slot::new(entry.kind(), entry.name()).map_err(|error| failed(&error))?;
        } else if !entry.is(&Slot::root()) {
            return Err(failed(&"the root has another name than `ca`"));
        }
        let is_issuer = |above: &Entry| match above.kind() {
            Kind::Root => entry.issuer() == "ca",
            Kind::Intermediate => entry.issuer().strip_prefix("intermediate/") == Some(above.name()),
            _ => false,
        };
        if !std::iter::once(&entry).filter(|entry| entry.kind() == Kind::Root).chain(&entries).any(is_issuer)
        {
            return Err(failed(&"the issuer stands in no line above"));
        }
        if super::entry::unhex(entry.serial()).is_none() {
            return Err(failed(&"the serial number is not hexadecimal"));
        }
        entries.push(entry);
    }
    Ok(Some(entries))
}

pub(super) fn write_index(path: &Path, entries: &[Entry]) -> Result<(), StoreError> {
    let mut text = String::new();
    for entry in entries {
        let line = serde_json::to_string(entry).map_err(|error| PkiError::encoding("the index", error))?;
        text.push_str(&line);
        text.push('\n');
    }
    Ok(disk::write(path, text.as_bytes())?)
}

/// Whether there is a file that only a store with more than a root has.
pub(super) fn has_slots(folder: &Path) -> Result<bool, StoreError> {
    for kind in [Kind::Intermediate, Kind::Server, Kind::Client] {
        let folder = folder.join(kind.as_str());
        let files = match fs::read_dir(&folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(disk::failed(&folder)(error).into()),
        };
        for file in files {
            let path = file.map_err(disk::failed(&folder))?.path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            if matches!(extension, Some("pem" | "key" | "p12")) {
                return Ok(true);
            }
        }
    }
    Ok(folder.join("crl.pem").symlink_metadata().is_ok())
}

fn make_parent(path: &Path) -> Result<(), StoreError> {
    match path.parent() {
        Some(parent) => Ok(disk::make_folder(parent)?),
        None => Ok(()),
    }
}

fn existing(path: &Path, content: Option<Vec<u8>>) -> Result<Vec<u8>, StoreError> {
    content.ok_or_else(|| StoreError::damaged(path, "it does not exist"))
}
