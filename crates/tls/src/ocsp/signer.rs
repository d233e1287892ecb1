//! Who has signed an answer, and whether the issuer lets them.

use portcullis_core::Certificate;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, Der, SubjectPublicKeyInfoDer, TrustAnchor};
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{AnyRef, Decode, Encode, Reader, Result};

use crate::clock::unix_time;
use crate::revocation::is_signed_by;

/// Whoever has issued the certificate that is asked about.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) name_der: Box<[u8]>,
    /// The name as webpki gives it: without the outer header.
    pub(super) subject: Box<[u8]>,
    pub(super) key: SubjectPublicKeyInfoDer<'static>,
    /// Whether its lists count.
    pub(super) signs_lists: bool,
}

/// Somebody who signs in the place of the issuer.
#[derive(Debug, Clone)]
pub(super) struct Delegate {
    pub(super) certificate: Certificate,
    pub(super) serial: Box<[u8]>,
    /// The issuer says that nobody will tell whether it is revoked.
    pub(super) is_unchecked: bool,
}

/// The signature of an answer, over its bytes as they came.
pub(super) struct Signed<'a> {
    body: &'a [u8],
    /// The content of the `AlgorithmIdentifier`.
    algorithm: &'a [u8],
}

/// `id-kp-OCSPSigning`.
const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];

const NO_CHECK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");

/// Certificates that come with an answer: more are not looked at, each costs a signature.
const MOST_CERTIFICATES: usize = 4;

impl<'a> Signed<'a> {
    /// Of a `BasicOCSPResponse`, which is known to be well-formed.
    pub(super) fn read(basic: &'a [u8]) -> Result<Self> {
        AnyRef::from_der(basic)?.sequence(|reader| {
            let body = reader.tlv_bytes()?;
            let algorithm = AnyRef::decode(reader)?.value();
            reader.read_slice(reader.remaining_len())?;
            Ok(Self { body, algorithm })
        })
    }

    /// Nobody if it is the issuer itself, or whoever it has delegated it to; an error if it is neither.
    pub(super) fn signer(
        &self,
        signature: &[u8],
        certificates: &[x509_cert::Certificate],
        issuer: &Issuer,
        supported: &WebPkiSupportedAlgorithms,
        now: i64,
    ) -> std::result::Result<Option<Delegate>, &'static str> {
        let is_by = |key: &SubjectPublicKeyInfoDer<'_>| {
            is_signed_by(key, self.algorithm, self.body, signature, supported)
        };
        if is_by(&issuer.key) {
            return Ok(None);
        }
        for certificate in certificates.iter().take(MOST_CERTIFICATES) {
            let key = certificate.tbs_certificate.subject_public_key_info.to_der();
            if key.is_ok_and(|key| is_by(&SubjectPublicKeyInfoDer::from(key))) {
                return Delegate::read(certificate, issuer, supported, now).map(Some);
            }
        }
        Err("neither its issuer nor anybody with a certificate in it has signed the answer of its responder")
    }
}

impl Delegate {
    /// One with this certificate, if the issuer itself has made it to sign answers, and it is in date.
    fn read(
        certificate: &x509_cert::Certificate,
        issuer: &Issuer,
        supported: &WebPkiSupportedAlgorithms,
        now: i64,
    ) -> std::result::Result<Self, &'static str> {
        const UNREADABLE: &str = "the certificate of its responder cannot be read";
        const UNFIT: &str =
            "its issuer has not made the certificate of its responder for that, or not for now";
        let der = CertificateDer::from(certificate.to_der().map_err(|_| UNREADABLE)?);
        let end_entity = EndEntityCert::try_from(&der).map_err(|_| UNREADABLE)?;
        let facts = Certificate::from_der(&der).map_err(|_| UNREADABLE)?;
        let key = issuer.key.as_ref();
        let anchor = TrustAnchor {
            subject: Der::from_slice(&issuer.subject),
            subject_public_key_info: Der::from_slice(content(key).ok_or(UNREADABLE)?),
            name_constraints: None,
        };
        end_entity
            .verify_for_usage(
                supported.all,
                &[anchor],
                &[],
                unix_time(now).ok_or(UNFIT)?,
                KeyUsage::required(OCSP_SIGNING),
                None,
                None,
            )
            .map_err(|_| UNFIT)?;
        let extensions = certificate.tbs_certificate.extensions.iter().flatten();
        Ok(Self {
            certificate: facts,
            serial: end_entity.serial().into(),
            is_unchecked: extensions.into_iter().any(|extension| extension.extn_id == NO_CHECK),
        })
    }
}

/// What is in a value without its header.
fn content(der: &[u8]) -> Option<&[u8]> {
    AnyRef::from_der(der).ok().map(|value| value.value())
}
