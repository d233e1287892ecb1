//! PEM for certificates and keys.

use pkcs8::{
    PrivateKeyInfoRef, SecretDocument,
    der::pem::{LineEnding, encode_string},
    pkcs5::pbes2,
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

fn encrypted_key(pkcs8: &SecretDocument) -> Result<String, PkiError> {
    encode_key("ENCRYPTED PRIVATE KEY", pkcs8)
}

/// Encrypts a PKCS#8 key; PBKDF2 rather than scrypt, which Java and Go do not read.
pub(crate) fn encrypt_key(pkcs8: &[u8], passphrase: &str) -> Result<String, PkiError> {
    if passphrase.is_empty() {
        return Err(PkiError::EmptyPassphrase);
    }
    let failed = |error: &dyn ToString| PkiError::encoding("the encrypted key", error.to_string());
    let info = PrivateKeyInfoRef::try_from(pkcs8).map_err(PkiError::key)?;
    let scheme =
        pbes2::Parameters::generate_pbkdf2(&mut getrandom::SysRng).map_err(|error| failed(&error))?;
    encrypted_key(&info.encrypt_with_params(scheme, passphrase).map_err(|error| failed(&error))?)
}

fn encode_key(label: &'static str, document: &SecretDocument) -> Result<String, PkiError> {
    let pem = document.to_pem(label, LineEnding::LF).map_err(|error| PkiError::encoding("the key", error))?;
    Ok(pem.as_str().to_owned())
}
