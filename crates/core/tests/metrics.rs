//! What is counted, and that no client can make up new series.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy exempts test functions, not what they call"
)]

mod audited;

use std::collections::BTreeMap;

use audited::{Known, certificate, decide, policy, roles};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use portcullis_core::audit::{Audit, AuditEvent};
use portcullis_core::rule::nobody;
use portcullis_core::{Authorizer, Certificate, Connection, Identity, Peer, Policy};

/// The series by name and labels; of histograms the number of samples.
fn series(work: impl FnOnce()) -> BTreeMap<String, u64> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, work);
    let rows = snapshotter.snapshot().into_vec().into_iter();
    rows.map(|(key, _, _, value)| {
        let key = key.key();
        let labels: Vec<_> = key.labels().map(|l| format!("{}={}", l.key(), l.value())).collect();
        let value = match value {
            DebugValue::Counter(count) => count,
            DebugValue::Histogram(samples) => {
                assert!(samples.iter().all(|seconds| seconds.0 >= 0.0 && seconds.0 < 60.0));
                samples.len() as u64
            }
            DebugValue::Gauge(_) => panic!("there are no gauges"),
        };
        (format!("{}{{{}}}", key.name(), labels.join(",")), value)
    })
    .collect()
}

#[test]
fn decisions_are_counted_by_kind_and_route() {
    let series = series(|| {
        let auth = Authorizer::builder(policy()).roles(roles()).build().unwrap();
        let candidate = Policy::builder().role("admin", []).route("GET /", nobody()).build().unwrap();
        auth.set_candidate(candidate).unwrap();
        let alice = Known::connection(audited::peer("alice"));
        let nobody = Known::connection(Peer::Anonymous);
        for _ in 0..3 {
            let _ = decide(&auth, "GET", "/", &nobody);
            let _ = decide(&auth, "GET", "/admin/7", &nobody);
        }
        let _ = decide(&auth, "GET", "/closed", &alice);
        let _ = decide(&auth, "GET", "/nowhere", &alice);
        let _ = decide(&auth, "GET", "//", &alice);
    });
    let expected = [
        ("portcullis_candidate_differences_total{difference=closes,route=GET /}", 3),
        ("portcullis_decisions_total{decision=allow,kind=none}", 3),
        ("portcullis_decisions_total{decision=deny,kind=certificate-required}", 3),
        ("portcullis_decisions_total{decision=deny,kind=firewall}", 1),
        ("portcullis_decisions_total{decision=deny,kind=forbidden}", 1),
        ("portcullis_decisions_total{decision=deny,kind=no-rule}", 1),
        ("portcullis_denials_total{route=* /admin/{*rest},kind=certificate-required}", 3),
        ("portcullis_denials_total{route=GET /closed,kind=forbidden}", 1),
        ("portcullis_denials_total{route=none,kind=firewall}", 1),
        ("portcullis_denials_total{route=none,kind=no-rule}", 1),
        ("portcullis_role_source_seconds{source=1}", 1),
    ];
    let found: Vec<_> = series.iter().map(|(key, count)| (key.as_str(), *count)).collect();
    assert_eq!(found, expected);
}

/// Certificates that differ in their common name, and so in everything that is made of it.
fn distinct(n: usize) -> impl Iterator<Item = Certificate> {
    let original = certificate("user-00000");
    let name = original.der().windows(10).position(|bytes| bytes == b"user-00000").unwrap();
    (0..n).map(move |i| {
        let mut der = original.der().to_vec();
        der[name..name + 10].copy_from_slice(format!("user-{i:05}").as_bytes());
        Certificate::from_der(&der).unwrap()
    })
}

#[test]
fn ten_thousand_callers_and_paths_make_no_new_series() {
    let mut fingerprints = std::collections::HashSet::new();
    let series = series(|| {
        let auth = Authorizer::builder(policy()).roles(roles()).build().unwrap();
        for (i, certificate) in distinct(10_000).enumerate() {
            fingerprints.insert(*certificate.sha256());
            let peer = Peer::Verified(Identity::assertion(certificate, "staff"));
            let connection = Connection::assertion(peer);
            for path in ["/me".to_owned(), format!("/admin/{i}"), format!("/scan/{i}"), format!("//{i}")] {
                let _ = decide(&auth, "GET", &path, &connection);
            }
        }
    });
    assert_eq!(fingerprints.len(), 10_000);
    assert_eq!(series["portcullis_decisions_total{decision=allow,kind=none}"], 10_000);
    assert_eq!(series.values().sum::<u64>(), 10_000 * (1 + 3 * 2 + 1), "all was counted: {series:?}");
    assert_eq!(series.len(), 4 + 3 + 1, "{series:?}");
}

#[test]
fn lost_audit_events_are_counted() {
    let series = series(|| {
        let (gate, blocked) = std::sync::mpsc::channel::<()>();
        let blocking = move |_: &AuditEvent<'_>| {
            let _ = blocked.recv();
        };
        let audit = Audit::to(blocking).queue(std::num::NonZeroUsize::MIN);
        let auth = Authorizer::builder(policy()).roles(roles()).audit(audit).build().unwrap();
        for _ in 0..100 {
            let _ = decide(&auth, "GET", "/", &Known::connection(Peer::Anonymous));
        }
        drop(gate);
    });
    let lost = series["portcullis_audit_losses_total{reason=overflow}"];
    assert!((98..100).contains(&lost), "{lost}: one in the sink's hands, one in the queue");
}
