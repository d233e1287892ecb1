//! Requests to sign a certificate, and the proof that whoever sends one has the key.

use std::net::IpAddr;

use x509_parser::{
    certification_request::X509CertificationRequest,
    extensions::{GeneralName as Parsed, ParsedExtension},
    pem::Pem,
    prelude::FromDer,
    public_key::PublicKey,
    verify::verify_signature,
    x509::{AlgorithmIdentifier, SubjectPublicKeyInfo},
};

use crate::{DistinguishedName, GeneralName, KeyAlgorithm, Oid, PkiError};

mod spkac;

/// A request to sign a certificate whose sender has the private key.
///
/// # Security
///
/// If subject and names are taken from a request without a look, then its sender gets in under any
/// name: so [`LeafBuilder::sign`](crate::LeafBuilder::sign) takes the key only.
///
/// # Examples
///
/// ```
/// use portcullis_pki::{PkiError, SigningRequest};
///
/// assert!(matches!(SigningRequest::read(b"no request"), Err(PkiError::Request { .. })));
/// ```
#[derive(Clone, Debug)]
pub struct SigningRequest {
    subject: Option<DistinguishedName>,
    names: Vec<GeneralName>,
    public_key: Vec<u8>,
}

impl SigningRequest {
    /// Reads PKCS#10 in PEM or DER, or SPKAC as `openssl spkac` writes it, and checks the proof.
    ///
    /// # Errors
    ///
    /// [`PkiError::Request`] if it is none of these, if the signature is not by the private key
    /// that belongs to the public one, or if no certificate is made for such a key.
    pub fn read(bytes: &[u8]) -> Result<Self, PkiError> {
        let start = bytes.trim_ascii_start();
        if start.starts_with(b"SPKAC=") {
            return spkac::read(start);
        }
        if !start.starts_with(b"-----BEGIN") {
            return Self::pkcs10(bytes);
        }
        let (block, _) = Pem::read(std::io::Cursor::new(start)).map_err(PkiError::request)?;
        match block.label.as_str() {
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Self::pkcs10(&block.contents),
            label => Err(PkiError::request(format!("it holds a block `{}`", label.escape_debug()))),
        }
    }

    /// The subject that is asked for; SPKAC has none.
    pub fn subject(&self) -> Option<&DistinguishedName> {
        self.subject.as_ref()
    }

    /// The subject alternative names that are asked for.
    pub fn names(&self) -> &[GeneralName] {
        &self.names
    }

    /// The public key as `SubjectPublicKeyInfo` in DER.
    pub fn public_key_der(&self) -> &[u8] {
        &self.public_key
    }

    fn pkcs10(der: &[u8]) -> Result<Self, PkiError> {
        let request = match X509CertificationRequest::from_der(der) {
            Ok(([], request)) => request,
            Ok(_) => return Err(PkiError::request("bytes follow it")),
            Err(error) => return Err(PkiError::request(format!("it is no PKCS#10 and no SPKAC: {error}"))),
        };
        let info = &request.certification_request_info;
        check_key(&info.subject_pki)?;
        prove(&info.subject_pki, &request.signature_algorithm, |key, algorithm| {
            verify_signature(key, algorithm, &request.signature_value, info.raw).is_ok()
        })?;
        let mut names = Vec::new();
        for extension in request.requested_extensions().into_iter().flatten() {
            if let ParsedExtension::SubjectAlternativeName(asked) = extension {
                for name in &asked.general_names {
                    names.push(general_name(name)?);
                }
            }
        }
        Ok(Self {
            subject: Some(DistinguishedName::from_der(info.subject.as_raw())?),
            names,
            public_key: info.subject_pki.raw.to_vec(),
        })
    }
}

/// Runs the check of the signature, and says what can be done if it fails.
fn prove(
    key: &SubjectPublicKeyInfo<'_>,
    algorithm: &AlgorithmIdentifier<'_>,
    check: impl FnOnce(&SubjectPublicKeyInfo<'_>, &AlgorithmIdentifier<'_>) -> bool,
) -> Result<(), PkiError> {
    if algorithm.algorithm.to_id_string() == Oid::MD5_WITH_RSA.to_string() {
        return Err(PkiError::request("it is signed with MD5: give `-digest sha256` to `openssl spkac`"));
    }
    if check(key, algorithm) {
        Ok(())
    } else {
        Err(PkiError::request("its signature does not prove that the sender has the private key"))
    }
}

/// No certificate makes a weak key strong.
fn check_key(key: &SubjectPublicKeyInfo<'_>) -> Result<(), PkiError> {
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) if rsa.key_size() < 2048 => Err(PkiError::request(format!(
            "an RSA key of {} bits is too weak: 2048 at least",
            rsa.key_size()
        ))),
        Ok(PublicKey::RSA(_)) => Ok(()),
        _ if KeyAlgorithm::of(key).is_some() => Ok(()),
        _ => Err(PkiError::request("its key is neither RSA nor P-256, P-384 or Ed25519")),
    }
}

fn general_name(name: &Parsed<'_>) -> Result<GeneralName, PkiError> {
    let address = |bytes: &[u8]| -> Option<IpAddr> {
        let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
        four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
    };
    match name {
        Parsed::DNSName(text) => Ok(GeneralName::Dns((*text).to_owned())),
        Parsed::RFC822Name(text) => Ok(GeneralName::Email((*text).to_owned())),
        Parsed::URI(text) => Ok(GeneralName::Uri((*text).to_owned())),
        Parsed::IPAddress(bytes) => address(bytes)
            .map(GeneralName::Ip)
            .ok_or_else(|| PkiError::request("an IP address in it has neither 4 nor 16 bytes")),
        _ => Err(PkiError::request("it asks for a name that is no DNS name, e-mail, URI or IP address")),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;
    use crate::Authority;

    fn pkcs10() -> Vec<u8> {
        let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::IpAddress([10, 0, 0, 1].into()));
        params.serialize_request(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn nothing_but_the_key_is_taken() {
        let request = SigningRequest::read(&pkcs10()).unwrap();
        assert_eq!(
            request.names(),
            [GeneralName::Dns("a.example".to_owned()), GeneralName::Ip([10, 0, 0, 1].into())]
        );
        let chain = Authority::new("Example CA").unwrap().client("bob").sign(&request).unwrap();
        let leaf = crate::authority::parse(&chain[0]).unwrap();
        assert_eq!(leaf.public_key().raw, request.public_key_der());
        assert_eq!(leaf.subject().to_string(), "CN=bob");
        assert!(leaf.subject_alternative_name().unwrap().is_none());
    }

    #[test]
    fn every_changed_byte_of_what_is_signed_is_noticed() {
        let good = pkcs10();
        let (_, parsed) = X509CertificationRequest::from_der(&good).unwrap();
        let signed = parsed.certification_request_info.raw.len() + 4;
        for position in 0..signed {
            let mut broken = good.clone();
            broken[position] ^= 1;
            assert!(SigningRequest::read(&broken).is_err(), "byte {position}");
        }
        let mut broken = good.clone();
        *broken.last_mut().unwrap() ^= 1;
        let error = SigningRequest::read(&broken).unwrap_err().to_string();
        assert!(error.contains("does not prove"), "{error}");
        for length in 0..good.len() {
            assert!(SigningRequest::read(&good[..length]).is_err(), "{length} bytes");
        }
        assert!(SigningRequest::read(&[&good[..], &[0]].concat()).is_err());
    }

    #[test]
    fn other_things_are_refused() {
        let certificate = Authority::new("Example CA").unwrap().certificate_pem().unwrap();
        for bytes in [&b""[..], b"SPKAC=", b"SPKAC=AAAA", b"-----BEGIN", certificate.as_bytes()] {
            assert!(matches!(SigningRequest::read(bytes), Err(PkiError::Request { .. })));
        }
    }
}
