//! Certificates of servers and clients that are as they should be.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::SystemTime,
};

use crate::{
    Attribute, Authority, DistinguishedName, Extension, GeneralName, Issued, KeyAlgorithm, KeyUsage, Oid,
    PkiError, RawCertificate, SigningRequest, StringType,
    authority::DAY,
    key::{Key, identifier_of},
    name::{ascii, text},
};

/// The settings of a server or client certificate to be issued.
///
/// The certificate is of version 3 with a random serial number, an extended key usage for just
/// one side of TLS, key usage `digitalSignature`, and valid for 396 days, starting an hour ago.
/// The subject is written in the usual order (country first, common name and e-mail last),
/// whatever the order of the calls.
///
/// # Examples
///
/// ```
/// use portcullis_pki::{Authority, PkiError};
///
/// let authority = Authority::new("Example CA")?;
/// let alice = authority
///     .client("alice")
///     .email("alice@example.com")
///     .organization("Example")
///     .organizational_unit("Security")
///     .organizational_unit("On call")
///     .attribute("UID", "a1")
///     .uri("spiffe://example.com/alice")
///     .issue()?;
/// assert_eq!(alice.name(), "alice");
///
/// // what no good certificate says is refused: those are made with `RawCertificate`
/// assert!(matches!(authority.client("a\0b").issue(), Err(PkiError::Value { .. })));
/// # Ok::<(), PkiError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct LeafBuilder<'a> {
    authority: &'a Authority,
    purpose: Oid,
    attributes: Vec<(Result<Oid, String>, String)>,
    exact_subject: Option<DistinguishedName>,
    names: Vec<GeneralName>,
    subject_as_name: bool,
    serial: Option<Vec<u8>>,
    validity: (SystemTime, SystemTime),
    key: KeyAlgorithm,
    extensions: Vec<Extension>,
}

impl<'a> LeafBuilder<'a> {
    pub(crate) fn client(authority: &'a Authority, name: &str) -> Self {
        Self::new(authority, Oid::CLIENT_AUTH, name)
    }

    pub(crate) fn server(authority: &'a Authority) -> Self {
        Self::new(authority, Oid::SERVER_AUTH, "localhost")
            .dns("localhost")
            .ip(Ipv4Addr::LOCALHOST)
            .ip(Ipv6Addr::LOCALHOST)
    }

    pub(crate) fn server_named(authority: &'a Authority, name: &str) -> Self {
        Self::server_unnamed(authority, name).dns(name)
    }

    pub(crate) fn server_unnamed(authority: &'a Authority, common_name: &str) -> Self {
        Self::new(authority, Oid::SERVER_AUTH, common_name)
    }

    fn new(authority: &'a Authority, purpose: Oid, name: &str) -> Self {
        let now = SystemTime::now();
        let start = now - DAY / 24;
        Self {
            authority,
            purpose,
            attributes: vec![(Ok(Oid::COMMON_NAME), name.to_owned())],
            exact_subject: None,
            names: Vec::new(),
            subject_as_name: false,
            serial: None,
            // browsers refuse server certificates that are valid for more than 398 days
            validity: (start, start + 396 * DAY),
            key: KeyAlgorithm::default(),
            extensions: Vec::new(),
        }
    }

    /// The e-mail address, as `emailAddress` of the subject and as subject alternative name.
    pub fn email(self, address: &str) -> Self {
        self.with(Oid::EMAIL_ADDRESS, address).email_san(address)
    }

    /// The organization (`O`).
    pub fn organization(self, name: &str) -> Self {
        self.with(Oid::ORGANIZATION, name)
    }

    /// An organizational unit (`OU`); call it again for one more.
    pub fn organizational_unit(self, name: &str) -> Self {
        self.with(Oid::ORGANIZATIONAL_UNIT, name)
    }

    /// The locality (`L`).
    pub fn locality(self, name: &str) -> Self {
        self.with(Oid::LOCALITY, name)
    }

    /// The state or province (`ST`).
    pub fn state(self, name: &str) -> Self {
        self.with(Oid::STATE, name)
    }

    /// The country (`C`), two letters.
    pub fn country(self, code: &str) -> Self {
        self.with(Oid::COUNTRY, code)
    }

    /// Any subject attribute, by RFC 4514 short name or by object identifier.
    pub fn attribute(mut self, attribute_type: &str, value: &str) -> Self {
        let oid = Oid::attribute_type(attribute_type).map_err(|_| attribute_type.to_owned());
        self.attributes.push((oid, value.to_owned()));
        self
    }

    /// A DNS name as subject alternative name.
    pub fn dns(self, name: &str) -> Self {
        self.named(GeneralName::Dns(name.to_owned()))
    }

    /// An e-mail address as subject alternative name only.
    pub fn email_san(self, address: &str) -> Self {
        self.named(GeneralName::Email(address.to_owned()))
    }

    /// A URI as subject alternative name, such as a SPIFFE ID.
    pub fn uri(self, uri: &str) -> Self {
        self.named(GeneralName::Uri(uri.to_owned()))
    }

    /// An IP address as subject alternative name.
    pub fn ip(self, address: impl Into<IpAddr>) -> Self {
        self.named(GeneralName::Ip(address.into()))
    }

    /// A Microsoft user principal name as subject alternative name.
    pub fn upn(self, name: &str) -> Self {
        self.named(GeneralName::Upn(name.to_owned()))
    }

    /// Any subject alternative name.
    pub fn alternative_name(self, name: GeneralName) -> Self {
        self.named(name)
    }

    /// Another common name than the one that the builder began with.
    pub fn common_name(mut self, name: &str) -> Self {
        self.attributes.retain(|(oid, _)| *oid != Ok(Oid::COMMON_NAME));
        self.with(Oid::COMMON_NAME, name)
    }

    /// The subject as alternative name too, unless another one is given.
    pub fn subject_as_alternative_name(mut self) -> Self {
        self.subject_as_name = true;
        self
    }

    /// Exactly this subject, instead of a name and attributes.
    pub fn subject_name(mut self, subject: DistinguishedName) -> Self {
        self.exact_subject = Some(subject);
        self
    }

    /// The serial number as bytes of a positive number, instead of a random one.
    pub fn serial(mut self, bytes: &[u8]) -> Self {
        self.serial = Some(bytes.to_vec());
        self
    }

    /// The validity.
    pub fn valid(mut self, from: impl Into<SystemTime>, to: impl Into<SystemTime>) -> Self {
        self.validity = (from.into(), to.into());
        self
    }

    /// A certificate that ran out yesterday.
    pub fn expired(self) -> Self {
        let now = SystemTime::now();
        self.valid(now - 30 * DAY, now - DAY)
    }

    /// A certificate that will be valid from tomorrow.
    pub fn not_yet_valid(self) -> Self {
        let now = SystemTime::now();
        self.valid(now + DAY, now + 30 * DAY)
    }

    /// The kind of key, P-256 unless set.
    pub fn key(mut self, algorithm: KeyAlgorithm) -> Self {
        self.key = algorithm;
        self
    }

    /// Adds an extension beside the usual ones.
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Makes the key and the certificate.
    ///
    /// # Errors
    ///
    /// [`PkiError::AttributeType`] for an unknown attribute, [`PkiError::Value`] for a value that
    /// does not fit, [`PkiError::Validity`], [`PkiError::Time`], or a failure of the cryptography
    /// library.
    pub fn issue(self) -> Result<Issued, PkiError> {
        let key = Key::generate(self.key)?;
        let authority = self.authority;
        self.certificate(&key.identifier())?.issue_with(key, authority)
    }

    /// Signs a certificate for the key of a request, and returns it with the intermediates.
    ///
    /// Nothing but the key is taken from the request.
    ///
    /// # Errors
    ///
    /// As [`issue`](Self::issue).
    pub fn sign(self, request: &SigningRequest) -> Result<Vec<Vec<u8>>, PkiError> {
        let authority = self.authority;
        let public = request.public_key_der();
        self.certificate(&identifier_of(public))?.chain_for(public, authority)
    }

    /// The certificate for the key of this identifier.
    fn certificate(self, identifier: &[u8]) -> Result<RawCertificate, PkiError> {
        let (from, to) = self.validity;
        if from > to {
            return Err(PkiError::Validity);
        }
        let mut certificate = RawCertificate::new(self.subject()?)
            .valid(from, to)
            .extension(Extension::basic_constraints(false, None))
            .extension(Extension::key_usage(&[KeyUsage::DigitalSignature]))
            .extension(Extension::extended_key_usage(std::slice::from_ref(&self.purpose)))
            .extension(Extension::subject_key_identifier(identifier))
            .extension(Extension::authority_key_identifier(&self.authority.key().identifier()));
        if self.names.is_empty() && self.subject_as_name {
            let name = GeneralName::Directory(self.subject()?);
            certificate = certificate.extension(Extension::subject_alt_name(&[name]));
        }
        if !self.names.is_empty() {
            self.names.iter().try_for_each(check_name)?;
            certificate = certificate.extension(Extension::subject_alt_name(&self.names));
        }
        if let Some(serial) = &self.serial {
            certificate = certificate.serial(positive(serial)?);
        }
        Ok(certificate.extensions(self.extensions))
    }

    fn with(mut self, oid: Oid, value: &str) -> Self {
        self.attributes.push((Ok(oid), value.to_owned()));
        self
    }

    fn named(mut self, name: GeneralName) -> Self {
        self.names.push(name);
        self
    }

    fn subject(&self) -> Result<DistinguishedName, PkiError> {
        if let Some(subject) = &self.exact_subject {
            return Ok(subject.clone());
        }
        let mut attributes = Vec::new();
        for (oid, value) in &self.attributes {
            let oid = oid.clone().map_err(|text| PkiError::AttributeType { text })?;
            attributes.push(attribute(oid, value)?);
        }
        attributes.sort_by_key(|attribute| rank(attribute.oid()));
        Ok(attributes.into_iter().fold(DistinguishedName::new(), DistinguishedName::with))
    }
}

/// An attribute with the string type that RFC 5280 wants for it.
fn attribute(oid: Oid, value: &str) -> Result<Attribute, PkiError> {
    const FIELD: &str = "subject attribute";
    let refuse = |reason| Err(PkiError::Value { field: FIELD, value: value.to_owned(), reason });
    let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
    if oid == Oid::COUNTRY && !(value.len() == 2 && value.chars().all(|c| c.is_ascii_alphabetic())) {
        return refuse("a country is two letters");
    }
    let string_type = if [Oid::COUNTRY, Oid::SERIAL_NUMBER, Oid::DN_QUALIFIER].contains(&oid) {
        if !value.chars().all(printable) {
            return refuse("only letters, digits, blanks and '()+,-./:=? fit there");
        }
        StringType::Printable
    } else if [Oid::EMAIL_ADDRESS, Oid::DOMAIN_COMPONENT].contains(&oid) {
        ascii(FIELD, value)?;
        StringType::Ia5
    } else {
        StringType::Utf8
    };
    Ok(Attribute::new(oid, string_type, text(FIELD, value)?))
}

/// The place of an attribute in the usual order, from the widest to the narrowest.
fn rank(oid: &Oid) -> usize {
    const WIDE: [Oid; 7] = [
        Oid::DOMAIN_COMPONENT,
        Oid::COUNTRY,
        Oid::STATE,
        Oid::LOCALITY,
        Oid::STREET,
        Oid::ORGANIZATION,
        Oid::ORGANIZATIONAL_UNIT,
    ];
    match WIDE.iter().position(|wide| wide == oid) {
        Some(position) => position,
        None if *oid == Oid::COMMON_NAME => WIDE.len() + 1,
        None if *oid == Oid::EMAIL_ADDRESS => WIDE.len() + 2,
        None => WIDE.len(),
    }
}

fn check_name(name: &GeneralName) -> Result<(), PkiError> {
    match name {
        GeneralName::Dns(value) => ascii("DNS name", value).map(drop),
        GeneralName::Email(value) => ascii("e-mail address", value).map(drop),
        GeneralName::Uri(value) => ascii("URI", value).map(drop),
        GeneralName::Upn(value) => text("user principal name", value).map(drop),
        // only the four above are made from text
        _ => Ok(()),
    }
}

/// The bytes as the content of a positive `INTEGER` in its shortest form.
fn positive(bytes: &[u8]) -> Result<Vec<u8>, PkiError> {
    let refuse = |reason| {
        let value = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Err(PkiError::Value { field: "serial number", value, reason })
    };
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let digits = bytes.get(start..).unwrap_or_default();
    let mut content = match digits.first() {
        None => return refuse("it must be a positive number"),
        // the first bit would be the sign
        Some(0x80..) => vec![0],
        Some(_) => Vec::new(),
    };
    content.extend(digits);
    if content.len() > 20 {
        return refuse("it must fit into 20 bytes");
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(builder: LeafBuilder<'_>) -> bool {
        matches!(builder.issue(), Err(PkiError::Value { .. }))
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        let authority = Authority::new("Example CA").unwrap();
        let client = || authority.client("alice");
        assert!(client().issue().is_ok());
        assert!(refused(authority.client("")));
        assert!(refused(authority.client("a\r\nb")));
        assert!(refused(authority.server_named("b\u{fc}cher.example")));
        for country in ["", "D", "DEU", "D1", "\u{e4}"] {
            assert!(refused(client().country(country)), "{country}");
        }
        assert!(refused(client().email("j\u{f6}rg@example.com")));
        assert!(refused(client().email("")));
        assert!(refused(client().attribute("serialNumber", "a*b")));
        assert!(refused(client().attribute("DC", "b\u{fc}cher")));
        assert!(refused(client().dns("a\0b")));
        assert!(refused(client().uri("")));
        assert!(refused(client().upn("a\nb")));
        assert!(matches!(client().attribute("nickname", "x").issue(), Err(PkiError::AttributeType { .. })));
        let now = SystemTime::now();
        assert!(matches!(client().valid(now, now - DAY).issue(), Err(PkiError::Validity)));
    }

    #[test]
    fn serial_numbers_are_positive_and_short() {
        assert_eq!(positive(&[0, 0, 1]).unwrap(), [1]);
        assert_eq!(positive(&[0x80]).unwrap(), [0, 0x80]);
        assert_eq!(positive(&[0x7f; 20]).unwrap().len(), 20);
        for bytes in [&[][..], &[0], &[0, 0], &[0xff; 20], &[1; 21]] {
            assert!(positive(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn the_subject_is_in_the_usual_order() {
        let authority = Authority::new("Example CA").unwrap();
        let builder = authority.client("alice").email("a@b").attribute("uid", "u").organizational_unit("1");
        let subject =
            builder.organizational_unit("2").country("DE").attribute("DC", "example").subject().unwrap();
        let oids: Vec<_> = subject.relative_names().iter().flatten().map(|a| a.oid().clone()).collect();
        let unit = Oid::ORGANIZATIONAL_UNIT;
        let expected = [Oid::DOMAIN_COMPONENT, Oid::COUNTRY, unit.clone(), unit, Oid::USER_ID];
        assert_eq!(oids, [&expected[..], &[Oid::COMMON_NAME, Oid::EMAIL_ADDRESS]].concat());
        let units: Vec<_> =
            subject.relative_names().iter().flatten().skip(2).take(2).map(|a| a.value()).collect();
        assert_eq!(units, [b"1", b"2"]);
    }
}
