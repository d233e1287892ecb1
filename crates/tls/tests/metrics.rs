//! The numbers that operators see. One test, as the recorder belongs to the whole process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::fs;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use portcullis_core::{Authorizer, Policy};
use portcullis_pki::Authority;
use portcullis_tls::{ClientAuth, KeyPair, PolicyWatcher, Revocation, ServerTls, TrustAnchors};

/// All series, written as `name{label=value,..}`, since they were last taken: that sets them to zero.
struct Taken(BTreeMap<String, f64>);

impl Taken {
    fn from(snapshotter: &Snapshotter) -> Self {
        let rows = snapshotter.snapshot().into_vec().into_iter();
        let named = rows.map(|(key, _, _, value)| {
            let labels = key.key().labels().map(|label| format!("{}={}", label.key(), label.value()));
            let name = format!("{}{{{}}}", key.key().name(), labels.collect::<Vec<_>>().join(","));
            let value = match value {
                DebugValue::Counter(value) => f64::from(u32::try_from(value).unwrap()),
                DebugValue::Gauge(value) => value.0,
                DebugValue::Histogram(_) => panic!("`{name}` is a histogram"),
            };
            (name, value)
        });
        Self(named.collect())
    }

    fn of(&self, series: &str) -> f64 {
        *self.0.get(series).unwrap_or_else(|| panic!("`{series}` is none of {:#?}", self.0.keys()))
    }

    fn is(&self, series: &str, expected: f64) {
        assert!((self.of(series) - expected).abs() < 0.5, "{series} is {}, not {expected}", self.of(series));
    }
}

#[test]
fn what_is_in_force_can_be_read_from_the_gauges() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::set_global_recorder(recorder).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let authority = Authority::new("Staff CA").unwrap();
    let server = authority.server().issue().unwrap();
    let list = authority.revocation_list().sign().unwrap().pem().unwrap();
    fs::write(path("staff.crl"), &list).unwrap();
    fs::write(path("blocked"), "serial:1 issuer:\"CN=Staff CA\"\n").unwrap();
    let staff = TrustAnchors::new().der("staff", authority.certificate_der());
    let tls = ServerTls::builder(KeyPair::from_pem(server.chain_pem().unwrap(), server.key_pem().unwrap()))
        .client_auth(ClientAuth::request(staff))
        .revocation(Revocation::crl_files([path("staff.crl")]).deny_list_file(path("blocked")))
        .build()
        .unwrap();
    let list_status = tls.status().sites.first().unwrap().revocation.clone().unwrap().lists;
    let lifetime = list_status.first().map(|list| list.next_update - list.this_update).unwrap();

    tls.record_gauges();
    let taken = Taken::from(&snapshotter);
    taken.is("portcullis_tls_trust_generation{}", 1.0);
    taken.is("portcullis_tls_is_current{}", 1.0);
    taken.is("portcullis_tls_site_info{site=default,mode=request}", 1.0);
    taken.is("portcullis_tls_anchors{site=default,label=staff}", 1.0);
    taken.is("portcullis_tls_anchors_without_list{site=default}", 0.0);
    taken.is("portcullis_tls_denied_entries{site=default}", 1.0);
    let age = taken.of("portcullis_tls_crl_age_seconds{site=default,issuer=CN=Staff CA}");
    let due = taken.of("portcullis_tls_crl_next_update_seconds{site=default,issuer=CN=Staff CA}");
    // Both speak of the same second.
    assert!((age + due - f64::from(u32::try_from(lifetime).unwrap())).abs() < 0.5, "{age} {due} {lifetime}");
    assert!(taken.of("portcullis_tls_certificate_expiry_days{site=default}") > 1.0);
    assert!(taken.of("portcullis_tls_anchor_expiry_days{site=default,label=staff}") > 1.0);

    fs::write(path("blocked"), "").unwrap();
    tls.reload().unwrap();
    fs::write(path("staff.crl"), "junk").unwrap();
    tls.reload().unwrap_err();
    tls.record_gauges();
    let taken = Taken::from(&snapshotter);
    taken.is("portcullis_tls_reloads_total{outcome=good}", 1.0);
    taken.is("portcullis_tls_reloads_total{outcome=failed}", 1.0);
    taken.is("portcullis_tls_trust_generation{}", 2.0);
    taken.is("portcullis_tls_is_current{}", 0.0);
    taken.is("portcullis_tls_denied_entries{site=default}", 0.0);
    assert!(taken.of("portcullis_tls_last_reload_timestamp_seconds{outcome=failed}") > 1e9);

    fs::write(path("policy.toml"), "version = 1\n").unwrap();
    let auth = Authorizer::builder(Policy::builder().build().unwrap()).build().unwrap();
    let watcher = PolicyWatcher::start(path("policy.toml"), &auth).unwrap();
    let (digest, taken) = (watcher.digest().unwrap(), Taken::from(&snapshotter));
    taken.is(&format!("portcullis_policy_info{{role=enforced,digest={digest}}}"), 1.0);
}
