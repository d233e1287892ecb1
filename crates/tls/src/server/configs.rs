//! The configurations for rustls, one for each site and list of protocols.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ServerConfig, SupportedProtocolVersion};

use super::settings::Settings;
use super::snapshot::{CertificateOfSite, Clients, Snapshot, Trust};
use crate::TlsError;
use crate::client_auth::Mode;
use crate::sessions::Sessions;
use crate::verifier::ClientVerifier;

/// The configurations for rustls that were made so far.
pub(super) struct Configs(Mutex<Made>);

struct Made {
    by_default: OfSite,
    others: Vec<OfSite>,
    /// Those of old configurations, too, as long as somebody goes on using them.
    sessions: Vec<Weak<Sessions>>,
}

/// What is made for one site.
struct OfSite {
    /// Cloned for each list of protocols, and given sessions of its own. Never used itself.
    template: ServerConfig,
    keeps_all: bool,
    has_tickets: bool,
    made: Vec<(Vec<Vec<u8>>, Arc<ServerConfig>)>,
}

/// Templates that were made for a snapshot, in the order of its sites.
pub(super) struct Templates {
    by_default: OfSite,
    others: Vec<OfSite>,
}

impl Templates {
    /// What rustls is told of the sites of a snapshot, which will be in force by this trust.
    pub(super) fn new(
        settings: &Settings,
        versions: &[&'static SupportedProtocolVersion],
        has_tickets: bool,
        snapshot: &Snapshot,
        trust: &Arc<Trust>,
    ) -> Result<Self, TlsError> {
        let of_site = |site, clients: Option<&Clients>| {
            let verifier = match clients {
                None => WebPkiClientVerifier::no_client_auth(),
                Some(clients) => Arc::new(ClientVerifier::new(trust.clone(), site, clients)),
            };
            let provider = settings.provider.clone();
            let mut template = ServerConfig::builder_with_details(provider, Arc::new(settings.clock.clone()))
                .with_protocol_versions(versions)
                .map_err(|error| TlsError::Versions { reason: error.to_string() })?
                .with_client_cert_verifier(verifier)
                .with_cert_resolver(Arc::new(CertificateOfSite(trust.clone())));
            template.session_storage = Arc::new(NoServerSessionStorage {});
            // Filled by features of rustls that other crates may enable.
            template.cert_decompressors = Vec::new();
            // Where only trusted clients get through, or none are asked, every session may be resumed.
            let keeps_all = clients.is_none_or(|clients| clients.mode == Mode::Require);
            Ok::<_, TlsError>(OfSite { template, keeps_all, has_tickets, made: Vec::new() })
        };
        let others = (1..).zip(&snapshot.others).map(|(site, state)| of_site(site, state.clients.as_deref()));
        Ok(Self {
            by_default: of_site(0, snapshot.by_default.clients.as_deref())?,
            others: others.collect::<Result<_, _>>()?,
        })
    }
}

impl Configs {
    pub(super) fn new(templates: Templates) -> Self {
        let Templates { by_default, others } = templates;
        Self(Mutex::new(Made { by_default, others, sessions: Vec::new() }))
    }

    /// The one for this site and list of protocols.
    pub(super) fn of(&self, site: usize, alpn: &[Vec<u8>]) -> Arc<ServerConfig> {
        let mut made = self.lock();
        let Made { by_default, others, sessions } = &mut *made;
        let of_site = site.checked_sub(1).and_then(|index| others.get_mut(index)).unwrap_or(by_default);
        if let Some((_, config)) = of_site.made.iter().find(|(known, _)| known == alpn) {
            return config.clone();
        }
        let own = Arc::new(Sessions::new(of_site.keeps_all, of_site.has_tickets));
        let mut config = of_site.template.clone();
        config.session_storage = own.clone();
        if of_site.has_tickets {
            config.ticketer = own.clone();
        }
        config.alpn_protocols = alpn.to_vec();
        let config = Arc::new(config);
        of_site.made.push((alpn.to_vec(), config.clone()));
        sessions.retain(|sessions| sessions.strong_count() > 0);
        sessions.push(Arc::downgrade(&own));
        config
    }

    /// Makes all of them anew from now on. No session goes on.
    pub(super) fn renew(&self, templates: Templates) {
        let mut made = self.lock();
        (made.by_default, made.others) = (templates.by_default, templates.others);
        drop(made);
        self.forget_sessions();
    }

    pub(super) fn forget_sessions(&self) {
        let sessions: Vec<_> = self.lock().sessions.iter().filter_map(Weak::upgrade).collect();
        sessions.iter().for_each(|sessions| sessions.forget_all());
    }

    fn lock(&self) -> MutexGuard<'_, Made> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
