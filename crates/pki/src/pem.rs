//! PEM for certificates and keys.

use pkcs8::{
    SecretDocument,
    der::pem::{LineEnding, encode_string},
};

use crate::PkiError;

pub(crate) fn certificate(der: &[u8]) -> Result<String, PkiError> {
    encode_string("CERTIFICATE", LineEnding::LF, der)
        .map_err(|error| PkiError::encoding("the certificate", error))
}

pub(crate) fn revocation_list(der: &[u8]) -> Result<String, PkiError> {
    encode_string("X509 CRL", LineEnding::LF, der)
        .map_err(|error| PkiError::encoding("the revocation list", error))
}

/// A PKCS#8 key that is not encrypted.
pub(crate) fn key(pkcs8: &SecretDocument) -> Result<String, PkiError> {
    encode_key("PRIVATE KEY", pkcs8)
}

pub(crate) fn encrypted_key(pkcs8: &SecretDocument) -> Result<String, PkiError> {
    encode_key("ENCRYPTED PRIVATE KEY", pkcs8)
}

fn encode_key(label: &'static str, document: &SecretDocument) -> Result<String, PkiError> {
    let pem = document.to_pem(label, LineEnding::LF).map_err(|error| PkiError::encoding("the key", error))?;
    Ok(pem.as_str().to_owned())
}
