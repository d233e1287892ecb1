//! Files that are looked at again and again.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

/// Files that are looked at again and again, through whatever symbolic links lead to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files(Vec<PathBuf>);

/// How files look from outside: cheap to ask for, and another one after nearly every change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Appearance(Vec<Option<Stamp>>);

/// What there is to read in files, as a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content([u8; 32]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: (u64, u64),
    /// Moves with permissions, too, and cannot be set back.
    #[cfg(unix)]
    changed: (i64, i64),
}

impl Files {
    /// The first one and, in whatever order they come, the others.
    pub(super) fn new<'p>(first: &Path, others: impl IntoIterator<Item = &'p Path>) -> Self {
        let mut paths: Vec<PathBuf> = others.into_iter().map(Path::to_owned).collect();
        paths.push(first.to_owned());
        Self::of(paths)
    }

    /// All of these; a folder stands for nothing but its name.
    pub(super) fn of(mut paths: Vec<PathBuf>) -> Self {
        paths.sort();
        paths.dedup();
        Self(paths)
    }

    pub(super) fn appearance(&self) -> Appearance {
        Appearance(self.0.iter().map(|path| stat(path).ok().map(|metadata| Stamp::new(&metadata))).collect())
    }

    pub(super) fn content(&self) -> Content {
        let mut hash = Sha256::new();
        for path in &self.0 {
            hash_file(path, &mut hash);
        }
        Content(hash.finalize().into())
    }
}

impl Stamp {
    fn new(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: (metadata.dev(), metadata.ino()),
            #[cfg(unix)]
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Only files are opened: opening a pipe could wait for ever.
fn stat(path: &Path) -> io::Result<Metadata> {
    let metadata = fs::metadata(path)?;
    if metadata.is_file() { Ok(metadata) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// Adds the path, the length and the bytes of a file, or what hinders from reading it.
fn hash_file(path: &Path, hash: &mut Sha256) {
    let name = path.as_os_str().as_encoded_bytes();
    hash.update((name.len() as u64).to_le_bytes());
    hash.update(name);
    match read(path, hash) {
        Ok(bytes) => hash.update(bytes.to_le_bytes()),
        Err(error) => {
            hash.update(u64::MAX.to_le_bytes());
            hash.update(error.kind().to_string());
        }
    }
}

fn read(path: &Path, hash: &mut Sha256) -> io::Result<u64> {
    stat(path)?;
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            Some([]) | None => return Ok(bytes),
            Some(chunk) => hash.update(chunk),
        }
        bytes += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path, names: &[&str]) -> Files {
        let paths: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
        Files::new(&folder.join("first"), paths.iter().map(PathBuf::as_path))
    }

    #[test]
    fn each_change_gives_another_content_and_the_way_back_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let files = files(folder.path(), &["a", "b"]);
        let mut seen = vec![files.content()];
        let mut note = |what: &str| {
            let content = files.content();
            assert!(!seen.contains(&content), "{what}");
            seen.push(content);
            content
        };
        fs::write(path("first"), "1").unwrap();
        let begin = note("a file appears");
        fs::write(path("a"), "").unwrap();
        note("an empty file appears");
        fs::write(path("a"), "x").unwrap();
        note("it is filled");
        fs::write(path("a"), "").unwrap();
        fs::write(path("b"), "x").unwrap();
        note("the same bytes in another file");
        fs::remove_file(path("b")).unwrap();
        fs::create_dir(path("b")).unwrap();
        note("a folder in the place of a file");
        fs::remove_dir(path("b")).unwrap();
        fs::remove_file(path("a")).unwrap();
        assert_eq!(files.content(), begin);
        assert_ne!(Files::new(&path("first"), []).content(), begin, "fewer files");
    }

    #[test]
    fn the_order_and_repetition_of_paths_is_nothing() {
        let folder = Path::new("/nowhere");
        assert_eq!(files(folder, &["a", "b", "first"]), files(folder, &["b", "a", "a"]));
    }

    #[cfg(unix)]
    #[test]
    fn the_appearance_follows_links_and_moves_with_a_change_of_the_same_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("old"), "old").unwrap();
        fs::write(path("new"), "new").unwrap();
        std::os::unix::fs::symlink("old", path("first")).unwrap();
        let files = files(folder.path(), &[]);
        let before = files.appearance();
        assert_eq!(files.appearance(), before);
        std::os::unix::fs::symlink("new", path("link")).unwrap();
        fs::rename(path("link"), path("first")).unwrap();
        assert_ne!(files.appearance(), before, "another target");
        assert_ne!(Files::new(&path("none"), []).appearance(), before);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("first");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let files = Files::new(&pipe, []);
        // Would wait for a writer otherwise.
        assert_eq!(files.content(), files.content());
        assert_eq!(files.appearance(), Appearance(vec![None]));
    }
}
