//! What has expired since the start keeps nothing else from being replaced.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::{Duration, SystemTime};

use portcullis_core::Certificate;
use portcullis_pki::Authority;
use portcullis_tls::{ClientAuth, Revocation, TlsError, TrustAnchorsError};

use crate::site::{Site, now};

#[test]
fn an_anchor_that_expires_does_not_keep_a_block_from_holding() {
    let site = Site::new();
    let soon = SystemTime::now() + Duration::from_secs(60);
    let past = SystemTime::now() - Duration::from_secs(86_400);
    let old = Authority::builder("Old CA").valid(past, soon).build().unwrap();
    let visitor = Authority::builder("Visitor").valid(past, soon).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let denied = folder.path().join("denied.txt");
    fs::write(&denied, "# nobody\n").unwrap();

    let clock = Arc::new(AtomicI64::new(now()));
    let time = clock.clone();
    let anchors = || {
        site.anchors()
            .der("old", old.certificate_der())
            .pinned_certificate("visitors", visitor.certificate_der())
    };
    let tls = site
        .builder()
        .client_auth(ClientAuth::require(anchors()))
        .revocation(Revocation::deny_list().deny_list_file(&denied))
        .clock(move || time.load(SeqCst))
        .build()
        .unwrap();

    clock.fetch_add(120, SeqCst);
    let alice =
        Certificate::from_der(site.authority.client("alice").issue().unwrap().certificate_der()).unwrap();
    fs::write(&denied, format!("sha256:{}\n", alice.sha256())).unwrap();
    tls.reload().unwrap();
    let blocked =
        |status: &portcullis_tls::TlsStatus| status.sites[0].revocation.as_ref().map(|all| all.denied);
    assert_eq!(blocked(&tls.status()), Some(1));

    // At start it is a mistake, and told.
    let late = now() + 120;
    let started = site.builder().client_auth(ClientAuth::require(anchors())).clock(move || late).build();
    assert!(matches!(started, Err(TlsError::TrustAnchors(TrustAnchorsError::Expired { .. }))));
}
