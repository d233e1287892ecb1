//! What a responder says of one certificate (OCSP, RFC 6960).

use std::time::{Duration, SystemTime};

use sha1::Sha1;
use sha2::{Digest, Sha256};
use yasna::{
    DERWriter, Tag,
    models::{GeneralizedTime, TaggedDerValue},
    tags::TAG_INTEGER,
};

use crate::{Authority, Extension, Issued, Oid, PkiError, authority::DAY, key, key::Key, raw::Timestamp};

/// What a responder says of one certificate, to be signed.
///
/// Answers that no good responder would give can be made as well: with the key of somebody else,
/// about another certificate, out of date.
///
/// # Examples
///
/// ```
/// use portcullis_pki::{Authority, OcspAnswer};
///
/// let authority = Authority::new("Example CA")?;
/// let bob = authority.client("bob").issue()?;
/// let good = OcspAnswer::about(bob.certificate_der(), &authority)?.sign()?;
/// let revoked = OcspAnswer::about(bob.certificate_der(), &authority)?.revoked().sign()?;
/// assert_ne!(good, revoked);
/// # Ok::<(), portcullis_pki::PkiError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct OcspAnswer<'a> {
    issuer: &'a Authority,
    signer: Signer<'a>,
    serial: Vec<u8>,
    status: Status,
    this_update: SystemTime,
    next_update: Option<SystemTime>,
    is_sha256: bool,
    extensions: Vec<Extension>,
}

/// Whose key signs.
#[derive(Clone, Copy)]
enum Signer<'a> {
    Authority(&'a Authority),
    Delegate(&'a Issued),
}

#[derive(Clone, Copy)]
enum Status {
    Good,
    Revoked,
    Unknown,
}

/// How long ago a certificate was revoked.
const REVOKED_AGO: Duration = Duration::from_secs(3600);

impl<'a> OcspAnswer<'a> {
    /// That this certificate of this issuer is good, since a minute ago and for a day.
    ///
    /// # Errors
    ///
    /// [`PkiError::Certificate`] if the certificate cannot be read.
    pub fn about(certificate_der: &[u8], issuer: &'a Authority) -> Result<Self, PkiError> {
        let (_, certificate) = x509_parser::parse_x509_certificate(certificate_der)
            .map_err(|error| PkiError::Certificate { reason: error.to_string() })?;
        let now = SystemTime::now();
        Ok(Self {
            issuer,
            signer: Signer::Authority(issuer),
            serial: certificate.raw_serial().to_vec(),
            status: Status::Good,
            this_update: now - Duration::from_secs(60),
            next_update: Some(now + DAY),
            is_sha256: false,
            extensions: Vec::new(),
        })
    }

    /// The answer of a responder that does not want to say anything, with a status of RFC 6960, 4.2.1,
    /// such as 3 for `tryLater`.
    #[must_use]
    pub fn failure(status: u8) -> Vec<u8> {
        yasna::construct_der(|writer| {
            writer.write_sequence(|writer| writer.next().write_enum(i64::from(status)));
        })
    }

    /// That it is revoked, since an hour before the answer was made.
    pub fn revoked(mut self) -> Self {
        self.status = Status::Revoked;
        self
    }

    /// That the responder does not know it.
    pub fn unknown(mut self) -> Self {
        self.status = Status::Unknown;
        self
    }

    /// Since when this is known, a minute ago unless set.
    pub fn this_update(mut self, time: impl Into<SystemTime>) -> Self {
        self.this_update = time.into();
        self
    }

    /// When something newer will be known at the latest, in a day unless set.
    pub fn next_update(mut self, time: impl Into<SystemTime>) -> Self {
        self.next_update = Some(time.into());
        self
    }

    /// Does not say when something newer will be known.
    pub fn no_next_update(mut self) -> Self {
        self.next_update = None;
        self
    }

    /// Names the certificate by SHA-256 instead of SHA-1.
    pub fn sha256(mut self) -> Self {
        self.is_sha256 = true;
        self
    }

    /// Repeats the nonce of the question.
    pub fn nonce(self, nonce: &[u8]) -> Self {
        let der = yasna::construct_der(|writer| writer.write_bytes(nonce));
        self.extension(Extension::new(Oid::OCSP_NONCE, false, der))
    }

    /// Adds an extension of the whole answer.
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Signs with the key of another authority; what it is about stays.
    pub fn signed_by(mut self, authority: &'a Authority) -> Self {
        self.signer = Signer::Authority(authority);
        self
    }

    /// Signs with the key of this certificate, which goes along.
    pub fn delegated_to(mut self, responder: &'a Issued) -> Self {
        self.signer = Signer::Delegate(responder);
        self
    }

    /// Signs the answer; it is in DER.
    ///
    /// # Errors
    ///
    /// [`PkiError::Time`], or a failure of the cryptography library.
    pub fn sign(&self) -> Result<Vec<u8>, PkiError> {
        match self.signer {
            Signer::Authority(authority) => self.sign_with(authority.key(), None),
            Signer::Delegate(responder) => {
                let key = Key::from_pkcs8(responder.key_der())?;
                self.sign_with(&key, Some(responder.certificate_der()))
            }
        }
    }

    fn sign_with(&self, key: &Key, certificate: Option<&[u8]>) -> Result<Vec<u8>, PkiError> {
        let body = self.body(key)?;
        let signature = key.sign(&body)?;
        let basic = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_der(&body);
                key.algorithm().write_signature_algorithm(writer.next());
                writer.next().write_bitvec_bytes(&signature, signature.len() * 8);
                if let Some(certificate) = certificate {
                    writer.next().write_tagged(Tag::context(0), |writer| {
                        writer.write_sequence(|writer| writer.next().write_der(certificate));
                    });
                }
            });
        });
        Ok(yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_enum(0);
                writer.next().write_tagged(Tag::context(0), |writer| {
                    writer.write_sequence(|writer| {
                        writer.next().write_oid(&Oid::OCSP_BASIC.to_asn1());
                        writer.next().write_bytes(&basic);
                    });
                });
            });
        }))
    }

    /// The `ResponseData`.
    fn body(&self, key: &Key) -> Result<Vec<u8>, PkiError> {
        let this_update = Timestamp::generalized(self.this_update)?;
        let next_update = self.next_update.map(Timestamp::generalized).transpose()?;
        let revoked_at = Timestamp::generalized(self.this_update - REVOKED_AGO)?;
        Ok(yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                // the responder, by its key
                writer.next().write_tagged(Tag::context(2), |writer| {
                    writer.write_bytes(&Sha1::digest(key::bits_of(&key.public_der())));
                });
                writer.next().write_generalized_time(&this_update);
                writer.next().write_sequence(|writer| {
                    writer.next().write_sequence(|writer| {
                        self.write_certificate(writer.next());
                        self.status.write(writer.next(), &revoked_at);
                        writer.next().write_generalized_time(&this_update);
                        if let Some(next_update) = &next_update {
                            writer.next().write_tagged(Tag::context(0), |writer| {
                                writer.write_generalized_time(next_update);
                            });
                        }
                    });
                });
                if !self.extensions.is_empty() {
                    writer.next().write_tagged(Tag::context(1), |writer| {
                        writer.write_sequence(|writer| self.extensions.iter().for_each(|e| e.write(writer)));
                    });
                }
            });
        }))
    }

    /// The `CertID`.
    fn write_certificate(&self, writer: DERWriter<'_>) {
        let name = self.issuer.subject().to_der();
        let key = key::bits_of(&self.issuer.key().public_der());
        let (oid, name, key) = if self.is_sha256 {
            (Oid::SHA256, Sha256::digest(&name).to_vec(), Sha256::digest(&key).to_vec())
        } else {
            (Oid::SHA1, Sha1::digest(&name).to_vec(), Sha1::digest(&key).to_vec())
        };
        writer.write_sequence(|writer| {
            writer.next().write_sequence(|writer| {
                writer.next().write_oid(&oid.to_asn1());
                writer.next().write_null();
            });
            writer.next().write_bytes(&name);
            writer.next().write_bytes(&key);
            let serial = self.serial.clone();
            writer.next().write_tagged_der(&TaggedDerValue::from_tag_and_bytes(TAG_INTEGER, serial));
        });
    }
}

impl Status {
    fn write(self, writer: DERWriter<'_>, revoked_at: &GeneralizedTime) {
        match self {
            Self::Good => writer.write_tagged_implicit(Tag::context(0), |writer| writer.write_null()),
            Self::Revoked => writer.write_tagged_implicit(Tag::context(1), |writer| {
                writer.write_sequence(|writer| writer.next().write_generalized_time(revoked_at));
            }),
            Self::Unknown => writer.write_tagged_implicit(Tag::context(2), |writer| writer.write_null()),
        }
    }
}

impl std::fmt::Debug for OcspAnswer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OcspAnswer").field("serial", &self.serial).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_in_the_answer() {
        let authority = Authority::new("Example CA").unwrap();
        let bob = authority.client("bob").issue().unwrap();
        let about = || OcspAnswer::about(bob.certificate_der(), &authority).unwrap();
        let has = |answer: &[u8], part: &[u8]| answer.windows(part.len()).any(|bytes| bytes == part);
        let good = about().sign().unwrap();
        let name = authority.subject().to_der();
        assert!(has(&good, &Sha1::digest(&name)) && !has(&good, &Sha256::digest(&name)));
        let (_, certificate) = x509_parser::parse_x509_certificate(bob.certificate_der()).unwrap();
        assert!(has(&good, certificate.raw_serial()));
        assert!(has(&about().sha256().sign().unwrap(), &Sha256::digest(&name)));
        assert!(has(&about().nonce(b"a nonce").sign().unwrap(), b"a nonce"));
        let delegated = about().delegated_to(&bob).sign().unwrap();
        assert!(has(&delegated, bob.certificate_der()) && !has(&good, bob.certificate_der()));
        assert_eq!(OcspAnswer::failure(3), [0x30, 3, 0x0a, 1, 3]);
    }

    #[test]
    fn a_certificate_that_cannot_be_read_has_no_answer() {
        let authority = Authority::new("Example CA").unwrap();
        assert!(matches!(OcspAnswer::about(b"nothing", &authority), Err(PkiError::Certificate { .. })));
    }
}
