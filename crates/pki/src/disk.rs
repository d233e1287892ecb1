//! Files that are whole or absent, private if they are secret, and written by one process.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::PkiError;

/// The file that marks and locks a folder, and what it says.
pub(crate) struct Marker {
    pub(crate) file: &'static str,
    pub(crate) text: &'static str,
}

/// Makes the folder if need be, and waits until this process is the only one to work in it.
///
/// The lock belongs to the open file: the system gives it back even if the process is killed.
pub(crate) fn lock(folder: &Path, marker: &Marker, files: &[PathBuf]) -> Result<File, PkiError> {
    make_folder(folder)?;
    let path = folder.join(marker.file);
    // in this order: whoever makes files makes the marker first
    let in_the_way = files.iter().find(|file| file.symlink_metadata().is_ok());
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(file) = in_the_way {
                return Err(PkiError::Foreign { path: file.clone() });
            }
            let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed(&path))?;
            file.write_all(marker.text.as_bytes()).map_err(failed(&path))?;
            file
        }
        Err(error) => return Err(failed(&path)(error)),
    };
    file.lock().map_err(failed(&path))?;
    // whoever had the lock may have removed the folder
    if path.is_file() { Ok(file) } else { lock(folder, marker, files) }
}

/// The content of a file, or nothing if it does not exist.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, PkiError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path)(error)),
    }
}

/// Like [`read`], and takes back what others may do with the file.
pub(crate) fn read_secret(path: &Path) -> Result<Option<Vec<u8>>, PkiError> {
    let content = read(path)?;
    if content.is_some() {
        make_private(path).map_err(failed(path))?;
    }
    Ok(content)
}

pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), PkiError> {
    replace(path, content, 0o644)
}

pub(crate) fn write_secret(path: &Path, content: &[u8]) -> Result<(), PkiError> {
    replace(path, content, 0o600)
}

pub(crate) fn remove(path: &Path) -> Result<(), PkiError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path)(error)),
        _ => Ok(()),
    }
}

/// Puts a file into its place in one step, with its final permissions from the start.
fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), PkiError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    // what an interrupted process left behind
    remove(&temporary)?;
    let written = create(&temporary, mode).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    if let Err(error) = written {
        // a full disk is not to be filled with halves of files
        let _ = fs::remove_file(&temporary);
        return Err(failed(&temporary)(error));
    }
    fs::rename(&temporary, path).map_err(failed(path))?;
    sync_folder(path)
}

/// The new name of a file is on the disk only when its folder is.
#[cfg(unix)]
fn sync_folder(file: &Path) -> Result<(), PkiError> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))
}

#[cfg(not(unix))]
fn sync_folder(_file: &Path) -> Result<(), PkiError> {
    Ok(())
}

/// Makes a folder that only its owner can look into, unless it exists.
pub(crate) fn make_folder(folder: &Path) -> Result<(), PkiError> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(failed(parent))?;
    }
    match private_folder().create(folder) {
        // another process was quicker
        Err(_) if folder.is_dir() => Ok(()),
        result => result.map_err(failed(folder)),
    }
}

pub(crate) fn failed(path: &Path) -> impl Fn(io::Error) -> PkiError {
    move |source| PkiError::Io { path: path.to_owned(), source }
}

#[cfg(unix)]
fn create(path: &Path, mode: u32) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn private_folder() -> fs::DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn private_folder() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = fs::metadata(path)?.permissions();
    if permissions.mode() & 0o077 == 0 {
        return Ok(());
    }
    permissions.set_mode(0o600);
    fs::set_permissions(path, permissions)
}

#[cfg(not(unix))]
fn make_private(_path: &Path) -> io::Result<()> {
    Ok(())
}
