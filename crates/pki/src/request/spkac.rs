//! Signed public key and challenge: what the `keygen` element of old browsers sent.

use pkcs8::der::pem::Base64Decoder;
use x509_parser::{
    asn1_rs::{BitString, Header},
    prelude::FromDer,
    verify::verify_signature,
    x509::{AlgorithmIdentifier, SubjectPublicKeyInfo},
};

use super::{SigningRequest, check_key, prove};
use crate::PkiError;

/// More than any key needs.
const LONGEST: usize = 64 * 1024;

/// Reads the line `SPKAC=..`; what follows it in the file names the subject for `openssl ca` only.
pub(super) fn read(text: &[u8]) -> Result<SigningRequest, PkiError> {
    let line = text.split(|byte| *byte == b'\n' || *byte == b'\r').next().unwrap_or_default();
    let encoded = line.strip_prefix(b"SPKAC=").unwrap_or_default().trim_ascii();
    let der = decode(encoded).ok_or_else(|| PkiError::request("its SPKAC is no Base64 on one line"))?;
    parse(&der).ok_or_else(|| PkiError::request("its SPKAC is broken"))?
}

fn decode(encoded: &[u8]) -> Option<Vec<u8>> {
    if encoded.len() > LONGEST {
        return None;
    }
    let mut der = Vec::new();
    Base64Decoder::new(encoded).ok()?.decode_to_end(&mut der).ok()?;
    Some(der)
}

/// `SEQUENCE { SEQUENCE { key, challenge }, algorithm, signature }`; the challenge proves nothing to
/// somebody who did not choose it.
fn parse(der: &[u8]) -> Option<Result<SigningRequest, PkiError>> {
    let (content, outer) = Header::from_der(der).ok()?;
    if outer.length().definite().ok()? != content.len() {
        return None;
    }
    let (signed, inner) = Header::from_der(content).ok()?;
    let length = content.len() - signed.len() + inner.length().definite().ok()?;
    let (signed_raw, rest) = content.split_at_checked(length)?;
    let (_, key) = SubjectPublicKeyInfo::from_der(signed).ok()?;
    let (rest, algorithm) = AlgorithmIdentifier::from_der(rest).ok()?;
    let (rest, signature) = BitString::from_der(rest).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let proven = check_key(&key).and_then(|()| {
        prove(&key, &algorithm, |key, algorithm| {
            verify_signature(key, algorithm, &signature, signed_raw).is_ok()
        })
    });
    Some(proven.map(|()| SigningRequest { subject: None, names: Vec::new(), public_key: key.raw.to_vec() }))
}
