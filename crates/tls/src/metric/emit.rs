//! The functions with the feature.

use std::collections::BTreeMap;

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use portcullis_core::certificate::Fingerprint;

use crate::{Coverage, RevocationStatus, SiteStatus, TlsStatus};

const HANDSHAKES: &str = "portcullis_tls_handshakes_total";
const VERDICTS: &str = "portcullis_tls_verdicts_total";
const RELOADS: &str = "portcullis_tls_reloads_total";
const POLICY_RELOADS: &str = "portcullis_policy_reloads_total";
const POLICY: &str = "portcullis_policy_info";
const GENERATION: &str = "portcullis_tls_trust_generation";
const CURRENT: &str = "portcullis_tls_is_current";
const LAST_RELOAD: &str = "portcullis_tls_last_reload_timestamp_seconds";
const SITE: &str = "portcullis_tls_site_info";
const CERTIFICATE: &str = "portcullis_tls_certificate_expiry_days";
const ANCHORS: &str = "portcullis_tls_anchors";
const ANCHOR: &str = "portcullis_tls_anchor_expiry_days";
const UNCOVERED: &str = "portcullis_tls_anchors_without_list";
const DENIED: &str = "portcullis_tls_denied_entries";
const LIST_AGE: &str = "portcullis_tls_crl_age_seconds";
const LIST_DUE: &str = "portcullis_tls_crl_next_update_seconds";

const DAY: i64 = 24 * 60 * 60;

pub(crate) fn describe() {
    describe_counter!(
        HANDSHAKES,
        "handshakes, by outcome: full, resumed, or the code of the reason it failed for"
    );
    describe_counter!(VERDICTS, "verdicts on client certificates, searched or remembered");
    describe_counter!(RELOADS, "reloads of certificates and trust, by outcome");
    describe_counter!(POLICY_RELOADS, "reloads of policies, by outcome");
    describe_gauge!(POLICY, "1 for the policy in force, by its digest, and 0 for those before it");
    describe_gauge!(GENERATION, "number of the trust in force");
    describe_gauge!(CURRENT, "1 if the last reload of certificates and trust went well");
    describe_gauge!(LAST_RELOAD, Unit::Seconds, "when certificates and trust were last read, by outcome");
    describe_gauge!(SITE, "1 for each site, by how it asks for client certificates");
    describe_gauge!(CERTIFICATE, "days until the certificate of a site expires");
    describe_gauge!(ANCHORS, "trust anchors of a site, by label");
    describe_gauge!(ANCHOR, "days until the first trust anchor of a label expires");
    describe_gauge!(UNCOVERED, "trust anchors of a site without a revocation list that is in date");
    describe_gauge!(DENIED, "certificates and keys that the operator blocks on a site");
    describe_gauge!(LIST_AGE, Unit::Seconds, "age of the oldest revocation list of an issuer that counts");
    describe_gauge!(LIST_DUE, Unit::Seconds, "time until the next revocation list of an issuer is due");
}

pub(crate) fn handshake(outcome: &'static str) {
    counter!(HANDSHAKES, "outcome" => outcome).increment(1);
}

pub(crate) fn verdict(how: &'static str) {
    counter!(VERDICTS, "how" => how).increment(1);
}

pub(crate) fn reloaded(is_good: bool) {
    counter!(RELOADS, "outcome" => outcome(is_good)).increment(1);
}

pub(crate) fn policy_reloaded(is_good: bool) {
    counter!(POLICY_RELOADS, "outcome" => outcome(is_good)).increment(1);
}

fn outcome(is_good: bool) -> &'static str {
    if is_good { "good" } else { "failed" }
}

/// Tells which policy is in force, or tried.
pub(crate) fn policy_in_force(role: &'static str, old: Option<Fingerprint>, new: Fingerprint) {
    if let Some(old) = old.filter(|old| *old != new) {
        gauge!(POLICY, "role" => role, "digest" => old.to_string()).set(0.0);
    }
    gauge!(POLICY, "role" => role, "digest" => new.to_string()).set(1.0);
}

/// Sets all gauges to what is in force.
pub(crate) fn gauges(status: impl FnOnce() -> TlsStatus, now: i64) {
    let status = status();
    set_count(GENERATION, &[], status.trust_generation);
    gauge!(CURRENT).set(if status.is_current { 1.0 } else { 0.0 });
    set(LAST_RELOAD, &[("outcome", "good")], status.last_good_reload);
    if let Some(failed) = &status.last_failed_reload {
        set(LAST_RELOAD, &[("outcome", "failed")], failed.at);
    }
    for site in &status.sites {
        of_site(site, now);
    }
}

fn of_site(site: &SiteStatus, now: i64) {
    let name = site.names.first().map_or("default", String::as_str);
    set(SITE, &[("site", name), ("mode", site.mode.unwrap_or("none"))], 1);
    set(CERTIFICATE, &[("site", name)], days(site.certificate_not_after, now));
    let mut labels: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for anchor in &site.anchors {
        let (count, first) = labels.entry(&anchor.label).or_insert((0, i64::MAX));
        *count += 1;
        *first = anchor.not_after.min(*first);
    }
    for (label, (count, first)) in labels {
        set(ANCHORS, &[("site", name), ("label", label)], count);
        set(ANCHOR, &[("site", name), ("label", label)], days(first, now));
    }
    if let Some(revocation) = &site.revocation {
        of_revocation(name, revocation, now);
    }
}

fn of_revocation(site: &str, revocation: &RevocationStatus, now: i64) {
    set_count(DENIED, &[("site", site)], revocation.denied as u64);
    let uncovered = revocation
        .anchors
        .iter()
        .filter(|anchor| matches!(anchor.coverage, Coverage::Stale | Coverage::Missing));
    set_count(UNCOVERED, &[("site", site)], uncovered.count() as u64);
    let mut issuers: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for list in revocation.lists.iter().filter(|list| !list.replaced) {
        let (age, due) = issuers.entry(&list.issuer).or_insert((0, i64::MAX));
        *age = list.age(now).max(*age);
        *due = list.next_update.saturating_sub(now).min(*due);
    }
    for (issuer, (age, due)) in issuers {
        set(LIST_AGE, &[("site", site), ("issuer", issuer)], age);
        set(LIST_DUE, &[("site", site), ("issuer", issuer)], due);
    }
}

fn days(end: i64, now: i64) -> i64 {
    end.saturating_sub(now).div_euclid(DAY)
}

fn set(name: &'static str, labels: &[(&'static str, &str)], value: i64) {
    let labels: Vec<_> =
        labels.iter().map(|(key, value)| metrics::Label::new(*key, (*value).to_owned())).collect();
    #[expect(clippy::cast_precision_loss, reason = "times and counts are below 2^53")]
    gauge!(name, labels).set(value as f64);
}

fn set_count(name: &'static str, labels: &[(&'static str, &str)], value: u64) {
    set(name, labels, i64::try_from(value).unwrap_or(i64::MAX));
}
