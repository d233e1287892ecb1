//! The proof that a client holds the private key of the certificate that it sent.

use portcullis_core::Certificate;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{self, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved};
use webpki::{EndEntityCert, RawPublicKeyEntity};

/// Checks the signature of a TLS 1.2 handshake.
///
/// webpki does not even read certificates of version 1 or with unknown critical extensions. Their
/// owners, too, have to prove possession, so that the page which explains the matter is not shown
/// under a name that was copied from somebody else. For them the bare public key is used.
pub(crate) fn verify_tls12(
    message: &[u8],
    der: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    supported: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let checked = crypto::verify_tls12_signature(message, der, signed, supported);
    if checked.is_ok() || EndEntityCert::try_from(der).is_ok() {
        return checked;
    }
    let spki = public_key(der)?;
    let key = RawPublicKeyEntity::try_from(&spki).map_err(|_| bad_encoding())?;
    let by_scheme = supported.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
    let (_, algorithms) = by_scheme.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    // In TLS 1.2 a scheme does not name the curve: several algorithms may be meant, and those for
    // another kind of key say so.
    for algorithm in *algorithms {
        match key.verify_signature(*algorithm, message, signed.signature()) {
            Ok(()) => return Ok(HandshakeSignatureValid::assertion()),
            Err(webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {}
            Err(_) => break,
        }
    }
    Err(CertificateError::BadSignature.into())
}

/// Checks the signature of a TLS 1.3 handshake; see [`verify_tls12`].
pub(crate) fn verify_tls13(
    message: &[u8],
    der: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    supported: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let checked = crypto::verify_tls13_signature(message, der, signed, supported);
    if checked.is_ok() || EndEntityCert::try_from(der).is_ok() {
        return checked;
    }
    crypto::verify_tls13_signature_with_raw_key(message, &public_key(der)?, signed, supported)
}

fn public_key(der: &CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    let certificate = Certificate::from_der(der).map_err(|_| bad_encoding())?;
    Ok(SubjectPublicKeyInfoDer::from(certificate.spki_der().to_vec()))
}

fn bad_encoding() -> Error {
    CertificateError::BadEncoding.into()
}
