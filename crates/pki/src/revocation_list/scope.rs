//! Which certificates a revocation list is about, and where a certificate says its lists are.

use yasna::{DERWriter, DERWriterSeq, Tag};

use crate::GeneralName;

/// The scope of a revocation list (RFC 5280, 5.2.5).
///
/// # Examples
///
/// ```
/// use portcullis_pki::{Authority, IssuingDistributionPoint};
///
/// let authority = Authority::new("Example CA")?;
/// let shard = IssuingDistributionPoint::new().uri("http://crl.example/1.crl").only_user_certificates();
/// let list = authority.revocation_list().scope(&shard).sign()?;
/// assert!(list.der().windows(24).any(|bytes| bytes == b"http://crl.example/1.crl"));
/// # Ok::<(), portcullis_pki::PkiError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct IssuingDistributionPoint {
    names: Vec<GeneralName>,
    user_certificates: bool,
    authority_certificates: bool,
    attribute_certificates: bool,
    /// The bits of `ReasonFlags`, the first one highest.
    reasons: Option<u8>,
    indirect: bool,
}

impl IssuingDistributionPoint {
    /// All certificates of the issuer, for all reasons.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a URL under which the list is published.
    pub fn uri(self, uri: &str) -> Self {
        self.name(GeneralName::Uri(uri.to_owned()))
    }

    /// Adds a name under which the list is published.
    pub fn name(mut self, name: GeneralName) -> Self {
        self.names.push(name);
        self
    }

    /// The list is about end entities only.
    pub fn only_user_certificates(mut self) -> Self {
        self.user_certificates = true;
        self
    }

    /// The list is about authorities only.
    pub fn only_authority_certificates(mut self) -> Self {
        self.authority_certificates = true;
        self
    }

    /// The list is about attribute certificates only.
    pub fn only_attribute_certificates(mut self) -> Self {
        self.attribute_certificates = true;
        self
    }

    /// The list is about these reasons only: the bits of `ReasonFlags`, bit 0 the highest one.
    pub fn only_some_reasons(mut self, bits: u8) -> Self {
        self.reasons = Some(bits);
        self
    }

    /// The list may hold certificates of other issuers.
    pub fn indirect(mut self) -> Self {
        self.indirect = true;
        self
    }

    pub(crate) fn write(&self, writer: DERWriter<'_>) {
        writer.write_sequence(|writer| {
            write_point_name(&self.names, writer);
            write_flag(1, self.user_certificates, writer);
            write_flag(2, self.authority_certificates, writer);
            write_reasons(3, self.reasons, writer);
            write_flag(4, self.indirect, writer);
            write_flag(5, self.attribute_certificates, writer);
        });
    }
}

/// Where a certificate says that a list of its issuer is (RFC 5280, 4.2.1.13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct DistributionPoint {
    names: Vec<GeneralName>,
    reasons: Option<u8>,
    issuer: Vec<GeneralName>,
}

impl DistributionPoint {
    /// A point without a name, which says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A point with this URL.
    pub fn uri(uri: &str) -> Self {
        Self::new().name(GeneralName::Uri(uri.to_owned()))
    }

    /// Adds another name for the same list.
    pub fn name(mut self, name: GeneralName) -> Self {
        self.names.push(name);
        self
    }

    /// The list there is about these reasons only: the bits of `ReasonFlags`, bit 0 the highest one.
    pub fn only_some_reasons(mut self, bits: u8) -> Self {
        self.reasons = Some(bits);
        self
    }

    /// The list there is signed by somebody else than the certificate's issuer.
    pub fn issuer(mut self, name: GeneralName) -> Self {
        self.issuer.push(name);
        self
    }

    pub(crate) fn write(&self, writer: DERWriter<'_>) {
        writer.write_sequence(|writer| {
            write_point_name(&self.names, writer);
            write_reasons(1, self.reasons, writer);
            if !self.issuer.is_empty() {
                writer.next().write_tagged_implicit(Tag::context(2), |writer| {
                    GeneralName::write_sequence(&self.issuer, writer);
                });
            }
        });
    }
}

/// `[0] DistributionPointName` with a `fullName`, unless there are no names.
fn write_point_name(names: &[GeneralName], writer: &mut DERWriterSeq<'_>) {
    if names.is_empty() {
        return;
    }
    // a CHOICE is always tagged explicitly
    writer.next().write_tagged(Tag::context(0), |writer| {
        writer.write_tagged_implicit(Tag::context(0), |writer| GeneralName::write_sequence(names, writer));
    });
}

/// A boolean that is left out when it is false.
fn write_flag(tag: u64, flag: bool, writer: &mut DERWriterSeq<'_>) {
    if flag {
        writer.next().write_tagged_implicit(Tag::context(tag), |writer| writer.write_bool(true));
    }
}

fn write_reasons(tag: u64, bits: Option<u8>, writer: &mut DERWriterSeq<'_>) {
    let Some(bits) = bits else { return };
    // DER wants a list of named bits without trailing zeros
    let length = if bits == 0 { 0 } else { 8 - bits.trailing_zeros() as usize };
    let bytes = if bits == 0 { Vec::new() } else { vec![bits] };
    writer
        .next()
        .write_tagged_implicit(Tag::context(tag), |writer| writer.write_bitvec_bytes(&bytes, length));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(scope: &IssuingDistributionPoint) -> Vec<u8> {
        yasna::construct_der(|writer| scope.write(writer))
    }

    #[test]
    fn flags_that_are_not_set_are_left_out() {
        assert_eq!(der(&IssuingDistributionPoint::new()), [0x30, 0]);
        assert_eq!(der(&IssuingDistributionPoint::new().only_user_certificates()), [0x30, 3, 0x81, 1, 0xff]);
        assert_eq!(
            der(&IssuingDistributionPoint::new().only_authority_certificates().indirect()),
            [0x30, 6, 0x82, 1, 0xff, 0x84, 1, 0xff]
        );
        assert_eq!(
            der(&IssuingDistributionPoint::new().only_some_reasons(0b0100_0000)),
            [0x30, 4, 0x83, 2, 6, 0x40]
        );
        assert_eq!(der(&IssuingDistributionPoint::new().only_some_reasons(0)), [0x30, 3, 0x83, 1, 0]);
    }

    #[test]
    fn names_stand_in_the_choice_of_a_full_name() {
        let scope = IssuingDistributionPoint::new().uri("a:b");
        assert_eq!(der(&scope), [0x30, 9, 0xa0, 7, 0xa0, 5, 0x86, 3, b'a', b':', b'b']);
        let point = DistributionPoint::uri("a:b").only_some_reasons(0x80);
        assert_eq!(
            yasna::construct_der(|writer| point.write(writer)),
            [0x30, 13, 0xa0, 7, 0xa0, 5, 0x86, 3, b'a', b':', b'b', 0x81, 2, 7, 0x80]
        );
    }
}
