//! Policies that follow their files, however those are replaced.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use portcullis_core::authorizer::AuthorizerError;
use portcullis_core::peer::live::Answer;
use portcullis_core::provider::{Account, Grants, ProviderError};
use portcullis_core::{
    Authorizer, Certificate, Connection, Identity, Peer, Policy, Request, Role, RoleMap, RoleProvider,
};
use portcullis_tls::{PolicyWatcher, PolicyWatcherError};
use tempfile::TempDir;

const OPEN: &str = "version = 1\n[[route]]\nmatch = 'GET /'\nallow = 'anyone'\n";
const CLOSED: &str = "version = 1\n[[route]]\nmatch = 'GET /'\nallow = 'authenticated'\n";

/// A folder with a policy in it, and an authorizer that follows it.
struct Site {
    folder: TempDir,
    auth: Authorizer,
}

impl Site {
    /// With the files of this folder; the policy is `policy.toml`.
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let nothing = Policy::builder().build().unwrap();
        Self { folder, auth: Authorizer::builder(nothing).build().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn watch(&self) -> PolicyWatcher {
        PolicyWatcher::start(self.path("policy.toml"), &self.auth).unwrap()
    }

    /// Puts a finished file in the place of another.
    fn replace(&self, name: &str, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    fn is_open(&self) -> bool {
        let nobody = Connection::assertion(Peer::Anonymous);
        self.auth.decide(&Request::new("GET", "/"), Some(&nobody)).is_allowed()
    }
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
    thread::sleep(Duration::from_millis(600));
}

/// Replaces `policy.toml` in a folder.
type Replace = fn(&Path, &str);

const WAYS: &[(&str, Replace)] = &[
    ("written in place", |folder, text| fs::write(folder.join("policy.toml"), text).unwrap()),
    ("truncated, and written after a while", |folder, text| {
        let mut file = fs::File::create(folder.join("policy.toml")).unwrap();
        thread::sleep(Duration::from_millis(300));
        file.write_all(text.as_bytes()).unwrap();
    }),
    ("written in pieces", |folder, text| {
        let mut file = fs::File::create(folder.join("policy.toml")).unwrap();
        for byte in text.as_bytes() {
            file.write_all(&[*byte]).unwrap();
            thread::sleep(Duration::from_millis(1));
        }
    }),
    ("renamed to", |folder, text| {
        fs::write(folder.join("policy.toml.new"), text).unwrap();
        fs::rename(folder.join("policy.toml.new"), folder.join("policy.toml")).unwrap();
    }),
    ("moved away and written anew", |folder, text| {
        fs::rename(folder.join("policy.toml"), folder.join("policy.toml~")).unwrap();
        fs::write(folder.join("policy.toml"), text).unwrap();
    }),
    ("deleted and created", |folder, text| {
        fs::remove_file(folder.join("policy.toml")).unwrap();
        thread::sleep(Duration::from_millis(300));
        fs::write(folder.join("policy.toml"), text).unwrap();
    }),
    ("moved with its folder", |folder, text| {
        let (other, aside) = (folder.with_extension("new"), folder.with_extension("old"));
        fs::create_dir(&other).unwrap();
        fs::write(other.join("policy.toml"), text).unwrap();
        fs::rename(folder, &aside).unwrap();
        fs::rename(&other, folder).unwrap();
        fs::remove_dir_all(&aside).unwrap();
    }),
];

#[test]
fn every_way_to_replace_a_file_is_seen() {
    thread::scope(|scope| {
        for (way, replace) in WAYS {
            scope.spawn(move || {
                let site = Site::new(&[]);
                let folder = site.path("policies");
                fs::create_dir(&folder).unwrap();
                fs::write(folder.join("policy.toml"), CLOSED).unwrap();
                let watcher = PolicyWatcher::start(folder.join("policy.toml"), &site.auth).unwrap();
                assert!(!site.is_open());
                for (text, expected) in [(OPEN, true), (CLOSED, false), (OPEN, true)] {
                    replace(&folder, text);
                    eventually(way, || site.is_open() == expected && watcher.is_current());
                }
                assert!(watcher.generation() >= 4, "{way}");
            });
        }
    });
}

#[cfg(unix)]
#[test]
fn the_links_that_kubernetes_swaps_are_followed() {
    use std::os::unix::fs::symlink;
    let site = Site::new(&[]);
    let publish = |version: &str, rule: &str| {
        fs::create_dir(site.path(version)).unwrap();
        fs::write(site.path(version).join("policy.toml"), "version = 1\ninclude = ['routes.toml']\n")
            .unwrap();
        let routes = format!("version = 1\n[[route]]\nmatch = 'GET /'\nallow = '{rule}'\n");
        fs::write(site.path(version).join("routes.toml"), routes).unwrap();
        symlink(version, site.path("..data_tmp")).unwrap();
        fs::rename(site.path("..data_tmp"), site.path("..data")).unwrap();
    };
    publish("..2026_01", "authenticated");
    for name in ["policy.toml", "routes.toml"] {
        symlink(Path::new("..data").join(name), site.path(name)).unwrap();
    }
    let watcher = site.watch();
    assert!(!site.is_open());
    publish("..2026_02", "anyone");
    fs::remove_dir_all(site.path("..2026_01")).unwrap();
    eventually("the second version", || site.is_open());
    publish("..2026_03", "authenticated");
    eventually("the third version", || !site.is_open());
    assert_eq!((watcher.generation(), watcher.failures()), (3, 0));
}

#[test]
fn included_files_are_watched_even_those_that_are_not_there_yet() {
    let routes = OPEN;
    let closed = CLOSED;
    let site =
        Site::new(&[("policy.toml", "version = 1\ninclude = ['routes.toml']\n"), ("routes.toml", closed)]);
    let watcher = site.watch();
    assert!(!site.is_open());
    site.replace("routes.toml", routes);
    eventually("a change of the included file", || site.is_open());

    site.replace("policy.toml", "version = 1\ninclude = ['other.toml']\n");
    eventually("an included file that is not there", || watcher.failures() == 1);
    assert!(site.is_open() && !watcher.is_current());
    let failure = watcher.last_failure().unwrap();
    assert!(failure.error().to_string().contains("other.toml"), "{}", failure.error());

    site.replace("other.toml", "version = 1\n[[rout]]\n");
    eventually("it appears, with a mistake", || watcher.failures() == 2);
    assert!(site.is_open());
    site.replace("other.toml", closed);
    eventually("it is mended", || watcher.is_current());
    assert!(!site.is_open());

    let generation = watcher.generation();
    site.replace("routes.toml", "nobody includes this any more");
    wait();
    assert_eq!((watcher.generation(), watcher.failures()), (generation, 2));
}

#[test]
fn a_mistake_leaves_the_old_policy_and_is_counted_once() {
    let site = Site::new(&[("policy.toml", OPEN)]);
    let watcher = site.watch();
    assert!(watcher.is_current() && watcher.last_failure().is_none());
    for (count, broken) in
        (1..).zip(["", "version = 1\n[[route]]\nmatch = 'GET /'\n", "\u{0}", "version = 2\n", "[[["])
    {
        site.replace("policy.toml", broken);
        eventually(broken, || watcher.failures() == count);
        wait();
        assert_eq!((watcher.failures(), watcher.generation()), (count, 1), "{broken}");
        assert!(site.is_open() && !watcher.is_current());
    }
    let failed = watcher.last_failure().unwrap();
    assert!(failed.at() >= watcher.last_good());
    site.replace("policy.toml", CLOSED);
    eventually("it is mended", || !site.is_open() && watcher.is_current());
    assert_eq!((watcher.failures(), watcher.generation()), (5, 2));
    assert!(watcher.last_good() >= failed.at());
    assert!(watcher.last_failure().is_some(), "it can still be looked at");
}

#[test]
fn the_same_content_is_no_change() {
    let site = Site::new(&[("policy.toml", OPEN)]);
    let watcher = site.watch();
    site.replace("policy.toml", OPEN);
    fs::write(site.path("policy.toml"), OPEN).unwrap();
    fs::File::open(site.path("policy.toml")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    // Longer than until the content is compared without any sign of a change.
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(watcher.generation(), 1);
}

#[test]
fn a_start_that_cannot_be_is_an_error() {
    let site = Site::new(&[("broken.toml", "version = 1\n[[route]]\nmatch = 'GET /'\n")]);
    for (name, part) in
        [("absent.toml", "there is no such file"), ("broken.toml", "allow"), ("", "it is no file")]
    {
        let error = PolicyWatcher::start(site.path(name), &site.auth).unwrap_err();
        assert!(matches!(&error, PolicyWatcherError::Policy(_)), "{name}");
        assert!(error.to_string().contains(part), "{name}: {error}");
    }
    assert_eq!(site.auth.policy().routes().count(), 0, "nothing was replaced");
}

#[test]
fn a_policy_without_a_role_that_is_given_stays_out() {
    let with_role = format!("{CLOSED}[roles.admin]\n");
    let site = Site::new(&[("policy.toml", &with_role)]);
    let roles = RoleMap::new().name("alice", ["admin"]).unwrap();
    let policy = Policy::from_file(site.path("policy.toml")).unwrap();
    let auth = Authorizer::builder(policy).roles(roles).build().unwrap();
    let watcher = PolicyWatcher::start(site.path("policy.toml"), &auth).unwrap();
    site.replace("policy.toml", OPEN);
    eventually("the role is missing", || watcher.failures() == 1);
    let failure = watcher.last_failure().unwrap();
    let expected = PolicyWatcherError::Authorizer(AuthorizerError::UnknownRole { role: "admin".into() });
    assert_eq!(failure.error(), &expected);
    assert!(auth.policy().has_role("admin"));
    assert_eq!(PolicyWatcher::start(site.path("policy.toml"), &auth).unwrap_err(), expected);
}

#[test]
fn loaders_may_fail_in_any_way() {
    let site = Site::new(&[("policy.toml", OPEN)]);
    let loader = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.contains("panic"), "this panic belongs to the test");
        Policy::from_text("policy.toml", &text)
    };
    let builder = || PolicyWatcher::builder(site.path("policy.toml"), &site.auth).loader(loader);
    let watcher = builder().start().unwrap();
    assert!(site.is_open());
    site.replace("policy.toml", "panic");
    eventually("it panics", || watcher.failures() == 1);
    assert_eq!(watcher.last_failure().unwrap().error(), &PolicyWatcherError::Panicked);
    assert_eq!(builder().start().unwrap_err(), PolicyWatcherError::Panicked);
    assert!(site.is_open());
    site.replace("policy.toml", CLOSED);
    eventually("it goes on", || !site.is_open());
}

/// A source of roles that cannot always tell which ones it gives.
struct Moody(Arc<AtomicBool>);

impl RoleProvider for Moody {
    fn roles(&self, _account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Ready(Ok(Grants::default()))
    }

    fn declared(&self) -> Vec<Role> {
        assert!(!self.0.load(Ordering::SeqCst), "this panic belongs to the test");
        Vec::new()
    }
}

#[test]
fn sources_of_roles_may_panic() {
    let mut site = Site::new(&[("policy.toml", OPEN)]);
    let is_moody = Arc::new(AtomicBool::new(false));
    let nothing = Policy::builder().build().unwrap();
    site.auth = Authorizer::builder(nothing).roles(Moody(is_moody.clone())).build().unwrap();
    let watcher = site.watch();
    is_moody.store(true, Ordering::SeqCst);
    site.replace("policy.toml", CLOSED);
    eventually("it panics", || watcher.failures() == 1);
    assert_eq!(watcher.last_failure().unwrap().error(), &PolicyWatcherError::Panicked);
    assert!(!watcher.is_current());
    wait();
    assert_eq!(watcher.failures(), 1, "the same content is not tried again");
    assert!(site.is_open(), "the old policy stays");
    let error = PolicyWatcher::start(site.path("policy.toml"), &site.auth).unwrap_err();
    assert_eq!(error, PolicyWatcherError::Panicked);
    is_moody.store(false, Ordering::SeqCst);
    site.replace("policy.toml", &format!("{CLOSED}# again\n"));
    eventually("it goes on", || !site.is_open());
    assert!(watcher.is_current());
}

#[test]
fn nothing_is_replaced_once_the_watcher_is_dropped() {
    let site = Site::new(&[("policy.toml", OPEN)]);
    drop(site.watch());
    site.replace("policy.toml", CLOSED);
    wait();
    assert!(site.is_open());
}

#[test]
fn a_candidate_is_tried_and_follows_its_file() {
    let site = Site::new(&[("policy.toml", OPEN), ("next.toml", CLOSED)]);
    let _watcher = site.watch();
    let candidate = PolicyWatcher::builder(site.path("next.toml"), &site.auth).candidate().start().unwrap();
    assert!(site.is_open(), "it closes nothing");
    let routes = |auth: &Authorizer| auth.candidate().unwrap().routes().count();
    assert_eq!(routes(&site.auth), 1);
    site.replace("next.toml", &format!("{CLOSED}[[route]]\nmatch = 'GET /a'\nallow = 'anyone'\n"));
    eventually("another candidate", || routes(&site.auth) == 2);
    site.replace("policy.toml", CLOSED);
    eventually("another policy", || !site.is_open());
    assert_eq!((routes(&site.auth), candidate.generation()), (2, 2));
}

/// In each of the two, alice is let in and bob is not; with roles of one and rules of the other, bob is.
const ROLE_DECIDES: &str = "version = 1
    [roles.x]
    when = 'subject.CN == \"alice\"'
    [[route]]
    match = 'GET /'
    allow = 'role(\"x\")'\n";
const ROLE_EXCLUDES: &str = "version = 1
    [roles.x]
    when = 'subject.CN == \"bob\"'
    [[route]]
    match = 'GET /'
    allow = 'authenticated && !role(\"x\")'\n";

fn caller(name: &str) -> Connection {
    let client = portcullis_pki::Authority::new("Staff CA").unwrap().client(name).issue().unwrap();
    let certificate = Certificate::from_der(client.certificate_der()).unwrap();
    Connection::assertion(Peer::Verified(Identity::assertion(certificate, "staff")))
}

#[test]
fn each_of_many_decisions_is_made_by_one_policy() {
    let site = Site::new(&[("policy.toml", ROLE_DECIDES)]);
    let builder = PolicyWatcher::builder(site.path("policy.toml"), &site.auth);
    let watcher = builder.interval(Duration::from_millis(1)).start().unwrap();
    let (alice, bob) = (caller("alice"), caller("bob"));
    let (is_over, decisions) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let request = Request::new("GET", "/");
                while !is_over.load(Ordering::Relaxed) {
                    let decision = site.auth.decide(&request, Some(&alice));
                    assert!(decision.is_allowed(), "{decision:?}");
                    let decision = site.auth.decide(&request, Some(&bob));
                    assert!(!decision.is_allowed(), "{decision:?}");
                    decisions.fetch_add(2, Ordering::Relaxed);
                }
            });
        }
        for count in 1..=200 {
            site.replace("policy.toml", if count % 2 == 0 { ROLE_DECIDES } else { ROLE_EXCLUDES });
            eventually("a reload", || watcher.generation() == count + 1);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(watcher.failures(), 0);
    assert!(decisions.into_inner() > 1_000);
}
