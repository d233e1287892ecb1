//! What rustls asks during a handshake.

use std::sync::Arc;

use portcullis_core::{Distrust, Peer};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};

use crate::client_auth::Mode;
use crate::handshake::{HandshakeError, notes};
use crate::judge::Judge;
use crate::possession;

/// Asks for client certificates, and has them judged.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    mode: Mode,
    judge: Arc<Judge>,
    hints: Vec<DistinguishedName>,
}

impl ClientVerifier {
    pub(crate) fn new(mode: Mode, judge: Arc<Judge>, hints: Vec<DistinguishedName>) -> Self {
        Self { mode, judge, hints }
    }

    fn note_possession(
        &self,
        checked: Result<HandshakeSignatureValid, Error>,
        der: &CertificateDer<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        if checked.is_err() && !notes::take_down(|notes| notes.is_impostor = true) {
            HandshakeError::NotPossessed { certificate: self.judge.legible(der) }.log(None);
        }
        checked
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mode == Mode::Require
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Called when the certificate request is written, so not in a resumed handshake.
        notes::take_down(|notes| notes.is_asked = true);
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let judgement = self.judge.judge(end_entity, intermediates, now);
        let is_noted = notes::take_down(|notes| notes.judgement = Some(judgement.clone()));
        match judgement.peer() {
            Peer::Verified(_) => Ok(ClientCertVerified::assertion()),
            _ if self.mode == Mode::Request => Ok(ClientCertVerified::assertion()),
            Peer::Untrusted { certificate, reason } => {
                if !is_noted {
                    let certificate = certificate.clone();
                    HandshakeError::CertificateUntrusted { certificate, reason: reason.clone() }.log(None);
                }
                Err(alert(reason).into())
            }
            Peer::Anonymous => Err(Error::NoCertificatesPresented),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let checked = possession::verify_tls12(message, der, signed, self.judge.supported());
        self.note_possession(checked, der)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let checked = possession::verify_tls13(message, der, signed, self.judge.supported());
        self.note_possession(checked, der)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported().supported_schemes()
    }
}

/// The error that makes rustls send the alert which says most to the client.
fn alert(reason: &Distrust) -> CertificateError {
    match reason {
        Distrust::Expired { .. } => CertificateError::Expired,
        Distrust::NotYetValid { .. } => CertificateError::NotValidYet,
        Distrust::UnknownIssuer { .. } => CertificateError::UnknownIssuer,
        Distrust::Revoked => CertificateError::Revoked,
        Distrust::Malformed { .. } => CertificateError::BadEncoding,
        Distrust::CriticalExtension => CertificateError::UnhandledCriticalExtension,
        Distrust::NotForClients | Distrust::KeyUsage | Distrust::AuthorityAsClient => {
            CertificateError::InvalidPurpose
        }
        other => CertificateError::Other(OtherError(Arc::new(Untrusted(other.clone())))),
    }
}

/// A reason for which TLS has no alert of its own.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Untrusted(Distrust);
