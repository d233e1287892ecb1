//! Which certificates a list is about, and which lists a certificate is on.

use x509_parser::asn1_rs::FromDer;
use x509_parser::oid_registry::OID_X509_EXT_CRL_DISTRIBUTION_POINTS;
use x509_parser::prelude::X509Certificate;

use super::der::{Element, Malformed, Reader};

/// What a certificate is on its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Authority,
}

/// The certificates that a list is about (RFC 5280, 5.2.5).
///
/// The rarer limits (attribute certificates, some reasons, other issuers) are refused before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    no_authorities: bool,
    no_clients: bool,
    /// The names of the part, if the list is one of several.
    part: Option<Vec<PointName>>,
}

/// A name by which a list is found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PointName {
    Uri(Box<[u8]>),
    Directory(Box<[u8]>),
}

impl Scope {
    /// Reads the content of an `issuingDistributionPoint` extension.
    pub(super) fn read(der: &[u8]) -> Result<Self, Malformed> {
        let mut scope = Self::default();
        let mut fields = single_sequence(der)?;
        while !fields.is_at_end() {
            let field = fields.any()?;
            match field.context() {
                Some((0, true)) => scope.part = Some(names(&field)?),
                Some((1, false)) => scope.no_authorities = flag(&field)?,
                Some((2, false)) => scope.no_clients = flag(&field)?,
                // What else there may be was refused if it is set.
                Some((3..=5, false)) => {}
                _ => return Err(Malformed),
            }
        }
        Ok(scope)
    }

    pub(super) fn includes(&self, role: Role) -> bool {
        match role {
            Role::Client => !self.no_clients,
            Role::Authority => !self.no_authorities,
        }
    }

    /// Whether the list is one of several that together are complete.
    pub(super) fn is_part(&self) -> bool {
        self.part.is_some()
    }

    /// Whether this is the part that a certificate names as this point.
    pub(super) fn is_of(&self, point: &[PointName]) -> bool {
        self.part.as_ref().is_some_and(|names| names.iter().any(|name| point.contains(name)))
    }
}

/// The distribution points of a certificate, each with its names.
///
/// Points for some reasons only, or for lists of another issuer, are left out: whoever names a part
/// that way names the whole one as well, or its status stays unknown.
pub(super) fn distribution_points(certificate: &[u8]) -> Result<Vec<Vec<PointName>>, Malformed> {
    let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| Malformed)?;
    let extension = certificate.get_extension_unique(&OID_X509_EXT_CRL_DISTRIBUTION_POINTS);
    let Some(extension) = extension.map_err(|_| Malformed)? else { return Ok(Vec::new()) };
    let mut points = Vec::new();
    let mut reader = single_sequence(extension.value)?;
    while !reader.is_at_end() {
        let mut fields = reader.expect(x509_parser::asn1_rs::Tag::Sequence)?.reader()?;
        let mut point = Some(Vec::new());
        while !fields.is_at_end() {
            let field = fields.any()?;
            match field.context() {
                Some((0, true)) => point = point.map(|_| names(&field)).transpose()?,
                Some((1, false) | (2, true)) => point = None,
                _ => return Err(Malformed),
            }
        }
        points.extend(point);
    }
    Ok(points)
}

/// The URLs and directory names of a `DistributionPointName`; none if it is relative to the issuer.
fn names(field: &Element<'_>) -> Result<Vec<PointName>, Malformed> {
    let mut choice = field.reader()?;
    let name = choice.any()?;
    if !choice.is_at_end() {
        return Err(Malformed);
    }
    match name.context() {
        Some((0, true)) => {}
        Some((1, true)) => return Ok(Vec::new()),
        _ => return Err(Malformed),
    }
    let mut names = Vec::new();
    let mut reader = name.reader()?;
    while !reader.is_at_end() {
        let name = reader.any()?;
        match name.context() {
            Some((6, false)) => names.push(PointName::Uri(name.content.into())),
            Some((4, true)) => names.push(PointName::Directory(name.content.into())),
            Some(_) => {}
            None => return Err(Malformed),
        }
    }
    Ok(names)
}

fn single_sequence(der: &[u8]) -> Result<Reader<'_>, Malformed> {
    let mut reader = Reader::new(der);
    let sequence = reader.expect(x509_parser::asn1_rs::Tag::Sequence)?;
    if reader.is_at_end() { sequence.reader() } else { Err(Malformed) }
}

fn flag(field: &Element<'_>) -> Result<bool, Malformed> {
    match field.content {
        [0xff] => Ok(true),
        [0] => Ok(false),
        _ => Err(Malformed),
    }
}
