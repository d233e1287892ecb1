//! What the server asks of its clients, and how our certificate fits.

use std::sync::{Arc, Mutex, PoisonError};

use portcullis_core::certificate::Name;
use portcullis_tls::rustls::SignatureScheme;
use portcullis_tls::rustls::client::ResolvesClientCert;
use portcullis_tls::rustls::sign::CertifiedKey;

use super::own::Own;
use super::report::Finding;

/// Shows our certificate, and remembers what the server asked for.
#[derive(Debug)]
pub(super) struct Resolver {
    key: Option<Arc<CertifiedKey>>,
    asked: Mutex<Option<Asked>>,
}

/// What the server asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// The names of the authorities that it takes certificates of, in DER; empty for any.
    names: Vec<Vec<u8>>,
    /// Whether our key can sign in a way that it takes; without a key there is nothing to sign.
    pub(super) can_sign: bool,
}

impl Resolver {
    pub(super) fn new(own: Option<&Own>) -> Self {
        Self { key: own.map(|own| own.key.clone()), asked: Mutex::new(None) }
    }

    /// What the server asked for; none if it did not ask.
    pub(super) fn asked(&self) -> Option<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesClientCert for Resolver {
    fn resolve(&self, names: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let names = names.iter().map(|name| name.to_vec()).collect();
        let can_sign = self.key.as_ref().is_none_or(|key| key.key.choose_scheme(schemes).is_some());
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Asked { names, can_sign });
        self.key.clone().filter(|_| can_sign)
    }

    fn has_certs(&self) -> bool {
        // Or rustls would not tell what is asked for.
        true
    }
}

impl Asked {
    /// The names of the authorities in words.
    pub(super) fn words(&self) -> String {
        if self.names.is_empty() {
            return "a client certificate of any authority".into();
        }
        let shown = self.names.iter().take(4).map(|der| match Name::from_der(der) {
            Ok(name) => format!("`{name}`"),
            Err(_) => "a name that cannot be read".into(),
        });
        let mut words = shown.collect::<Vec<_>>().join(", ");
        if let Some(more @ 1..) = self.names.len().checked_sub(4) {
            words.push_str(&format!(" and {more} more"));
        }
        format!("a client certificate of {words}")
    }

    /// Whether a client that goes by the names would send our certificate.
    pub(super) fn fits(&self, own: &Own) -> bool {
        self.names.is_empty() || self.names_issuer_of(own)
    }

    /// Whether one of the certificates that we send is from an authority that was named.
    pub(super) fn names_issuer_of(&self, own: &Own) -> bool {
        own.chain.iter().any(|sent| self.names.iter().any(|name| name == sent.issuer_der()))
    }

    /// Why browsers would not offer our certificate, if they would not.
    pub(super) fn misfit(&self, own: &Own) -> Option<Finding> {
        if self.fits(own) {
            return None;
        }
        let issuer = own.chain.last().map(|last| last.issuer().to_string()).unwrap_or_default();
        Some(Finding::warn(
            "client-not-named",
            format!(
                "the server asks for {}, and ours is from `{issuer}`: browsers would not offer it",
                self.words()
            ),
            "use a certificate of an authority that is named, send its intermediates along, or have the server name this one",
        ))
    }
}
