//! The pages, as HTML.

use askama::Template;
use portcullis_core::certificate::Name;
use portcullis_core::{Denial, Distrust, Identity, Principal};

/// The welcome of a caller whose certificate was trusted.
#[derive(Debug, Template)]
#[template(path = "authorized.html")]
pub struct Authorized {
    name: String,
    fields: Vec<(&'static str, Vec<String>)>,
    roles: Vec<String>,
    issuer: String,
    sha256: String,
}

impl Authorized {
    /// The welcome of a verified peer. It has a name and roles if it is an authenticated caller.
    #[must_use]
    pub fn new(identity: &Identity, caller: Option<&Principal>) -> Self {
        let certificate = identity.certificate();
        let name = caller.and_then(|caller| caller.name().ok());
        Self {
            name: name.map_or_else(|| "holder of a certificate without a usable name".into(), String::from),
            fields: fields(certificate.subject()),
            roles: caller
                .map(|caller| caller.roles().names().map(String::from).collect())
                .unwrap_or_default(),
            issuer: certificate.issuer().to_string(),
            sha256: certificate.sha256().to_string(),
        }
    }
}

/// The values that people look for first, in the order in which they read them.
fn fields(subject: &Name) -> Vec<(&'static str, Vec<String>)> {
    [
        ("Common name (CN)", subject.common_names()),
        ("E-mail (emailAddress)", subject.email_addresses()),
        ("Organization (O)", subject.organizations()),
        ("Unit (OU)", subject.organizational_units()),
        ("Locality (L)", subject.localities()),
        ("State (ST)", subject.state_or_provinces()),
        ("Country (C)", subject.countries()),
    ]
    .into_iter()
    .map(|(label, values)| match values {
        Ok(values) => (label, values.into_iter().map(String::from).collect()),
        Err(error) => (label, vec![format!("({error})")]),
    })
    .collect()
}

/// The page for callers without a certificate, or with one that was not trusted.
#[derive(Debug, Template)]
#[template(path = "unauthorized.html")]
pub struct Unauthorized {
    subject: Option<String>,
    reason: Option<String>,
    remedy: Option<&'static str>,
}

impl Unauthorized {
    /// The page for a caller who sent no certificate.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { subject: None, reason: None, remedy: None }
    }

    /// The page for a caller whose certificate was not trusted.
    #[must_use]
    pub fn untrusted(subject: Option<&Name>, reason: &Distrust) -> Self {
        Self {
            subject: subject.map(ToString::to_string),
            reason: Some(reason.to_string()),
            remedy: Some(reason.remedy()),
        }
    }
}

/// A report, for any authenticated caller.
#[derive(Debug, Template)]
#[template(path = "report.html")]
pub struct Report<'a> {
    /// The number of the report.
    pub id: u32,
    /// Who reads it.
    pub reader: &'a str,
}

/// The page of the administrators.
#[derive(Debug, Template)]
#[template(path = "admin.html")]
pub struct Admin<'a> {
    /// Who looks at it.
    pub name: &'a str,
    /// What comes after `/admin/`.
    pub page: &'a str,
}

/// The page for a request that the policy refuses: an own page instead of the built-in one.
#[derive(Debug, Template)]
#[template(path = "denied.html")]
pub struct Denied {
    status: u16,
    kind: &'static str,
    id: String,
    reason: Option<String>,
    remedy: Option<&'static str>,
}

impl Denied {
    /// The page for a denial. It shows why a certificate was not trusted, which a service on the
    /// open internet would keep to itself.
    #[must_use]
    pub fn new(denial: &Denial) -> Self {
        Self {
            status: denial.status(),
            kind: denial.kind().name(),
            id: denial.id().to_string(),
            reason: denial.distrust().map(ToString::to_string),
            remedy: denial.distrust().map(Distrust::remedy),
        }
    }
}
