//! What a client certificate says of itself that servers stumble over.

use portcullis_core::certificate::ExtendedKeyUsage;
use portcullis_core::{Certificate, Distrust};

use super::report::Finding;

/// Everything that makes servers refuse a client certificate, whoever issued it; the gravest first.
pub(super) fn of_client(certificate: &Certificate, now: i64) -> Vec<Finding> {
    let mut reasons = Vec::new();
    if certificate.version() < 3 {
        // Without extensions there is nothing else to say of it but its dates and its key.
        reasons.push(Distrust::Version { version: certificate.version() });
    }
    reasons.extend(time(certificate, now));
    if certificate.basic_constraints().is_some_and(|constraints| constraints.ca) {
        reasons.push(Distrust::AuthorityAsClient);
    }
    if certificate.extended_key_usages().is_some_and(|usages| !usages.contains(&ExtendedKeyUsage::ClientAuth))
    {
        reasons.push(Distrust::NotForClients);
    }
    if certificate.key_usage().is_some_and(|usage| !usage.digital_signature()) {
        reasons.push(Distrust::KeyUsage);
    }
    reasons.extend(weak_signature(certificate));
    reasons.extend(weak_key(certificate));
    if !certificate.critical_extensions_unknown().is_empty() {
        reasons.push(Distrust::CriticalExtension);
    }
    let mut findings: Vec<_> = reasons.iter().map(client).collect();
    if certificate.version() >= 3 && certificate.extended_key_usages().is_none() {
        findings.push(absent_purpose());
    }
    findings
}

/// The same in sentences, for other commands.
pub(in crate::command) fn told_of_client(certificate: &Certificate, now: i64) -> Vec<String> {
    of_client(certificate, now).iter().map(Finding::sentence).collect()
}

/// A reason to distrust the client's certificate, as a finding.
pub(super) fn client(reason: &Distrust) -> Finding {
    let code = match reason {
        Distrust::Version { .. } => "client-version",
        Distrust::Expired { .. } => "client-expired",
        Distrust::NotYetValid { .. } => "client-not-yet-valid",
        Distrust::AuthorityAsClient => "client-is-authority",
        Distrust::NotForClients => "client-purpose",
        Distrust::KeyUsage => "client-key-usage",
        Distrust::SignatureAlgorithm { .. } => "client-signature-algorithm",
        Distrust::WeakKey { .. } => "client-weak-key",
        Distrust::CriticalExtension => "client-critical-extension",
        _ => "client-untrusted",
    };
    Finding::fail(code, format!("the client certificate is no good: {reason}"), reason.remedy())
}

/// Many servers take such a certificate; those of portcullis do not unless told to.
fn absent_purpose() -> Finding {
    Finding::warn(
        "client-no-purpose",
        "the client certificate does not say what it is for (no extended key usage), which careful servers refuse",
        Distrust::NotForClients.remedy(),
    )
}

pub(super) fn time(certificate: &Certificate, now: i64) -> Option<Distrust> {
    if now > certificate.not_after() {
        return Some(Distrust::Expired { not_after: Some(certificate.not_after()) });
    }
    let is_early = now < certificate.not_before();
    is_early.then(|| Distrust::NotYetValid { not_before: Some(certificate.not_before()) })
}

pub(super) fn weak_signature(certificate: &Certificate) -> Option<Distrust> {
    let algorithm = certificate.signature_algorithm();
    let is_weak = ["SHA-1", "MD5", "MD2"].iter().any(|weak| algorithm.contains(weak));
    is_weak.then(|| Distrust::SignatureAlgorithm { algorithm: algorithm.to_owned() })
}

pub(super) fn weak_key(certificate: &Certificate) -> Option<Distrust> {
    Some(Distrust::WeakKey { key: certificate.public_key().weakness()? })
}

#[cfg(test)]
mod tests {
    use portcullis_pki::Authority;

    use super::*;
    use crate::clock::now;

    #[test]
    fn each_fault_has_its_code() {
        let authority = Authority::new("Example CA").unwrap();
        for (name, expected) in [
            ("good", &[][..]),
            ("no_eku", &["client-no-purpose"]),
            ("server_eku", &["client-purpose"]),
            ("any_eku", &["client-purpose"]),
            ("ku_no_ds", &["client-key-usage"]),
            ("leaf_is_ca", &["client-is-authority"]),
            ("v1", &["client-version"]),
            ("crit_ext", &["client-critical-extension"]),
            ("expired_leaf", &["client-expired"]),
            ("future_leaf", &["client-not-yet-valid"]),
        ] {
            let issued = authority.hostile(name).unwrap();
            let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
            let codes: Vec<_> = of_client(&certificate, now()).iter().map(|finding| finding.code).collect();
            assert_eq!(codes, expected, "{name}");
        }
    }
}
