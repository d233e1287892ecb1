//! A certificate revocation list.

mod walk;

use portcullis_core::certificate::Name;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

use self::walk::List;
use super::Bench;
use super::section::{Level, Section};
use crate::clock;

/// What marks a list of changes, by RFC 5280.
const DELTA: &str = "2.5.29.27";

/// Whether the bytes are a revocation list.
pub(super) fn is_one(der: &[u8]) -> bool {
    List::read(der).is_some()
}

pub(super) fn section(der: &[u8], bench: &Bench) -> Section {
    let mut section = Section::new("certificate revocation list");
    let now = bench.now;
    let read = List::read(der).and_then(|list| Some((list.count()?, list)));
    let Some((revoked, list)) = read else {
        section.problem(Level::Error, "malformed", "it cannot be read: fetch it again from its authority");
        return section;
    };
    if let Ok(issuer) = Name::from_der(list.issuer.as_raw()) {
        section.field("issuer", issuer.to_string());
    }
    let this_update = list.this_update.timestamp();
    section.time("this update", this_update, &clock::distance(now, this_update));
    match list.next_update.map(|time| time.timestamp()) {
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
    for extension in &list.extensions {
        match extension.parsed_extension() {
            ParsedExtension::CRLNumber(number) => section.field("number", number.to_string()),
            _ if extension.oid.to_id_string() == DELTA => section.problem(
                Level::Note,
                "delta",
                "it holds only what has changed since an earlier list, which is needed beside it",
            ),
            _ => {}
        }
    }
    section.fact("revoked", revoked.to_string(), revoked.into());
    if let Some(authorities) = &bench.authorities {
        issuer(&list, authorities, &mut section);
    }
    section
}

/// Whether one of the authorities has signed the list.
fn issuer(list: &List<'_>, authorities: &[Vec<u8>], section: &mut Section) {
    let parsed = authorities.iter().filter_map(|der| X509Certificate::from_der(der).ok());
    let named: Vec<_> = parsed
        .map(|(_, authority)| authority)
        .filter(|authority| authority.subject().as_raw() == list.issuer.as_raw())
        .collect();
    let signer = named.iter().find(|authority| list.is_signed_by(authority.public_key()));
    let may_sign = |authority: &X509Certificate<'_>| {
        authority.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| usage.value.crl_sign()))
    };
    match signer {
        Some(signer) if may_sign(signer) => section.field("signed", "by an authority of `--ca`"),
        Some(_) => section.problem(
            Level::Error,
            "not-for-lists",
            "the key usage of its authority does not allow signing revocation lists: have the authority made with cRLSign",
        ),
        None if named.is_empty() => section.problem(
            Level::Error,
            "issuer-unknown",
            "no authority of `--ca` is its issuer: add the issuer, or fetch the list of the right authority",
        ),
        None => section.problem(
            Level::Error,
            "bad-signature",
            "the authority of this name did not sign it with its key: fetch the list again, or use the authority's newer certificate",
        ),
    }
}
