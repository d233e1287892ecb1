//! A certificate, and who its holder is under a policy.

use portcullis_core::Certificate;
use portcullis_core::principal::TestPrincipal;

use super::section::{Level, Section};
use super::{Bench, problems};
use crate::clock;

/// One section for each certificate of a chain, the holder's first.
pub(super) fn sections(chain: &[Vec<u8>], bench: &Bench) -> Vec<Section> {
    let mut sections: Vec<Section> = chain.iter().map(|der| facts(der, bench.now)).collect();
    if let (Some(first), Some(leaf)) = (sections.first_mut(), chain.first()) {
        let label = judge(first, chain, bench);
        if let Ok(certificate) = Certificate::from_der(leaf) {
            name(first, &certificate, label, bench);
        }
    }
    sections
}

fn facts(der: &[u8], now: i64) -> Section {
    let mut section = Section::new("certificate");
    let certificate = match Certificate::from_der(der) {
        Ok(certificate) => certificate,
        Err(error) => {
            section.problem(Level::Error, "malformed", error.to_string());
            return section;
        }
    };
    if certificate.basic_constraints().is_some_and(|constraints| constraints.ca) {
        section = Section::new("certificate of an authority");
    }
    let san = certificate.san();
    let kinds = [("dns", san.dns()), ("email", san.email()), ("uri", san.uri()), ("upn", san.upn())];
    let texts = kinds
        .into_iter()
        .flat_map(|(kind, names)| names.unwrap_or_default().iter().map(move |name| format!("{kind}:{name}")));
    let addresses = san.ip().unwrap_or_default().iter().map(|ip| format!("ip:{ip}"));
    let names = texts.chain(addresses).collect();
    let purposes = certificate.extended_key_usages().unwrap_or_default().iter().map(ToString::to_string);
    let key = certificate.public_key();
    let bits = key.bits().filter(|_| key.is_rsa()).map(|bits| format!(" {bits}")).unwrap_or_default();
    let (from, to) = (certificate.not_before(), certificate.not_after());
    let verb = if to < now { "expired" } else { "expires" };

    section.field("subject", certificate.subject().to_string());
    section.list("alternative names", names);
    section.field("issuer", certificate.issuer().to_string());
    section.field("serial", certificate.serial().to_string());
    section.time("valid from", from, "");
    section.time("valid to", to, &format!("{verb} {}", clock::distance(now, to)));
    section.list("purposes", purposes.collect());
    section.field("key", format!("{}{bits}", key.algorithm()));
    section.field("signature", certificate.signature_algorithm());
    section.field("sha256", certificate.sha256().to_string());
    section.field("spki sha256", certificate.spki_sha256().to_string());
    problems::find(&certificate, now, &mut section);
    section
}

/// Whether the authorities vouch for the chain; the label of the one that does.
fn judge(section: &mut Section, chain: &[Vec<u8>], bench: &Bench) -> Option<String> {
    let trust = bench.trust.as_ref()?;
    match trust.judge(chain, bench.now) {
        Ok(vouched) => {
            let until = vouched.until();
            section
                .field("trusted", format!("by `{}`, until {}", vouched.anchor().label(), clock::utc(until)));
            Some(vouched.anchor().label().to_owned())
        }
        Err(reason) => {
            section.field("trusted", "no");
            section.problem(Level::Error, "untrusted", format!("{reason}: {}", reason.remedy()));
            None
        }
    }
}

/// What the policy makes of the holder; without authorities to ask, as if the certificate were trusted.
fn name(section: &mut Section, certificate: &Certificate, label: Option<String>, bench: &Bench) {
    let Some(auth) = &bench.auth else { return };
    if bench.trust.is_some() && label.is_none() {
        section.problem(Level::Note, "no-name", "whom no authority vouches for has no name and no roles");
        return;
    }
    let mut caller = TestPrincipal::anonymous().certificate(certificate.clone());
    if let Some(label) = &bench.anchor {
        caller = caller.anchor(label);
    }
    match caller.try_under(auth) {
        Ok(principal) => {
            section.field("name", principal.name().unwrap_or_default());
            let roles = principal.roles().names().map(|role| {
                let origins: Vec<_> =
                    principal.roles().origins(role).iter().map(ToString::to_string).collect();
                format!("{role} ({})", origins.join(", "))
            });
            section.list("roles", roles.collect());
        }
        Err(error) => section.problem(Level::Error, "no-name", error.to_string()),
    }
}
