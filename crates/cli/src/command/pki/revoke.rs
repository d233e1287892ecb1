//! `pki revoke` and `pki crl`.

use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use portcullis_pki::{Authority, RevocationReason, Slot, Store};
use serde_json::json;

use super::failure;
use super::report::date;
use crate::{outcome::Failure, output::Output, passphrase};

#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    /// The name, with `client/` or `server/` before it where both have it
    name: String,
    /// Why
    #[arg(long, value_enum, default_value_t = Reason::Unspecified)]
    reason: Reason,
    #[command(flatten)]
    lists: Crl,
}

#[derive(Debug, clap::Args)]
pub(super) struct Crl {
    /// For how many days the lists are good
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    days: u32,
    /// Where the passphrase of the authorities' keys is: prompt, env:VARIABLE or file:FILE
    #[arg(long, value_name = "SOURCE")]
    ca_passphrase: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Reason {
    Unspecified,
    KeyCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    PrivilegeWithdrawn,
}

impl From<Reason> for RevocationReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Unspecified => Self::Unspecified,
            Reason::KeyCompromise => Self::KeyCompromise,
            Reason::AffiliationChanged => Self::AffiliationChanged,
            Reason::Superseded => Self::Superseded,
            Reason::CessationOfOperation => Self::CessationOfOperation,
            Reason::PrivilegeWithdrawn => Self::PrivilegeWithdrawn,
        }
    }
}

pub(super) fn revoke(arguments: &Revoke, store: &mut Store, output: &mut Output) -> Result<(), Failure> {
    let slot = store.find(&arguments.name).map_err(failure)?;
    // opened first: a revocation that stands in no list does nothing
    let authorities = authorities(&arguments.lists, store)?;
    let next_update = next_update(&arguments.lists)?;
    let revoked = store.revoke(&slot, arguments.reason.into()).map_err(failure)?;
    let file = store.write_revocation_lists(&authorities, next_update).map_err(failure)?;
    let serials = revoked.join(", ");
    let what = match revoked.len() {
        0 => format!("nothing of {slot} was left to revoke"),
        _ => format!("revoked {slot}, serial {serials}"),
    };
    let text = format!(
        "{what}\nmade {}, good until {}\nnext: have the servers read it, and sign it anew before that day: portcullis pki crl\n",
        file.display(),
        date(next_update)
    );
    output.result(&text, &json!({ "revoked": revoked, "name": slot.to_string(), "crl": file }))
}

pub(super) fn crl(arguments: &Crl, store: &Store, output: &mut Output) -> Result<(), Failure> {
    let authorities = authorities(arguments, store)?;
    let next_update = next_update(arguments)?;
    let file = store.write_revocation_lists(&authorities, next_update).map_err(failure)?;
    let revoked = store.entries().iter().filter(|entry| entry.revoked().is_some()).count();
    let text = format!(
        "made {}, good until {}: {revoked} revoked\nnext: have the servers read it\n",
        file.display(),
        date(next_update)
    );
    output.result(&text, &json!({ "crl": file, "revoked": revoked, "next_update": date(next_update) }))
}

fn next_update(arguments: &Crl) -> Result<SystemTime, Failure> {
    let length = Duration::from_secs(u64::from(arguments.days) * 24 * 3600);
    let beyond = || Failure::Input("the lists would be good beyond all times".to_owned());
    SystemTime::now().checked_add(length).ok_or_else(beyond)
}

/// The root, and every intermediate that still counts.
fn authorities(arguments: &Crl, store: &Store) -> Result<Vec<(Option<Slot>, Authority)>, Failure> {
    let mut unlock = passphrase::unlock("ca-passphrase", arguments.ca_passphrase.as_deref())?;
    let slots = std::iter::once(None).chain(store.intermediates().into_iter().map(Some));
    slots
        .map(|slot| {
            let authority = store.authority(slot.as_ref(), &mut unlock).map_err(failure)?;
            Ok((slot, authority))
        })
        .collect()
}
