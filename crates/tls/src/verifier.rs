//! What rustls asks during a handshake.

use std::sync::Arc;

use portcullis_core::{Distrust, Peer};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};

use crate::client_auth::Mode;
use crate::handshake::{HandshakeError, notes};
use crate::possession;
use crate::server::{Clients, Trust};

/// Asks for client certificates, and has them judged.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    trust: Arc<Trust>,
    site: usize,
    mode: Mode,
    supported: WebPkiSupportedAlgorithms,
    /// Fixed, because rustls borrows them.
    hints: Vec<DistinguishedName>,
}

impl ClientVerifier {
    /// One that judges by the trust in force whenever it is asked, for a site that has these clients now.
    pub(crate) fn new(trust: Arc<Trust>, site: usize, clients: &Clients) -> Self {
        let supported = *clients.judge.supported();
        Self { trust, site, mode: clients.mode, supported, hints: clients.hints.clone() }
    }

    fn note_possession(
        &self,
        checked: Result<HandshakeSignatureValid, Error>,
        der: &CertificateDer<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        if checked.is_err() && !notes::take_down(|notes| notes.is_impostor = true) {
            let snapshot = self.trust.load();
            let certificate = snapshot.clients(self.site).and_then(|clients| clients.judge.legible(der));
            HandshakeError::NotPossessed { certificate }.log(None);
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
        let snapshot = self.trust.load();
        let Some(clients) = snapshot.clients(self.site) else {
            return Err(Error::General("nobody judges clients of this site".into()));
        };
        let judgement = clients.judge.judge(end_entity, intermediates, now);
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
        let checked = possession::verify_tls12(message, der, signed, &self.supported);
        self.note_possession(checked, der)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let checked = possession::verify_tls13(message, der, signed, &self.supported);
        self.note_possession(checked, der)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.supported.supported_schemes()
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
