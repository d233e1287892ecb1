//! What will make trouble with a certificate.

use portcullis_core::Certificate;
use portcullis_core::certificate::{ExtendedKeyUsage, SanKind};

use super::section::{Level, Section};
use crate::clock;

/// Time enough to renew a certificate without haste.
const SOON: i64 = 30 * 24 * 3600;

/// RFC 5280 allows serial numbers of this many bytes.
const LONGEST_SERIAL: usize = 20;

pub(super) fn find(certificate: &Certificate, now: i64, section: &mut Section) {
    let is_authority = certificate.basic_constraints().is_some_and(|constraints| constraints.ca);
    validity(certificate, now, section);
    cryptography(certificate, section);
    form(certificate, section);
    if is_authority {
        section.problem(
            Level::Note,
            "authority",
            "it is an authority's: it is trusted or signs, and no client gets in with it",
        );
    } else {
        purpose(certificate, section);
        names(certificate, section);
    }
}

fn validity(certificate: &Certificate, now: i64, section: &mut Section) {
    let (from, to) = (certificate.not_before(), certificate.not_after());
    if from > to {
        section.problem(Level::Error, "never-valid", "it ends before it begins: have it issued again");
    } else if to < now {
        section.problem(Level::Error, "expired", "it has expired: renew it");
    } else if from > now {
        let text = format!(
            "it is valid only {}: wait, and check the clocks of both machines",
            clock::distance(now, from)
        );
        section.problem(Level::Error, "not-yet-valid", text);
    } else if to - now < SOON {
        section.problem(
            Level::Warn,
            "expires-soon",
            format!("it expires {}: renew it", clock::distance(now, to)),
        );
    }
}

fn cryptography(certificate: &Certificate, section: &mut Section) {
    let signature = certificate.signature_algorithm();
    if ["SHA-1", "MD5", "MD2"].iter().any(|hash| signature.contains(hash)) {
        // Nobody verifies the signature of an anchor.
        let is_root = certificate.issuer_der() == certificate.subject_der();
        let level = if is_root { Level::Note } else { Level::Error };
        section.problem(
            level,
            "weak-signature",
            format!("it is signed with {signature}, which can be forged: have it issued again"),
        );
    }
    let key = certificate.public_key();
    let least = if key.is_rsa() { 2048 } else { 224 };
    if key.bits().is_some_and(|bits| bits < least) {
        let text = format!("the key has less than {least} bits: make a new one");
        section.problem(Level::Error, "weak-key", text);
    }
    if key.rsa_exponent().is_some_and(|exponent| exponent < 65_537) {
        section.problem(
            Level::Warn,
            "small-exponent",
            "the exponent of the RSA key is small: make a new key",
        );
    }
}

fn form(certificate: &Certificate, section: &mut Section) {
    let version = certificate.version();
    if version < 3 {
        let text = format!(
            "it is of version {version}, which cannot say what it is for: with openssl, use an extensions file to get version 3"
        );
        section.problem(Level::Error, "version", text);
    }
    let serial = certificate.serial();
    if serial.is_negative() {
        section.problem(
            Level::Warn,
            "negative-serial",
            "its serial number is negative, which RFC 5280 forbids",
        );
    } else if serial.as_bytes().is_empty() {
        section.problem(
            Level::Warn,
            "zero-serial",
            "its serial number is zero: it cannot be told from others when it is revoked",
        );
    } else if serial.as_bytes().len() > LONGEST_SERIAL {
        section.problem(
            Level::Warn,
            "long-serial",
            "its serial number is longer than the 20 bytes that RFC 5280 allows",
        );
    }
    for oid in certificate.critical_extensions_unknown() {
        let text = format!("it has the critical extension `{oid}`, which TLS verifiers must refuse");
        section.problem(Level::Error, "critical-extension", text);
    }
}

fn purpose(certificate: &Certificate, section: &mut Section) {
    match certificate.extended_key_usages() {
        None => {
            let text = "it does not say what it is for (no extended key usage): clients with clientAuth, servers with serverAuth";
            section.problem(Level::Warn, "no-purpose", text);
        }
        Some(purposes) if purposes.contains(&ExtendedKeyUsage::ClientAuth) => {}
        Some(purposes) if purposes.contains(&ExtendedKeyUsage::ServerAuth) => {
            section.problem(Level::Note, "not-for-clients", "it is for servers: no client gets in with it");
        }
        Some(_) => {
            let text = "its extended key usage is neither clientAuth nor serverAuth: have it issued again";
            section.problem(Level::Error, "not-for-clients", text);
        }
    }
    if certificate.key_usage().is_some_and(|usage| !usage.digital_signature()) {
        let text = "its key usage does not allow signing, which a handshake needs: have it issued with digitalSignature";
        section.problem(Level::Error, "key-usage", text);
    }
}

fn names(certificate: &Certificate, section: &mut Section) {
    let san = certificate.san();
    for kind in [SanKind::Dns, SanKind::Email, SanKind::Uri, SanKind::Upn, SanKind::Ip] {
        if let Err(error) = san.values(kind) {
            section.problem(Level::Error, "malformed-name", error.to_string());
        }
    }
    if san.is_empty() && !certificate.subject().is_empty() {
        let text = "it has a subject, but no subject alternative name: browsers and many libraries look at nothing else";
        section.problem(Level::Warn, "no-alternative-name", text);
    }
    if san.is_empty() && certificate.subject().is_empty() {
        section.problem(
            Level::Error,
            "nameless",
            "it names nobody: neither a subject nor an alternative name",
        );
    }
}

#[cfg(test)]
mod tests {
    use portcullis_pki::Authority;

    use super::*;

    fn codes(name: &str) -> Vec<&'static str> {
        let authority = Authority::new("Example CA").unwrap();
        let issued = authority.hostile(name).unwrap();
        let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
        let mut section = Section::new("certificate");
        find(&certificate, clock::now(), &mut section);
        section.problems.iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn the_catalogue_is_seen_through() {
        for (name, code) in [
            ("v1", "version"),
            ("no_eku", "no-purpose"),
            ("server_eku", "not-for-clients"),
            ("email_eku", "not-for-clients"),
            ("any_eku", "not-for-clients"),
            ("ku_no_ds", "key-usage"),
            ("leaf_is_ca", "authority"),
            ("crit_ext", "critical-extension"),
            ("expired_leaf", "expired"),
            ("future_leaf", "not-yet-valid"),
            ("serial_negative", "negative-serial"),
            ("serial_zero", "zero-serial"),
            ("serial_long", "long-serial"),
        ] {
            assert!(codes(name).contains(&code), "{name}: {:?}", codes(name));
        }
        assert_eq!(codes("good"), ["no-alternative-name"]);
    }
}
