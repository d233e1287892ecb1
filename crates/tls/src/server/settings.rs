//! What a server was told, and is read again at each reload.

use std::path::PathBuf;
use std::sync::Arc;

use portcullis_core::Certificate;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;

use super::names::{Fault, Names};
use super::site::Asked;
use super::snapshot::{Clients, SiteState, Snapshot};
use crate::clock::Clock;
use crate::counters::Counters;
use crate::judge::Judge;
use crate::{ClientAuth, KeyPair, KeyPairError, Revocation, Site, TlsError};

/// Where everything comes from that a snapshot is made of.
pub(super) struct Settings {
    pub(super) key_pair: KeyPair,
    pub(super) client_auth: Option<ClientAuth>,
    /// For whoever has none of their own.
    pub(super) revocation: Option<Revocation>,
    pub(super) sites: Vec<Site>,
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) clock: Clock,
    pub(super) counters: Arc<Counters>,
}

impl Settings {
    /// Reads all of it, and checks it; nothing is in force by that.
    pub(super) fn load(&self, generation: u64) -> Result<Snapshot, TlsError> {
        if self.revocation.is_some() && self.asked().all(|asked| asked.revocation.is_some()) {
            return Err(TlsError::IdleRevocation);
        }
        let now = self.clock.now();
        let by_default =
            self.client_auth.as_ref().map(|asked| self.clients(asked, generation)).transpose()?;
        let mut others = Vec::new();
        let mut names = Names::default();
        for (number, site) in (1..).zip(&self.sites) {
            if site.names.is_empty() {
                return Err(TlsError::NamelessSite { number });
            }
            for name in &site.names {
                names.add(name, number).map_err(|fault| refused(name, &fault))?;
            }
            let clients = match &site.client_auth {
                Asked::AsByDefault => by_default.clone(),
                Asked::Nobody => None,
                Asked::Clients(asked) => Some(self.clients(asked, generation)?),
            };
            others.push(self.site(&site.names, &site.key_pair, clients, now)?);
        }
        let by_default = self.site(&[], &self.key_pair, by_default, now)?;
        Ok(Snapshot { generation, by_default, others, names })
    }

    /// The files that were named, each once.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let key_pairs = std::iter::once(&self.key_pair).chain(self.sites.iter().map(|site| &site.key_pair));
        let mut files: Vec<PathBuf> = key_pairs.flat_map(KeyPair::files).collect();
        files.extend(self.asked().flat_map(|asked| asked.anchors.files()));
        let revocations = self.asked().filter_map(|asked| asked.revocation.as_ref());
        files.extend(revocations.chain(&self.revocation).flat_map(Revocation::files));
        files.sort();
        files.dedup();
        files
    }

    /// All ways in which clients are asked for a certificate.
    fn asked(&self) -> impl Iterator<Item = &ClientAuth> {
        let of_sites = self.sites.iter().filter_map(|site| match &site.client_auth {
            Asked::Clients(asked) => Some(&**asked),
            Asked::AsByDefault | Asked::Nobody => None,
        });
        self.client_auth.iter().chain(of_sites)
    }

    fn site(
        &self,
        names: &[String],
        key_pair: &KeyPair,
        clients: Option<Arc<Clients>>,
        now: i64,
    ) -> Result<SiteState, TlsError> {
        let certified_key = key_pair.load(&self.provider, now)?;
        let certificate = own_certificate(&certified_key)?;
        let names = names.to_vec();
        Ok(SiteState { names, certified_key: Arc::new(certified_key), certificate, clients })
    }

    fn clients(&self, asked: &ClientAuth, generation: u64) -> Result<Arc<Clients>, TlsError> {
        let revocation = asked.revocation.as_ref().or(self.revocation.as_ref());
        let (now, counters) = (self.clock.now(), self.counters.clone());
        let judge = Judge::load(asked, revocation, &self.provider, now, generation, counters)?;
        let hints = asked.hints(judge.anchors())?;
        Ok(Arc::new(Clients { mode: asked.mode, judge, hints }))
    }
}

/// The certificate that is shown, whose chain was read and checked before.
fn own_certificate(certified_key: &CertifiedKey) -> Result<Certificate, TlsError> {
    let refused = |reason: String| {
        let origin = "the server's certificate chain".to_owned();
        TlsError::KeyPair(KeyPairError::Certificate { origin, position: 1, reason })
    };
    let own = certified_key.cert.first().ok_or_else(|| refused("it is empty".into()))?;
    Certificate::from_der(own).map_err(|error| refused(error.to_string()))
}

fn refused(name: &str, fault: &Fault) -> TlsError {
    let name = name.escape_debug().to_string();
    match fault {
        Fault::Malformed => TlsError::ServerName { name },
        Fault::International => TlsError::InternationalName { name },
        Fault::Taken => TlsError::NameTwice { name },
    }
}
