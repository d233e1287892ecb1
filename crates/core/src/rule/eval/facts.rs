//! Reading facts from the request, the principal and the certificate.

use std::borrow::Cow;

use crate::certificate::{AttributeType, Certificate, Name, NameError, SanKind, SpiffeError, SpiffeId};
use crate::request::Request;
use crate::request::firewall::authority::Authority;
use crate::role::RoleIndex;
use crate::rule::fact::{Fact, Fixed, Party};
use crate::rule::value::{List, Value};
use crate::rule::{Fault, Scope};

impl Scope<'_> {
    pub(super) fn authenticated(&self) -> Result<bool, Fault> {
        match (self.principal().name(), self.principal().identity()) {
            (Ok(_), _) => Ok(true),
            (Err(_), None) => Ok(false),
            (Err(_), Some(_)) => Err(Fault::Unnamed),
        }
    }

    pub(super) fn role(&self, role: RoleIndex) -> Result<bool, Fault> {
        match self.principal().roles().check(role) {
            Ok(false) => self.without_roles().map_or(Ok(false), Err),
            decided => decided,
        }
    }

    /// No source of roles was asked about a verified caller without a name, so nobody knows.
    fn without_roles(&self) -> Option<Fault> {
        let principal = self.principal();
        (principal.identity().is_some() && principal.name().is_err()).then_some(Fault::Unnamed)
    }
}

impl Fact {
    pub(super) fn value<'c>(&'c self, scope: &'c Scope<'c>) -> Result<Value<'c>, Fault> {
        match self {
            Self::Attribute(party, attribute) => {
                let name = party.name(scope.identity()?.certificate());
                name.one(attribute).map(Value::text).map_err(|error| Fault::from(&error))
            }
            Self::Attributes(party, attribute) => {
                attributes(party.name(scope.identity()?.certificate()), attribute)
            }
            Self::San(kind) => alternative_names(scope.identity()?.certificate(), *kind),
            Self::Param(name) => scope.param(name).map(Value::Str).ok_or(Fault::NoParam),
            Self::PrincipalAttribute(name) => {
                if !scope.principal().is_authenticated() {
                    scope.identity()?;
                }
                scope.principal().attribute_for_rule(name).map(Value::text)
            }
            Self::Resource(name, _) => scope.resource()?.field(name),
            Self::Fixed(fixed) => fixed.value(scope),
        }
    }

    /// What `has` answers.
    pub(super) fn is_present(&self, scope: &Scope<'_>) -> Result<bool, Fault> {
        match self {
            Self::Attribute(party, attribute) => {
                Ok(party.name(scope.identity()?.certificate()).has(attribute))
            }
            Self::Fixed(Fixed::SpiffeId | Fixed::SpiffeTrustDomain | Fixed::SpiffePath) => {
                match scope.identity()?.certificate().spiffe_id() {
                    Ok(_) => Ok(true),
                    Err(SpiffeError::Absent) => Ok(false),
                    // Neither "it has one" nor "it has none" would be right.
                    Err(_) => Err(Fault::NotSpiffe),
                }
            }
            other => match other.value(scope) {
                Ok(_) => Ok(true),
                Err(Fault::Absent | Fault::NoHost | Fault::NoPeerIp) => Ok(false),
                // An attribute that no source was asked for is not known to be absent.
                Err(fault) => Err(fault),
            },
        }
    }
}

impl Fixed {
    fn value<'c>(self, scope: &'c Scope<'c>) -> Result<Value<'c>, Fault> {
        let request = || scope.made_request();
        match self {
            Self::PrincipalName => name(scope).map(Value::text),
            Self::PrincipalRoles => {
                let roles = scope.principal().roles();
                match scope.without_roles().or(roles.incomplete()) {
                    Some(fault) => Err(fault),
                    None => Ok(Value::List(List::Roles(roles))),
                }
            }
            Self::RequestMethod => Ok(Value::text(request()?.method())),
            Self::RequestPath => Ok(Value::text(request()?.path())),
            Self::RequestHost => host(request()?).map(Value::Str),
            // A listener for both families sees IPv4 peers as `::ffff:a.b.c.d`.
            Self::RequestPeerIp => {
                request()?.peer_ip().map(|ip| Value::Ip(ip.to_canonical())).ok_or(Fault::NoPeerIp)
            }
            Self::RequestTime => Ok(Value::Timestamp(request()?.time())),
            Self::AnchorLabel => Ok(Value::text(scope.identity()?.anchor().label())),
            Self::AnchorSpkiSha256 => {
                scope.identity()?.anchor().spki_sha256().map(Value::Fingerprint).ok_or(Fault::Absent)
            }
            of_certificate => of_certificate.of(scope.identity()?.certificate()),
        }
    }

    fn of(self, certificate: &Certificate) -> Result<Value<'_>, Fault> {
        let spiffe = || certificate.spiffe_id().map_err(|_| Fault::NotSpiffe);
        match self {
            Self::SpiffeId => spiffe().map(SpiffeId::as_str).map(Value::text),
            Self::SpiffeTrustDomain => spiffe().map(SpiffeId::trust_domain).map(Value::text),
            Self::SpiffePath => spiffe().map(SpiffeId::path).map(Value::text),
            Self::CertificateSerial => Ok(Value::Serial(certificate.serial())),
            Self::CertificateSha256 => Ok(Value::Fingerprint(certificate.sha256())),
            Self::CertificateSpkiSha256 => Ok(Value::Fingerprint(certificate.spki_sha256())),
            Self::CertificateNotAfter => Ok(Value::Timestamp(certificate.not_after())),
            Self::CertificateEku => {
                Ok(Value::List(List::Purposes(certificate.extended_key_usages().unwrap_or_default())))
            }
            Self::CertificatePolicies => Ok(Value::List(List::Oids(certificate.policies()))),
            Self::PrincipalName
            | Self::PrincipalRoles
            | Self::AnchorLabel
            | Self::AnchorSpkiSha256
            | Self::RequestMethod
            | Self::RequestPath
            | Self::RequestHost
            | Self::RequestPeerIp
            | Self::RequestTime => Err(Fault::TypeMismatch),
        }
    }
}

fn name<'c>(scope: &'c Scope<'_>) -> Result<&'c str, Fault> {
    let principal = scope.principal();
    let fault = if principal.identity().is_some() { Fault::Unnamed } else { Fault::NotVerified };
    principal.name().map_err(|_| fault)
}

/// Without port and final dot, in lower case.
fn host<'c>(request: &Request<'c>) -> Result<Cow<'c, str>, Fault> {
    let host = request.authority().and_then(Authority::parse).ok_or(Fault::NoHost)?.host;
    Ok(if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    })
}

/// One that cannot be read makes the list an error: whatever is looked for, it might be that one.
fn attributes<'c>(name: &'c Name, attribute: &'c AttributeType) -> Result<Value<'c>, Fault> {
    match name.values(attribute).find_map(Result::err) {
        Some(error) => Err(Fault::from(&error)),
        None => Ok(Value::List(List::Attributes(name, attribute))),
    }
}

fn alternative_names(certificate: &Certificate, kind: SanKind) -> Result<Value<'_>, Fault> {
    let names = certificate.san();
    let list = match kind {
        SanKind::Ip => names.ip().map(List::Addresses),
        other => names.values(other).map(List::Texts),
    };
    list.map(Value::List).map_err(|_| Fault::Undecodable)
}

impl Party {
    fn name(self, certificate: &Certificate) -> &Name {
        match self {
            Self::Subject => certificate.subject(),
            Self::Issuer => certificate.issuer(),
        }
    }
}

impl From<&NameError> for Fault {
    fn from(error: &NameError) -> Self {
        match error {
            NameError::Absent { .. } => Self::Absent,
            NameError::Repeated { .. } => Self::Repeated,
            _ => Self::Undecodable,
        }
    }
}
