//! What the operator sees of reloads. One test, as the log belongs to the whole process.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::io;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{fs, thread};

use portcullis_core::{Authorizer, Policy};
use portcullis_tls::PolicyWatcher;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn taken() -> String {
    String::from_utf8(std::mem::take(&mut *LOG.lock().unwrap())).unwrap()
}

#[test]
fn a_mistake_is_shown_once_and_a_reload_is_told() {
    tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(|| Log).init();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let good = "version = 1\n[[route]]\nmatch = \"GET /\"\nallow = \"anyone\"\n";
    fs::write(&path, good).unwrap();
    let auth = Authorizer::builder(Policy::builder().build().unwrap()).build().unwrap();
    let watcher = PolicyWatcher::start(&path, &auth).unwrap();
    let file = path.display();
    let digest = Policy::from_file(&path).unwrap().digest();
    let loaded = |generation: u64| {
        format!(
            " INFO portcullis::policy: the policy was loaded file={file} generation={generation} routes=1 digest={digest}\n"
        )
    };
    assert_eq!(taken(), loaded(1));

    fs::write(&path, good.replace("anyone", "anyoen")).unwrap();
    // Several looks, and a comparison of the content.
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(watcher.failures(), 1);
    let log = taken();
    let (first, picture) = log.split_once('\n').unwrap();
    assert_eq!(first, "ERROR portcullis::policy: the policy was not reloaded, the old one stays in force:");
    let begin = format!(
        "error: `anyoen` is no name of the language\n --> {file}:4:10\n  |\n4 | allow = \"anyoen\"\n"
    );
    assert!(picture.starts_with(&begin), "{picture}");
    assert_eq!(log.matches("ERROR").count(), 1, "{log}");

    fs::write(&path, good).unwrap();
    let begun = Instant::now();
    while !watcher.is_current() && begun.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(taken(), loaded(2));
}
