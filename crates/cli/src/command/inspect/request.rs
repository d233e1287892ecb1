//! A certificate signing request.

use portcullis_core::certificate::Name;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

use portcullis_pki::SigningRequest;

use super::section::{Level, Section};

pub(super) fn section(der: &[u8]) -> Section {
    let mut section = Section::new("certificate signing request");
    let Ok((_, request)) = X509CertificationRequest::from_der(der) else {
        section.problem(Level::Error, "malformed", "it cannot be read: have it made again");
        return section;
    };
    let subject = Name::from_der(request.certification_request_info.subject.as_raw());
    match subject {
        Ok(name) => section.field("subject", name.to_string()),
        Err(error) => section.problem(Level::Error, "malformed", error.to_string()),
    }
    for extension in request.requested_extensions().into_iter().flatten() {
        if let ParsedExtension::SubjectAlternativeName(names) = extension {
            section.list("alternative names", names.general_names.iter().map(told).collect());
        }
    }
    match SigningRequest::read(der) {
        Ok(_) => section.field("proof", "the sender has the private key"),
        Err(error) => section.problem(Level::Error, "refused", error.to_string()),
    }
    section.problem(Level::Note, "only-a-wish", "nobody has vouched for it: what it asks for is only a wish");
    section
}

fn told(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => format!("dns:{name}"),
        GeneralName::RFC822Name(name) => format!("email:{name}"),
        GeneralName::URI(name) => format!("uri:{name}"),
        other => other.to_string(),
    }
}
