//! Which authorities may vouch for the server.

use std::path::Path;

use portcullis_core::{Certificate, Distrust};
use portcullis_tls::rustls::RootCertStore;
use portcullis_tls::rustls::pki_types::CertificateDer;
use portcullis_tls::rustls::pki_types::pem::PemObject;
use portcullis_tls::{ClientAuth, ClientTrust, TlsError, TrustAnchors, TrustAnchorsError};

use super::own::Own;
use super::report::Finding;
use crate::outcome::Failure;

/// The authorities that may vouch for the server.
#[derive(Debug)]
pub(super) struct Trust {
    pub(super) roots: RootCertStore,
    /// The certificates of `--ca`; none if the system's are used.
    pub(super) certificates: Vec<Certificate>,
    /// How to speak of them.
    pub(super) origin: String,
    /// A judge of clients by the same authorities, which in a set-up for development are theirs too.
    clients: Option<ClientTrust>,
}

impl Trust {
    /// Whether the client certificate only looks as if one of these authorities had issued it.
    pub(super) fn namesake(&self, own: &Own, now: i64) -> Option<Finding> {
        let issuer = own.chain.last()?;
        self.certificates.iter().find(|anchor| anchor.subject_der() == issuer.issuer_der())?;
        let chain: Vec<_> = own.chain.iter().map(Certificate::der).collect();
        let judged = self.clients.as_ref()?.judge(&chain, now);
        matches!(judged, Err(Distrust::BadSignature | Distrust::UnknownIssuer { .. }))
            .then(|| namesake(&issuer.issuer().to_string(), &format!("the one in {}", self.origin)))
    }

    /// Those of the file, or those of the system.
    pub(super) fn read(file: Option<&Path>) -> Result<(Self, Option<Finding>), Failure> {
        match file {
            Some(file) => of_file(file),
            None => Ok((of_system(), None)),
        }
    }
}

/// Two authorities share a name.
pub(super) fn namesake(name: &str, known: &str) -> Finding {
    Finding::fail(
        "client-issuer-namesake",
        format!(
            "the client certificate was issued by another `{name}` than {known}, of the same name but with another key"
        ),
        "the authority was probably made anew: have the client certificate issued by the present one",
    )
}

fn of_system() -> Trust {
    let mut roots = RootCertStore::empty();
    // What cannot be read of them vouches for nobody.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Trust { roots, certificates: Vec::new(), origin: "the authorities of this system".into(), clients: None }
}

fn of_file(file: &Path) -> Result<(Trust, Option<Finding>), Failure> {
    let shown = file.display();
    let bytes =
        std::fs::read(file).map_err(|error| Failure::Input(format!("cannot read `{shown}`: {error}")))?;
    let mut trust = Trust {
        roots: RootCertStore::empty(),
        certificates: Vec::new(),
        origin: format!("`{shown}`"),
        clients: None,
    };
    for der in CertificateDer::pem_slice_iter(&bytes).flatten() {
        if let Ok(certificate) = Certificate::from_der(&der) {
            trust.certificates.push(certificate);
        }
        // Reported below, where it is looked at more closely.
        let _ = trust.roots.add(der);
    }
    let anchors = TrustAnchors::new().pem_file("ca", file);
    let objection = match ClientTrust::builder(ClientAuth::require(anchors)).build() {
        Ok(clients) => {
            trust.clients = Some(clients);
            None
        }
        Err(TlsError::TrustAnchors(error)) => Some(objection(file, &error)),
        Err(_) => None,
    };
    Ok((trust, objection))
}

/// What a server of portcullis would say to these authorities.
fn objection(file: &Path, error: &TrustAnchorsError) -> Finding {
    let shown = file.display();
    let remedy = "pass the certificate of the authority that issued the server's, in PEM";
    match error {
        TrustAnchorsError::Expired { not_after, .. } => Finding::fail(
            "ca-expired",
            format!(
                "an authority in `{shown}` is out of date: {}",
                Distrust::Expired { not_after: Some(*not_after) }
            ),
            "make a new authority, and have everything below it issued anew",
        ),
        TrustAnchorsError::NotAuthority { .. } => {
            Finding::warn("ca-not-authority", error.to_string(), remedy)
        }
        TrustAnchorsError::ForeignBlock { label, .. } if label.ends_with("PRIVATE KEY") => Finding::warn(
            "ca-has-key",
            format!("`{shown}` has a private key among its certificates"),
            "leave only `CERTIFICATE` blocks in a file that is handed around",
        ),
        TrustAnchorsError::ForeignBlock { .. } | TrustAnchorsError::None | TrustAnchorsError::Pem(_) => {
            Finding::fail("ca-unusable", format!("`{shown}` is no file of authorities ({error})"), remedy)
        }
        _ => Finding::warn("ca-odd", error.to_string(), remedy),
    }
}
