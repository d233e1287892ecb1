//! The development folder is made once, kept private, and never trusted when it is damaged.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use std::{
    fs,
    path::Path,
    sync::{Arc, Barrier},
    thread,
};

use portcullis_pki::{PkiError, development};
use tempfile::TempDir;

const FILES: [&str; 16] = [
    "ca.pem",
    "mallory-ca.pem",
    "server.pem",
    "server.key",
    "alice.pem",
    "alice.key",
    "alice.p12",
    "bob.pem",
    "bob.key",
    "bob.p12",
    "mallory.pem",
    "mallory.key",
    "mallory.p12",
    "expired.pem",
    "expired.key",
    "expired.p12",
];

fn made() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    development(folder.path()).unwrap();
    folder
}

fn copy(folder: &TempDir) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in FILES.into_iter().chain([".portcullis"]) {
        fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    copy
}

/// The file that is blamed.
fn damaged(folder: &Path) -> String {
    match development(folder) {
        Err(error @ PkiError::Damaged { .. }) => {
            let text = error.to_string();
            assert!(text.contains("delete the folder"), "{text}");
            let PkiError::Damaged { path, .. } = error else { unreachable!() };
            path.strip_prefix(folder).unwrap().display().to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn exactly_the_documented_files_are_there() {
    let folder = made();
    let mut found: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut expected: Vec<_> = FILES.into_iter().chain([".portcullis"]).map(str::to_owned).collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_second_call_changes_nothing() {
    let folder = made();
    let content = || FILES.map(|name| fs::read(folder.path().join(name)).unwrap());
    let before = content();
    let pki = development(folder.path()).unwrap();
    assert_eq!(content(), before);

    let alice = pki.client("alice").unwrap();
    assert_eq!(fs::read_to_string(&alice.key).unwrap(), alice.issued().key_pem().unwrap());
    assert_eq!(fs::read_to_string(&alice.pem).unwrap(), alice.issued().chain_pem().unwrap());
    assert_eq!(fs::read_to_string(pki.server_key()).unwrap(), pki.server().key_pem().unwrap());
    assert!(matches!(pki.client("root"), Err(PkiError::UnknownClient { .. })));
}

#[test]
fn anchors_hold_one_authority_each() {
    let folder = made();
    let pki = development(folder.path()).unwrap();
    let ca = fs::read_to_string(pki.ca_pem()).unwrap();
    assert_eq!(ca.matches("BEGIN CERTIFICATE").count(), 1);
    assert_ne!(ca, fs::read_to_string(pki.mallory_ca_pem()).unwrap());
    for name in ["alice", "bob", "expired"] {
        assert_eq!(pki.client(name).unwrap().issued().root_der(), pki.ca_der());
    }
    assert_ne!(pki.client("mallory").unwrap().issued().root_der(), pki.ca_der());
}

#[test]
fn many_at_once_agree() {
    let outer = tempfile::tempdir().unwrap();
    let folder = Arc::new(outer.path().join("not").join("yet"));
    let barrier = Arc::new(Barrier::new(8));
    let start = |_| {
        let (folder, barrier) = (Arc::clone(&folder), Arc::clone(&barrier));
        thread::spawn(move || {
            barrier.wait();
            let pki = development(&*folder).unwrap();
            (pki.ca_der().to_vec(), pki.client("alice").unwrap().issued().key_der().to_vec())
        })
    };
    let threads: Vec<_> = (0..8).map(start).collect();
    let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(results.windows(2).all(|pair| pair.first() == pair.last()));
}

#[test]
fn what_is_missing_is_made_anew() {
    let original = made();
    for name in FILES {
        let folder = copy(&original);
        let before = development(folder.path()).unwrap();
        fs::remove_file(folder.path().join(name)).unwrap();
        // as if a process had been killed while it wrote
        fs::write(folder.path().join(format!("{name}.new")), "half").unwrap();
        let after = development(folder.path()).unwrap();
        assert_ne!(before.ca_der(), after.ca_der(), "{name}");
        assert!(folder.path().join(name).is_file(), "{name}");
        assert!(!folder.path().join(format!("{name}.new")).exists(), "{name}");
    }
}

#[test]
fn what_is_damaged_is_named() {
    let original = made();
    for name in FILES {
        let content = fs::read(original.path().join(name)).unwrap();
        let half = content.get(..content.len() / 2).unwrap();
        for broken in [half, b"", b"\xff\xfe nothing of use"] {
            let folder = copy(&original);
            fs::write(folder.path().join(name), broken).unwrap();
            assert_eq!(damaged(folder.path()), name);
        }
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let original = made();
    for (from, to) in [
        ("bob.key", "alice.key"),
        ("bob.p12", "alice.p12"),
        ("mallory.pem", "alice.pem"),
        ("alice.key", "alice.pem"),
        ("alice.pem", "alice.key"),
        ("ca.pem", "server.key"),
    ] {
        let folder = copy(&original);
        fs::copy(folder.path().join(from), folder.path().join(to)).unwrap();
        assert_eq!(damaged(folder.path()), to, "{from} as {to}");
    }

    // somebody else's authority in place of ours vouches for nobody here
    let (folder, other) = (copy(&original), made());
    fs::copy(other.path().join("ca.pem"), folder.path().join("ca.pem")).unwrap();
    assert_eq!(damaged(folder.path()), "server.pem");

    // nor does it stand beside ours
    let folder = copy(&original);
    let both = ["ca.pem", "mallory-ca.pem"].map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
    fs::write(folder.path().join("ca.pem"), both.concat()).unwrap();
    assert_eq!(damaged(folder.path()), "ca.pem");
}

#[test]
fn the_files_of_others_are_left_alone() {
    for name in FILES {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), "precious").unwrap();
        match development(folder.path()) {
            Err(PkiError::Foreign { path }) => assert_eq!(path, folder.path().join(name)),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), "precious");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    development(folder.path()).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("notes.txt")).unwrap(), "mine");
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pki");
    fs::write(&path, "").unwrap();
    assert!(matches!(development(&path), Err(PkiError::Io { .. })));
}

#[cfg(unix)]
#[test]
fn secrets_are_private() {
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("pki");
    development(&folder).unwrap();
    assert_eq!(mode(&folder), 0o700);
    let secret = |name: &str| name.ends_with(".key") || name.ends_with(".p12");
    for name in FILES.into_iter().filter(|name| secret(name)) {
        let path = folder.join(name);
        assert_eq!(mode(&path), 0o600, "{name}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    development(&folder).unwrap();
    for name in FILES.into_iter().filter(|name| secret(name)) {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name} was open to others");
    }
}
