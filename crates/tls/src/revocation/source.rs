//! Where revocation lists come from.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::RevocationError;
use crate::pem;

/// Where revocation lists come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    File(PathBuf),
    Folder(PathBuf),
    Pem(Vec<u8>),
    Der(Vec<u8>),
}

/// A list that was not read yet.
pub(super) struct Found {
    /// Where it is, for messages.
    pub(super) place: String,
    pub(super) der: Vec<u8>,
}

impl Source {
    /// The files to watch; of a folder the folder, and the files that are there now.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::File(path) => vec![path.clone()],
            Self::Folder(path) => {
                std::iter::once(path.clone()).chain(list(path).unwrap_or_default()).collect()
            }
            Self::Pem(_) | Self::Der(_) => Vec::new(),
        }
    }

    /// The lists in it; at least one, and nothing else.
    pub(super) fn find(&self, limit: u64) -> Result<Vec<Found>, RevocationError> {
        const GIVEN: &str = "the given revocation list";
        match self {
            Self::File(path) => lists(read(path, limit)?, &name(path)),
            Self::Folder(folder) => {
                let files = list(folder)?;
                if files.is_empty() {
                    return Err(RevocationError::EmptyFolder { origin: name(folder) });
                }
                let mut found = Vec::new();
                for path in files {
                    found.extend(lists(read(&path, limit)?, &name(&path))?);
                }
                Ok(found)
            }
            Self::Pem(bytes) => blocks(bytes, GIVEN),
            Self::Der(bytes) => Ok(vec![Found { place: GIVEN.to_owned(), der: bytes.clone() }]),
        }
    }
}

/// Reads a file of at most so many bytes. Only files are opened: a pipe could wait for ever.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, RevocationError> {
    let unreadable = |reason: String| RevocationError::Unreadable { origin: name(path), reason };
    let about = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !about.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    if about.len() > limit {
        return Err(RevocationError::TooLarge { origin: name(path), limit });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
    File::open(path)
        .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| unreadable(error.to_string()))?;
    // It may have grown.
    if bytes.len() as u64 > limit {
        return Err(RevocationError::TooLarge { origin: name(path), limit });
    }
    Ok(bytes)
}

pub(super) fn name(path: &Path) -> String {
    format!("`{}`", path.display())
}

/// The files in a folder, in order. Hidden ones are left out: Kubernetes mounts have them.
fn list(folder: &Path) -> Result<Vec<PathBuf>, RevocationError> {
    let unreadable = |error: std::io::Error| RevocationError::Unreadable {
        origin: name(folder),
        reason: error.to_string(),
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The lists in a file, whether it is PEM or DER.
pub(super) fn lists(bytes: Vec<u8>, origin: &str) -> Result<Vec<Found>, RevocationError> {
    // Text has no byte above 127 in second place; the length of any list has.
    match *bytes {
        [0x30, second, ..] if second > 127 => Ok(vec![Found { place: origin.to_owned(), der: bytes }]),
        _ => blocks(&bytes, origin),
    }
}

fn blocks(bytes: &[u8], origin: &str) -> Result<Vec<Found>, RevocationError> {
    let blocks = pem::blocks(bytes, origin)?;
    let is_only_one = blocks.len() == 1;
    let mut found = Vec::new();
    for block in blocks {
        let (origin, line) = (origin.to_owned(), block.line);
        if block.label.ends_with("PRIVATE KEY") {
            return Err(RevocationError::PrivateKey { origin, line });
        }
        if block.label != "X509 CRL" {
            return Err(RevocationError::ForeignBlock { origin, line, label: block.label });
        }
        let der = block.der(&origin)?;
        let place = if is_only_one { origin } else { format!("the list in line {line} of {origin}") };
        found.push(Found { place, der });
    }
    Ok(found)
}
