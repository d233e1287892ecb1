//! The server's certificate: recorded during the handshake, judged afterwards.

use std::sync::{Mutex, PoisonError};

use portcullis_core::certificate::ExtendedKeyUsage;
use portcullis_core::{Certificate, Distrust};
use portcullis_tls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use portcullis_tls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use portcullis_tls::rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use portcullis_tls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use portcullis_tls::rustls::server::ParsedCertificate;
use portcullis_tls::rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::facts;
use super::report::Finding;
use super::target::Target;
use super::trust::Trust;

/// Takes every certificate, and remembers it: what is wrong with it is told afterwards, all of it.
///
/// # Security
///
/// If anything but a diagnosis goes over a connection made with it, then whoever stands between reads it.
#[derive(Debug)]
pub(super) struct Recorder {
    supported: WebPkiSupportedAlgorithms,
    seen: Mutex<Seen>,
}

/// What the server showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Whether its signature proved that it has the key.
    pub(super) is_impostor: bool,
}

impl Recorder {
    pub(super) fn new(supported: WebPkiSupportedAlgorithms) -> Self {
        Self { supported, seen: Mutex::default() }
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn check(&self, der: &CertificateDer<'_>, checked: &Result<HandshakeSignatureValid, Error>) {
        // Of a certificate that the verifier cannot read it says nothing about the signature.
        let is_impostor = checked.is_err() && ParsedCertificate::try_from(der).is_ok();
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).is_impostor |= is_impostor;
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        let chain = chain.map(|der| der.clone().into_owned()).collect();
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).chain = chain;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check(der, &verify_tls12_signature(message, der, signed, &self.supported));
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check(der, &verify_tls13_signature(message, der, signed, &self.supported));
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.supported.supported_schemes()
    }
}

/// Everything that makes clients refuse this server; the gravest first.
pub(super) fn judge(
    seen: &Seen,
    trust: &Trust,
    target: &Target,
    now: i64,
    supported: &WebPkiSupportedAlgorithms,
) -> Vec<Finding> {
    let Some((first, others)) = seen.chain.split_first() else {
        return vec![Finding::fail("server-none", "the server showed no certificate", "give it one")];
    };
    let leaf = match Certificate::from_der(first) {
        Ok(leaf) => leaf,
        Err(error) => return vec![malformed(&error.to_string())],
    };
    if leaf.version() < 3 {
        let version = Distrust::Version { version: leaf.version() };
        return vec![fault("server-version", &version)];
    }
    let Ok(parsed) = ParsedCertificate::try_from(first) else {
        let reason = if leaf.critical_extensions_unknown().is_empty() {
            return vec![malformed("the verifier cannot read it")];
        } else {
            Distrust::CriticalExtension
        };
        return vec![fault("server-critical-extension", &reason)];
    };
    let mut findings = Vec::new();
    if seen.is_impostor {
        findings.push(Finding::fail(
            "server-impostor",
            "the server does not hold the private key of the certificate that it shows",
            "configure the key that belongs to its certificate",
        ));
    }
    if let Some(reason) = facts::time(&leaf, now) {
        let code = if now > leaf.not_after() { "server-expired" } else { "server-not-yet-valid" };
        findings.push(fault(code, &reason));
    }
    if verify_server_name(&parsed, &target.name).is_err() {
        findings.push(wrong_name(&leaf, target));
    }
    findings.extend(issuer(&parsed, &leaf, others, trust, now, supported));
    findings.extend(facts::weak_key(&leaf).map(|reason| fault("server-weak-key", &reason)));
    findings
}

fn malformed(why: &str) -> Finding {
    Finding::fail(
        "server-malformed",
        format!("the server's certificate cannot be read: {why}"),
        "have it issued anew, as X.509 version 3",
    )
}

fn fault(code: &'static str, reason: &Distrust) -> Finding {
    Finding::fail(code, format!("the server's certificate is no good: {reason}"), reason.remedy())
}

fn wrong_name(leaf: &Certificate, target: &Target) -> Finding {
    let names = names(leaf);
    let host = &target.host;
    let remedy = format!("have it issued for `{host}` (subjectAltName), or connect by a name that it has");
    if names.is_empty() {
        return Finding::fail(
            "server-no-names",
            "the server's certificate has no subjectAltName, and clients do not look for names elsewhere",
            remedy,
        );
    }
    let names = names.join("`, `");
    Finding::fail(
        "server-name",
        format!("the server's certificate is for `{names}`, not for `{host}`"),
        remedy,
    )
}

/// Some of the names that a certificate is for.
pub(super) fn names(leaf: &Certificate) -> Vec<String> {
    let san = leaf.san();
    let dns = san.dns().unwrap_or_default().iter().map(|name| super::printable(name));
    let ip = san.ip().unwrap_or_default().iter().map(ToString::to_string);
    dns.chain(ip).take(8).collect()
}

/// What is wrong on the way to an authority that is trusted.
fn issuer(
    parsed: &ParsedCertificate<'_>,
    leaf: &Certificate,
    others: &[CertificateDer<'_>],
    trust: &Trust,
    now: i64,
    supported: &WebPkiSupportedAlgorithms,
) -> Option<Finding> {
    // A matter of its own, which must not hide what is wrong with the issuer.
    let time = now.clamp(leaf.not_before(), leaf.not_after());
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(u64::try_from(time).ok()?));
    let verified =
        verify_server_cert_signed_by_trust_anchor(parsed, &trust.roots, others, time, supported.all);
    let error = verified.err()?;
    let (name, origin) = (leaf.issuer(), &trust.origin);
    if leaf.basic_constraints().is_some_and(|constraints| constraints.ca) {
        return Some(fault("server-is-authority", &Distrust::AuthorityAsClient));
    }
    if let Some(reason) = facts::weak_signature(leaf) {
        return Some(fault("server-signature-algorithm", &reason));
    }
    let usages = leaf.extended_key_usages();
    if usages.is_some_and(|usages| !usages.contains(&ExtendedKeyUsage::ServerAuth)) {
        return Some(Finding::fail(
            "server-purpose",
            "the server's certificate is not for servers (extended key usage)",
            "have it issued with the extended key usage serverAuth",
        ));
    }
    let is_namesake = trust.certificates.iter().any(|anchor| anchor.subject_der() == leaf.issuer_der());
    let is_its_own_issuer = leaf.subject_der() == leaf.issuer_der();
    Some(match &error {
        Error::InvalidCertificate(
            CertificateError::ExpiredContext { .. }
            | CertificateError::Expired
            | CertificateError::NotValidYetContext { .. }
            | CertificateError::NotValidYet,
        ) => Finding::fail(
            "server-issuer-expired",
            "the certificate of an issuer of the server's is out of date",
            "have the server send the renewed certificate of its intermediate",
        ),
        _ if is_namesake => Finding::fail(
            "server-issuer-namesake",
            format!(
                "the server's certificate was issued by another `{name}` than the one in {origin}, of the same name but with another key"
            ),
            "the authority was probably made anew: pass its present certificate to `--ca`, or have the server's issued anew",
        ),
        _ if is_its_own_issuer => Finding::fail(
            "server-self-signed",
            format!("the server's certificate is self-signed, and not in {origin}"),
            "pass it to `--ca`, or better have it issued by an authority (`portcullis pki server`)",
        ),
        Error::InvalidCertificate(CertificateError::UnknownIssuer) if others.is_empty() => Finding::fail(
            "server-issuer-unknown",
            format!(
                "the server's certificate was issued by `{name}`, which is not among {origin}, and the server sent no intermediate"
            ),
            "pass the authority to `--ca`; if it is an intermediate, have the server send its certificate along",
        ),
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => Finding::fail(
            "server-issuer-unknown",
            format!(
                "the server's certificate was issued by `{name}`, and nothing leads from there to {origin}"
            ),
            "pass the authority at the top of its chain to `--ca`",
        ),
        other => Finding::fail(
            "server-untrusted",
            format!("the server's certificate is not trusted: {other}"),
            "have it issued anew by an authority in date, with SHA-256",
        ),
    })
}
