//! What runs out soon.

use std::collections::BTreeSet;

use crate::{RevocationListStatus, TlsStatus};

const DAY: i64 = 24 * 60 * 60;
/// Certificates are renewed long before, unless something has gone wrong.
const EXPIRES_SOON: i64 = 30 * DAY;
/// Of the time for which a list is made; what is left of it should be enough for a new one to arrive.
const LAST_PART: i64 = 10;

/// Warns of what runs out soon, of each thing once.
#[derive(Debug, Default)]
pub(super) struct Due(BTreeSet<Matter>);

/// Something to warn of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Matter {
    /// No newer list has come, and its time is nearly over, or is over.
    List { origin: String, issuer: String, next_update: i64, is_over: bool },
    /// The certificate of a site, or an anchor.
    Certificate { what: String, not_after: i64, is_over: bool },
}

impl Due {
    pub(super) fn warn(&mut self, status: &TlsStatus, now: i64) {
        let matters = matters(status, now);
        for matter in matters.difference(&self.0) {
            matter.warn(now);
        }
        // What is no longer the matter can be so again.
        self.0 = matters;
    }
}

fn matters(status: &TlsStatus, now: i64) -> BTreeSet<Matter> {
    let mut matters = BTreeSet::new();
    for site in &status.sites {
        let names = if site.names.is_empty() { "the server".into() } else { site.names.join(", ") };
        matters.extend(certificate(format!("the certificate of {names}"), site.certificate_not_after, now));
        matters.extend(site.anchors.iter().filter_map(|anchor| {
            certificate(
                format!("the trust anchor `{}` ({})", anchor.subject, anchor.label),
                anchor.not_after,
                now,
            )
        }));
        let lists = site.revocation.iter().flat_map(|revocation| &revocation.lists);
        matters.extend(lists.filter(|list| !list.replaced).filter_map(|known| list(known, now)));
    }
    matters
}

fn certificate(what: String, not_after: i64, now: i64) -> Option<Matter> {
    let is_due = not_after.saturating_sub(now) < EXPIRES_SOON;
    is_due.then_some(Matter::Certificate { what, not_after, is_over: not_after < now })
}

fn list(list: &RevocationListStatus, now: i64) -> Option<Matter> {
    let lifetime = list.next_update.saturating_sub(list.this_update);
    let is_due = list.next_update.saturating_sub(now) < lifetime / LAST_PART;
    is_due.then(|| Matter::List {
        origin: list.origin.clone(),
        issuer: list.issuer.clone(),
        next_update: list.next_update,
        is_over: list.next_update <= now,
    })
}

impl Matter {
    fn warn(&self, now: i64) {
        match self {
            Self::List { origin, issuer, next_update, is_over: true } => tracing::warn!(
                target: "portcullis::tls",
                issuer,
                next_update,
                "the revocation list {origin} is out of date: fetch the next one, or clients of this issuer are refused when the grace is over"
            ),
            Self::List { origin, issuer, next_update, is_over: false } => tracing::warn!(
                target: "portcullis::tls",
                issuer,
                next_update,
                "the next revocation list for {origin} is due in {} and has not come: see whether it is still fetched",
                time(next_update - now)
            ),
            Self::Certificate { what, not_after, is_over: true } => tracing::warn!(
                target: "portcullis::tls", not_after, "{what} has expired: renew it"
            ),
            Self::Certificate { what, not_after, is_over: false } => tracing::warn!(
                target: "portcullis::tls", not_after, "{what} expires in {}: renew it", time(not_after - now)
            ),
        }
    }
}

/// A time for people, in whole units that are not longer than it.
fn time(seconds: i64) -> String {
    let (number, unit) = match seconds {
        ..=119 => (seconds, "seconds"),
        120..=7199 => (seconds / 60, "minutes"),
        7200..=172_799 => (seconds / 3600, "hours"),
        _ => (seconds / DAY, "days"),
    };
    format!("{number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list_at(this_update: i64, next_update: i64) -> RevocationListStatus {
        RevocationListStatus {
            origin: "`staff.crl`".into(),
            issuer: "CN=Staff CA".into(),
            entries: 0,
            number: None,
            this_update,
            next_update,
            proven: true,
            replaced: false,
        }
    }

    #[test]
    fn a_list_is_due_in_the_last_tenth_of_its_time() {
        let seen = list_at(0, 1000);
        for (now, expected) in
            [(0, None), (900, None), (901, Some(false)), (999, Some(false)), (1000, Some(true))]
        {
            let is_over = list(&seen, now).map(|matter| matches!(matter, Matter::List { is_over: true, .. }));
            assert_eq!(is_over, expected, "{now}");
        }
        assert!(list(&list_at(i64::MIN, i64::MAX), 0).is_none());
    }

    #[test]
    fn a_certificate_is_due_in_its_last_thirty_days() {
        let not_after = 100 * DAY;
        for (day, expected) in [(69, None), (71, Some(false)), (100, Some(false)), (101, Some(true))] {
            let matter = certificate("it".into(), not_after, day * DAY);
            let is_over = matter.map(|matter| matches!(matter, Matter::Certificate { is_over: true, .. }));
            assert_eq!(is_over, expected, "{day}");
        }
    }

    #[test]
    fn times_are_in_units_that_fit() {
        for (seconds, expected) in [
            (5, "5 seconds"),
            (119, "119 seconds"),
            (600, "10 minutes"),
            (7200, "2 hours"),
            (172_800, "2 days"),
        ] {
            assert_eq!(time(seconds), expected);
        }
    }
}
