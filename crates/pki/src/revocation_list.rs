//! Certificate revocation lists (RFC 5280, 5).

mod revoked;
mod scope;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use yasna::Tag;

pub use self::revoked::{RevocationReason, Revoked};
pub use self::scope::{DistributionPoint, IssuingDistributionPoint};
use crate::{
    Authority, DistinguishedName, Extension, Oid, PkiError, authority::DAY, key::Key, pem, raw::Timestamp,
};

/// A signed list of revoked certificates.
///
/// # Examples
///
/// ```
/// use portcullis_pki::{Authority, Revoked};
///
/// let authority = Authority::new("Example CA")?;
/// let bob = authority.client("bob").issue()?;
/// let list = authority.revocation_list().revoke(Revoked::certificate(bob.certificate_der())?).sign()?;
/// assert!(list.pem()?.starts_with("-----BEGIN X509 CRL-----"));
/// # Ok::<(), portcullis_pki::PkiError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationList {
    der: Vec<u8>,
}

impl RevocationList {
    /// The list in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The list in PEM.
    ///
    /// # Errors
    ///
    /// [`PkiError::Encoding`] if the library fails.
    pub fn pem(&self) -> Result<String, PkiError> {
        pem::revocation_list(&self.der)
    }

    /// The first bytes of the list, as a broken download leaves them.
    #[must_use]
    pub fn truncated(mut self, bytes: usize) -> Self {
        self.der.truncate(bytes);
        self
    }
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList").field("bytes", &self.der.len()).finish()
    }
}

/// The settings of a revocation list to be signed.
///
/// Lists that no good authority would sign can be made as well: with the key of somebody else, for
/// certificates of another kind, partial, out of date.
#[derive(Clone, Debug)]
#[must_use]
pub struct RevocationListBuilder<'a> {
    signer: &'a Authority,
    issuer: DistinguishedName,
    version: u8,
    this_update: SystemTime,
    next_update: Option<SystemTime>,
    number: Option<u64>,
    entries: Vec<Revoked>,
    extensions: Vec<Extension>,
}

impl<'a> RevocationListBuilder<'a> {
    /// An empty list with number 1, made an hour ago and good for seven days.
    pub(crate) fn new(authority: &'a Authority) -> Self {
        let now = SystemTime::now();
        Self {
            signer: authority,
            issuer: authority.subject().clone(),
            version: 2,
            // peers whose clocks are a little behind should not stumble
            this_update: now - Duration::from_secs(3600),
            next_update: Some(now + 7 * DAY),
            number: Some(1),
            entries: Vec::new(),
            extensions: Vec::new(),
        }
    }

    /// Revokes a certificate; the same one twice stands there twice.
    pub fn revoke(mut self, entry: Revoked) -> Self {
        self.entries.push(entry);
        self
    }

    /// Revokes certificates.
    pub fn revoke_all(mut self, entries: impl IntoIterator<Item = Revoked>) -> Self {
        self.entries.extend(entries);
        self
    }

    /// When the list was made, an hour ago unless set.
    pub fn this_update(mut self, time: impl Into<SystemTime>) -> Self {
        self.this_update = time.into();
        self
    }

    /// When the next one will be there at the latest, in seven days unless set.
    pub fn next_update(mut self, time: impl Into<SystemTime>) -> Self {
        self.next_update = Some(time.into());
        self
    }

    /// Does not say when the next one will be there, which RFC 5280 forbids.
    pub fn no_next_update(mut self) -> Self {
        self.next_update = None;
        self
    }

    /// The number of the list, 1 unless set; a newer list has a higher one.
    pub fn number(mut self, number: u64) -> Self {
        self.number = Some(number);
        self
    }

    /// Leaves the number out, which RFC 5280 forbids.
    pub fn no_number(mut self) -> Self {
        self.number = None;
        self
    }

    /// The version, 2 unless set; extensions are written in any version.
    pub fn version(mut self, version: u8) -> Self {
        self.version = version;
        self
    }

    /// Signs with the key of another authority; the name of the issuer stays.
    pub fn signed_by(mut self, authority: &'a Authority) -> Self {
        self.signer = authority;
        self
    }

    /// Another name of the issuer; the key stays.
    pub fn issuer(mut self, name: DistinguishedName) -> Self {
        self.issuer = name;
        self
    }

    /// Says which certificates the list is about; all of the issuer's unless set.
    pub fn scope(self, scope: &IssuingDistributionPoint) -> Self {
        self.extension(Extension::issuing_distribution_point(scope))
    }

    /// Says that the list only tells the changes since the one with this number.
    pub fn delta(self, base: u64) -> Self {
        let der = yasna::construct_der(|writer| writer.write_u64(base));
        self.extension(Extension::new(Oid::DELTA_CRL_INDICATOR, true, der))
    }

    /// Adds an extension of the whole list.
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Signs the list.
    ///
    /// # Errors
    ///
    /// [`PkiError::Time`], or a failure of the cryptography library.
    pub fn sign(&self) -> Result<RevocationList, PkiError> {
        let key = self.signer.key();
        let body = self.body(key)?;
        let signature = key.sign(&body)?;
        let der = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_der(&body);
                key.algorithm().write_signature_algorithm(writer.next());
                writer.next().write_bitvec_bytes(&signature, signature.len() * 8);
            });
        });
        Ok(RevocationList { der })
    }

    /// The `TBSCertList`.
    fn body(&self, key: &Key) -> Result<Vec<u8>, PkiError> {
        let this_update = Timestamp::new(self.this_update)?;
        let next_update = self.next_update.map(Timestamp::new).transpose()?;
        let dates: Vec<_> = self.entries.iter().map(Revoked::timestamp).collect::<Result<_, _>>()?;
        let extensions = self.all_extensions(key);
        Ok(yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                // version 1 is written by leaving it out
                if self.version != 1 {
                    writer.next().write_u8(self.version.wrapping_sub(1));
                }
                key.algorithm().write_signature_algorithm(writer.next());
                writer.next().write_der(&self.issuer.to_der());
                this_update.write(writer.next());
                if let Some(next_update) = &next_update {
                    next_update.write(writer.next());
                }
                // a list of nobody is left out as well
                if !self.entries.is_empty() {
                    writer.next().write_sequence(|writer| {
                        for (entry, date) in self.entries.iter().zip(&dates) {
                            entry.write(date, writer.next());
                        }
                    });
                }
                if !extensions.is_empty() {
                    writer.next().write_tagged(Tag::context(0), |writer| {
                        writer.write_sequence(|writer| extensions.iter().for_each(|e| e.write(writer)));
                    });
                }
            });
        }))
    }

    fn all_extensions(&self, key: &Key) -> Vec<Extension> {
        let mut extensions = Vec::new();
        if self.version != 1 {
            extensions.push(Extension::authority_key_identifier(&key.identifier()));
            if let Some(number) = self.number {
                let der = yasna::construct_der(|writer| writer.write_u64(number));
                extensions.push(Extension::new(Oid::CRL_NUMBER, false, der));
            }
        }
        extensions.extend(self.extensions.iter().cloned());
        extensions
    }
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{CertificateRevocationList, FromDer};

    use super::*;

    #[test]
    fn what_was_asked_for_is_in_the_list() {
        let authority = Authority::new("Example CA").unwrap();
        let made = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let hold = Revoked::serial([0, 0xff]).at(made).reason(RevocationReason::CertificateHold);
        let list = authority
            .revocation_list()
            .this_update(made)
            .next_update(made + DAY)
            .number(300)
            .revoke(Revoked::serial([5]))
            .revoke(hold)
            .sign()
            .unwrap();
        let (rest, read) = CertificateRevocationList::from_der(list.der()).unwrap();
        assert!(rest.is_empty());
        assert_eq!(read.issuer().as_raw(), authority.subject().to_der());
        assert_eq!(read.last_update().timestamp(), 1_800_000_000);
        assert_eq!(read.next_update().unwrap().timestamp(), 1_800_086_400);
        assert_eq!(read.crl_number().unwrap(), &300_u16.into());
        let entries: Vec<_> = read.iter_revoked_certificates().collect();
        assert_eq!(
            entries.iter().map(|entry| entry.raw_serial()).collect::<Vec<_>>(),
            [&[5][..], &[0, 0xff]]
        );
        assert_eq!(entries[0].reason_code(), None);
        assert_eq!(entries[1].reason_code().unwrap().1.0, 6);
        assert_eq!(entries[1].revocation_date.timestamp(), 1_800_000_000);
    }

    #[test]
    fn a_list_can_be_signed_by_somebody_else() {
        let authority = Authority::new("Example CA").unwrap();
        let other = Authority::new("Example CA").unwrap();
        let verifies = |list: &RevocationList, by: &Authority| {
            let (_, list) = CertificateRevocationList::from_der(list.der()).unwrap();
            let (_, issuer) = x509_parser::parse_x509_certificate(by.certificate_der()).unwrap();
            list.verify_signature(issuer.public_key()).is_ok()
        };
        let own = authority.revocation_list().sign().unwrap();
        assert!(verifies(&own, &authority) && !verifies(&own, &other));
        let foreign = authority.revocation_list().signed_by(&other).sign().unwrap();
        assert!(!verifies(&foreign, &authority) && verifies(&foreign, &other));
    }

    #[test]
    fn a_list_of_version_1_has_no_number() {
        let list = Authority::new("Example CA").unwrap().revocation_list().version(1).sign().unwrap();
        let (_, read) = CertificateRevocationList::from_der(list.der()).unwrap();
        assert_eq!(read.version(), None);
        assert!(read.extensions().is_empty());
    }
}
