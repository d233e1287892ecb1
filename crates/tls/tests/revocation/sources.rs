//! Files and folders, and what is found there instead of lists.

use std::fs;
use std::path::Path;

use portcullis_tls::{Revocation, RevocationError};

use crate::{World, revoked, verdict};

fn file(world: &World, content: impl AsRef<[u8]>) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("staff.crl");
    fs::write(&path, content).unwrap();
    let trust = world.trust(Revocation::crl_files([&path])).map_err(|error| error.to_string())?;
    Ok(verdict(&trust, &world.alice))
}

#[test]
fn a_file_is_pem_or_der_with_one_list_or_several() {
    let world = World::new();
    let list = world.root.revocation_list().revoke(revoked(&world.alice)).sign().unwrap();
    let team = world.team.revocation_list().sign().unwrap().pem().unwrap();
    let pem = list.pem().unwrap();
    let contents = [
        list.der().to_vec(),
        pem.clone().into_bytes(),
        format!("\u{feff}{pem}").into_bytes(),
        pem.replace('\n', "\r\n").into_bytes(),
        format!("0 is not the beginning of DER\n{pem}").into_bytes(),
        format!("{team}{pem}").into_bytes(),
        format!("{pem}{pem}").into_bytes(),
    ];
    for content in contents {
        let shown = String::from_utf8_lossy(&content).into_owned();
        assert_eq!(file(&world, content).as_deref(), Ok("revoked"), "{shown}");
    }
}

#[test]
fn what_is_no_list_is_told_with_its_place() {
    let world = World::new();
    let pem = world.root.revocation_list().sign().unwrap().pem().unwrap();
    let certificate = world.root.certificate_pem().unwrap();
    let key = world.root.key_pem().unwrap();
    let table = [
        (String::new(), "is empty"),
        ("\n \n".to_owned(), "is empty"),
        ("hello".to_owned(), "has no PEM block"),
        (certificate.clone(), "a `CERTIFICATE` block begins in line 1"),
        (format!("{pem}{certificate}"), "a `CERTIFICATE` block begins in line"),
        (format!("{pem}{key}"), "a private key begins in line"),
        (pem.replace("-----END X509 CRL-----", ""), "does not end: the text is cut off"),
        (pem.replace("M", "!"), "is damaged: copy the file again"),
    ];
    for (content, expected) in table {
        let text = file(&world, &content).unwrap_err();
        assert!(text.contains("staff.crl`") && text.contains(expected), "{expected}: {text}");
        let secret = key.lines().nth(1).unwrap();
        assert!(!text.contains(secret), "a key is told: {text}");
    }
}

#[test]
fn a_list_among_several_is_told_by_its_line() {
    let world = World::new();
    let good = world.root.revocation_list().sign().unwrap().pem().unwrap();
    let bad = world.root.revocation_list().delta(1).sign().unwrap().pem().unwrap();
    let text = file(&world, format!("{good}{bad}")).unwrap_err();
    let line = good.lines().count() + 1;
    assert!(text.starts_with(&format!("the list in line {line} of `")), "{text}");
}

#[test]
fn a_file_has_a_limit() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("staff.crl");
    let list = world.root.revocation_list().sign().unwrap();
    fs::write(&path, list.der()).unwrap();
    let with = |limit| world.trust(Revocation::crl_files([&path]).largest_list(limit));
    let size = list.der().len() as u64;
    assert!(with(size).is_ok());
    assert!(matches!(with(size - 1), Err(RevocationError::TooLarge { limit, .. }) if limit == size - 1));
    assert!(with(u64::MAX).is_ok());
    // Sparse, so that it costs nothing.
    fs::File::create(&path).unwrap().set_len(50 * 1024 * 1024 + 1).unwrap();
    let default = world.trust(Revocation::crl_files([&path]));
    assert!(matches!(default, Err(RevocationError::TooLarge { .. })), "{default:?}");
}

#[test]
fn a_folder_holds_lists_and_nothing_else() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).unwrap();
    let revocation = Revocation::crl_folder(folder.path());
    let load = || world.trust(revocation.clone()).map_err(|error| error.to_string());
    assert!(load().unwrap_err().contains("has no revocation lists"));
    write(".hidden", b"not looked at");
    assert!(load().unwrap_err().contains("has no revocation lists"));

    write("root.crl", world.root.revocation_list().sign().unwrap().der());
    let trust = load().unwrap();
    assert_eq!(["trusted", "revocation-unknown"], [&world.alice, &world.bob].map(|who| verdict(&trust, who)));
    assert_eq!(revocation.files(), [folder.path().to_owned(), folder.path().join("root.crl")]);
    write("team.r0", world.team.revocation_list().sign().unwrap().pem().unwrap().as_bytes());
    assert_eq!(verdict(&load().unwrap(), &world.bob), "trusted");
    assert_eq!(revocation.files().len(), 3);

    write("README", b"lists are fetched every hour");
    assert!(load().unwrap_err().contains("README` has no PEM block"));
    fs::remove_file(folder.path().join("README")).unwrap();
    fs::create_dir(folder.path().join("old")).unwrap();
    assert!(load().unwrap_err().contains("old`: it is not a file"));
    let missing = Revocation::crl_folder(folder.path().join("missing"));
    assert!(world.trust(missing).unwrap_err().to_string().starts_with("cannot read `"));
}

#[cfg(unix)]
#[test]
fn a_mounted_folder_is_read_through_its_links() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let write = |version: &str, list: portcullis_pki::RevocationListBuilder<'_>| {
        fs::create_dir(folder.path().join(version)).unwrap();
        fs::write(folder.path().join(version).join("root.crl"), list.sign().unwrap().der()).unwrap();
        let link = folder.path().join("..new");
        std::os::unix::fs::symlink(version, &link).unwrap();
        fs::rename(link, folder.path().join("..data")).unwrap();
    };
    write("..1", world.root.revocation_list());
    std::os::unix::fs::symlink("..data/root.crl", folder.path().join("root.crl")).unwrap();
    let load = || verdict(&world.trust(Revocation::crl_folder(folder.path())).unwrap(), &world.alice);
    assert_eq!(load(), "trusted");
    write("..2", world.root.revocation_list().revoke(revoked(&world.alice)));
    assert_eq!(load(), "revoked");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = world.trust(Revocation::crl_files([&pipe])).unwrap_err().to_string();
    assert!(error.ends_with("it is not a file"), "{error}");
}

#[test]
fn a_missing_file_is_told() {
    let world = World::new();
    let error =
        world.trust(Revocation::crl_files([Path::new("/nowhere/staff.crl")])).unwrap_err().to_string();
    assert!(error.starts_with("cannot read `/nowhere/staff.crl`: "), "{error}");
}
