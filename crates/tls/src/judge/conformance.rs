//! What RFC 5280 forbids to a certificate, and webpki does not ask about.

use std::fmt;

use portcullis_core::Certificate;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer;

/// Where a certificate stands on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Anchor,
    Issuer,
    Leaf,
}

/// How closely the profile of RFC 5280 is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Conformance {
    /// What would let somebody in, or could be meant to keep somebody out.
    #[default]
    Needful,
    /// Also what home-made authorities do wrong and nobody is harmed by.
    Strict,
}

/// What a certificate does that RFC 5280 forbids, with the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Violation(&'static str);

/// The first rule that a certificate breaks in its place.
pub(crate) fn violation(
    certificate: &Certificate,
    position: Position,
    conformance: Conformance,
) -> Option<Violation> {
    if let Some(harm) = harm(certificate, position) {
        return Some(Violation(harm));
    }
    // Taking a certificate apart once more costs as much as reading it did, with every new client.
    if conformance == Conformance::Needful && position != Position::Anchor {
        return None;
    }
    let Ok((_, parsed)) = X509Certificate::from_der(certificate.der()) else {
        return Some(Violation("it cannot be taken apart"));
    };
    let subject = Subject { certificate, parsed: &parsed, position };
    let strict = || (conformance == Conformance::Strict).then(|| subject.careless()).flatten();
    subject.harmful().or_else(strict).map(Violation)
}

/// What no setting allows, as far as it was read already.
fn harm(certificate: &Certificate, position: Position) -> Option<&'static str> {
    let is_authority = position != Position::Leaf;
    if is_authority && certificate.subject().is_empty() {
        return Some("an authority has an empty subject (4.1.2.6)");
    }
    if !is_authority && certificate.key_usage().is_some_and(|usage| usage.key_cert_sign()) {
        return Some("its key usage is keyCertSign, though it is no authority (4.2.1.9)");
    }
    None
}

struct Subject<'a> {
    certificate: &'a Certificate,
    parsed: &'a X509Certificate<'a>,
    position: Position,
}

impl Subject<'_> {
    /// What no setting allows, of what was not read before.
    fn harmful(&self) -> Option<&'static str> {
        let is_strange = || self.parsed.extensions().iter().any(is_unknown_and_critical);
        (self.position == Position::Anchor && is_strange())
            .then_some("it has a critical extension that is not understood (4.2)")
    }

    /// What is forbidden, but harms nobody.
    fn careless(&self) -> Option<&'static str> {
        self.careless_extensions().or_else(|| self.careless_identifiers()).or_else(|| self.careless_names())
    }

    fn careless_extensions(&self) -> Option<&'static str> {
        let is_authority = self.position != Position::Leaf;
        let is_anchor = self.position == Position::Anchor;
        self.parsed.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(_) if extension.critical => {
                Some("its authorityKeyIdentifier is critical (4.2.1.1)")
            }
            ParsedExtension::SubjectKeyIdentifier(_) if extension.critical => {
                Some("its subjectKeyIdentifier is critical (4.2.1.2)")
            }
            // Not asked of issuers: NIST's own tests have them without.
            ParsedExtension::BasicConstraints(_) if is_anchor && !extension.critical => {
                Some("a trust anchor's basicConstraints is not critical (4.2.1.9)")
            }
            ParsedExtension::NameConstraints(_) if !is_authority => {
                Some("it has nameConstraints, though it is no authority (4.2.1.10)")
            }
            ParsedExtension::NameConstraints(_) if !extension.critical => {
                Some("its nameConstraints is not critical (4.2.1.10)")
            }
            ParsedExtension::PolicyConstraints(_) if !extension.critical => {
                Some("its policyConstraints is not critical (4.2.1.11)")
            }
            ParsedExtension::NameConstraints(constraints) => {
                let permitted = constraints.permitted_subtrees.iter().flatten();
                let all = permitted.chain(constraints.excluded_subtrees.iter().flatten());
                let is_dotted = |name: &GeneralName<'_>| matches!(name, GeneralName::DNSName(name) if name.starts_with('.'));
                all.into_iter()
                    .any(|subtree| is_dotted(&subtree.base))
                    .then_some("a DNS name in its nameConstraints begins with a dot (4.2.1.10)")
            }
            _ => None,
        })
    }

    fn careless_identifiers(&self) -> Option<&'static str> {
        let has = |oid: &str| self.parsed.extensions().iter().any(|one| one.oid.to_id_string() == oid);
        let is_self_issued = self.certificate.subject_der() == self.certificate.issuer_der();
        if self.position != Position::Leaf && !has("2.5.29.14") {
            return Some("an authority has no subjectKeyIdentifier (4.2.1.2)");
        }
        // Where a path ends, nobody looks for the next issuer.
        if self.position != Position::Anchor && !is_self_issued && !has("2.5.29.35") {
            return Some("it has no authorityKeyIdentifier (4.2.1.1)");
        }
        let serial = self.certificate.serial();
        if serial.is_negative() || serial.as_bytes().iter().all(|byte| *byte == 0) {
            return Some("its serial number is not positive (4.1.2.2)");
        }
        (self.parsed.raw_serial().len() > 20).then_some("its serial number is longer than 20 bytes (4.1.2.2)")
    }

    fn careless_names(&self) -> Option<&'static str> {
        let names = self.parsed.subject_alternative_name().ok().flatten()?;
        if self.certificate.subject().is_empty() && !names.critical {
            return Some("its subject is empty, but its subjectAltName is not critical (4.2.1.6)");
        }
        let has_underscore =
            |name: &GeneralName<'_>| matches!(name, GeneralName::DNSName(name) if name.contains('_'));
        names
            .value
            .general_names
            .iter()
            .any(has_underscore)
            .then_some("a DNS name in its subjectAltName has an underscore (4.2.1.6)")
    }
}

/// Whether an anchor demands something that nobody here knows of.
///
/// Constraints on policies do not bind an anchor's path: an anchor is a name and a key (6.1.1).
fn is_unknown_and_critical(extension: &X509Extension<'_>) -> bool {
    let is_known = matches!(
        extension.oid.to_id_string().as_str(),
        "2.5.29.14"
            | "2.5.29.15"
            | "2.5.29.17"
            | "2.5.29.18"
            | "2.5.29.19"
            | "2.5.29.30"
            | "2.5.29.31"
            | "2.5.29.32"
            | "2.5.29.33"
            | "2.5.29.35"
            | "2.5.29.36"
            | "2.5.29.37"
            | "2.5.29.54"
    );
    extension.critical && !is_known
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
