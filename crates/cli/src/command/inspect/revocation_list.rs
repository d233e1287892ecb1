//! A certificate revocation list.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use portcullis_core::certificate::Name;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::section::{Level, Section};
use crate::clock;

/// A list from this size on takes long enough for a sign of life.
const LARGE: usize = 4 * 1024 * 1024;

/// Whether the bytes are a revocation list.
pub(super) fn is_one(der: &[u8]) -> bool {
    let spinner = spinner(der);
    let is_one = CertificateRevocationList::from_der(der).is_ok();
    spinner.finish_and_clear();
    is_one
}

pub(super) fn section(der: &[u8], now: i64) -> Section {
    let mut section = Section::new("certificate revocation list");
    let spinner = spinner(der);
    let read = CertificateRevocationList::from_der(der);
    spinner.finish_and_clear();
    let Ok((_, list)) = read else {
        section.problem(Level::Error, "malformed", "it cannot be read: fetch it again from its authority");
        return section;
    };
    if let Ok(issuer) = Name::from_der(list.tbs_cert_list.issuer.as_raw()) {
        section.field("issuer", issuer.to_string());
    }
    let this_update = list.last_update().timestamp();
    section.time("this update", this_update, &clock::distance(now, this_update));
    match list.next_update().map(|time| time.timestamp()) {
        Some(next) => {
            section.time("next update", next, &clock::distance(now, next));
            if next < now {
                let text =
                    "a newer one should have come by now: whoever it is about is refused until it does";
                section.problem(Level::Error, "outdated", text);
            }
        }
        None => section.problem(
            Level::Warn,
            "no-next-update",
            "it does not say when the next one comes, so it never grows old",
        ),
    }
    if this_update > now {
        section.problem(
            Level::Error,
            "not-yet-valid",
            "it is from the future: check the clocks of both machines",
        );
    }
    if let Some(number) = list.crl_number() {
        section.field("number", number.to_string());
    }
    let revoked = list.iter_revoked_certificates().count();
    section.fact("revoked", revoked.to_string(), revoked.into());
    section
}

/// On a terminal only, and on standard error.
fn spinner(der: &[u8]) -> ProgressBar {
    if der.len() < LARGE {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner().with_message("reading the revocation list");
    spinner.set_style(ProgressStyle::default_spinner());
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}
