//! What `/whoami` answers: everything that is known of the caller, as JSON.

use std::collections::BTreeMap;

use portcullis_core::certificate::{Certificate, Name, SanKind};
use portcullis_core::{ConnectionInfo, Peer, Principal};
use serde::Serialize;

/// Everything that is known of the caller.
#[derive(Debug, Serialize)]
pub struct Whoami {
    peer: &'static str,
    reason: Option<String>,
    name: Option<String>,
    subject: BTreeMap<String, Vec<String>>,
    san: BTreeMap<&'static str, Vec<String>>,
    sha256: Option<String>,
    roles: Vec<String>,
    anchor: Option<String>,
    provenance: Option<&'static str>,
    tls: Tls,
}

#[derive(Debug, Serialize)]
struct Tls {
    version: Option<&'static str>,
    resumed: bool,
}

impl Whoami {
    /// What is known of a peer, of its principal if it is an authenticated caller, and of its connection.
    #[must_use]
    pub fn new(peer: &Peer, caller: Option<&Principal>, connection: &ConnectionInfo) -> Self {
        let (certificate, reason) = match peer {
            Peer::Anonymous => (None, None),
            Peer::Untrusted { certificate, reason } => (certificate.as_ref(), Some(reason.to_string())),
            Peer::Verified(identity) => (Some(identity.certificate()), None),
        };
        let identity = peer.identity();
        Self {
            peer: peer.name(),
            reason,
            name: caller.and_then(|caller| caller.name().ok()).map(String::from),
            subject: certificate.map(|c| attributes(c.subject())).unwrap_or_default(),
            san: certificate.map(alternative_names).unwrap_or_default(),
            sha256: certificate.map(|c| c.sha256().to_string()),
            roles: caller
                .map(|caller| caller.roles().names().map(String::from).collect())
                .unwrap_or_default(),
            anchor: identity.map(|identity| identity.anchor().label().to_owned()),
            provenance: identity.map(|identity| identity.provenance().name()),
            tls: Tls { version: connection.tls_version, resumed: connection.resumed },
        }
    }
}

/// Each attribute with its values; one that cannot be read is shown as such, never as text.
fn attributes(name: &Name) -> BTreeMap<String, Vec<String>> {
    let mut attributes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for attribute in name.rdns().iter().flat_map(|rdn| rdn.attributes()) {
        let value = attribute.value().map_or_else(|error| format!("({error})"), String::from);
        attributes.entry(attribute.attribute_type().to_string()).or_default().push(value);
    }
    attributes
}

fn alternative_names(certificate: &Certificate) -> BTreeMap<&'static str, Vec<String>> {
    [SanKind::Dns, SanKind::Email, SanKind::Uri, SanKind::Ip, SanKind::Upn]
        .into_iter()
        .filter_map(|kind| {
            let values = match certificate.san().values(kind) {
                Ok(values) => values.iter().map(|value| value.to_string()).collect::<Vec<_>>(),
                Err(error) => vec![format!("({error})")],
            };
            (!values.is_empty()).then(|| (kind.as_str(), values))
        })
        .collect()
}
