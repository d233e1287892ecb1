//! Flags that several commands have.

use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use portcullis_pki::{Authority, GeneralName, KeyAlgorithm, Kind, LeafBuilder, Slot, Store};

use super::{failure, subject};
use crate::{clock, outcome::Failure, passphrase};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The kinds of key.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Key {
    /// ECDSA on P-256
    P256,
    /// ECDSA on P-384
    P384,
    /// Ed25519, which browsers do not accept
    Ed25519,
    /// RSA with 2048 bits
    Rsa2048,
    /// RSA with 3072 bits
    Rsa3072,
    /// RSA with 4096 bits
    Rsa4096,
}

impl From<Key> for KeyAlgorithm {
    fn from(key: Key) -> Self {
        match key {
            Key::P256 => Self::P256,
            Key::P384 => Self::P384,
            Key::Ed25519 => Self::Ed25519,
            Key::Rsa2048 => Self::Rsa2048,
            Key::Rsa3072 => Self::Rsa3072,
            Key::Rsa4096 => Self::Rsa4096,
        }
    }
}

/// From when to when a certificate is valid.
#[derive(Debug, clap::Args)]
pub(super) struct Validity {
    /// How many days it is valid; browsers accept 398 at most
    #[arg(long, value_name = "DAYS", conflicts_with = "not_after")]
    days: Option<u32>,
    /// When it begins, such as 2027-01-31T12:00:00Z; an hour ago unless given
    #[arg(long, value_name = "TIME", value_parser = clock::parse)]
    not_before: Option<i64>,
    /// When it ends
    #[arg(long, value_name = "TIME", value_parser = clock::parse)]
    not_after: Option<i64>,
}

impl Validity {
    /// The two ends, with this many days unless the flags say otherwise.
    pub(super) fn ends(&self, days: u32) -> Result<(SystemTime, SystemTime), Failure> {
        // peers whose clocks are a little behind should not stumble
        let from = self.not_before.map_or_else(|| Some(SystemTime::now() - DAY / 24), moment);
        let to = match self.not_after {
            Some(seconds) => moment(seconds),
            None => from.and_then(|from| from.checked_add(DAY * self.days.unwrap_or(days))),
        };
        let beyond = || Failure::Input("the validity is beyond all times".to_owned());
        Ok((from.ok_or_else(beyond)?, to.ok_or_else(beyond)?))
    }
}

fn moment(seconds: i64) -> Option<SystemTime> {
    let length = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(length)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(length)
    }
}

/// Who signs.
#[derive(Debug, clap::Args)]
pub(super) struct Signer {
    /// The intermediate authority that issues, instead of the root
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// Where the passphrase of the authority's key is: prompt, env:VARIABLE or file:FILE
    #[arg(long, value_name = "SOURCE")]
    ca_passphrase: Option<String>,
}

impl Signer {
    /// The place of the authority, nothing for the root.
    pub(super) fn slot(&self, store: &Store) -> Result<Option<Slot>, Failure> {
        let Some(name) = &self.issuer else { return Ok(None) };
        let slot = Slot::new(Kind::Intermediate, name).map_err(failure)?;
        if store.latest(&slot).is_none() {
            let reason =
                format!("`{name}` is no intermediate here: `portcullis pki intermediate {name}` makes one");
            return Err(Failure::Input(reason));
        }
        store.check_issuer(Some(&slot)).map_err(failure)?;
        Ok(Some(slot))
    }

    pub(super) fn authority(&self, store: &Store, slot: Option<&Slot>) -> Result<Authority, Failure> {
        let mut unlock = passphrase::unlock("ca-passphrase", self.ca_passphrase.as_deref())?;
        store.authority(slot, &mut unlock).map_err(failure)
    }
}

/// What a certificate says about its owner.
#[derive(Debug, clap::Args)]
pub(super) struct Names {
    /// The subject, such as OU=Security,O=Example; NAME is its CN unless it has one
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// An alternative name: dns:, email:, uri:, ip: or upn: and a value; repeat it for more
    #[arg(long, value_name = "NAME", value_parser = subject::alternative_name)]
    san: Vec<GeneralName>,
}

impl Names {
    /// The common name, and the other attributes.
    pub(super) fn subject(&self, name: &str) -> Result<(String, Vec<(String, String)>), Failure> {
        let attributes = match &self.subject {
            Some(text) => subject::attributes(text).map_err(Failure::Input)?,
            None => Vec::new(),
        };
        let (common, others): (Vec<_>, Vec<_>) = attributes
            .into_iter()
            .partition(|(kind, _)| kind.eq_ignore_ascii_case("CN") || kind == "2.5.4.3");
        match &common[..] {
            [] => Ok((name.to_owned(), others)),
            [(_, common)] => Ok((common.clone(), others)),
            _ => Err(Failure::Input("a good subject has one CN, and this one has several".to_owned())),
        }
    }

    pub(super) fn alternative<'a>(&self, builder: LeafBuilder<'a>) -> LeafBuilder<'a> {
        self.san.iter().cloned().fold(builder, LeafBuilder::alternative_name)
    }
}

/// Refuses a certificate that would outlive its authority: it would stop to work without a word.
pub(super) fn check_end(store: &Store, issuer: Option<&Slot>, end: SystemTime) -> Result<(), Failure> {
    let place = issuer.map_or_else(|| "ca".to_owned(), Slot::to_string);
    let authority = store.entries().iter().rfind(|entry| {
        place == format!("{}/{}", entry.kind().as_str(), entry.name())
            || (issuer.is_none() && entry.kind() == Kind::Root)
    });
    match authority {
        Some(authority) if authority.not_after() < end => Err(Failure::Input(format!(
            "the certificate would outlive its authority `{place}`, which ends on {}: give an earlier end",
            super::report::date(authority.not_after()),
        ))),
        _ => Ok(()),
    }
}
