//! The question: which certificate, by the hashes of its issuer.

use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_cert::der::asn1::{Any, Null, ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Encode, Result, Tag};
use x509_cert::ext::Extension;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoRef};
use x509_ocsp::{CertId, OcspRequest, Request, TbsRequest};

use super::signer::Issuer;

/// The extension `nonce` (RFC 9654).
pub(super) const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");

/// With what issuers are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
}

impl Hash {
    const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
    const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

    fn of(algorithm: ObjectIdentifier) -> Option<Self> {
        [Self::Sha1, Self::Sha256].into_iter().find(|hash| hash.oid() == algorithm)
    }

    fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha1 => Self::SHA1,
            Self::Sha256 => Self::SHA256,
        }
    }

    fn digest(self, bytes: &[u8]) -> Result<OctetString> {
        match self {
            Self::Sha1 => OctetString::new(Sha1::digest(bytes).to_vec()),
            Self::Sha256 => OctetString::new(Sha256::digest(bytes).to_vec()),
        }
    }
}

/// The question about the certificate with this number, as it stands in it.
pub(super) fn encode(issuer: &Issuer, serial: &[u8], hash: Hash, nonce: Option<&[u8]>) -> Result<Vec<u8>> {
    let extensions = match nonce {
        Some(nonce) => Some(vec![Extension {
            extn_id: NONCE,
            critical: false,
            extn_value: OctetString::new(OctetString::new(nonce)?.to_der()?)?,
        }]),
        None => None,
    };
    let request = Request { req_cert: identify(issuer, serial, hash)?, single_request_extensions: None };
    let tbs_request =
        TbsRequest { request_list: vec![request], request_extensions: extensions, ..TbsRequest::default() };
    OcspRequest { tbs_request, optional_signature: None }.to_der()
}

/// Whether an answer means the certificate with this number, of this name and key.
pub(super) fn means(id: &CertId, issuer: &Issuer, serial: &[u8]) -> bool {
    let Some(hash) = Hash::of(id.hash_algorithm.oid) else { return false };
    identify(issuer, serial, hash).is_ok_and(|ours| {
        ours.issuer_name_hash == id.issuer_name_hash
            && ours.issuer_key_hash == id.issuer_key_hash
            && ours.serial_number == id.serial_number
    })
}

fn identify(issuer: &Issuer, serial: &[u8], hash: Hash) -> Result<CertId> {
    let key = SubjectPublicKeyInfoRef::from_der(issuer.key.as_ref())?;
    let parameters = Some(Any::from(Null));
    Ok(CertId {
        hash_algorithm: AlgorithmIdentifierOwned { oid: hash.oid(), parameters },
        issuer_name_hash: hash.digest(&issuer.name_der)?,
        issuer_key_hash: hash.digest(key.subject_public_key.raw_bytes())?,
        serial_number: Any::new(Tag::Integer, serial)?.decode_as::<SerialNumber>()?,
    })
}
