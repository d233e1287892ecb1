//! webpki's errors as reasons that help.

use portcullis_core::{Certificate, Distrust};
use rustls::pki_types::CertificateDer;
use webpki::Error;

/// Why webpki found no path from this leaf, over these others, to an anchor.
#[expect(deprecated, reason = "webpki keeps old variants of its errors and may still return them")]
pub(super) fn distrust(
    error: &Error,
    leaf: &Certificate,
    others: &[CertificateDer<'_>],
    now: i64,
) -> Distrust {
    let malformed = |detail: &str| Distrust::Malformed { detail: detail.into() };
    match error {
        Error::CertExpired { .. } => {
            Distrust::Expired { not_after: Some(leaf.not_after()).filter(|end| now > *end) }
        }
        Error::CertNotValidYet { .. } => {
            Distrust::NotYetValid { not_before: Some(leaf.not_before()).filter(|start| now < *start) }
        }
        Error::UnknownIssuer => Distrust::UnknownIssuer { issuer: leaf.issuer().to_string() },
        Error::CertRevoked => Distrust::Revoked,
        Error::RequiredEkuNotFound | Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => {
            Distrust::NotForClients
        }
        Error::CaUsedAsEndEntity => Distrust::AuthorityAsClient,
        Error::EndEntityUsedAsCa => Distrust::IssuerNotAuthority,
        Error::PathLenConstraintViolated
        | Error::MaximumPathDepthExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => Distrust::TooLong,
        Error::UnsupportedCertVersion => Distrust::Version { version: oldest_version(leaf, others) },
        Error::UnsupportedCriticalExtension => Distrust::CriticalExtension,
        // Of an RSA key that is too small, webpki says that its signature is bad.
        Error::InvalidSignatureForPublicKey => {
            match parsed(others).find_map(|issuer| issuer.public_key().weakness()) {
                Some(key) => Distrust::WeakKey { key: format!("{key}, of an issuer") },
                None => Distrust::BadSignature,
            }
        }
        // The algorithm is known, but belongs to another kind of key: this issuer did not sign.
        Error::UnsupportedSignatureAlgorithmForPublicKey
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Distrust::BadSignature,
        Error::UnsupportedSignatureAlgorithm => {
            Distrust::SignatureAlgorithm { algorithm: leaf.signature_algorithm().to_owned() }
        }
        Error::UnsupportedSignatureAlgorithmContext(context) => Distrust::SignatureAlgorithm {
            algorithm: algorithm(&context.signature_algorithm_id, leaf, others),
        },
        Error::NameConstraintViolation
        | Error::MalformedNameConstraint
        | Error::MalformedDnsIdentifier
        | Error::InvalidNetworkMaskConstraint
        | Error::UnsupportedNameType
        | Error::CertNotValidForName(_) => Distrust::NameConstraint,
        Error::SignatureAlgorithmMismatch => malformed("it names two different signature algorithms"),
        Error::InvalidCertValidity => malformed("its validity ends before it begins"),
        Error::BadDerTime => malformed("its validity is no valid time"),
        Error::InvalidSerialNumber => malformed("its serial number is malformed"),
        Error::ExtensionValueInvalid | Error::MalformedExtensions => malformed("an extension is malformed"),
        Error::BadDer | Error::TrailingData(_) => malformed("it is not well-formed DER"),
        Error::CertDistrusted => {
            Distrust::Other { detail: "a key on its path is known to be in wrong hands".into() }
        }
        other => {
            tracing::debug!(target: "portcullis::tls", error = ?other, "webpki refused for a reason without a word");
            Distrust::Other { detail: "the verifier refused it for a rare reason".into() }
        }
    }
}

fn parsed(others: &[CertificateDer<'_>]) -> impl Iterator<Item = Certificate> {
    others.iter().filter_map(|der| Certificate::from_der(der).ok())
}

/// The version that was too low, of the leaf or of one of the others.
fn oldest_version(leaf: &Certificate, others: &[CertificateDer<'_>]) -> u8 {
    let versions = parsed(others).map(|issuer| issuer.version());
    if leaf.version() < 3 { leaf.version() } else { versions.min().unwrap_or(leaf.version()) }
}

/// The words for an algorithm, from the certificate that is signed with it.
fn algorithm(identifier: &[u8], leaf: &Certificate, others: &[CertificateDer<'_>]) -> String {
    let has = |certificate: &Certificate| {
        !identifier.is_empty() && certificate.der().windows(identifier.len()).any(|bytes| bytes == identifier)
    };
    let issuers = parsed(others);
    let signed = std::iter::once(leaf.clone()).chain(issuers).find(has);
    signed.as_ref().unwrap_or(leaf).signature_algorithm().to_owned()
}
