//! Certificates and trust that follow their files, however those are replaced.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use portcullis_pki::{Authority, Issued, Revoked};
use portcullis_tls::{ClientAuth, KeyPair, Revocation, ServerTls, TrustAnchors, TrustWatcher};
use tempfile::TempDir;

/// A server whose files are all in one folder.
struct Site {
    folder: TempDir,
    authority: Authority,
    clock: Arc<AtomicI64>,
    tls: ServerTls,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("Staff CA").unwrap();
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        let server = authority.server().issue().unwrap();
        write("server.pem", server.chain_pem().unwrap());
        write("server.key", server.key_pem().unwrap());
        write("ca.pem", authority.certificate_pem().unwrap());
        write("blocked", String::new());
        fs::create_dir_all(folder.path().join("crls")).unwrap();
        write("crls/staff.crl", list(&authority, 0));
        let path = |name: &str| folder.path().join(name);
        let clock = Arc::new(AtomicI64::new(now()));
        let time = clock.clone();
        let tls = ServerTls::builder(KeyPair::from_pem_files(path("server.pem"), path("server.key")))
            .client_auth(ClientAuth::request(TrustAnchors::new().pem_file("staff", path("ca.pem"))))
            .revocation(Revocation::crl_folder(path("crls")).deny_list_file(path("blocked")))
            .clock(move || time.load(SeqCst))
            .build()
            .unwrap();
        Self { folder, authority, clock, tls }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How many certificates are revoked by the lists in force.
    fn revoked(&self) -> usize {
        let status = self.tls.status();
        let revocation = status.sites[0].revocation.as_ref().unwrap();
        revocation.lists.iter().filter(|list| !list.replaced).map(|list| list.entries).sum()
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn list(authority: &Authority, revoked: u8) -> String {
    let revoked = (1..=revoked).map(|serial| Revoked::serial(vec![serial]));
    authority.revocation_list().revoke_all(revoked).sign().unwrap().pem().unwrap()
}

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// More time than a change takes to be seen, for what must not happen.
fn wait() {
    thread::sleep(Duration::from_millis(700));
}

fn write_pair(site: &Site, server: &Issued) {
    fs::write(site.path("server.pem"), server.chain_pem().unwrap()).unwrap();
    fs::write(site.path("server.key"), server.key_pem().unwrap()).unwrap();
}

#[test]
fn each_kind_of_file_is_followed() {
    let site = Site::new();
    let _watcher = TrustWatcher::start(&site.tls).unwrap();

    fs::write(site.path(".new"), list(&site.authority, 1)).unwrap();
    fs::rename(site.path(".new"), site.path("crls/staff.crl")).unwrap();
    eventually("a list is renamed to", || site.revoked() == 1);

    fs::write(site.path("crls/staff.crl"), list(&site.authority, 2)).unwrap();
    eventually("a list is written in place", || site.revoked() == 2);

    let other = Authority::new("Other CA").unwrap();
    fs::write(site.path("crls/other.crl"), list(&other, 3)).unwrap();
    eventually("a list comes into the folder", || site.revoked() == 5);

    fs::remove_file(site.path("crls/other.crl")).unwrap();
    eventually("a list goes", || site.revoked() == 2);

    fs::write(site.path("blocked"), "serial:1 issuer:\"CN=Staff CA\"\n").unwrap();
    eventually("the deny list", || site.tls.status().sites[0].revocation.as_ref().unwrap().denied == 1);

    let anchors = [site.authority.certificate_pem().unwrap(), other.certificate_pem().unwrap()].concat();
    fs::write(site.path("ca.pem"), anchors).unwrap();
    eventually("the anchors", || site.tls.status().sites[0].anchors.len() == 2);

    let end = UNIX_EPOCH + Duration::from_secs(u64::try_from(now()).unwrap() + 1_000_000);
    let renewed = site.authority.server().valid(SystemTime::now() - Duration::from_secs(60), end).issue();
    write_pair(&site, &renewed.unwrap());
    eventually("the server's certificate", || {
        site.tls.status().sites[0].certificate_not_after < now() + 1_000_001
    });
    assert!(site.tls.status().is_current);
}

#[cfg(unix)]
#[test]
fn folders_that_kubernetes_swaps_are_followed() {
    use std::os::unix::fs::symlink;
    let site = Site::new();
    fs::remove_file(site.path("crls/staff.crl")).unwrap();
    for (name, revoked) in [("..1", 1), ("..2", 2)] {
        fs::create_dir(site.path("crls").join(name)).unwrap();
        fs::write(site.path("crls").join(name).join("staff.crl"), list(&site.authority, revoked)).unwrap();
    }
    symlink("..1", site.path("crls/..data")).unwrap();
    symlink("..data/staff.crl", site.path("crls/staff.crl")).unwrap();
    let _watcher = TrustWatcher::start(&site.tls).unwrap();
    eventually("what changed before the start", || site.revoked() == 1);
    symlink("..2", site.path("crls/..new")).unwrap();
    fs::rename(site.path("crls/..new"), site.path("crls/..data")).unwrap();
    eventually("the swap", || site.revoked() == 2);
}

#[test]
fn a_mistake_counts_once_and_changes_nothing() {
    let site = Site::new();
    let _watcher = TrustWatcher::start(&site.tls).unwrap();
    fs::write(site.path("crls/staff.crl"), list(&site.authority, 1)).unwrap();
    eventually("a good list", || site.revoked() == 1);
    let generation = site.tls.trust_generation();

    fs::write(site.path(".new"), "junk").unwrap();
    fs::rename(site.path(".new"), site.path("crls/staff.crl")).unwrap();
    eventually("the mistake", || site.tls.status().failed_reloads == 1);
    wait();
    let status = site.tls.status();
    assert_eq!((status.failed_reloads, status.is_current, site.revoked()), (1, false, 1));
    assert!(status.last_failed_reload.unwrap().error.to_string().contains("staff.crl"));

    fs::write(site.path("crls/staff.crl"), list(&site.authority, 2)).unwrap();
    eventually("it is mended", || site.tls.status().is_current && site.revoked() == 2);
    assert_eq!(site.tls.trust_generation(), generation + 1);
}

#[test]
fn files_that_have_not_changed_make_no_new_trust() {
    let site = Site::new();
    let watcher = TrustWatcher::start(&site.tls).unwrap();
    let before = site.tls.status().last_good_reload;
    site.clock.fetch_add(5, SeqCst);
    watcher.reload();
    eventually("it was read by order", || site.tls.status().last_good_reload == before + 5);
    assert_eq!(site.tls.trust_generation(), 1);
}

#[test]
fn who_follows_nothing_still_obeys_and_ends_when_dropped() {
    let site = Site::new();
    let watcher = TrustWatcher::builder(&site.tls).only_when_told().start().unwrap();
    fs::write(site.path("crls/staff.crl"), list(&site.authority, 1)).unwrap();
    wait();
    assert_eq!(site.revoked(), 0);
    watcher.reload();
    eventually("the order", || site.revoked() == 1);
    drop(watcher);
    fs::write(site.path("crls/staff.crl"), list(&site.authority, 2)).unwrap();
    wait();
    assert_eq!(site.revoked(), 1);
}
