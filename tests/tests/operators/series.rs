//! O10: no client can make up a series, however many certificates and paths it has.

use std::collections::BTreeSet;

use metrics_util::debugging::{DebuggingRecorder, Snapshotter};
use portcullis_core::Authorizer;
use portcullis_core::DenialKind;
use portcullis_tests::case::Http;
use portcullis_tests::policy;

use crate::{LISTENING, ask, benches, serve};

const CLIENTS: usize = 20;

const KINDS: [DenialKind; 9] = [
    DenialKind::Firewall,
    DenialKind::CrossSite,
    DenialKind::CertificateRequired,
    DenialKind::CertificateUntrusted,
    DenialKind::Forbidden,
    DenialKind::NoRule,
    DenialKind::Misdirected,
    DenialKind::Unavailable,
    DenialKind::Misconfigured,
];

#[tokio::test(flavor = "multi_thread")]
async fn o10_metrics_are_bounded_whoever_asks_for_whatever() {
    let _alone = LISTENING.lock().await;
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::set_global_recorder(recorder).expect("the only recorder of this process");

    let auth = policy::authorizer("standard").unwrap();
    let known = labels(&auth);
    for bench in benches() {
        let server = serve(&bench, &auth).await;
        wave(server.address, 0..2).await;
        let before = series(&snapshotter);
        wave(server.address, 2..CLIENTS).await;
        let after = series(&snapshotter);
        assert!(before.len() > 5, "{}: nothing is counted: {before:?}", bench.adapter);
        assert_eq!(before, after, "{}: new series", bench.adapter);
        for (name, value) in after.iter().flat_map(|series| &series.labels) {
            assert!(known.contains(value), "{}: a label from outside: {name}={value}", bench.adapter);
        }
        (server.stop)().await;
    }
}

/// Each client with a certificate, paths and methods of its own.
async fn wave(address: std::net::SocketAddr, clients: std::ops::Range<usize>) {
    for number in clients {
        for client in [format!("cn:user-{number}"), format!("uri:spiffe://test/{number}")] {
            for (method, path) in [
                ("GET", format!("/reports/{number}")),
                ("GET", format!("/admin/{number}/{number}")),
                ("GET", format!("/files/{number}")),
                ("GET", format!("/nothing-{number}")),
                (&*format!("X{number}"), "/reports/7".into()),
                ("GET", format!("//{number}")),
            ] {
                let answer =
                    ask(address, &client, Http::One, (method.as_bytes(), path.as_bytes()), &[]).await;
                assert!(answer.is_some(), "{client} {method} {path}");
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    name: String,
    labels: Vec<(String, String)>,
}

fn series(snapshotter: &Snapshotter) -> BTreeSet<Series> {
    let rows = snapshotter.snapshot().into_vec().into_iter();
    let ours = rows.filter(|(key, ..)| key.key().name().starts_with("portcullis"));
    ours.map(|(key, ..)| {
        let labels = key.key().labels().map(|label| (label.key().into(), label.value().into()));
        Series { name: key.key().name().into(), labels: labels.collect() }
    })
    .collect()
}

/// Every value that a label may have: from the policy, and from the crates themselves.
fn labels(auth: &Authorizer) -> BTreeSet<String> {
    let routes = auth.policy();
    let routes = routes.routes().map(ToString::to_string);
    let kinds = KINDS.iter().map(|kind| kind.name().to_owned());
    routes.chain(kinds).chain(["allow", "deny", "none", "1", "2"].map(Into::into)).collect()
}
