//! Going through a revocation list, however long: its entries are looked at one by one, and none is kept.

use indicatif::{ProgressBar, ProgressStyle};
use x509_parser::asn1_rs::{Any, BitString, FromDer, Integer, Tag};
use x509_parser::extensions::X509Extension;
use x509_parser::revocation_list::RevokedCertificate;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo, X509Name};

/// A list from this size on takes long enough to show how far it is.
const LARGE: usize = 4 * 1024 * 1024;

/// How many entries there are between two looks at the clock.
const STRIDE: usize = 4096;

/// A revocation list whose entries have not been looked at.
pub(super) struct List<'a> {
    /// The part that is signed.
    signed: &'a [u8],
    algorithm: AlgorithmIdentifier<'a>,
    signature: BitString<'a>,
    pub(super) issuer: X509Name<'a>,
    pub(super) this_update: ASN1Time,
    pub(super) next_update: Option<ASN1Time>,
    entries: &'a [u8],
    pub(super) extensions: Vec<X509Extension<'a>>,
}

impl<'a> List<'a> {
    /// Nothing if the bytes are no revocation list.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let whole = sequence(der).filter(|(rest, _)| rest.is_empty())?.1;
        let (rest, content) = sequence(whole)?;
        let signed = whole.get(..whole.len().checked_sub(rest.len())?)?;
        let (rest, algorithm) = AlgorithmIdentifier::from_der(rest).ok()?;
        let (_, signature) = BitString::from_der(rest).ok().filter(|(rest, _)| rest.is_empty())?;

        let content = Integer::from_der(content).map_or(content, |(rest, _)| rest);
        let (content, _) = AlgorithmIdentifier::from_der(content).ok()?;
        let (content, issuer) = X509Name::from_der(content).ok()?;
        let (content, this_update) = ASN1Time::from_der(content).ok()?;
        let (content, next_update) = match ASN1Time::from_der(content) {
            Ok((rest, time)) => (rest, Some(time)),
            Err(_) => (content, None),
        };
        let (content, entries) = sequence(content).unwrap_or((content, &[]));
        let extensions = if content.is_empty() { Vec::new() } else { extensions(content)? };
        Some(Self { signed, algorithm, signature, issuer, this_update, next_update, entries, extensions })
    }

    /// How many certificates are revoked; nothing if an entry is broken.
    ///
    /// For a long list, how far it is stands on standard error, if that is a terminal.
    pub(super) fn count(&self) -> Option<usize> {
        let bar = progress(self.entries.len());
        let mut rest = self.entries;
        let mut count = 0_usize;
        while !rest.is_empty() {
            (rest, _) = RevokedCertificate::from_der(rest).ok()?;
            count = count.checked_add(1)?;
            if count.is_multiple_of(STRIDE) {
                bar.set_position(self.entries.len().saturating_sub(rest.len()) as u64);
            }
        }
        bar.finish_and_clear();
        Some(count)
    }

    /// Whether the key signed the list.
    pub(super) fn is_signed_by(&self, key: &SubjectPublicKeyInfo<'_>) -> bool {
        x509_parser::verify::verify_signature(key, &self.algorithm, &self.signature, self.signed).is_ok()
    }
}

/// The rest, and the content of the sequence before it.
fn sequence(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, any) = Any::from_der(der).ok()?;
    (any.header.tag() == Tag::Sequence && any.header.is_universal()).then_some((rest, any.data))
}

/// The extensions behind their tag, with which the list must end.
fn extensions(content: &[u8]) -> Option<Vec<X509Extension<'_>>> {
    let (rest, tagged) = Any::from_der(content).ok()?;
    let is_last = rest.is_empty() && tagged.header.is_contextspecific() && tagged.header.tag() == Tag(0);
    let mut rest = sequence(tagged.data).filter(|(rest, _)| is_last && rest.is_empty())?.1;
    let mut extensions = Vec::new();
    while !rest.is_empty() {
        let extension;
        (rest, extension) = X509Extension::from_der(rest).ok()?;
        extensions.push(extension);
    }
    Some(extensions)
}

fn progress(length: usize) -> ProgressBar {
    if length < LARGE {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64).with_message("reading the revocation list");
    match ProgressStyle::with_template("{msg} {wide_bar} {bytes} of {total_bytes}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use portcullis_pki::{Authority, Revoked};
    use x509_parser::certificate::X509Certificate;

    use super::*;

    fn list(entries: u32) -> (Authority, Vec<u8>) {
        let authority = Authority::new("Example CA").unwrap();
        let revoked = (0..entries).map(|number| Revoked::serial((number + 1).to_be_bytes()));
        let start = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let list = authority.revocation_list().this_update(start).revoke_all(revoked).sign().unwrap();
        let der = list.der().to_vec();
        (authority, der)
    }

    #[test]
    fn entries_are_counted_and_the_signature_is_checked() {
        for entries in [0, 1, 10_000] {
            let (authority, der) = list(entries);
            let read = List::read(&der).unwrap();
            assert_eq!(read.count(), Some(entries as usize));
            let (_, certificate) = X509Certificate::from_der(authority.certificate_der()).unwrap();
            assert!(read.is_signed_by(certificate.public_key()));
            let other = Authority::new("Example CA").unwrap();
            let (_, certificate) = X509Certificate::from_der(other.certificate_der()).unwrap();
            assert!(!read.is_signed_by(certificate.public_key()));
        }
    }

    #[test]
    fn no_shorter_and_no_longer_list_is_read() {
        let (_, der) = list(3);
        for length in 0..der.len() {
            assert!(List::read(&der[..length]).is_none(), "{length} bytes");
        }
        assert!(List::read(&[&der[..], &[0]].concat()).is_none());
    }

    #[test]
    fn a_broken_entry_is_no_end() {
        let (_, der) = list(3);
        // the serial number of the second one, as it stands there or in its shortest form
        let is_serial =
            |bytes: &[u8]| bytes.starts_with(&[2, 4, 0, 0, 0, 2]) || bytes.starts_with(&[2, 1, 2, 0x17]);
        let at = der.windows(6).position(is_serial).unwrap();
        let mut broken = der.clone();
        broken[at] = 0x13;
        assert_eq!(List::read(&der).unwrap().count(), Some(3));
        assert_eq!(List::read(&broken).unwrap().count(), None);
    }

    #[test]
    fn other_things_are_no_lists() {
        let authority = Authority::new("Example CA").unwrap();
        assert!(List::read(authority.certificate_der()).is_none());
        for bytes in [&b""[..], b"\x30", b"\x30\x00", b"\x30\x80\x00\x00", &[0xff; 64]] {
            assert!(List::read(bytes).is_none());
        }
    }
}
